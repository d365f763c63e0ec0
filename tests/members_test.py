"""Members of a duplex model: joined, saved, scored and told apart again."""

import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from equations import random_letters, random_params
from scipy import special

import mirjax
from mirjax.configs import duplex
from mirjax.datasets.source_options import SourceOptions
from mirjax.datasets.sources import load_sources
from mirjax.evaluation.metrics.calibration import fit_temperature
from mirjax.inference.classify import (
    predict_logits,
    predict_member_logits,
    predict_probabilities,
    spread,
)
from mirjax.models import make_model
from mirjax.models.loading import load_model
from mirjax.models.members import join_members, split_members
from mirjax.models.trained import TrainedModel, save_model
from mirjax.sequences.records import Pairs

CONFIG = {
    "name": "duplex",
    "stack_features": 3,
    "filters": 7,
    "conv_features": 5,
    "conv_layers": 2,
    "dense_features": 4,
}


def member(seed, **sizes):
    config = CONFIG | sizes
    model = make_model(config)
    params = random_params(model, seed, scale=0.5)
    return TrainedModel(model, params, {"model": config, "temperature": 1.5})


@pytest.fixture(scope="module")
def members():
    return [member(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    return Pairs(random_letters(rng, 9, 20, 25), random_letters(rng, 9, 30, 50))


def logits(trained, pairs):
    return predict_logits(trained.model, trained.params, pairs)


def test_the_logit_of_joined_models_is_their_mean(members, pairs, tmp_path):
    each = np.stack([logits(one, pairs) for one in members])
    assert each.std(axis=0).min() > 1e-3
    joined = join_members(members)
    save_model(tmp_path / "model.npz", joined.params, joined.metadata)
    loaded = load_model(tmp_path)
    assert loaded.model.members == 3
    assert loaded.metadata["temperature"] == 1.5
    for found in (joined, loaded):
        np.testing.assert_allclose(logits(found, pairs), each.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(predict_member_logits(found, pairs), each, atol=1e-5)
    for one, again in zip(members, split_members(loaded), strict=True):
        assert again.model == one.model
        assert again.metadata == one.metadata | {"model": CONFIG | {"members": 1}}


def test_a_model_without_members_is_its_only_one(members, pairs):
    assert split_members(members[0]) == [members[0]]
    found = predict_member_logits(members[0], pairs)
    np.testing.assert_array_equal(found, logits(members[0], pairs)[None])
    assert spread(found) is None


def test_models_that_cannot_be_joined_are_refused(members):
    with pytest.raises(ValueError, match="members differ"):
        join_members([members[0], member(0, filters=8)])
    with pytest.raises(ValueError, match="without members"):
        join_members([join_members(members)] * 2)
    mitar = make_model({"name": "mitar"})
    with pytest.raises(ValueError, match="only duplex"):
        join_members([TrainedModel(mitar, {}, {})])


def test_spread_is_the_standard_deviation_of_probabilities(members, pairs, tmp_path):
    joined = join_members(members)
    save_model(tmp_path / "model.npz", joined.params, joined.metadata)
    probabilities = [predict_probabilities(x, pairs, temperature=1.5) for x in members]
    wanted = np.std(probabilities, axis=0, ddof=1)
    model = mirjax.load(tmp_path)
    found = model.predict_spread(pairs.mirnas, pairs.targets)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    frame = pd.DataFrame(
        {"mirna": pairs.mirnas, "target": pairs.targets}, index=range(10, 19)
    )
    pd.testing.assert_series_equal(
        model.predict_spread(frame), pd.Series(found, frame.index, name="spread")
    )
    mean = np.mean([logits(x, pairs) for x in members], axis=0)
    np.testing.assert_allclose(
        model.predict_proba(frame), special.expit(mean / 1.5), atol=1e-6
    )


def test_a_single_network_has_no_spread(members, pairs, tmp_path):
    save_model(tmp_path / "model.npz", members[0].params, members[0].metadata)
    with pytest.raises(ValueError, match="without members"):
        mirjax.load(tmp_path).predict_spread(pairs.mirnas, pairs.targets)


def test_the_script_fits_the_temperature_of_joined_runs(members, tmp_path):
    data = duplex.get_config("simulated").data.to_dict()
    for number, one in enumerate(members):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        save_model(folder / "model.npz", one.params, one.metadata | {"data": data})
    script = pathlib.Path(__file__).parents[1] / "scripts" / "join_members.py"
    runs = [tmp_path / f"run{number}" for number in range(3)]
    out = tmp_path / "joined"
    command = [sys.executable, script, *runs, f"--out={out}"]
    subprocess.run(command, check=True, timeout=300)
    joined = load_model(out)
    (source,) = load_sources(SourceOptions(**data)).trained
    held_out = source.validation
    wanted = fit_temperature(held_out.labels, logits(joined, held_out))
    assert joined.metadata["temperature"] == pytest.approx(wanted, rel=1e-4)
    assert joined.metadata["temperature"] != 1.5
