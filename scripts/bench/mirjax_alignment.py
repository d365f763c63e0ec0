"""mirjax's local alignment scores: a worker of timing.py."""

import alignment_worker as worker
import numpy as np

from mirjax.alignment import scoring, smith_waterman


def make(pairs: bool) -> worker.Scorer:
    """Return the scorer of pairs, or of each query with each subject."""
    chosen = scoring.nucleotide(
        worker.REWARD, worker.PENALTY, worker.GAP_OPEN, worker.GAP_EXTEND
    )

    def score_pairs(queries: list[str], subjects: list[str]) -> np.ndarray:
        query, turn = np.indices((len(queries), worker.PARTNERS)).reshape(2, -1)
        pairs = np.stack([query, worker.partner(query, turn)], axis=1)
        return smith_waterman.score_pairs(queries, subjects, chosen, pairs=pairs)

    def score_all(queries: list[str], subjects: list[str]) -> np.ndarray:
        return smith_waterman.score_all(queries, subjects, chosen)

    return score_pairs if pairs else score_all


if __name__ == "__main__":
    worker.serve(make, np.ndarray.tolist)
