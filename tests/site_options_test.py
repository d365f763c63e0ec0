"""Options of sites: values out of range are refused, in the words of the flags."""

import json
import pathlib

import pytest
from absl import flags

from mirjax.scanning.options import RETAINED
from mirjax.scanning.site_options import SiteOptions, define_flags


@pytest.mark.parametrize(
    "options, words",
    [
        ({"candidates": "best"}, "--candidates=best is not one of all, sensitive"),
        ({"chance_per_kb": 0.0}, "--chance_per_kb=0.0 must be above 0"),
        ({"chance_per_kb": float("nan")}, "--chance_per_kb=nan must be above 0"),
        ({"threshold": 1.5}, "--threshold=1.5 must be a probability"),
        ({"background_nt": 10}, "--background_nt=10 must be at least 10000"),
    ],
)
def test_values_out_of_range_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        SiteOptions(**options)


def test_flags_have_the_defaults_of_the_options():
    values = flags.FlagValues()
    define_flags(values)
    values(["scan"])
    assert SiteOptions() == SiteOptions(
        values.candidates,
        values.chance_per_kb,
        None,
        values.background_nt,
        values.background_seed,
    )


def test_explain_says_what_was_measured():
    results = pathlib.Path(__file__).parents[1] / "results"
    content = json.loads((results / "scan_candidates.json").read_text())
    measured = {row["candidates"]: row["retained"] for row in content["metrics"]}
    assert measured.pop("all") == 1
    assert {kind: round(value, 2) for kind, value in measured.items()} == RETAINED
