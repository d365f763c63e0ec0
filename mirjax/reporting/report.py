"""The report of an evaluation: tables, and the content of metrics.json."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from mirjax.evaluation.evaluation_set import Source
from mirjax.reporting import table

Metrics = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Report:
    """The content that an evaluation prints and writes.

    Attributes:
      metrics: metrics of the model, and the options they depend on.
      baselines: metrics of each baseline.
      notes: lines to print below the tables.
      decoders: metrics of each other decoder.
      published: metrics of predictors as published, on the same rows.
      benchmark: name of the benchmark and test set of `published`; empty without one.
    """

    metrics: Metrics
    baselines: Mapping[str, Metrics]
    notes: Sequence[str]
    decoders: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)
    published: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)
    benchmark: Metrics = dataclasses.field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """Return the measurements as entries of metrics.json."""
        benchmark = {"benchmark": self.benchmark} if self.benchmark else {}
        return {**self.metrics, "baselines": self.baselines, **benchmark}


def describe_source(source: Source) -> dict[str, Any]:
    """Describe the evaluated rows as entries of metrics.json."""
    return {
        "data": source.data,
        "data_path": source.path or None,
        "split": source.part,
        "split_protocol": source.protocol or None,
        "rows_in_split": source.available,
        "sample_seed": source.seed,
        "rows_labelled_0_left_out": source.dropped,
        "baselines_fitted_on": source.fitted_on or None,
    }


def print_report(report: Report, title: str, *, full: bool = False) -> None:
    """Print the tables and notes of a report.

    Args:
      report: what to print.
      title: above the first table.
      full: whether to print all metrics, in tables that may be wider than 80 columns.
    """
    print_table = table.print_comparison if full else table.print_summary
    columns = {"model": report.metrics, **report.decoders, **report.baselines}
    print_table(columns, title=title)
    of_new = report.metrics.get("new_targets") or {"n": 0}
    if of_new["n"] == report.metrics["n"]:
        print("no target is in a training pair")
    elif of_new["n"]:
        columns |= report.metrics["new_targets_baselines"]
        print_table(
            {
                name: column.get("new_targets", column)
                for name, column in columns.items()
            },
            title=f"of these the {of_new['n']:.0f} rows of targets in no training pair",
        )
    if report.published:
        _print_published(report)
    for note in report.notes:
        print(note)


def _print_published(report: Report) -> None:
    """Print the model among published predictors, the best first."""
    name = "average_precision"
    found = {"this model": report.metrics, **report.published}
    ranked = sorted(found, key=lambda predictor: -found[predictor][name])
    rows = [
        [predictor, table.value(name, found[predictor][name])] for predictor in ranked
    ]
    header = ("published predictors", table.label(name))
    table.print_rows(header, rows, title="published metrics, on the same rows")


def print_origin(source: Source, path: pathlib.Path, *, full: bool) -> None:
    """Print which rows the baselines were fitted on, and the path of all metrics.

    Args:
      source: of the rows.
      path: of metrics.json.
      full: whether all metrics were printed.
    """
    if source.fitted_on:
        print(f"baselines fitted on {source.fitted_on}")
    else:
        print("no training rows: baselines that need them are left out (--train_data)")
    print(path if full else f"all metrics: --full, or {path}")
