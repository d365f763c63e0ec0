"""Read the result files of a study, for its report."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

SEEN, HELD_OUT = "seen", "held_out"
_ORDER = ("reported", "model", "baseline")  # of the rows of a table


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of one experiment.

    Attributes:
      content: content of its file.
    """

    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the experiment, such as "T1"."""
        return str(self.content["experiment"])

    @property
    def first(self) -> str:
        """The first dataset of the study: that of the seq2seq model."""
        return str(self.content["settings"]["datasets"]["first"])

    @property
    def second(self) -> str:
        """The second dataset of the study: miTAR's."""
        return str(self.content["settings"]["datasets"]["second"])

    def rows(self, **wanted: str) -> list[Row]:
        """Return the rows whose fields have the wanted values."""
        return [
            row
            for row in self.content["metrics"]
            if all(row.get(field) == value for field, value in wanted.items())
        ]

    def measured(self, **wanted: str) -> list[Row]:
        """Return those of `rows` that were measured on held-out rows."""
        return [row for row in self.rows(**wanted) if HELD_OUT in row]

    def row(self, **wanted: str) -> Row | None:
        """Return the first of `rows`; None if there is none."""
        return next(iter(self.measured(**wanted)), None)

    def groups(self) -> Iterator[tuple[str, str, list[Row]]]:
        """Yield metric, data and rows of each table, in the order of the file."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.content["metrics"]:
            if row["kind"] != "lengths":
                found.setdefault((row["metric"], row["data"]), []).append(row)
        for (metric, data), rows in found.items():
            rows.sort(key=lambda row: _ORDER.index(row["kind"]))
            if any(row["kind"] != "reported" for row in rows):
                yield metric, data, rows


def read_results(folder: pathlib.Path) -> list[Result]:
    """Read the result files of a study, in the order of the experiments.

    Args:
      folder: holds T1.json and the others, or some of them.

    Raises:
      ValueError: if there is none, or one is damaged.
    """
    paths = sorted(folder.glob("T*.json"), key=lambda path: (len(path.name), path.name))
    if not paths:
        raise ValueError(f"{folder} holds no results; run python -m mirjax.study")
    results = []
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            missing = {"experiment", "metrics", "settings"} - set(content)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: not a result file ({error})") from error
        if missing:
            raise ValueError(f"{path}: not a result file (it lacks {min(missing)})")
        results.append(Result(content))
    return results


def best(rows: Sequence[Row]) -> Row | None:
    """Return the row of the highest held-out value; None without such a row."""
    known = [row for row in rows if HELD_OUT in row]
    return max(known, key=lambda row: float(row[HELD_OUT]), default=None)
