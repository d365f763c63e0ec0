"""Settings of a study: which data, how many rows, epochs and seeds."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

# The two datasets of the study, by their role in it.
ROLES = FIRST, SECOND = ("first", "second")

Overrides = Mapping[str, Any]
"""Dotted key of a training config → value."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """The amount of data and the length of trainings of a study.

    Attributes:
      name: of the settings, shown with every result.
      epochs: recipe → epochs of its training.
      datasets: role → dataset.
      seeds: of every recipe that is not named in `fewer_seeds`.
      fewer_seeds: recipe → its seeds, for a recipe too slow to repeat.
      positive_rows: first positive rows of each dataset for the generators, split at
        random; 0: all rows, by the published split.
      classifier_rows: first positive rows for the classifiers, split at random.
      same_rows: positive rows of the first dataset with which it has as many training
        rows as the second, to compare the two at equal size.
      seen_rows: training rows to measure on, drawn at random; 0: all.
      held_out_rows: held-out rows to measure on, likewise.
      decoders: of `evaluation.options.DECODERS`, besides greedy decoding.
      grid: settings of the classifier that are compared.
      negative_ratio: negatives generated for each positive row of the classifiers.
      models: name of a model → overrides of its config, to make it smaller.
      released: datasets on whose held-out rows the released miTAR weights are measured.
      draws: bootstrap draws of an interval.
    """

    name: str
    epochs: Mapping[str, float]
    datasets: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {FIRST: "chakraborty2019", SECOND: "mitar2021"}
    )
    seeds: Sequence[int] = (0, 1, 2)
    fewer_seeds: Mapping[str, Sequence[int]] = dataclasses.field(
        default_factory=lambda: {"published": (0,), "published_second": (0,)}
    )
    positive_rows: int = 0
    classifier_rows: int = 10_000
    same_rows: int = 11_049
    seen_rows: int = 10_000
    held_out_rows: int = 0
    decoders: Sequence[str] = ()
    grid: Sequence[Overrides] = ()
    negative_ratio: float = 0.9
    models: Mapping[str, Overrides] = dataclasses.field(default_factory=dict)
    released: Sequence[str] = ()
    draws: int = 1_000

    def seeds_of(self, recipe: str) -> Sequence[int]:
        """Return the seeds of a recipe."""
        return self.fewer_seeds.get(recipe, self.seeds)

    def describe(self) -> str:
        """Describe what the settings leave out; empty for the whole study."""
        if self.name == FULL.name:
            return ""
        rows = f"the first {self.positive_rows:,} positive pairs of each dataset"
        smaller = ", smaller models" if self.models else ""
        return (
            f"Settings `{self.name}`: {rows}, few epochs{smaller}. The results show "
            "that the program runs, not what the models can do."
        )


def _setting(batch_size: int, learning_rate: float, dropout: float) -> Overrides:
    """Return one setting of the classifier."""
    return {
        "train.batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "model.dropout": dropout,
    }


FULL = Settings(
    name="full",
    # Chosen so that the study takes about half a day on two cores.
    epochs={
        "published": 100.0,
        "published_second": 10.0,  # it collapses much earlier
        "tuned": 16.0,
        "tuned_second": 16.0,
        "transformer": 12.0,
        "transformer_second": 16.0,
        "transformer_site": 16.0,
        "transformer_same_rows": 16.0,
        "transformer_family": 8.0,
        "positives_only": 2.0,
        "mitar": 20.0,
    },
    decoders=("constrained", "ranking"),
    # The first is the reported best one.
    grid=(
        _setting(100, 0.005, 0.4),
        _setting(50, 0.001, 0.2),
        _setting(50, 0.001, 0.4),
        _setting(50, 0.005, 0.2),
        _setting(50, 0.005, 0.4),
    ),
    released=("mitar2021", "hejret2023"),
)

QUICK = dataclasses.replace(
    FULL,
    name="quick",
    epochs=dict.fromkeys(FULL.epochs, 4.0) | {"positives_only": 1.0},
    positive_rows=1_500,
    classifier_rows=1_500,
    same_rows=1_500,
    seen_rows=300,
    held_out_rows=300,
    decoders=(),
    grid=FULL.grid[:1],
    models={
        "seq2seq": {
            "train.eval_every_epochs": 2.0,
            "model.conv_features": 48,
            "model.dense_features": 48,
            "model.lstm_features": 64,
        },
        "transformer": {
            "train.eval_every_epochs": 2.0,
            "model.encoder_layers": 1,
            "model.decoder_layers": 1,
            "model.features": 64,
            "model.hidden_features": 128,
        },
        "mitar": {
            "train.eval_every_epochs": 2.0,
            "model.conv_features": 64,
            "model.lstm_features": 16,
        },
    },
    draws=200,
)
