"""What the workers of alignment.py share. Standard library only."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timing

REWARD, PENALTY = 1, -2
GAP_OPEN, GAP_EXTEND = 5, 2  # a gap of k letters costs GAP_OPEN + k GAP_EXTEND

# Where pairs are scored, there are as many queries and so many partners for each.
SUBJECTS, PARTNERS = 50_000, 20

Scorer = Callable[[list[str], list[str]], Any]


def partner(query: Any, turn: int) -> Any:
    """Return the number of the subject that a query is paired with in one turn.

    Args:
      query: the query's number, or an array of such.
      turn: below `PARTNERS`.
    """
    return (query + 997 * turn) % SUBJECTS


def serve(make: Callable[[bool], Scorer], to_lists: Callable[[Any], list]) -> None:
    """Save some scores, then answer the driver.

    Args:
      make: takes whether to score pairs, instead of each query with each subject, and
        returns what scores.
      to_lists: turns what that returned into plain integers.
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
