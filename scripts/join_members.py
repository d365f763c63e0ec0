"""Join runs of duplex models into one model, whose logit is the mean of theirs.

    python scripts/join_members.py WORKDIR... --out=FOLDER

The runs have one config and different seeds. The temperature of the joined model is
fitted on the validation rows of the first run's config. FOLDER then holds a model.npz,
which --model=FOLDER and scripts/ship_model.py take.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from mirjax.datasets.joining import join_pairs
from mirjax.datasets.source_options import SourceOptions
from mirjax.datasets.sources import load_sources
from mirjax.inference.pairs import load_classifier
from mirjax.models.members import join_members
from mirjax.models.trained import FILE_NAME, save_model
from mirjax.sequences.records import Pairs
from mirjax.training.task_rows import temperature_hook


def join(workdirs: Sequence[pathlib.Path], out: pathlib.Path) -> pathlib.Path:
    """Write the joined model; return its file.

    Raises:
      ValueError: if a run has no classifier, the models differ in their sizes, or the
        first one's validation rows cannot be loaded.
    """
    joined = join_members([load_classifier(str(each)) for each in workdirs])
    data = SourceOptions(**joined.metadata["data"])
    held_out = Pairs([], [], np.zeros(0, np.uint8))
    for source in load_sources(data).trained:
        held_out = join_pairs(held_out, source.validation)
    fitted = temperature_hook(held_out)(joined.model, joined.params)
    out.mkdir(parents=True, exist_ok=True)
    save_model(out / FILE_NAME, joined.params, {**joined.metadata, **fitted})
    return out / FILE_NAME


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workdirs", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    arguments = parser.parse_args(words)
    print(join(arguments.workdirs, arguments.out))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"join_members.py: {error}")
