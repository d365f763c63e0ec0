"""Stages of a study: kept by their hash, in order, with an estimate."""

import dataclasses
import json

import pytest

from mirjax.studies.stages import OUTCOME_FILE, Cache, Stage, in_order, run_stages


@dataclasses.dataclass(frozen=True)
class Number(Stage):
    """A stage that counts its runs."""

    title: str
    value: int
    runs: list = dataclasses.field(default_factory=list)
    needs: tuple = ()

    def inputs(self):
        return {"value": self.value}

    def run(self, folder, cache):
        self.runs.append(1)
        needed = [cache.outcome(stage)["sum"] for stage in self.needs]
        return {"sum": self.value + sum(needed)}


def test_what_is_needed_runs_first_and_once(tmp_path):
    one = Number("one", 1)
    two = Number("two", 2, needs=(one,))
    three = Number("three", 3, needs=(one, two))
    cache = Cache(tmp_path)
    assert in_order([three, two], cache) == [one, two, three]
    run_stages([three], cache)
    assert cache.outcome(three) == {"sum": 7}
    run_stages([three, two], Cache(tmp_path))
    assert [len(stage.runs) for stage in (one, two, three)] == [1, 1, 1]


def test_other_inputs_run_again_and_so_does_what_needs_them(tmp_path):
    runs: list = []
    for value in (1, 5, 1):
        last = Number("last", 0, runs, needs=(Number("first", value),))
        run_stages([last], Cache(tmp_path))
    assert len(runs) == 2
    assert Cache(tmp_path).outcome(last) == {"sum": 1}


def test_a_damaged_outcome_is_named(tmp_path):
    stage = Number("one", 1)
    run_stages([stage], Cache(tmp_path))
    (path,) = tmp_path.rglob(OUTCOME_FILE)
    assert json.loads(path.read_text())["inputs"] == {"value": 1}
    path.write_text("{")
    with pytest.raises(ValueError, match="is damaged .* delete it"):
        run_stages([stage], Cache(tmp_path))


def test_an_unfinished_stage_has_no_outcome(tmp_path):
    with pytest.raises(ValueError, match="'one' is not finished"):
        Cache(tmp_path).outcome(Number("one", 1))
