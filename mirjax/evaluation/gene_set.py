"""Genes to evaluate on: their 3'UTRs, and their log2 fold changes for each miRNA."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mirjax.datasets import gene_names, registry, transfection
from mirjax.datasets.transfection import FoldChanges
from mirjax.datasets.utrs import read_utrs
from mirjax.scanning.repression.seed_sites import CANONICAL, find_sites
from mirjax.sequences import alphabet

MIRNAS = "mirbase/hsa"


@dataclasses.dataclass(frozen=True, eq=False)
class GeneSet:
    """Genes with a 3'UTR.

    Attributes:
      source: the dataset, or the path of the table.
      changes: their log2 fold changes.
      utrs: the 3'UTR of each gene, 5'→3', RNA letters and N.
      mirnas: the sequence of each column's miRNA, 5'→3', RNA letters.
      num_listed: genes of the table, with or without a 3'UTR.
    """

    source: str
    changes: FoldChanges
    utrs: Sequence[str]
    mirnas: Sequence[str]
    num_listed: int

    @property
    def log2(self) -> Float[np.ndarray, "genes mirnas"]:
        """Observed log2 fold changes."""
        return self.changes.log2

    @property
    def evaluated(self) -> list[int]:
        """Columns to evaluate: those of the genes' own species."""
        names = enumerate(self.changes.mirnas)
        return [n for n, name in names if name not in transfection.OTHER_SPECIES]

    @functools.cached_property
    def site_counts(self) -> Int[np.ndarray, "genes mirnas types"]:
        """Number of canonical sites of each type of `CANONICAL`."""
        counts = np.zeros((*self.log2.shape, len(CANONICAL)), np.int64)
        for gene, utr in enumerate(self.utrs):
            for column, mirna in enumerate(self.mirnas):
                for site in find_sites(mirna, utr):
                    if site.kind < len(CANONICAL):
                        counts[gene, column, site.kind] += 1
        return counts

    def describe(self) -> dict[str, Any]:
        """Return the entries of metrics.json that describe the genes."""
        return {
            "data": self.source,
            "genes": len(self.utrs),
            "genes_listed": self.num_listed,
            "mirnas": [self.changes.mirnas[column] for column in self.evaluated],
        }

    def sentence(self) -> str:
        """Return a sentence that describes the genes."""
        mirnas = f"{len(self.evaluated)} miRNAs"
        if len(self.evaluated) == 1:
            mirnas = self.changes.mirnas[0]
        return (
            f"{self.source}: {mirnas}, {len(self.utrs):,} genes with a 3'UTR of "
            f"{self.num_listed:,} listed"
        )

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the indices of every gene and every column, as pairs."""
        for gene in range(len(self.utrs)):
            yield from ((gene, column) for column in range(len(self.mirnas)))


def load_gene_set(data: str, mirna: str, utrs: Sequence[str | pathlib.Path]) -> GeneSet:
    """Load a named experiment, or a table of one's own if a miRNA is named."""
    return load_own(data, mirna, utrs) if mirna else load_experiment(data, utrs)


def load_experiment(name: str, utrs: Sequence[str | pathlib.Path]) -> GeneSet:
    """Load a named experiment of `transfection`, joined to 3'UTRs.

    Args:
      name: one of `transfection.NAMES`.
      utrs: FASTA files of 3'UTRs, named by RefSeq or Ensembl accession. Of several
        isoforms of a gene, the one in the first file is used; see `read_utrs`.

    Returns:
      The genes with a 3'UTR: by the accession of the table, else by its gene.

    Raises:
      ValueError: as the readers do.
    """
    changes = transfection.read_expression(
        registry.path(name), transfection.COLUMNS[name]
    )
    return _join(name, changes, utrs, _synonyms(changes.genes))


def load_own(path: str, mirna: str, utrs: Sequence[str | pathlib.Path]) -> GeneSet:
    """Load a table of one's own, joined to 3'UTRs.

    Args:
      path: as for `transfection.read_fold_changes`.
      mirna: name of the human miRNA that was transfected, or its sequence.
      utrs: FASTA files of 3'UTRs, named as the table names its genes, or by the
        Ensembl gene of a human transcript or symbol.

    Raises:
      ValueError: as the readers do.
    """
    changes = transfection.read_fold_changes(path, mirna)
    return _join(path, changes, utrs, _synonyms(changes.genes))


def _join(
    source: str,
    changes: FoldChanges,
    utrs: Sequence[str | pathlib.Path],
    synonyms: Mapping[str, Sequence[str]],
) -> GeneSet:
    joined, found = transfection.join_targets(changes, read_utrs(utrs), synonyms)
    mirnas = [_mirna_sequence(name) for name in changes.mirnas]
    return GeneSet(source, joined, found, mirnas, len(changes.genes))


def _mirna_sequence(name: str) -> str:
    """Return the sequence of a miRNA that is given by its name or its sequence."""
    known = {r.name: r.sequence for r in registry.load_fasta(MIRNAS)}
    known.update(transfection.OTHER_SPECIES)
    if name in known:
        return known[name]
    try:
        return alphabet.normalise(name)
    except ValueError as error:
        raise ValueError(
            f"--mirna={name} is neither a human miRNA of {MIRNAS} nor a sequence"
        ) from error


def _synonyms(genes: Sequence[str]) -> dict[str, list[str]]:
    """Return the Ensembl gene and symbol of transcripts, and the genes of symbols."""
    table = gene_names.read_gene_table(registry.path(gene_names.GENE_TABLE))
    names: dict[str, list[str]] = {
        transcript: [gene, symbol] for transcript, (gene, symbol) in table.items()
    }
    for gene, symbol in dict.fromkeys(table.values()):
        names.setdefault(symbol, []).append(gene)
        names.setdefault(gene, []).append(symbol)
    for transcript, gene in gene_names.refseq_genes().items():
        names.setdefault(transcript, [gene])
    return {gene: names[gene] for gene in genes if gene in names}
