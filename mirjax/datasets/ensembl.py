"""3'UTRs of genes from Ensembl's REST service: --targets=ensembl:TP53,MYC.

References:
  https://rest.ensembl.org: lookup/symbol, lookup/id and sequence/id.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from absl import logging

from mirjax.datasets.rest import RestClient, UnknownError
from mirjax.files import cache_folder
from mirjax.inputs import Source, input_name, read_text
from mirjax.sequences import alphabet
from mirjax.sequences.fasta import check_name
from mirjax.sequences.records import SequenceRecord

PREFIX = "ensembl:"
SERVER = "https://rest.ensembl.org"
SPECIES = "homo_sapiens"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,60}")
_STABLE_ID = re.compile(r"(ENS[A-Z]*[GT][0-9]{11})(\.[0-9]+)?")
_SHOWN = 10  # genes listed in a message


class _Transcript(NamedTuple):
    """A transcript with a 3'UTR: its name in the scan, its id, and lengths in nt."""

    name: str
    identifier: str
    length: int
    utr_length: int


def parse_genes(text: str) -> list[str]:
    """Return the genes that --targets=ensembl:… names.

    >>> parse_genes("ensembl:TP53, MYC")
    ['TP53', 'MYC']
    """
    return _check_names(text.removeprefix(PREFIX).split(","), f"--targets={text}")


def read_gene_list(path: Source) -> list[str]:
    """Return the genes of a file, one per line, without blank lines and # comments.

    Raises:
      ValueError: if it cannot be read, or a line is not the name of a gene.
    """
    lines = [line.partition("#")[0].strip() for line in read_text(path).split("\n")]
    return _check_names(lines, input_name(path))


def default_client() -> RestClient:
    """Return a client of Ensembl that keeps responses in the user's cache."""
    return RestClient(SERVER, cache_folder("ensembl"))


def read_utrs(
    genes: Sequence[str], species: str = SPECIES, client: RestClient | None = None
) -> Iterator[SequenceRecord]:
    """Yield the 3'UTR of each gene's canonical transcript, in the order of the genes.

    All genes are looked up before the first is yielded; sequences follow one by one.

    Args:
      genes: symbols, or Ensembl's identifiers of genes or transcripts.
      species: as Ensembl names it, such as "mus_musculus".
      client: of the service.

    Yields:
      Records named gene|transcript, 5'→3', RNA letters and N.

    Raises:
      ValueError: if some are not known or have no 3'UTR, all in one message, or if the
        service cannot be reached.
    """
    asked = client or default_client()
    if not _NAME.fullmatch(species):
        raise ValueError(f"{species=} names no species, such as {SPECIES}")
    transcripts, bad = [], []
    for gene in genes:
        try:
            transcripts.append(_look_up(gene, species, asked))
        except _NoUtrError as error:
            bad.append(f"{gene} ({error})")
    if bad:
        more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise ValueError(
            f"{PREFIX} {len(bad)} of {len(genes)} genes have no 3'UTR: "
            f"{', '.join(bad[:_SHOWN])}{more}; leave them out"
        )
    return (_read_utr(transcript, asked) for transcript in transcripts)


class _NoUtrError(ValueError):
    """A gene that is not known, or has no 3'UTR."""


def _check_names(names: Sequence[str], where: str) -> list[str]:
    """Return names without surrounding blanks and duplicates."""
    genes = [name.strip() for name in names if name.strip()]
    for gene in genes:
        if not _NAME.fullmatch(gene):
            raise ValueError(f"{where}: {gene[:60]!r} names no gene, such as TP53")
    if not genes:
        raise ValueError(f"{where}: names no gene; name some, such as TP53,MYC")
    once = list(dict.fromkeys(genes))
    if len(once) < len(genes):
        logging.warning("%s: %d genes are named twice", where, len(genes) - len(once))
    return once


def _look_up(gene: str, species: str, client: RestClient) -> _Transcript:
    """Find the canonical transcript of a gene, or the transcript of an identifier."""
    match = _STABLE_ID.fullmatch(gene)
    path = f"lookup/id/{match[1]}" if match else f"lookup/symbol/{species}/{gene}"
    try:
        found = client.get(path, expand="1")
    except UnknownError as error:
        raise _NoUtrError(str(error)) from error
    try:
        if found["object_type"] == "Transcript":
            transcript = found
        else:
            canonical = [t for t in found["Transcript"] if t.get("is_canonical")]
            if not canonical:
                raise _NoUtrError("no canonical transcript")
            transcript = canonical[0]
        name = found.get("display_name") or found["id"]
        return _measure(name, transcript)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{client.server}/{path}: the answer has an unexpected form ({error!r})"
        ) from error


def _measure(name: str, transcript: Mapping[str, Any]) -> _Transcript:
    """Return lengths of a transcript and its 3'UTR (spliced, after the stop codon)."""
    identifier = transcript["id"]
    translation = transcript.get("Translation")
    if not translation:
        raise _NoUtrError(f"{identifier} is not translated: {transcript['biotype']}")
    exons = [(exon["start"], exon["end"]) for exon in transcript["Exon"]]
    if transcript["strand"] == 1:
        stop = translation["end"]
        after = [max(0, end - max(start - 1, stop)) for start, end in exons]
    else:
        stop = translation["start"]
        after = [max(0, min(end + 1, stop) - start) for start, end in exons]
    if not sum(after):
        raise _NoUtrError(f"{identifier} ends with its stop codon")
    length = sum(end - start + 1 for start, end in exons)
    full_name = f"{name}|{identifier}.{transcript.get('version', 1)}"
    try:
        check_name(full_name)
    except ValueError as error:
        raise _NoUtrError(str(error)) from error
    return _Transcript(full_name, identifier, length, sum(after))


def _read_utr(transcript: _Transcript, client: RestClient) -> SequenceRecord:
    """Read a transcript's sequence, and return its 3'UTR."""
    path = f"sequence/id/{transcript.identifier}"
    try:
        found = client.get(path, type="cdna")
        sequence = found["seq"]
    except (UnknownError, KeyError, TypeError) as error:
        raise ValueError(f"{client.server}/{path}: no sequence ({error!r})") from error
    if len(sequence) != transcript.length:
        raise ValueError(
            f"{client.server}/{path}: {len(sequence)} nt, but the exons of "
            f"{transcript.identifier} have {transcript.length}; the service has "
            "changed: delete the folder ensembl in the cache of mirjax, and try again"
        )
    letters = alphabet.normalise(
        sequence[-transcript.utr_length :], name=transcript.name, unknown_letters=True
    )
    return SequenceRecord(transcript.name, letters)
