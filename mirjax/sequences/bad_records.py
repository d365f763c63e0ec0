"""Bad records: collected over a whole file, then refused together or left out."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from absl import logging

from mirjax.files import atomic_write
from mirjax.inputs import input_name

REFUSE, SKIP = CHOICES = ("refuse", "skip")
SKIPPED_SUFFIX = ".skipped.tsv"
_SHOWN = 10  # bad records that a message lists


class BadRecord(NamedTuple):
    """A record that was left out.

    Attributes:
      file: the file that holds it.
      record: its name, or its line in a table.
      reason: what is wrong with it.
    """

    file: str
    record: str
    reason: str


@dataclasses.dataclass
class BadRecords:
    """What to do with bad records, and those that were left out.

    Attributes:
      choice: `REFUSE` to refuse a file that holds some, `SKIP` to leave them out.
      remedy: how a user leaves them out, the end of a refusal; empty if in no way.
      skipped: the records left out, of all files.
    """

    choice: str = REFUSE
    remedy: str = ""
    skipped: list[BadRecord] = dataclasses.field(default_factory=list)

    def report(
        self,
        path: str | os.PathLike[str],
        bad: Sequence[tuple[str, str]],
        total: int,
        what: str = "records",
    ) -> None:
        """Refuse a file for its bad records, or log them and leave them out.

        Args:
          path: the file.
          bad: name and reason of each bad record.
          total: number of records in the file, good and bad.
          what: what the records are, in the plural.

        Raises:
          ValueError: if bad records are refused, or no record is left.
        """
        if not bad:
            return
        file = input_name(path)
        listed = "; ".join(f"{name}: {reason}" for name, reason in bad[:_SHOWN])
        if len(bad) > _SHOWN:
            listed += f"; and {len(bad) - _SHOWN:,} more"
        message = f"{file}: {len(bad):,} of {total:,} {what} cannot be read: {listed}"
        if self.choice == REFUSE:
            raise ValueError(message + (self.remedy and f"; {self.remedy}"))
        if len(bad) == total:
            raise ValueError(f"{message}; none is left")
        logging.warning("skipped: %s", message)
        self.skipped += [BadRecord(file, name, reason) for name, reason in bad]

    def write(self, path: pathlib.Path) -> None:
        """Write the records left out as a table, or remove an earlier run's table.

        Args:
          path: the tab-separated table, with the columns file, record and reason.
        """
        if not self.skipped:
            path.unlink(missing_ok=True)
            return
        rows = [BadRecord._fields, *self.skipped]
        with atomic_write(path) as unfinished:
            text = "".join("\t".join(row) + "\n" for row in rows)
            unfinished.write_text(text, encoding="utf-8")
        logging.info("%s: %d records left out", path, len(self.skipped))
