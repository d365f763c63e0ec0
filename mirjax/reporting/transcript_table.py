"""Table of the miRNAs of each transcript, with the sites that support them."""

import dataclasses
import io
from collections.abc import Iterable, Iterator

from mirjax.inference.prediction import Prediction
from mirjax.reporting.prediction_table import NONE

COLUMNS = (
    "target",
    "mirna",
    "status",
    "sites",
    "best_log_prob",
    "best_evalue",
    "mirna_seqs",
    "positions",
)


@dataclasses.dataclass
class _Mirna:
    """The sites that support a miRNA of a transcript."""

    target: str
    name: str
    is_known: bool
    best_log_prob: float
    best_evalue: float | None = None
    sequences: dict[str, None] = dataclasses.field(default_factory=dict)
    positions: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def add(self, site: Prediction) -> None:
        self.best_log_prob = max(self.best_log_prob, site.log_prob)
        self.sequences[site.mirna] = None
        self.positions.append((site.start, site.end))
        evalue = None if site.name is None else site.name.evalue
        evalues = [each for each in (evalue, self.best_evalue) if each is not None]
        self.best_evalue = min(evalues, default=None)


class TranscriptTable:
    """The miRNAs of each transcript, gathered from predictions."""

    def __init__(self) -> None:
        self._mirnas: dict[tuple[int, str, bool], _Mirna] = {}

    def gather(self, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
        """Yield predictions unchanged, and collect what the table needs.

        A site without a decoded miRNA is not counted.
        """
        for site in predictions:
            if site.mirna:
                is_known = site.name is not None
                name = site.mirna if site.name is None else site.name.mirna_id
                found = self._mirnas.setdefault(
                    (site.record, name, is_known),
                    _Mirna(site.target, name, is_known, site.log_prob),
                )
                found.add(site)
            yield site

    def write(self, file: io.TextIOBase) -> int:
        """Write the table, tab-separated, and return the number of its rows.

        Transcripts are in input order. Within one, known miRNAs come first, then those
        with more sites, then those of higher log P.

        Args:
          file: file to write to.
        """
        print(*COLUMNS, sep="\t", file=file)

        def rank(item: tuple[tuple[int, str, bool], _Mirna]) -> tuple[float, ...]:
            (record, _, is_known), one = item
            return record, not is_known, -len(one.positions), -one.best_log_prob

        for _, one in sorted(self._mirnas.items(), key=rank):
            evalue = one.best_evalue
            print(
                one.target,
                one.name,
                "known" if one.is_known else "novel",
                len(one.positions),
                f"{one.best_log_prob:.4f}",
                NONE if evalue is None else f"{evalue:.3g}",
                ",".join(one.sequences),
                ",".join(f"{start}-{end}" for start, end in sorted(one.positions)),
                sep="\t",
                file=file,
            )
        return len(self._mirnas)
