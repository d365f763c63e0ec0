"""Sweeps of the miTAR classifier.

    python -m mirjax.sweep --config=configs/sweeps/mitar.py --workdir=W

Variants (`--config=configs/sweeps/mitar.py:NAME`):
  reduced    12 runs of 20 epochs on miTAR's combined data (the default).
  published  the published grid, 150 runs of up to 1,000 epochs: days on two cores.
  study      4 runs of 25 epochs on 10,000 pairs of the seq2seq model and 9,000 random
             negatives, as in the study (reported: best 90.18%). With --config.epochs=20
             it took 20 minutes of one core, and the best run had 89.3% of the test rows
             correct; 25 epochs are not measured.
  repaired   the same with negatives that keep each miRNA's frequency: 30 minutes of
             one core; the best run has 87% of the test rows correct.
  simulated  4 runs of 3 epochs on simulated pairs, no files needed: a demonstration of
             the command, too short to learn anything.
"""

from ml_collections import ConfigDict

from mirjax.configs import base, mitar


def get_config(variant: str = "reduced") -> ConfigDict:
    """Return the config of one sweep: the shared config of its runs, and the grid."""
    data = "combined"
    if variant in ("study", "repaired"):
        data = "chakraborty"
    elif variant == "simulated":
        data = "simulated"
    config = ConfigDict(
        {
            "base": mitar.get_config(data),  # a training config, common to all runs
            "grid": {},  # keys of the training config, and the values each one takes
            "epochs": 20,  # of a run; it is evaluated after each
            "patience": 0,  # epochs without a better metric before stopping; 0: off
        }
    )
    return base.apply_variant(config, VARIANTS, variant, "configs/sweeps/mitar.py")


def _reduced(config: ConfigDict) -> None:
    """Three batch sizes, two learning rates, two dropout rates."""
    config.grid = {
        "train": {"batch_size": (30, 50, 100)},
        "optimizer": {"learning_rate": (0.001, 0.005)},
        "model": {"dropout": (0.2, 0.4)},
    }


def _published(config: ConfigDict) -> None:
    """Gu et al. 2021: five batch sizes, six learning rates, five dropout rates.

    In the published code the learning rate is not passed to the optimiser; here it is.
    """
    config.grid = {
        "train": {"batch_size": (10, 30, 50, 100, 200)},
        "optimizer": {"learning_rate": (0.2, 0.1, 0.05, 0.01, 0.005, 0.001)},
        "model": {"dropout": (0.1, 0.2, 0.3, 0.4, 0.5)},
    }
    config.epochs = 1_000
    config.patience = 100


def _study(config: ConfigDict) -> None:
    """A part of the grid of the study's third table, with an EMA of parameters."""
    config.base.data.split = "random"
    config.base.data.positive_rows = 10_000
    config.base.data.negatives = "random"
    config.base.data.negative_ratio = 0.9
    config.base.model.embedding_limit = 1.0
    config.base.optimizer.ema_decay = 0.9995
    config.grid = {
        "train": {"batch_size": (50,)},
        "optimizer": {"learning_rate": (0.001, 0.005)},
        "model": {"dropout": (0.2, 0.4)},
    }
    config.epochs = 25


def _repaired(config: ConfigDict) -> None:
    """The same with negatives that keep each miRNA's frequency."""
    _study(config)
    config.base.data.negatives = "frequency"


def _simulated(config: ConfigDict) -> None:
    """Small models on few pairs."""
    config.base.data.positive_rows = 600
    config.base.model.conv_features = 16
    config.base.model.lstm_features = 8
    config.grid = {
        "train": {"batch_size": (64, 128)},
        "optimizer": {"learning_rate": (0.002, 0.01)},
    }
    config.epochs = 3


VARIANTS = {
    "reduced": _reduced,
    "published": _published,
    "study": _study,
    "repaired": _repaired,
    "simulated": _simulated,
}
