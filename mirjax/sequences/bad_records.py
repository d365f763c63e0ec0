"""Bad records: collected over a whole file, then refused together or left out."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from absl import flags, logging

from mirjax.files import atomic_write
from mirjax.inputs import Source, input_name
from mirjax.output import is_stream

REFUSE, SKIP = CHOICES = ("refuse", "skip")
SUFFIX = ".skipped.tsv"
FLAG = "on_bad_record"
_SHOWN = 10  # bad records listed in a message


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


def define_flag(flag_values: flags.FlagValues, where: str) -> None:
    """Define the flag --on_bad_record.

    Args:
      flag_values: where to define it.
      where: the list of records that were left out, for the help.
    """
    flags.DEFINE_enum(
        FLAG,
        REFUSE,
        CHOICES,
        "what to do with records of an input that cannot be read or do not suit the "
        f"model. {REFUSE}: stop, and name them; {SKIP}: leave them out, and list them "
        f"in the log and in {where}",
        flag_values,
    )


@dataclasses.dataclass
class BadRecords:
    """The handling of bad records, and a list of those left out.

    Attributes:
      choice: `REFUSE` to refuse a file that holds some, `SKIP` to leave them out.
      remedy: how a user can leave them out, for the end of the error; may be empty.
      skipped: the records left out, of all files.
    """

    choice: str = REFUSE
    remedy: str = ""
    skipped: list[BadRecord] = dataclasses.field(default_factory=list)

    @classmethod
    def from_flag(cls, flag_values: flags.FlagValues) -> "BadRecords":
        """Return the handling that the flag --on_bad_record names."""
        remedy = f"mend or remove them, or leave them out by --{FLAG}={SKIP}"
        return cls(getattr(flag_values, FLAG), remedy)

    def report(
        self,
        source: Source,
        bad: Sequence[tuple[str, str]],
        total: int,
        what: str = "records cannot be read",
    ) -> None:
        """Refuse a file for its bad records, or log them and leave them out.

        Args:
          source: the file.
          bad: name and reason of each bad record.
          total: number of records in the file, good and bad.
          what: the kind of records and their fault, for the message.

        Raises:
          ValueError: if bad records are refused, or no record remains.
        """
        if not bad:
            return
        file = input_name(source)
        listed = "; ".join(f"{name}: {reason}" for name, reason in bad[:_SHOWN])
        if len(bad) > _SHOWN:
            listed += f"; and {len(bad) - _SHOWN:,} more"
        message = f"{file}: {len(bad):,} of {total:,} {what}: {listed}"
        if self.choice == REFUSE:
            raise ValueError(message + (self.remedy and f"; {self.remedy}"))
        if len(bad) == total:
            raise ValueError(f"{message}; none is left")
        logging.warning("skipped: %s", message)
        self.skipped += [BadRecord(file, name, reason) for name, reason in bad]

    def write_beside(self, out: str) -> None:
        """Write the records left out as OUT.skipped.tsv; see `write`.

        Args:
          out: the output of a command. For a stream or a device no table is written.
        """
        if not is_stream(out):
            self.write(pathlib.Path(out + SUFFIX))

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
