"""Forward speed of a classifier in mirjax, as a benchmark worker.

Times are from text to probabilities, by the engine that a scan uses for the classifier.
"""

import argparse
import time

import numpy as np
import scan_inputs
import timing

from mirjax.inference.pairs import load_classifier
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.seed_mode import tokens_of
from mirjax.sequences.records import SequenceRecord


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="mirjax worker; see timing.py.")
    parser.add_argument("--model", required=True)
    trained = load_classifier(parser.parse_args().model)

    def repeat(pairs: int) -> float:
        mirnas, targets = scan_inputs.random_pairs(pairs)
        start = time.perf_counter()
        records = [SequenceRecord("", mirna) for mirna in mirnas]
        engine = make_engine(trained, records)
        joined = tokens_of(SequenceRecord("", "".join(targets)))
        starts = np.arange(pairs) * len(targets[0])
        engine.score_pairs(joined, np.arange(pairs), starts)
        return time.perf_counter() - start

    timing.serve(repeat)


if __name__ == "__main__":
    main()
