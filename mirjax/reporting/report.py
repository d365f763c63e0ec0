"""The report of an evaluation: tables, and the content of metrics.json."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from mirjax.evaluation.evaluation_set import Source
from mirjax.reporting import table

Metrics = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Report:
    """What is printed and written of an evaluation.

    Attributes:
      metrics: metrics of the model, and the options they depend on.
      baselines: metrics of each baseline.
      notes: lines to print below the tables.
      decoders: metrics of each other decoder.
    """

    metrics: Metrics
    baselines: Mapping[str, Metrics]
    notes: Sequence[str]
    decoders: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """Return what metrics.json holds of the measurements."""
        return {**self.metrics, "baselines": self.baselines}


def describe_source(source: Source) -> dict[str, Any]:
    """Return what metrics.json holds of the rows that were evaluated on."""
    return {
        "data": source.data,
        "split": source.part,
        "split_protocol": source.protocol or None,
        "rows_in_split": source.available,
        "rows_labelled_0_left_out": source.dropped,
        "baselines_fitted_on": source.fitted_on,
    }


def print_report(report: Report, title: str) -> None:
    """Print the tables and notes of a report.

    Args:
      report: what to print.
      title: above the first table.
    """
    columns = {"model": report.metrics, **report.decoders, **report.baselines}
    table.print_comparison(columns, title=title)
    if of_new := report.metrics.get("new_targets"):
        columns |= report.metrics["new_targets_baselines"]
        table.print_comparison(
            {
                name: column.get("new_targets", column)
                for name, column in columns.items()
            },
            title=f"of these the {of_new['n']:.0f} rows of targets in no training pair",
        )
    for note in report.notes:
        print(note)
