"""3'UTRs of a genome FASTA and its annotation, GTF or GFF3, spliced by strand.

One chromosome and its transcripts are in memory at a time. A 3'UTR is an annotated one,
or else the part of a transcript's exons after its coding sequence and stop codon.
"""

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from mirjax.datasets.genome import Genome, Region, open_lines
from mirjax.sequences.bad_records import SKIP, BadRecords
from mirjax.sequences.fasta import check_name
from mirjax.sequences.records import SequenceRecord

_COLUMNS = 9
_GTF = re.compile(r'\s*([^\s;]+) +(?:"([^"]*)"|([^\s;"]+))\s*(?:;|$)')
_UTR = ("three_prime_utr", "three_prime_UTR")
_CODING = ("CDS", "stop_codon")
_PARTS = ("exon", *_CODING, *_UTR)
_CANONICAL = ("Ensembl_canonical", "MANE_Select", "MANE Select")


@dataclasses.dataclass
class _Transcript:
    """The annotation of one transcript; intervals are 0-based and half-open."""

    identifier: str
    strand: str = "+"
    gene: str = ""
    gene_name: str = ""
    canonical: bool = False
    exons: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    coding: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    utrs: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def utr(self) -> tuple[tuple[int, int], ...]:
        """Return the intervals of the 3'UTR, ascending; none if there are none."""
        if self.utrs:
            return tuple(sorted(self.utrs))
        if not self.coding:
            return ()
        if self.strand == "-":
            first = min(start for start, _ in self.coding)
            parts = [(start, min(end, first)) for start, end in self.exons]
        else:
            last = max(end for _, end in self.coding)
            parts = [(max(start, last), end) for start, end in self.exons]
        return tuple(sorted((start, end) for start, end in parts if start < end))


@dataclasses.dataclass(frozen=True)
class _Line:
    """A line of an annotation."""

    chromosome: str
    kind: str
    interval: tuple[int, int]
    strand: str
    attributes: Mapping[str, str]


@dataclasses.dataclass
class _WrongLines:
    """Lines that cannot be read.

    Attributes:
      found: place and reason of each.
      transcripts: identifiers of those that they belong to.
      nameless: of `found`, those that may belong to any transcript.
    """

    found: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    transcripts: set[str] = dataclasses.field(default_factory=set)
    nameless: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def add(self, place: str, cells: Sequence[str], reason: str) -> None:
        """Add a line."""
        given = _attributes(cells[-1])
        names = [given.get(key, "") for key in ("transcript_id", "Parent", "ID")]
        parents = [name for name in ",".join(names).split(",") if name]
        if parents:
            reason += f" (of {', '.join(map(_plain, parents))})"
            self.transcripts.update(parents)
        self.found.append((place, reason))
        no_part = len(cells) == _COLUMNS and cells[2] not in _PARTS
        if not parents and not no_part:
            self.nameless.append((place, reason))

    def leave_out(self, found: Mapping[str, _Transcript]) -> dict[str, _Transcript]:
        """Return transcripts by identifier, without those of the lines."""
        return {name: x for name, x in found.items() if name not in self.transcripts}


def read_annotated_utrs(
    genome: str | os.PathLike[str],
    annotation: str | os.PathLike[str],
    *,
    all_transcripts: bool = False,
    bad_records: BadRecords | None = None,
) -> Iterator[SequenceRecord]:
    """Yield the 3'UTRs of an annotated genome, in the order of the annotation.

    Args:
      genome: FASTA file of chromosomes, not compressed.
      annotation: GTF or GFF3, plain or gzipped, the lines of a chromosome together. It
        is read once.
      all_transcripts: yield all transcripts of each gene that have a 3'UTR; by default
        only the one marked as canonical, or else with the longest 3'UTR.
      bad_records: what to do with malformed lines, and with transcripts of another
        assembly; by default they are refused, all in one message at the end. If they
        are skipped, so are the transcripts of malformed lines.

    Yields:
      Records named gene|transcript, 5'→3', RNA letters and N.

    Raises:
      ValueError: for refused lines and transcripts; for malformed lines that name no
        transcript; for an annotation without 3'UTRs.
    """
    used, wrong = set[str](), _WrongLines()
    bad = wrong.found
    with Genome(genome) as opened:
        for chromosome, transcripts in _chromosomes(annotation, wrong):
            for transcript in _chosen(transcripts, all_transcripts):
                name = f"{transcript.gene_name}|{transcript.identifier}"
                if name in used:  # such as a gene of X and Y
                    name = f"{name}|{chromosome}"
                strand = -1 if transcript.strand == "-" else 1
                region = Region(name, chromosome, transcript.utr(), strand)
                try:
                    check_name(name, used)
                    record = opened.splice(region)
                except ValueError as error:
                    bad.append((name, str(error)))
                    continue
                used.add(name)
                yield record
    if not used and not bad:
        raise ValueError(
            f"{os.fspath(annotation)}: no transcript has a 3'UTR: it needs lines of "
            "exons and CDS, or of three_prime_utr"
        )
    choice, total = bad_records or BadRecords(), len(used) + len(bad)
    if choice.choice == SKIP:  # the 3'UTRs of unknown transcripts would be wrong
        what = "records are lines that do not say of which transcript they are"
        BadRecords().report(annotation, wrong.nameless, total, what)
    choice.report(annotation, bad, total, "records give no sequence")


def _chosen(
    transcripts: Mapping[str, _Transcript], all_transcripts: bool
) -> Iterator[_Transcript]:
    """Yield the transcripts with a 3'UTR, all or one per gene."""
    genes: dict[str, list[_Transcript]] = {}
    for transcript in transcripts.values():
        if transcript.utr():
            gene = transcript.gene or transcript.identifier
            genes.setdefault(gene, []).append(transcript)
    for gene, of_gene in genes.items():
        for transcript in of_gene:
            transcript.gene_name = transcript.gene_name or gene
        yield from of_gene if all_transcripts else [max(of_gene, key=_rank)]


def _rank(transcript: _Transcript) -> tuple[bool, int]:
    length = sum(end - start for start, end in transcript.utr())
    return transcript.canonical, length


def _chromosomes(
    annotation: str | os.PathLike[str], wrong: _WrongLines
) -> Iterator[tuple[str, dict[str, _Transcript]]]:
    """Yield each chromosome and its transcripts by identifier, without wrong ones."""
    current, seen = "", set[str]()
    transcripts: dict[str, _Transcript] = {}
    gene_names: dict[str, str] = {}
    for line in _lines(annotation, wrong):
        if line.chromosome != current:
            if current:
                yield current, wrong.leave_out(transcripts)
            if line.chromosome in seen:
                raise ValueError(
                    f"{os.fspath(annotation)}: the lines of {line.chromosome} are not "
                    "together; sort them by: sort -k1,1 -k4,4n"
                )
            seen.add(line.chromosome)
            current, transcripts, gene_names = line.chromosome, {}, {}
        _add(line, transcripts, gene_names)
    if current:
        yield current, wrong.leave_out(transcripts)


def _add(
    line: _Line, transcripts: dict[str, _Transcript], gene_names: dict[str, str]
) -> None:
    """Add a line to the transcripts that it belongs to."""
    given = line.attributes
    gtf = "transcript_id" in given and "Parent" not in given and "ID" not in given
    if line.kind not in _PARTS:
        identifier = given.get("ID", "")
        gene_names[identifier] = given.get("Name", given.get("gene_name", ""))
        if "Parent" not in given:
            return
        parents = [identifier]
    else:
        parents = given.get("transcript_id" if gtf else "Parent", "").split(",")
    for parent in filter(None, parents):
        transcript = transcripts.setdefault(parent, _Transcript(_plain(parent)))
        transcript.strand = line.strand
        transcript.canonical |= any(tag in given.get("tag", "") for tag in _CANONICAL)
        if line.kind not in _PARTS:
            transcript.gene = given["Parent"]
            transcript.gene_name = gene_names.get(given["Parent"], "")
            continue
        if gtf:
            transcript.gene = given.get("gene_id", "")
            transcript.gene_name = given.get("gene_name", "")
        part = (
            transcript.coding
            if line.kind in _CODING
            else transcript.exons
            if line.kind == "exon"
            else transcript.utrs
        )
        part.append(line.interval)


def _plain(identifier: str) -> str:
    """Return an identifier without the prefix of Ensembl's GFF3, such as "gene:"."""
    return identifier.removeprefix("transcript:")


def _lines(annotation: str | os.PathLike[str], wrong: _WrongLines) -> Iterator[_Line]:
    """Read an annotation line by line; wrong lines are collected."""
    with open_lines(annotation) as lines:
        for number, line in enumerate(lines, 1):
            text = line.rstrip("\r\n")
            if text.startswith("##FASTA"):
                return
            if not text.strip() or text.startswith("#"):
                continue
            cells = text.split("\t")
            try:
                parsed = _parse(cells)
            except ValueError as error:
                wrong.add(f"line {number}", cells, str(error))
                continue
            yield parsed


def _parse(cells: list[str]) -> _Line:
    """Return the line with the given cells."""
    if len(cells) != _COLUMNS:
        raise ValueError(f"{len(cells)} columns, not {_COLUMNS}")
    if cells[8].count('"') % 2:
        raise ValueError("a quote that is not closed")
    start, end = int(cells[3]) - 1, int(cells[4])
    if not 0 <= start < end:
        raise ValueError(f"from {cells[3]} to {cells[4]}")
    return _Line(
        unquote(cells[0]), cells[2], (start, end), cells[6], _attributes(cells[8])
    )


def _attributes(text: str) -> dict[str, str]:
    """Return the attributes of a GTF or GFF3 line; values of a repeated one joined.

    >>> _attributes('gene_id "G1"; tag "basic"; tag "MANE_Select";')
    {'gene_id': 'G1', 'tag': 'basic,MANE_Select'}
    >>> _attributes("ID=t1;Parent=g1")
    {'ID': 't1', 'Parent': 'g1'}
    """
    found: dict[str, str] = {}
    if re.match(r"\s*\w+=", text):
        pairs = [part.partition("=")[::2] for part in text.split(";") if "=" in part]
        return {name.strip(): unquote(value) for name, value in pairs}
    for name, quoted, bare in _GTF.findall(text):
        value = quoted or bare
        found[name] = f"{found[name]},{value}" if name in found else value
    return found
