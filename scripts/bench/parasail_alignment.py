"""parasail's local alignment scores, one pair per call: a worker of timing.py."""

import alignment_worker as worker
import parasail


def make(pairs: bool) -> worker.Scorer:
    """Return the scorer of pairs, or of each query with each subject."""
    matrix = parasail.matrix_create("AUCG", worker.REWARD, worker.PENALTY)
    # parasail's gap of k letters costs open + (k - 1) extend.
    costs = worker.GAP_OPEN + worker.GAP_EXTEND, worker.GAP_EXTEND

    def score_pairs(queries: list[str], subjects: list[str]) -> list[int]:
        return [
            parasail.sw_striped_16(
                query, subjects[worker.partner(number, turn)], *costs, matrix
            ).score
            for number, query in enumerate(queries)
            for turn in range(worker.PARTNERS)
        ]

    def score_all(queries: list[str], subjects: list[str]) -> list[list[int]]:
        table = []
        for query in queries:
            profile = parasail.profile_create_16(query, matrix)
            table.append(
                [
                    parasail.sw_striped_profile_16(profile, subject, *costs).score
                    for subject in subjects
                ]
            )
        return table

    return score_pairs if pairs else score_all


if __name__ == "__main__":
    worker.serve(make, list)
