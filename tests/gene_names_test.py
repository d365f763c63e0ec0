"""Tests of mirjax.datasets.gene_names."""

import pytest

from mirjax.datasets import gene_names
from mirjax.inputs import Content


def test_gene_table_keeps_human_transcripts():
    text = (
        "Transcript ID\tGene ID\tGene symbol\tSpecies ID\n"
        "ENST01.2\tENSG01.5\tTP53\t9606\n"
        "ENST02.2\tENSG02.5\tTrp53\t10090\n"
    )
    found = gene_names.read_gene_table(Content("genes.txt", text.encode()))
    assert found == {"ENST01": ("ENSG01", "TP53")}


def test_refseq_transcripts_have_their_ensembl_genes():
    genes = gene_names.refseq_genes()
    assert len(genes) == 4279
    assert genes["NM_002046"] == "ENSG00000111640"  # GAPDH
    assert all(gene.startswith("ENSG") for gene in genes.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NM_000019.3", "NM_000019"),
        ("ENST00000000233.5", "ENST00000000233"),
        ("NM_000019", "NM_000019"),
        ("AC084121.16", "AC084121.16"),
        ("ENSG.x", "ENSG.x"),
    ],
)
def test_versions_of_accessions_are_cut(name, expected):
    assert gene_names.without_version(name) == expected
