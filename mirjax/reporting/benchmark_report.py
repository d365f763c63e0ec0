"""The report of a benchmark: published predictors beside the model."""

import dataclasses

from mirjax.evaluation.benchmarks import find_release
from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.reporting.report import Report


def with_published(
    report: Report, benchmark: str | None, evaluation_set: EvaluationSet
) -> Report:
    """Add the published figures for the rows that a classifier was measured on.

    Args:
      report: of the classifier.
      benchmark: one of `options.BENCHMARKS`; None for none, which adds nothing.
      evaluation_set: the rows. If they are no test set of the benchmark of which there
        are figures, none are added, and a note says so.
    """
    if benchmark is None:
        return report
    release = find_release(benchmark, evaluation_set.held_out)
    if release is None:
        note = (
            f"no published figures: these {len(evaluation_set.held_out):,} rows are no "
            f"test set of {benchmark} of which the package has any, and those of other "
            "releases do not compare"
        )
        return dataclasses.replace(
            report, notes=[*report.notes, note], benchmark={"name": benchmark}
        )
    notes = [f"published figures are of the same rows: {release.test}"]
    for figure in release.figures:
        trained = f", trained on {figure.trained_on}" if figure.trained_on else ""
        notes.append(f"  {figure.predictor}{trained}: {figure.source}")
    return dataclasses.replace(
        report,
        notes=[*report.notes, *notes],
        published={figure.predictor: figure.metrics for figure in release.figures},
        benchmark={"name": benchmark, **dataclasses.asdict(release)},
    )
