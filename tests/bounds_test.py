"""The table of values that config keys may have."""

import dataclasses

import jax.numpy as jnp
import pytest
from small_runs import small_classifier, small_config

from mirjax.configs import base, duplex, mitar, seq2seq, transformer
from mirjax.datasets.pool_drawing import PoolOptions
from mirjax.datasets.selection import Selection
from mirjax.datasets.source_options import SourceOptions
from mirjax.evaluation.metrics.sequence import sequence_metrics
from mirjax.models import MODELS, losses
from mirjax.training import bounds
from mirjax.training.options import OptimizerOptions, TrainOptions
from mirjax.training.workdir import check_config, config_problems, leaves

SMALL = leaves(small_config().to_dict())


def test_every_key_of_a_config_is_in_the_table():
    # Only a config that names a file has its hash.
    keys = set(leaves(base.get_config().to_dict())) | {"data.sha256"}
    assert keys == set(bounds.BOUNDS)
    for name, section in (
        ("train", TrainOptions),
        ("optimizer", OptimizerOptions),
        ("data", Selection),
    ):
        fields = {f"{name}.{field.name}" for field in dataclasses.fields(section)}
        assert fields == {key for key in keys if key.startswith(f"{name}.")}


def test_every_key_of_several_sources_is_in_their_table():
    fields = {
        f"{name}.{field.name}"
        for name, section in (("data", SourceOptions), ("pool", PoolOptions))
        for field in dataclasses.fields(section)
    }
    assert fields == set(bounds.SOURCE_BOUNDS)
    keys = leaves(duplex.get_config().to_dict())
    assert fields == {key for key in keys if key.startswith(("data.", "pool."))}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.sources", ""),
        ("data.name", "mitar2021"),
        ("data.negatives", "none"),
        ("data.validation_fraction", 1.0),
        ("data.label_smoothing", 1.0),
        ("pool.per_epoch", 0.0),
        ("pool.temperature", 0.0),
        ("pool.random", -1),
        ("pool.teacher", 3),
        ("train.best_metric", "val/mitar2021/average_precision"),
    ],
)
def test_values_of_several_sources_that_no_run_can_have(key, value):
    values = leaves(duplex.get_config().to_dict())
    assert bounds.problems(values) == []
    (problem,) = bounds.problems(values | {key: value})
    assert key in problem


@pytest.mark.parametrize("module", [duplex, mitar, seq2seq, transformer])
def test_every_shipped_config_is_within_the_bounds(module):
    for variant in module.VARIANTS:
        assert config_problems(module.get_config(variant)) == []


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_may_have_its_defaults(name):
    model = MODELS[name]()
    values = {"model.name": name} | {
        f"model.{field.name}": getattr(model, field.name)
        for field in dataclasses.fields(model)
        if field.name not in ("parent", "name")
    }
    assert bounds.problems(values) == []


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("seed", [-1, 2**31, True, 1.0, "0"]),
        ("steps_per_call", [0, -1, True]),
        ("train.batch_size", [0, -5, 1.5, True, 2**31]),
        ("train.eval_batch_size", [0]),
        ("train.decode_rows", [0]),
        ("train.log_every", [-1, float("nan")]),
        ("train.duplex_augmentation", [-1]),
        ("train.num_epochs", [0.0, -1.0, float("nan"), float("inf"), "3", True]),
        ("train.eval_every_epochs", [0.0, float("nan")]),
        ("train.patience_epochs", [-0.5, float("nan")]),
        ("train.l2", [-0.1, float("inf")]),
        ("train.best_mode", ["mx", None]),
        ("train.export", ["both"]),
        ("train.best_metric", ["", "loss", "val/exact_mach", 3]),
        ("optimizer.name", ["sgd"]),
        ("optimizer.learning_rate", [-0.1, float("nan"), float("inf"), 1e39, True]),
        ("optimizer.schedule", ["linear"]),
        ("optimizer.warmup_epochs", [-1.0]),
        ("optimizer.weight_decay", [-1.0]),
        ("optimizer.ema_decay", [-0.1, 1.0]),
        ("optimizer.clip_norm", [-1.0, float("nan")]),
        ("data.name", ["", " "]),
        ("data.split", ["odd"]),
        ("data.seed", [-1, 2**31]),
        ("data.min_target_length", [-1]),
        ("data.max_target_length", [-1]),
        ("data.positive_rows", [-1]),
        ("data.site_window", [-1]),
        ("data.negatives", ["none at all"]),
        ("data.negative_ratio", [0.0, -1.0, float("nan")]),
        ("model.name", ["seq2sec"]),
        ("model.dropout", [-0.1, 1.0, float("nan"), True]),
        ("model.lstm_features", [0, -1, 2.5, True]),
        ("model.seed_last", [1, "yes"]),
    ],
)
def test_values_that_no_run_can_have_are_named(key, values):
    assert bounds.problems(SMALL) == []
    for value in values:
        (problem,) = bounds.problems({**SMALL, key: value})[:1]
        assert problem.startswith(f"config.{key}={value!r}: ")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("train.batch_sise", "did you mean batch_size?"),
        ("train.num_steps", "by config.train.num_epochs"),
        ("model.lstm_featurs", "did you mean lstm_features?"),
    ],
)
def test_an_unknown_key_names_the_nearest(key, hint):
    (problem,) = bounds.problems({**SMALL, key: 1})
    assert key in problem and hint in problem


def test_the_known_metrics_are_those_that_are_measured():
    decoded = sequence_metrics(["A"], ["A"], ["A"], {}, [])
    assert set(decoded) == set(bounds.DECODING_METRICS)
    generator = dict.fromkeys(
        ("loss", "rows", "correct_letters", "letters", "keras_accuracy"), 1.0
    )
    classifier = dict.fromkeys(("loss", "rows", "correct"), 1.0)
    for sums, known in (
        (generator, bounds.GENERATOR_METRICS),
        (classifier, bounds.CLASSIFIER_METRICS),
    ):
        arrays = {name: jnp.float32(value) for name, value in sums.items()}
        assert set(losses.mean_metrics(arrays, jnp.float32(0.0))) == set(known)


def test_a_missing_section_is_named():
    config = small_config().unlock()
    del config.optimizer
    with pytest.raises(ValueError, match="section 'optimizer' is missing"):
        check_config(config)


def test_a_classifier_has_no_metrics_of_decoding():
    config = small_classifier()
    config.data.name = "simulated"
    config.train.best_metric = "val/exact_match"
    with pytest.raises(ValueError, match="exact_match': not measured.*val/accuracy"):
        check_config(config)
