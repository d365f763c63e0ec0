"""Tables on standard output: metrics of a model and its baselines, or plain rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box, table
from rich.console import Console

_WIDTH = 148  # columns where the output is not a terminal
_NARROW = 80  # the same, of a summary

_LABELS = {
    "loss": "loss (nats per position)",
    "cross_entropy": "cross-entropy (nats per position)",
    "token_accuracy_keras": "token accuracy, Keras's count",
    "token_accuracy_masked": "token accuracy",
    "exact_match": "exact match",
    "known_match": "match to a known miRNA",
    "seed_match": "seed (2-8) match",
    "edit_distance": "edit distance (nt)",
    "real_share": "predictions that are real miRNAs",
    "distinct": "distinct predictions",
    "n": "rows",
    "top_1": "true miRNA ranked first",
    "top_5": "true miRNA in the first 5",
    "top_10": "true miRNA in the first 10",
    "mrr": "mean reciprocal rank",
    "top_1_known": "ranked first: a known miRNA",
    "top_1_seed": "ranked first: of its seed",
    "top_1_filtered": "first but for its other miRNAs",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity (recall)",
    "specificity": "specificity",
    "f1": "F1",
    "ppv": "PPV (precision)",
    "npv": "NPV",
    "brier": "Brier score",
    "auroc": "AUROC",
    "average_precision": "average precision",
    "ece": "calibration error (ECE)",
    "blast_hit_share": "predictions with a BLAST hit",
    "blast_identity": "identity to best hit, aligned",
    "blast_identity_full": "identity to best hit, whole",
    "blast_name_match": "best hit is the true miRNA",
}
# Main metrics of a classifier, and of a generator; the model has the first.
_SUMMARIES = (
    {
        "average_precision": "average\nprecision",
        "auroc": "AUROC",
        "accuracy": "accuracy",
        "sensitivity": "sensitivity",
        "specificity": "specificity",
        "ece": "ECE",
    },
    {
        "exact_match": "exact\nmatch",
        "known_match": "known\nmatch",
        "seed_match": "seed\nmatch",
        "edit_distance": "edit\ndistance",
        "token_accuracy_masked": "token\naccuracy",
        "top_1": "ranked\nfirst",
    },
)
_HIT_SHARE = "blast_hit_share_"
_NUMBERS = ("loss", "cross_entropy", "edit_distance")
_FRACTIONS = (
    "accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "ppv",
    "npv",
    "brier",
    "auroc",
    "average_precision",
    "ece",
    "mrr",
)
_COUNTS = ("n", "distinct")


def label(metric: str) -> str:
    """Return a metric's name in words.

    >>> label("blast_hit_share_0.01")
    'BLAST hit at E ≤ 0.01'
    """
    if metric.startswith(_HIT_SHARE):
        return f"BLAST hit at E ≤ {metric.removeprefix(_HIT_SHARE)}"
    return _LABELS.get(metric, metric)


def _is_known(metric: str) -> bool:
    return metric in _LABELS or metric.startswith(_HIT_SHARE)


def value(metric: str, number: float | int | None) -> str:
    """Format a metric's value: as a count, a number, a fraction or in percent.

    >>> value("exact_match", 0.25), value("auroc", 0.25), value("auroc", None)
    ('25.0%', '0.2500', '–')
    """
    if number is None:
        return "–"
    if metric in _COUNTS:
        return f"{number:,.0f}"
    if metric in _FRACTIONS:
        return f"{number:.4f}"
    return f"{number:.3f}" if metric in _NUMBERS else f"{100 * number:.1f}%"


def print_comparison(
    columns: Mapping[str, Mapping[str, Any]],
    *,
    title: str,
) -> None:
    """Print a table with a row for each metric and a column for each predictor.

    Args:
      columns: predictor → metric → value; a predictor without a metric has "–".
        Entries that are not metrics are left out.
      title: above the table.
    """
    comparison = table.Table(box=box.SIMPLE_HEAD, pad_edge=False)
    comparison.add_column("", no_wrap=True)
    for name in columns:
        comparison.add_column(name.replace("_", " "), justify="right", overflow="fold")
    metrics = dict.fromkeys(name for column in columns.values() for name in column)
    for metric in filter(_is_known, metrics):
        values = [value(metric, column.get(metric)) for column in columns.values()]
        comparison.add_row(label(metric), *values)
    _print(comparison, title)


def print_summary(
    columns: Mapping[str, Mapping[str, Any]],
    *,
    title: str,
) -> None:
    """Print the main metrics: a row for each predictor, at most 80 columns wide.

    Args:
      columns: predictor → metric → value; a predictor without a metric has "–".
      title: above the table.
    """
    headings = next(kind for kind in _SUMMARIES if next(iter(kind)) in columns["model"])
    names = [name for name in headings if any(name in x for x in columns.values())]
    summary = table.Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    summary.add_column("", no_wrap=True)
    for name in names:
        summary.add_column(headings[name], justify="right", no_wrap=True)
    for predictor, column in columns.items():
        values = [value(name, column.get(name)) for name in names]
        summary.add_row(predictor.replace("_", " "), *values)
    _print(summary, title, _NARROW)


def print_rows(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str,
) -> None:
    """Print a table of text.

    Args:
      header: name of each column.
      rows: the fields of each row.
      title: above the table.
    """
    listing = table.Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in header:
        listing.add_column(name, overflow="fold")
    for row in rows:
        listing.add_row(*row)
    _print(listing, title)


def _print(content: table.Table, title: str, width: int = _WIDTH) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=width)
    console.print(title, markup=False, soft_wrap=True)
    console.print(content)
