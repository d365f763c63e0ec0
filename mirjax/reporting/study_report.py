"""The report of a study: one page, rendered from its result files alone."""

import pathlib
from collections.abc import Sequence

from mirjax.reporting import page, table
from mirjax.reporting.findings_text import reported_value, start
from mirjax.reporting.page import Block, Preformatted, Section, Table, Text
from mirjax.reporting.study_findings import findings
from mirjax.reporting.study_pictures import pictures
from mirjax.reporting.study_results import HELD_OUT, SEEN, Result, Row, read_results
from mirjax.reporting.study_summary import mark, summary, value_and_interval

TITLE = "Which microRNA binds which target? A study, measured again"

_COLUMNS = ("predictor", "reported", "seen in training", "held out", "seeds")
_LENGTH_COLUMNS = {
    "pairs": "positive pairs",
    "shortest": "shortest, nt",
    "median": "median, nt",
    "longest": "longest, nt",
    "distinct": "distinct",
}
_IN_SUMMARY = 3  # sentences of each experiment


def write_report(results_folder: pathlib.Path, path: pathlib.Path) -> None:
    """Write the page of a study.

    Args:
      results_folder: its result files; experiments that were not run are left out.
      path: the page; an existing one is replaced.

    Raises:
      ValueError: if there are no result files, or one is damaged.
    """
    results = read_results(results_folder)
    sections = [_summary(results), *map(_section, results)]
    settings = results[0].content["settings"]
    subtitle = (
        f"{len(results)} experiments on `{settings['datasets']['first']}` and "
        f"`{settings['datasets']['second']}`: reported values, and values measured "
        "again, on data seen in training and on held-out data, beside baselines that "
        "need no trained model."
    )
    page.write_page(path, TITLE, subtitle, sections)


def _summary(results: Sequence[Result]) -> Section:
    blocks: list[Block] = [
        Text(caution, "caution")
        for caution in dict.fromkeys(
            result.content["settings"].get("caution") for result in results
        )
        if caution
    ]
    blocks += summary(results)
    for result in results:
        for found in findings(result)[:_IN_SUMMARY]:
            blocks.append(Text(f"{result.name}. {found.text}", found.role))
    return Section("Summary", blocks)


def _section(result: Result) -> Section:
    content = result.content
    blocks: list[Block] = [Text(f"Question: {content['question']}")]
    blocks += _reported(result)
    blocks += [Text(note, "caution") for note in content["notes"]]
    blocks += findings(result)
    blocks += _tables(result)
    blocks += pictures(result)
    blocks.append(
        Preformatted("\n".join(content["command"]), "Run this experiment again")
    )
    if content["commands_of_stages"]:
        text = "\n".join(content["commands_of_stages"])
        label = "The commands of its trainings and measurements"
        blocks.append(Preformatted(text, label, folded=True))
    blocks.append(Text(_origin(result)))
    return Section(f"{result.name}: {content['title']}", blocks)


def _reported(result: Result) -> list[Block]:
    """Return what the original study reported, with its source."""
    reported = result.rows(kind="reported")
    if not reported:
        return [Text("Reported: nothing; the study did not ask this.", "reported")]
    of_source: dict[str, list[str]] = {}
    for row in reported:
        words = [row["data"]]
        if row["reported"] is not None:
            value = f"{table.label(row['metric'])}: {reported_value(row)}"
            words = [value, *words]
        words += filter(None, [row["note"]])
        of_source.setdefault(row["source"], []).append(", ".join(words))
    return [
        Text(f"Reported: {'; '.join(found)}. Source: {source}.", "reported")
        for source, found in of_source.items()
    ]


def _tables(result: Result) -> list[Block]:
    blocks: list[Block] = []
    lengths = result.rows(kind="lengths")
    if lengths:
        blocks.append(_length_table(result, lengths))
    for metric, data, rows in result.groups():
        rows = [
            row for row in rows if row.get("reported") is not None or HELD_OUT in row
        ]
        cells = [_cells(row) for row in rows]
        baselines = [i for i, row in enumerate(rows) if row["kind"] == "baseline"]
        caption = mark(
            result,
            f"{start(metric)}, {data}; with 95% intervals over seeds and rows. "
            "Predictors in italics need no trained model.",
        )
        blocks.append(Table(_COLUMNS, cells, caption, baselines))
    return blocks


def _cells(row: Row) -> list[str]:
    reported = row.get("reported")
    seeds = row.get("seeds")
    return [
        row["predictor"],
        "" if reported is None else reported_value(row),
        value_and_interval(row, SEEN) if row["kind"] != "reported" else "",
        value_and_interval(row, HELD_OUT) if row["kind"] != "reported" else "",
        "" if seeds is None else str(seeds),
    ]


def _length_table(result: Result, rows: Sequence[Row]) -> Table:
    names = {"targets": "targets", "mirnas": "miRNAs"}
    cells = [
        [
            f"{row['data']}: {names[row['predictor']]}",
            *(f"{row[column]:,g}" for column in _LENGTH_COLUMNS),
        ]
        for row in rows
    ]
    columns = ("sequences", *_LENGTH_COLUMNS.values())
    return Table(columns, cells, mark(result, "Lengths of the positive pairs"))


def _origin(result: Result) -> str:
    """Describe the time, machine and software of the experiment."""
    content = result.content
    software = ", ".join(f"{name} {v}" for name, v in content["software"].items())
    minutes = content["seconds"] / 60
    return (
        f"Its stages took {minutes:.1f} minutes in all, shared ones included; "
        f"{content['machine']}; {software}; {content['time']}."
    )
