"""Names of human genes: transcripts of Ensembl and RefSeq, their genes, symbols."""

import gzip
import importlib.resources

from mirjax.datasets import tables
from mirjax.inputs import Source, input_name, read_text

GENE_TABLE = "targetscan/genes"

_GENE_COLUMNS = {
    "transcript": ("Transcript ID",),
    "gene": ("Gene ID",),
    "symbol": ("Gene symbol",),
    "species": ("Species ID",),
}
_HUMAN = "9606"


def read_gene_table(path: Source) -> dict[str, tuple[str, str]]:
    """Read TargetScan's table of human transcripts.

    Args:
      path: `GENE_TABLE`'s file.

    Returns:
      Transcript → gene and symbol; without versions.

    Raises:
      ValueError: if a column is missing.
    """
    name = input_name(path)
    header, *rows = tables.parse_rows(read_text(path), "\t", name, quoted=False)
    columns = tables.find_columns(header, _GENE_COLUMNS, len(_GENE_COLUMNS), name)
    found = {}
    for row in rows:
        cells = {column: row.fields[place] for column, place in columns.items()}
        if cells["species"] == _HUMAN:
            gene = without_version(cells["gene"])
            found[without_version(cells["transcript"])] = (gene, cells["symbol"])
    return found


def refseq_genes() -> dict[str, str]:
    """Return the Ensembl gene of each RefSeq transcript of the HeLa experiment.

    The table is cut from NCBI Gene's, of September 2022, in the public domain.
    """
    packed = importlib.resources.files("mirjax.datasets") / "refseq_genes.tsv.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().splitlines()
    pairs = (line.split("\t", 1) for line in lines)
    return dict(pairs)


def without_version(name: str) -> str:
    """Return an accession of RefSeq or Ensembl without its version."""
    stem, dot, version = name.rpartition(".")
    known = stem.startswith(("NM_", "NR_", "XM_", "ENS")) and version.isdigit()
    return stem if dot and known else name
