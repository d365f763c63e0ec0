"""Genes: sites added up, whatever tables they come in."""

import collections

import numpy as np
import pyarrow as pa
import pytest

from mirjax.scanning.genes import SCHEMA, genes_of, sort_genes
from mirjax.scanning.site_types import SITE_TYPES


def random_sites(rows):
    rng = np.random.default_rng(4)
    keys = sorted(zip(rng.integers(0, 9, rows), rng.integers(0, 4, rows), strict=True))
    return pa.table(
        {
            "mirna": [f"m{mirna}" for _, mirna in keys],
            "target": [f"t{target}" for target, _ in keys],
            "site_type": rng.choice(SITE_TYPES, rows),
            "score": rng.integers(1, 64, rows) / 64,
        }
    )


def plain_genes(table):
    pairs = collections.defaultdict(list)
    for row in table.to_pylist():
        pairs[row["mirna"], row["target"]].append(row)
    for (mirna, target), rows in pairs.items():
        kinds = collections.Counter(row["site_type"] for row in rows)
        scores = [row["score"] for row in rows]
        counts = [kinds[name] for name in SITE_TYPES]
        yield (mirna, target, len(rows), *counts, max(scores), sum(scores))


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_sites_are_added_up_whatever_tables_they_come_in(size):
    table = random_sites(90)
    parts = [table.slice(start, size) for start in range(0, 90, size)]
    parts.insert(1, table.slice(0, 0))
    genes = pa.concat_tables(genes_of(parts))
    assert genes.schema == SCHEMA
    found = [tuple(row.values()) for row in genes.to_pylist()]
    assert found == list(plain_genes(table))


def test_a_mirna_that_ends_one_transcript_and_begins_the_next_has_two_rows():
    table = pa.table(
        {"mirna": ["m", "m"], "target": ["s", "t"], "site_type": ["6mer", "8mer"]}
    )
    genes = pa.concat_tables(genes_of([table]))
    assert genes["target"].to_pylist() == ["s", "t"]
    assert genes["best_score"].to_pylist() == [None, None]


def test_no_sites_give_no_genes():
    assert list(genes_of([])) == []
    assert list(genes_of([random_sites(3).slice(0, 0)])) == []


def test_genes_are_sorted_highest_first_and_equal_ones_stay():
    genes = pa.concat_tables(genes_of([random_sites(90)]))
    order = sort_genes(genes, "sites")
    rows = genes.to_pylist()
    assert order.to_pylist() == sorted(rows, key=lambda row: -row["sites"])
    with pytest.raises(ValueError, match="mirna is not one of sites, best_score"):
        sort_genes(genes, "mirna")
