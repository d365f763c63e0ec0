"""Tests of models that the package holds, and of the script that puts them there."""

import json
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest
from equations import random_params

import mirjax
from mirjax.models import loading, make_model, pretrained
from mirjax.models.trained import save_model

ROOT = pathlib.Path(__file__).parents[1]
CONFIG = {
    "name": "duplex",
    "stack_features": 2,
    "filters": 4,
    "conv_features": 3,
    "conv_layers": 1,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty package folder."""
    path = tmp_path / "pretrained"
    path.mkdir()
    monkeypatch.setattr(pretrained, "FOLDER", path)
    return path


def write_model(path, **metadata):
    model = make_model(CONFIG)
    params = random_params(model, 0, scale=0.2)
    save_model(path, params, {"model": CONFIG, **metadata})
    return params


def test_a_shipped_model_is_found_by_its_name_from_any_folder(
    folder, tmp_path, monkeypatch
):
    (folder / "tiny").mkdir()
    params = write_model(folder / "tiny" / "model.npz")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pretrained" / "own").mkdir()
    trained = loading.load_model("pretrained/tiny")
    jax.tree.map(np.testing.assert_array_equal, dict(trained.params), params)
    assert loading.load_model("pretrained/tiny/").model == trained.model
    assert pretrained.pretrained_names() == ["tiny"]
    with pytest.raises(ValueError, match="holds no trained model"):
        loading.load_model(tmp_path / "pretrained" / "own")


@pytest.mark.parametrize("name", ["tony", "", "../secret", "/etc/passwd"])
def test_a_name_that_is_not_shipped_lists_those_that_are(folder, name):
    for shipped in ("tiny", "other"):
        (folder / shipped).mkdir()
        write_model(folder / shipped / "model.npz")
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="holds pretrained/other, pretrained/tiny"):
        loading.load_model(f"pretrained/{name}")


def test_without_any_model_the_message_says_so(folder):
    with pytest.raises(ValueError, match=r"holds none"):
        loading.load_model("pretrained/tiny")


def test_every_shipped_model_has_its_card_and_all_are_small():
    files = [path for path in pretrained.FOLDER.glob("*/*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 8_000_000
    for name in pretrained.pretrained_names():
        card = json.loads((pretrained.FOLDER / name / "card.json").read_text())
        assert card["name"] == f"pretrained/{name}"
        assert (pretrained.FOLDER / name / "card.md").is_file()
        loading.load_model(f"pretrained/{name}")


def ship(*words):
    command = [sys.executable, ROOT / "scripts" / "ship_model.py", *words]
    environment = {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PATH": "/usr/bin"}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=100
    )


@pytest.mark.slow
def test_the_script_writes_a_small_file_and_a_card(folder, tmp_path):
    metadata = {
        "temperature": 1.25,
        "step": 7,
        "data": {"sources": "simulated+/home/me/pairs.tsv", "seed": 0},
        "guard": {"simulated, training": {"rows": 90, "leaking": 4}},
    }
    params = write_model(tmp_path / "model.npz", **metadata)
    metrics = {"n": 40.0, "average_precision": 0.75, "auroc": 0.7, "command": "python"}
    metrics |= {"data": "hejret2023", "split": "test", "split_protocol": "published"}
    metrics["new_targets"] = {"auroc": 0.65}
    metrics["baselines"] = {"complementarity": {"n": 40, "average_precision": 0.5}}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "limits.txt").write_text("Sites of 50 nt.\n\nHuman miRNAs.\n")
    peers = {"hejret2023": [{"predictor": "peer", "source": "a paper", "auroc": 0.5}]}
    (tmp_path / "peers.json").write_text(json.dumps(peers))
    words = [tmp_path / "model.npz", "tiny", tmp_path / "metrics.json"]
    words += ["--command=mirjax train", f"--limits={tmp_path / 'limits.txt'}"]
    words += [
        f"--peers={tmp_path / 'peers.json'}",
        "--commit=abc",
        f"--folder={folder}",
    ]
    done = ship(*words)
    assert done.returncode == 0, done.stderr
    trained = loading.load_model("pretrained/tiny")
    assert trained.metadata["temperature"] == 1.25
    assert trained.metadata["data"] == {"sources": "simulated+pairs.tsv", "seed": 0}
    jax.tree.map(
        lambda a, b: np.testing.assert_array_equal(a, np.float16(b)),
        dict(trained.params),
        params,
    )
    card = json.loads((folder / "tiny" / "card.json").read_text())
    assert card["commit"] == "abc" and card["limits"][1] == "Human miRNAs."
    names = [row["predictor"] for row in card["metrics"][0]["predictors"]]
    assert names == ["model", "model", "complementarity", "peer"]
    text = (folder / "tiny" / "card.md").read_text()
    for line in (
        "| model | 0.750 | 0.700 | measured here |",
        "| model, new targets |  | 0.650 | measured here |",
        "## hejret2023, test: 40 rows",
        "| peer |  | 0.500 | a paper |",
        "| simulated, training | 90 | 4 |",
        "* Sites of 50 nt.",
        "Command: `mirjax train`",
    ):
        assert line in text


def test_the_script_refuses_a_model_without_a_temperature(folder, tmp_path):
    write_model(tmp_path / "model.npz")
    (tmp_path / "limits.txt").write_text("Sites of 50 nt.\n")
    words = [tmp_path / "model.npz", "tiny", "--command=mirjax train"]
    done = ship(*words, f"--limits={tmp_path / 'limits.txt'}", f"--folder={folder}")
    assert done.returncode == 1 and "no temperature" in done.stderr
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["transformer", "seq2seq"])
def test_shipped_generators_name_the_mirna_of_a_site(name):
    """miR-21-5p's site in PDCD4: Asangani et al. 2008, doi 10.1038/sj.onc.1210856."""
    site = "UCUUAAGUGGAAUAUUCUAAUAAGCUA"
    found = mirjax.load(f"pretrained/{name}").decode([site])
    assert found["mirna"].tolist() == ["UAGCUUAUCAGACUGAUGUUGA"]
