"""Sweeps of the duplex classifier.

    python -m mirjax.sweep --config=configs/sweeps/duplex.py --workdir=W

Variants (`--config=configs/sweeps/duplex.py:NAME`):
  recipes    8 runs of 20 epochs on the labelled chimeras (the default).
  left_out   the same without Helwak 2013, by whose rows they are ranked: so they are
             compared on data of another laboratory.
  simulated  4 runs of 2 epochs on simulated pairs, no files needed: a demonstration of
             the command, too short to learn much.
"""

from ml_collections import ConfigDict

from mirjax.configs import base, duplex


def get_config(variant: str = "recipes") -> ConfigDict:
    """Return the config of one sweep: the shared config of its runs, and the grid."""
    data = "simulated" if variant == "simulated" else "labels"
    config = ConfigDict(
        {
            "base": duplex.get_config(data),  # a training config, common to all runs
            "grid": {},  # keys of the training config, and the values each one takes
            "epochs": 20,  # of a run; it is evaluated after each
            "patience": 0,  # epochs without a better metric before stopping; 0: off
        }
    )
    return base.apply_variant(config, VARIANTS, variant, "configs/sweeps/duplex.py")


def _recipes(config: ConfigDict) -> None:
    """Two learning rates, two dropout rates, windows shifted or not."""
    config.grid = {
        "data": {"shift": (0, 5)},
        "optimizer": {"learning_rate": (0.001, 0.003)},
        "model": {"dropout": (0.1, 0.3)},
    }


def _left_out(config: ConfigDict) -> None:
    """The same, ranked on a dataset that is not trained on."""
    _recipes(config)
    config.base.data.sources = "hejret2023/train+manakov2022/sample"
    config.base.data.left_out = "helwak2013"
    config.base.train.best_metric = "val/helwak2013/average_precision"


def _simulated(config: ConfigDict) -> None:
    """Small models on few pairs."""
    config.base.model.filters = 16
    config.base.model.conv_features = 8
    config.base.data.negative_draws = 1
    config.grid = {
        "train": {"batch_size": (128, 256)},
        "optimizer": {"learning_rate": (0.003, 0.01)},
    }
    config.epochs = 2


VARIANTS = {
    "recipes": _recipes,
    "left_out": _left_out,
    "simulated": _simulated,
}
