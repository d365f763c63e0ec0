"""The targets of a scan: a FASTA file, genes at Ensembl, or regions of a genome."""

import contextlib
import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator

from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import SequenceRecord

ENSEMBL = "ensembl:"
_ANNOTATIONS = (".gtf", ".gff", ".gff3")


@dataclasses.dataclass(frozen=True)
class TargetOptions:
    """Where the targets of a scan come from.

    Attributes:
      targets: a FASTA file, "-", or "ensembl:" and genes; empty with `genes`.
      genes: file of genes at Ensembl, one per line; empty for none.
      regions: annotation (GTF or GFF3, for its 3'UTRs) or BED file of `targets`, which
        is then the FASTA file of a genome; empty for none.
      species: of the genes, as Ensembl names it.
      all_transcripts: 3'UTRs of all transcripts of an annotation, not of one per gene.
    """

    targets: str = ""
    genes: str = ""
    regions: str = ""
    species: str = "homo_sapiens"
    all_transcripts: bool = False

    def __post_init__(self) -> None:
        if not self.targets and not self.genes:
            raise ValueError("--targets is missing; give it, or --targets_list")
        if self.targets and self.genes:
            raise ValueError("--targets and --targets_list: give only one of them")
        if self.regions and (self.genes or self.targets.startswith(ENSEMBL)):
            raise ValueError("--regions are of a genome: give its FASTA as --targets")


@contextlib.contextmanager
def fasta_of(options: TargetOptions, bad_records: BadRecords) -> Iterator[str]:
    """Yield a FASTA file of the targets, which lasts as long as the block.

    Genes and regions of a genome are written to a temporary file, record by record.

    Args:
      options: where the targets come from.
      bad_records: what to do with regions of a genome that give no sequence.

    Raises:
      ValueError: if they cannot be read.
    """
    records = _records(options, bad_records)
    if records is None:
        yield options.targets
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "targets.fa"
        with path.open("w", encoding="utf-8") as file:
            for record in records:
                file.write(f">{record.name}\n{record.sequence}\n")
        yield os.fspath(path)


def _records(
    options: TargetOptions, bad_records: BadRecords
) -> Iterable[SequenceRecord] | None:
    """Return the records of what is no FASTA file; None for one."""
    if options.genes or options.targets.startswith(ENSEMBL):
        from mirjax.datasets import ensembl

        genes = (
            ensembl.read_gene_list(options.genes)
            if options.genes
            else ensembl.parse_genes(options.targets)
        )
        return ensembl.read_utrs(genes, options.species)
    if not options.regions:
        return None
    from mirjax.datasets import annotation, genome

    name = options.regions.removesuffix(".gz").lower()
    if name.endswith(_ANNOTATIONS):
        return annotation.read_annotated_utrs(
            options.targets,
            options.regions,
            all_transcripts=options.all_transcripts,
            bad_records=bad_records,
        )
    if name.endswith(".bed"):
        return genome.read_bed(options.targets, options.regions, bad_records)
    raise ValueError(
        f"--regions={options.regions}: its name must end in .gtf, .gff3 or .bed, with "
        "or without .gz"
    )
