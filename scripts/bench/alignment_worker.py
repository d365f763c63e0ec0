"""Shared parts of the workers of alignment.py. Standard library only."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timing

REWARD, PENALTY = 1, -2
GAP_OPEN, GAP_EXTEND = 5, 2  # a gap of k letters costs GAP_OPEN + k GAP_EXTEND

# For pairs: as many queries as subjects, each with this many partners.
SUBJECTS, PARTNERS = 50_000, 20

Scorer = Callable[[list[str], list[str]], Any]


def partner(query: Any, turn: int) -> Any:
    """Return the index of a query's partner in one round.

    Args:
      query: the query's index, or an array of indices.
      turn: the round, below `PARTNERS`.
    """
    return (query + 997 * turn) % SUBJECTS


def serve(make: Callable[[bool], Scorer], to_lists: Callable[[Any], list]) -> None:
    """Save some scores, then serve the driver.

    Args:
      make: returns a scorer, of pairs if true, else of each query with each subject.
      to_lists: converts the scorer's result to lists of integers.
    """
    parser = argparse.ArgumentParser(description="Alignment worker; see timing.py.")
    parser.add_argument("--sequences", type=Path, required=True)
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--checked", type=int, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    arguments = parser.parse_args()
    work = json.loads(arguments.sequences.read_text())
    queries, subjects = work["queries"], work["subjects"]
    score = make(bool(arguments.pairs))

    def run(size: int) -> Any:
        return score(queries[:size], subjects)

    def repeat(size: int) -> float:
        start = time.perf_counter()
        run(size)
        return time.perf_counter() - start

    arguments.scores.write_text(json.dumps(to_lists(run(arguments.checked))))
    timing.serve(repeat)
