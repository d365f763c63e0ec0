"""Findings of a study, as sentences that are computed from its results."""

from collections.abc import Callable, Mapping

from mirjax.reporting import classifier_findings, generator_findings
from mirjax.reporting.findings_text import Findings
from mirjax.reporting.study_results import Result

_FINDINGS: Mapping[str, Callable[[Result], Findings]] = {
    "T1": generator_findings.hits,
    "T2": classifier_findings.positives_only,
    "T3": classifier_findings.negatives,
    "T4": generator_findings.hits,
    "T5": generator_findings.names,
    "T6": generator_findings.accuracies,
    "T7": generator_findings.datasets,
    "T8": generator_findings.lengths,
    "T9": classifier_findings.without_model,
}


def findings(result: Result) -> Findings:
    """Return the sentences on one experiment; what was not measured is left out."""
    return _FINDINGS[result.name](result)
