"""The report of a benchmark: the model and published predictors."""

import dataclasses

from mirjax.evaluation.benchmarks import find_release
from mirjax.evaluation.evaluation_set import EvaluationSet
from mirjax.reporting.report import Report


def with_published(
    report: Report, benchmark: str | None, evaluation_set: EvaluationSet
) -> Report:
    """Add the published metrics for the rows that a classifier was measured on.

    Args:
      report: of the classifier.
      benchmark: one of `options.BENCHMARKS`; None adds nothing.
      evaluation_set: the rows. A note is added if they are not a test set of the
        benchmark with published metrics.
    """
    if benchmark is None:
        return report
    release = find_release(benchmark, evaluation_set.held_out)
    if release is None:
        note = (
            f"no published metrics: these {len(evaluation_set.held_out):,} rows are "
            f"not a test set of {benchmark} that the package has metrics for, and "
            "metrics on other rows are not comparable"
        )
        return dataclasses.replace(
            report, notes=[*report.notes, note], benchmark={"name": benchmark}
        )
    notes = [f"published metrics are of the same rows: {release.test}"]
    for each in release.published:
        trained = f", trained on {each.trained_on}" if each.trained_on else ""
        notes.append(f"  {each.predictor}{trained}: {each.source}")
    return dataclasses.replace(
        report,
        notes=[*report.notes, *notes],
        published={each.predictor: each.metrics for each in release.published},
        benchmark={"name": benchmark, **dataclasses.asdict(release)},
    )
