"""pyopal's local alignment scores, one thread per core: a worker of timing.py."""

from concurrent.futures import ThreadPoolExecutor

import alignment_worker as worker
import pyopal
import timing
from scoring_matrices import ScoringMatrix


def make(pairs: bool) -> worker.Scorer:
    """Return the scorer of pairs, or of each query with each subject."""
    if pairs:
        raise SystemExit("pyopal has no call for a list of pairs")
    letters = "AUCG"
    matrix = ScoringMatrix(
        [
            [
                float(worker.REWARD if one == other else worker.PENALTY)
                for other in letters
            ]
            for one in letters
        ],
        alphabet=letters,
    )
    # pyopal's gap of k letters costs gap_open + (k - 1) gap_extend.
    aligner = pyopal.Aligner(
        matrix,
        gap_open=worker.GAP_OPEN + worker.GAP_EXTEND,
        gap_extend=worker.GAP_EXTEND,
    )
    databases: dict[int, pyopal.Database] = {}
    pool = ThreadPoolExecutor(timing.cores())

    def score_all(queries: list[str], subjects: list[str]) -> list[list]:
        # Encoded once, as its users would do.
        if id(subjects) not in databases:
            databases[id(subjects)] = pyopal.Database(
                subjects, alphabet=pyopal.Alphabet(letters)
            )
        database = databases[id(subjects)]
        return list(
            pool.map(
                lambda query: aligner.align(
                    query, database, mode="score", algorithm="sw"
                ),
                queries,
            )
        )

    return score_all


if __name__ == "__main__":
    worker.serve(
        make, lambda table: [[result.score for result in row] for row in table]
    )
