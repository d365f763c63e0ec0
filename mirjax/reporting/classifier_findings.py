"""Findings on the study's classifiers, as sentences computed from the results."""

from mirjax.reporting import table
from mirjax.reporting.findings_text import Findings, against_reported, finding, shown
from mirjax.reporting.study_results import HELD_OUT, Result, best

_ANCHORED, _COMPLEMENTARITY = "complementarity, anchored", "complementarity"
_MIRNA_ALONE = "the miRNA's sequence alone"


def positives_only(result: Result) -> Findings:
    """T2: accuracy where every pair is positive, and on negatives."""
    metric = "accuracy"
    data = f"{result.first}, positives only"
    found = []
    model = best(result.measured(kind="model", metric=metric, data=data))
    baselines = result.measured(kind="baseline", metric=metric, data=data)
    if model is not None and baselines:
        equal = [row for row in baselines if row[HELD_OUT] >= model[HELD_OUT]]
        found.append(
            finding(
                f"The classifier has {shown(model)} accuracy where every pair is "
                f"positive; {len(equal)} of {len(baselines)} baselines have as much: "
                "without negatives, a predictor that calls all pairs positive is right."
            )
        )
    beside = f"{result.first}, negatives that keep each miRNA's frequency"
    balanced = result.row(kind="model", metric=metric, data=beside)
    refused = result.row(kind="model", metric="specificity", data=beside)
    if balanced is not None and refused is not None:
        found.append(
            finding(
                f"Beside generated negatives the same models have {shown(balanced)} "
                f"accuracy; they recognise {100 * refused[HELD_OUT]:.1f}% of the "
                "negatives."
            )
        )
    return found


def negatives(result: Result) -> Findings:
    """T3: how much of the accuracy comes from the negatives."""
    data = f"{result.first}, random negatives"
    repaired = f"{result.first}, negatives that keep each miRNA's frequency"
    found = []
    model = best(result.measured(kind="model", metric="accuracy", data=data))
    baseline = result.row(predictor=_COMPLEMENTARITY, metric="accuracy", data=data)
    if model is not None and baseline is not None:
        ahead = baseline[HELD_OUT] >= model[HELD_OUT]
        end = "it is at least as good" if ahead else "the classifier is ahead"
        found.append(
            finding(
                f"With random negatives the best classifier ({model['predictor']}) has "
                f"an accuracy of {shown(model)} on held-out rows"
                + against_reported(result, model).rstrip(".")
                + f"; complementarity, with two fitted numbers, has {shown(baseline)}"
                + f": {end}."
            )
        )
    metric = "average_precision"
    alone = [
        result.row(predictor=_MIRNA_ALONE, metric=metric, data=each)
        for each in (data, repaired)
    ]
    if alone[0] is not None and alone[1] is not None:
        found.append(
            finding(
                "Random negatives give away the miRNA's frequency. The miRNA's "
                "sequence alone, without any target, has an average precision of "
                f"{shown(alone[0])} with random negatives and of {shown(alone[1])} "
                "with negatives that keep each miRNA's frequency."
            )
        )
    after = best(result.measured(kind="model", metric="accuracy", data=repaired))
    if after is not None:
        found.append(
            finding(
                "With negatives that keep each miRNA's frequency the classifier has an "
                f"accuracy of {shown(after)} on held-out rows."
            )
        )
    return found


def without_model(result: Result) -> Findings:
    """T9: comparisons in which complementarity is at least as good as the models."""
    found, as_good, compared = [], 0, 0
    for metric, data, rows in result.groups():
        model = best([row for row in rows if row["kind"] == "model"])
        names = (_ANCHORED, _COMPLEMENTARITY)
        plain = best([row for row in rows if row["predictor"] in names])
        if model is None or plain is None:
            continue
        compared += 1
        as_good += plain[HELD_OUT] >= model[HELD_OUT]
        found.append(
            finding(
                f"{data}, {table.label(metric)}: {plain['predictor']} has "
                f"{shown(plain)}, the best model ({model['predictor']}) {shown(model)}."
            )
        )
    if compared:
        found.insert(
            0,
            finding(
                f"Complementarity is at least as good as the best model in {as_good} "
                f"of {compared} comparisons."
            ),
        )
    return found
