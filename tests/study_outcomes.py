"""Made-up outcomes of a study's stages, so that its results need no training."""

import dataclasses
import json

import numpy as np

from mirjax.sequences.pairing import reverse_complement
from mirjax.studies.classifiers import ClassifierMeasurement, ReleasedMeasurement
from mirjax.studies.duplex import fold
from mirjax.studies.generators import HELD_OUT, Measurement, WithoutModel
from mirjax.studies.lengths import Lengths
from mirjax.studies.settings import FIRST, QUICK, SECOND
from mirjax.studies.stages import OUTCOME_FILE, Cache, in_order
from mirjax.studies.study import EXPERIMENTS
from mirjax.studies.trainings import Training

TINY = dataclasses.replace(
    QUICK,
    datasets={FIRST: "simulated", SECOND: "simulated"},
    epochs=dict.fromkeys(QUICK.epochs, 1.0),
    seeds=(0, 1, 2),
    positive_rows=60,
    classifier_rows=60,
    same_rows=60,
    seen_rows=10,
    held_out_rows=0,
    released=(),
    models={
        "seq2seq": {
            "model.conv_features": 4,
            "model.dense_features": 4,
            "model.lstm_features": 4,
        },
        "transformer": {
            "model.encoder_layers": 1,
            "model.decoder_layers": 1,
            "model.features": 8,
            "model.heads": 2,
            "model.hidden_features": 8,
        },
        "mitar": {"model.conv_features": 4, "model.lstm_features": 2},
    },
    draws=5,
)
"""Settings of studies that tests run; no files are needed."""

MADE_UP = dataclasses.replace(
    TINY,
    datasets={FIRST: "chakraborty2019", SECOND: "mitar2021"},
    released=("mitar2021", "hejret2023"),
    decoders=("constrained",),
)
"""Settings of the made-up outcomes; nothing is loaded."""

_MIRNA = "UGAGGUAGUAGGUUGUAUAGUU"
_GENERATORS = (
    "prefix_only",
    "most_frequent",
    "complementarity",
    "complementarity_anchored",
)
_CLASSIFIERS = ("complementarity", "seed_6mer", "mirna_identity", "target_kmers")
_ROWS = 80


def write_outcomes(workdir, settings=MADE_UP):
    """Write an outcome for every stage, as if it had been run."""
    cache, rng = Cache(workdir), np.random.default_rng(0)
    for experiment in EXPERIMENTS.values():
        for stage in in_order(experiment.stages(settings).values(), cache):
            folder = cache.folder(stage)
            folder.mkdir(parents=True, exist_ok=True)
            content = {"seconds": 1.5, "outcome": _outcome(stage, rng)}
            (folder / OUTCOME_FILE).write_text(json.dumps(content))


def _outcome(stage, rng):
    if isinstance(stage, Training):
        return {"history": [_evaluation(epoch, rng) for epoch in (1.0, 2.0)]}
    if isinstance(stage, Measurement):
        level = 0.5 if stage.part == HELD_OUT else 0.6
        predictors = {name: _generator(rng, 0.4) for name in _GENERATORS}
        model = _generator(rng, level)
        if stage.training.name.startswith("published"):
            model["distinct"] = 1.0
        found = _generator(rng, level)
        constrained = {name: x for name, x in found.items() if "hit" not in name}
        return {
            "rows": f"{stage.training.config().data.name}, some rows",
            "model": model,
            "decoders": {"constrained": constrained},
            "baselines": predictors,
            "duplexes": [_duplex(shift) for shift in range(3)],
        }
    if isinstance(stage, WithoutModel):
        names = (
            "most frequent miRNA, for every target",
            "any miRNA of the database",
            "letters of the true miRNA, shuffled",
            "complementarity, anchored, whole database",
        )
        return {
            "known_mirnas": 0.996,
            "known_targets": 0.17,
            "predictors": {name: _generator(rng, 0.4) for name in names},
        }
    if isinstance(stage, ClassifierMeasurement | ReleasedMeasurement):
        return _classifier(rng)
    assert isinstance(stage, Lengths)
    column = {"shortest": 12, "median": 23.0, "longest": 29, "distinct": 170}
    column["rows_by_length"] = {"12": 10, "23": 150, "29": 40}
    return {"pairs": 200, "targets": column, "mirnas": column}


def _evaluation(epoch, rng):
    names = ("loss", "accuracy", "exact_match", "seed_match", "token_accuracy_masked")
    values = {f"val/{name}": float(rng.uniform(0.3, 0.6)) for name in names}
    more = {"train/loss": 0.5, "val/distinct": 40.0, "val/n": 80.0}
    return {"epoch": epoch, "step": 10 * epoch, **values, **more}


def _generator(rng, level):
    names = (
        *("exact_match", "known_match", "seed_match", "real_share"),
        *("token_accuracy_keras", "token_accuracy_masked"),
        *("blast_hit_share", "blast_hit_share_0.01", "blast_hit_share_0.005"),
        *("blast_hit_share_0.001", "blast_name_match"),
    )
    values = {name: float(level + rng.uniform(0, 0.05)) for name in names}
    by_length = {"23": {"n": 60.0, "exact_match": 0.5, "seed_match": 0.7}}
    by_length["29"] = {"n": 20.0, "exact_match": 0.4, "seed_match": 0.6}
    counts = {"n": float(_ROWS), "distinct": 30.0, "by_target_length": by_length}
    return {**values, **counts}


def _duplex(shift):
    target = "A" * shift + reverse_complement(_MIRNA)
    drawn = fold(_MIRNA, target)
    return {
        "target": target,
        "mirna": _MIRNA,
        "true": _MIRNA if shift else _MIRNA[::-1],
        "weights": np.full((len(_MIRNA), len(target)), 0.04).tolist(),
        "drawing": drawn.drawing,
        "energy": drawn.energy,
    }


def _classifier(rng):
    labels = np.arange(_ROWS) % 2
    probabilities = np.clip(0.3 * labels + rng.uniform(0.1, 0.6, _ROWS), 0, 1)
    names = ("accuracy", "sensitivity", "specificity", "average_precision", "auroc")

    def metrics():
        found = {name: float(rng.uniform(0.7, 0.9)) for name in names}
        return {"n": _ROWS, **found}

    curve = {"precision": [0.5, 0.8, 1.0], "recall": [1.0, 0.6, 0.2]}
    return {
        "rows": "simulated, some rows",
        "model": metrics(),
        "baselines": {name: metrics() for name in _CLASSIFIERS},
        "labels": labels.tolist(),
        "probabilities": probabilities.tolist(),
        "curves": {
            "calibration": {
                "mean_probability": [0.2, 0.7],
                "positive_fraction": [0.1, 0.8],
                "num_rows": [40, 40],
            },
            "precision_recall": {
                name: {**curve, "average_precision": 0.8}
                for name in ("model", "complementarity")
            },
            "positive_fraction": 0.5,
        },
        "warning": None,
    }
