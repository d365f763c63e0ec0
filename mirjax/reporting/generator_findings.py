"""Findings on the study's generators, as sentences computed from the results."""

from mirjax.reporting import table
from mirjax.reporting.findings_text import (
    Findings,
    against_reported,
    finding,
    shown,
    start,
)
from mirjax.reporting.page import Text
from mirjax.reporting.study_results import HELD_OUT, SEEN, Result, best

_CONSTANT = "most frequent miRNA, for every target"
_SHUFFLED = "letters of the true miRNA, shuffled"
_WHOLE = "complementarity, anchored, whole database"
_ANCHORED = "complementarity, anchored"
_PREFIX = "previous letters alone, without the target"


def hits(result: Result) -> Findings:
    """T1 and T4: predictions with a BLAST hit, of baselines and of models."""
    metric = next(
        row["metric"] for row in result.rows(kind="reported", data=result.first)
    )
    found = []
    constant = result.row(predictor=_CONSTANT, metric=metric, data=result.first)
    shuffled = result.row(predictor=_SHUFFLED, metric=metric, data=result.first)
    if constant is not None and shuffled is not None:
        found.append(
            finding(
                f"{start(metric)}: one and the same miRNA, predicted for every "
                f"held-out target of {result.first}, has a hit for {shown(constant)} "
                "of them; the true miRNA with its letters shuffled for "
                f"{shown(shuffled)}. A hit says "
                "that a prediction resembles a miRNA, not that it is the correct one."
            )
        )
    for data in dict.fromkeys((result.first, result.second)):
        models = result.measured(kind="model", metric=metric, data=data)
        top = best(models)
        if top is not None:
            found.append(
                finding(
                    f"On held-out rows of {data} the highest of our models is "
                    f"{top['predictor']} with {shown(top)}"
                    + against_reported(result, top)
                )
            )
    return found


def names(result: Result) -> Findings:
    """T5: seen and held out, shared miRNAs, new families."""
    metric, found = "blast_name_match", []
    row = best(result.measured(kind="model", metric=metric, data=result.first))
    if row is not None and SEEN in row:
        gap = 100 * (row[SEEN] - row[HELD_OUT])
        found.append(
            finding(
                f"The best of our models on held-out rows of {result.first}, "
                f"{row['predictor']}, names {shown(row)} of them, and "
                f"{shown(row, SEEN)} of the rows that it was trained on, "
                f"{abs(gap):.1f} points "
                f"{'more' if gap >= 0 else 'less'}" + against_reported(result, row)
            )
        )
    shared = result.content["values"]["known_mirnas"].get(result.first)
    if shared is not None:
        found.append(
            Text(
                f"The miRNA of {100 * shared:.1f}% of these held-out rows is in "
                "training too: the model chooses among miRNAs that it knows.",
                "caution",
            )
        )
    data = f"{result.first}, new miRNA families"
    family = best(result.measured(kind="model", metric=metric, data=data))
    without = result.row(predictor=_WHOLE, metric=metric, data=data)
    if family is not None and without is not None:
        found.append(
            finding(
                "Of targets of miRNA families that are not in training, the model "
                f"names {shown(family)} correctly, and complementarity with all human "
                f"miRNAs {shown(without)}."
            )
        )
    return found


def accuracies(result: Result) -> Findings:
    """T6: the published token accuracy, and the collapse to one prediction."""
    found = []
    for name, distinct in result.content["values"]["distinct"].items():
        rows = result.content["values"]["rows"][name]
        exact = result.row(predictor=name, metric="exact_match")
        keras = result.row(predictor=name, metric="token_accuracy_keras")
        if exact is None or keras is None:
            continue
        collapsed = distinct <= max(3, 0.01 * rows)
        found.append(
            Text(
                f"{name}: {_count(distinct)} for {rows:,.0f} "
                f"held-out targets, {shown(exact)} of them exact; the published count "
                f"of letters gives {shown(keras)}"
                + (
                    ". It has collapsed: it reads the previous letters alone."
                    if collapsed
                    else "."
                ),
                "caution" if collapsed else "finding",
            )
        )
    prefix = result.row(predictor=_PREFIX, metric="token_accuracy_keras")
    if prefix is not None:
        found.append(
            finding(
                "A predictor that sees the previous letters alone and never the target "
                f"has {shown(prefix)} by the same count"
                + against_reported(result, prefix)
            )
        )
    return found


def _count(distinct: float) -> str:
    number = f"{distinct:,.0f} distinct prediction"
    return number if distinct == 1 else f"{number}s"


def datasets(result: Result) -> Findings:
    """T7: the difference between the datasets, with and without a model."""
    found = []
    for metric in ("exact_match", "seed_match"):
        for predictor in ("Transformer", _ANCHORED):
            one, other = (
                result.row(predictor=predictor, metric=metric, data=data)
                for data in (result.first, result.second)
            )
            if one is None or other is None:
                continue
            gap = 100 * (one[HELD_OUT] - other[HELD_OUT])
            found.append(
                finding(
                    f"{predictor}, {table.label(metric)}: {shown(one)} on "
                    f"{result.first} and {shown(other)} on {result.second}, "
                    f"{abs(gap):.1f} points {'less' if gap >= 0 else 'more'}."
                )
            )
    return found


def lengths(result: Result) -> Findings:
    """T8: effects of the position of the site and of the number of rows."""
    found = []
    targets = result.rows(kind="lengths", predictor="targets")
    if targets:
        of_data = ", ".join(
            f"{row['median']:g} nt in {row['data']} ({row['shortest']} to "
            f"{row['longest']})"
            for row in targets
        )
        found.append(finding(f"The median target has {of_data}."))
    names = (
        result.second,
        f"{result.second}, targets cut at their known sites",
        f"{result.first}, as many rows",
    )
    for metric in ("exact_match", "seed_match"):
        rows = [
            result.row(predictor="Transformer", metric=metric, data=data)
            for data in names
        ]
        whole, cut, equal = rows
        if whole is not None and cut is not None and equal is not None:
            found.append(
                finding(
                    f"Transformer, {table.label(metric)}: {shown(whole)} on whole "
                    f"targets of {result.second}, {shown(cut)} on the same targets cut "
                    f"to 29 nt at their known sites, and {shown(equal)} on as many "
                    f"rows of {result.first}."
                )
            )
    found.append(
        Text(
            "Cutting a target at its known site uses the true miRNA: it explains a "
            "difference and predicts nothing.",
            "caution",
        )
    )
    return found
