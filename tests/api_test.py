"""The Python interface gives what the commands give."""

import importlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from equations import numpy_mitar, random_letters, random_params

import mirjax
from mirjax.models.mitar import Mitar
from mirjax.models.seq2seq import Seq2Seq
from mirjax.models.trained import TrainedModel, save_model

SMALL = Mitar(conv_features=4, lstm_features=3, dense_features=3)
MIRNA = "UAGCUUAUCAGACUGAUGUUGA"


@pytest.fixture(scope="module")
def model():
    return mirjax.Model(TrainedModel(SMALL, random_params(SMALL, 0, scale=0.3), {}))


@pytest.fixture(scope="module")
def generator():
    model = Seq2Seq(conv_features=4, dense_features=4, lstm_features=4)
    return mirjax.Model(TrainedModel(model, random_params(model, 0, scale=0.3), {}))


def test_importing_it_imports_nothing_slow():
    code = """
import sys
import mirjax
assert "scan" in dir(mirjax)
slow = {"jax", "numpy", "pandas", "scipy", "pyarrow", "flax", "absl"}
assert not slow & set(sys.modules), slow & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_that_it_lacks():
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        mirjax.nope  # noqa: B018


def test_probabilities_of_lists_strings_and_frames(model):
    targets = random_letters(np.random.default_rng(0), 3, 20, 53)
    expected = [numpy_mitar(model.trained.params, MIRNA, each) for each in targets]
    found = model.predict_proba(MIRNA, targets)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert isinstance(found, np.ndarray)
    lower = MIRNA.lower().replace("u", "t")
    np.testing.assert_array_equal(model.predict_proba([lower] * 3, targets), found)
    frame = pd.DataFrame({"target": targets, "mirna": MIRNA}, index=["x", "y", "z"])
    series = model.predict_proba(frame)
    assert series.index.tolist() == ["x", "y", "z"]
    np.testing.assert_array_equal(series, found)
    columns = model.predict_proba(frame["mirna"], frame["target"])
    np.testing.assert_array_equal(columns, found)
    assert model.predict_proba(MIRNA, []).shape == (0,)


def test_probabilities_of_files(model, tmp_path):
    targets = random_letters(np.random.default_rng(0), 3, 20, 53)
    path = tmp_path / "targets.fa"
    path.write_text("".join(f">t{n}\n{text}\n" for n, text in enumerate(targets)))
    expected = model.predict_proba(MIRNA, targets)
    for given in (path, str(path)):
        np.testing.assert_array_equal(model.predict_proba(MIRNA, given), expected)


@pytest.mark.slow
def test_the_temperature_of_a_file_is_used(tmp_path, model):
    config = {"name": "mitar", "conv_features": 4, "lstm_features": 3}
    config["dense_features"] = 3
    metadata = {"model": config, "temperature": 2.0}
    save_model(tmp_path / "model.npz", model.trained.params, metadata)
    calibrated = mirjax.load(tmp_path)
    plain = model.predict_proba(MIRNA, "ACGUACGU")
    logit = np.log(plain / (1 - plain))
    found = calibrated.predict_proba(MIRNA, "ACGUACGU")
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit / 2)), atol=1e-6)
    sites = calibrated.scan(MIRNA, "ACGUACGU", mirjax.WindowsOptions(threshold=0))
    np.testing.assert_allclose(sites.score, found, atol=1e-6)


@pytest.mark.slow
def test_sites_of_sequences_and_of_a_file(model, tmp_path):
    sequences = random_letters(np.random.default_rng(1), 2, 60, 120)
    transcripts = {"t1": sequences[0], "t2": sequences[1].lower() + "NN"}
    options = mirjax.WindowsOptions(threshold=0, step=30)
    sites = mirjax.scan(model, {"m": MIRNA}, transcripts, options)
    assert sites.columns.tolist() == [
        *("mirna", "target", "start", "end", "window", "score", "sites")
    ]
    assert set(sites.target) == {"t1", "t2"}
    path = tmp_path / "t.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in transcripts.items()))
    of_file = mirjax.scan(model, pd.Series({"m": MIRNA}), path, options)
    pd.testing.assert_frame_equal(of_file, sites)
    # The module of the command, once it is imported, stands where the function is.
    importlib.import_module("mirjax.scan")
    again = mirjax.scan(model, {"m": MIRNA}, transcripts, options)
    pd.testing.assert_frame_equal(again, sites)


def test_decoded_mirnas(generator):
    found = generator.decode({"a": "ACGUACGUACGUACGU", "b": "A" * 40}, stride=5)
    assert found.target.tolist() == ["a", *["b"] * 4]
    assert found.start.tolist() == [0, 0, 5, 10, 11]
    assert found.end.tolist() == [16, 29, 34, 39, 40]
    assert (found.log_prob <= 0).all() and found.mirna.map(type).eq(str).all()
    beam = generator.decode({"a": "ACGUACGUACGUACGU"}, "beam")
    assert beam.log_prob[0] >= found.log_prob[0] - 1e-4


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda m, g: m.decode("ACGU"), "Mitar decodes no miRNA"),
        (lambda m, g: g.predict_proba(MIRNA, "ACGU"), "Seq2Seq scores no pairs"),
        (lambda m, g: g.scan(MIRNA, "ACGU"), "Seq2Seq scores no pairs"),
        (lambda m, g: m.predict_proba(MIRNA), "give targets too"),
        (
            lambda m, g: m.predict_proba([MIRNA] * 2, ["A"] * 3),
            "2 miRNAs and 3",
        ),
        (lambda m, g: m.predict_proba(MIRNA, "A" * 54), "target of 54 nt"),
        (lambda m, g: m.predict_proba("A" * 27, "ACGU"), "miRNA of 27 nt"),
        (lambda m, g: m.predict_proba("ANGU", "ACGU"), "'N' at position 2"),
        (lambda m, g: m.predict_proba(MIRNA, ["ACGU", 3]), "3 is not text"),
        (lambda m, g: m.predict_proba(pd.DataFrame({"mirna": [MIRNA]})), "no column t"),
        (lambda m, g: m.predict_proba(MIRNA, "absent.fa"), "absent.fa: cannot be read"),
        (lambda m, g: m.scan(["A" * 30], "ACGU"), "30 nt, the model takes 1 to 26"),
        (lambda m, g: g.decode("ACGU"), "4 nt, the model takes at least"),
        (lambda m, g: g.decode("ACGU", "nope"), "decoder='nope' is not one of greedy"),
        (lambda m, g: mirjax.load("absent"), "absent"),
    ],
)
def test_wrong_arguments(model, generator, call, part):
    with pytest.raises(ValueError, match=part):
        call(model, generator)


def test_sites_above_chance_are_the_default(model, tmp_path):
    site = "AACUAUACAACCUACUACCUCA"
    letters = random_letters(np.random.default_rng(2), 1, 900, 901)[0]
    options = mirjax.SiteOptions(
        candidates="all", background_nt=10_000, chance_per_kb=1000.0
    )
    sites = mirjax.scan(model, {"m": MIRNA}, {"t": letters + site}, options)
    windows = [
        (letters + site)[row.window_start : row.window_end]
        for row in sites.itertuples()
    ]
    expected = model.predict_proba(MIRNA, windows)
    np.testing.assert_allclose(sites.score, expected, atol=1e-5)
    assert len(sites) and (sites.pvalue <= 1).all()
