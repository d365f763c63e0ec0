"""Tests of what a report chooses of a scan, against pandas."""

import pandas as pd
import pyarrow as pa
import pytest
from fake_scan import FakeScanner, slices, whole_table

from mirjax.reporting.scan_summary import Limits, ScanSummary
from mirjax.scanning.site_types import SITE_TYPES


def summarise(limits, number=12):
    summary = ScanSummary(limits)
    for a_slice in slices(number):
        summary.add(FakeScanner()(a_slice))
    return summary


def frame():
    rows = whole_table().to_pandas().astype({"score": "float64"})
    rows["site_type"] = rows["site_type"].fillna("other")
    return rows


def strongest(rows, by, number):
    return rows.sort_values(by, ascending=False, kind="stable").head(number)


@pytest.mark.parametrize("number", [1, 7, 1000])
def test_pairs_of_a_mirna_and_a_target(number):
    summary = summarise(Limits(genes=number))
    groups = frame().groupby(["target", "mirna"], sort=False)
    expected = pd.DataFrame({"sites": groups.size()})
    for kind in SITE_TYPES:
        expected[kind] = groups["site_type"].agg(lambda t, kind=kind: (t == kind).sum())
    expected["best_score"] = groups["score"].max()
    expected["summed_score"] = groups["score"].sum()
    assert summary.num_genes == len(expected)
    expected = strongest(expected.reset_index(), "summed_score", number)
    found = summary.genes.to_pandas()
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True))


@pytest.mark.parametrize("number", [1, 5, 100])
def test_targets_and_their_sites(number):
    summary = summarise(Limits(targets=number, sites=4))
    rows = frame()
    sums = rows.groupby("target", sort=False)["score"].sum()
    ranked = sums.sort_values(ascending=False, kind="stable")
    assert summary.num_targets == len(ranked)
    assert summary.num_sites == len(rows)
    assert summary.ranked_targets() == list(ranked.index[:number])
    for name, sites in summary.targets.items():
        best = strongest(rows[rows["target"] == name], "score", 4)
        assert sites.to_pandas()["start"].tolist() == best["start"].tolist()


def test_duplexes_are_those_of_the_highest_scores():
    summary = summarise(Limits(duplexes=6))
    best = strongest(frame(), "score", 6)
    assert summary.duplexes["target"].to_pylist() == best["target"].tolist()


def test_a_scan_without_scores_and_types_counts_sites():
    table = whole_table().select(["mirna", "target", "start", "end"])
    summary = ScanSummary(Limits())
    summary.add(table)
    row = summary.genes.slice(0, 1).to_pylist()[0]
    assert row["sites"] == row["other"] == row["summed_score"]


def test_no_site():
    summary = ScanSummary(Limits())
    summary.add(whole_table().slice(0, 0))
    assert (summary.genes, summary.num_sites) == (None, 0)


def test_what_is_kept_does_not_grow():
    """Arrow's memory after many slices is that after few."""
    limits = Limits(targets=2, sites=5, genes=5, duplexes=5)
    sizes = []
    for number in (5, 60):
        summary = summarise(limits, number)
        kept = [summary.genes, summary.duplexes, *summary.targets.values()]
        sizes.append(sum(table.nbytes for table in kept))
    assert sizes[1] < 1.5 * sizes[0]
    assert isinstance(summary.genes, pa.Table)
