"""The wheel, installed and run as its users do: from another folder."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest
from equations import random_params
from small_runs import fast_environment

from mirjax.models import make_model
from mirjax.models.trained import save_model

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ("LICENSE", "README.md", "configs", "mirjax", "pyproject.toml", "setup.cfg")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")

pytestmark = pytest.mark.slow


def call(*arguments, **options):
    """Run a command; a failure shows what it printed."""
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


def ship_tiny_model(folder):
    """Put a classifier of random parameters where the package's models are."""
    folder.mkdir(parents=True)
    config = {"name": "duplex", "filters": 4, "conv_features": 3, "conv_layers": 1}
    model = make_model(config)
    params = random_params(model, 0, scale=0.2)
    save_model(folder / "model.npz", params, {"model": config, "temperature": 1.0})
    for name in ("card.json", "card.md"):
        (folder / name).write_text("{}")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built offline from a copy of the sources; links in it stay links."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "sources"
    for name in SOURCES:
        (copy / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name,
                copy / name,
                symlinks=True,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        else:
            shutil.copy(ROOT / name, copy / name)
    ship_tiny_model(copy / "mirjax" / "pretrained" / "tiny")
    requirements = copy / "scripts" / "bench" / "requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.touch()
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    call(*PIP, "wheel", *offline, f"--wheel-dir={folder}", str(copy), timeout=100)
    (path,) = folder.glob("mirjax-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder with the wheel's content and its console script."""
    folder = tmp_path_factory.mktemp("site")
    call(*PIP, "install", "--no-index", "--no-deps", f"--target={folder}", str(wheel))
    return folder


def mirjax(installed, empty, *arguments):
    """Run the console script in a folder, with no other mirjax on the path."""
    environment = fast_environment() | {"PYTHONPATH": str(installed)}
    script = installed / "bin" / "mirjax"
    return call(str(script), *arguments, cwd=empty, env=environment, timeout=200)


def test_the_wheel_holds_the_package_and_its_configs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        f"mirjax/{path.relative_to(ROOT / 'mirjax').as_posix()}"
        for path in (ROOT / "mirjax").rglob("*.py")
    } | {
        f"mirjax/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "configs").rglob("*.py")
    }
    data = {"mirjax/py.typed", "mirjax/NOTICE"} | {
        f"mirjax/{path.relative_to(ROOT / 'mirjax').as_posix()}"
        for folder in ("data", "pretrained")
        for path in (ROOT / "mirjax" / folder).rglob("*.*")
    }
    assert len(data) >= 4
    assert expected | data <= names
    assert "mirjax/configs/sweeps/mitar.py" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mirjax"}


def test_the_installed_package_is_the_one_that_runs(installed, tmp_path):
    code = "import mirjax; print(mirjax.__file__)"
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = call(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert pathlib.Path(done.stdout.strip()).is_relative_to(installed)


def test_help_works_in_an_empty_folder(installed, tmp_path):
    assert "train" in mirjax(installed, tmp_path, "--help").stdout
    done = mirjax(installed, tmp_path, "train", "--config=mitar:simulated", "--help")
    assert "--workdir" in done.stdout


def test_human_mirnas_are_found_without_a_network(installed, tmp_path):
    code = (
        "from mirjax.datasets import registry; "
        "print(len(registry.load_fasta('mirbase/hsa')))"
    )
    environment = fast_environment() | {"PYTHONPATH": str(installed)}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("MIRJAX_DATA_DIR", None)
    done = call(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert done.stdout.strip() == "2656"


def test_a_model_is_trained_in_an_empty_folder(installed, tmp_path):
    mirjax(
        installed,
        tmp_path,
        "train",
        "--config=configs/seq2seq.py:simulated",
        "--workdir=W",
        "--config.model.conv_features=4",
        "--config.model.dense_features=4",
        "--config.model.lstm_features=4",
        "--config.train.num_epochs=0.06",
        "--config.train.decode_rows=4",
    )
    assert (tmp_path / "W" / "model.npz").is_file()
    assert (tmp_path / "W" / "metrics.jsonl").read_text()


def test_a_model_of_the_package_predicts_in_an_empty_folder(installed, tmp_path):
    (tmp_path / "pairs.csv").write_text(
        "mirna,target\nUGAGGUAGUAGGUUGUAUAGUU,AACUAUACAACCUACUACCUCA\n"
    )
    mirjax(
        installed,
        tmp_path,
        "predict",
        "--model=pretrained/tiny",
        "--pairs=pairs.csv",
        "--out=probabilities.tsv",
    )
    header, row = (tmp_path / "probabilities.tsv").read_text().splitlines()
    assert "probability" in header and 0.0 < float(row.split("\t")[-1]) < 1.0
    folder = installed / "mirjax" / "pretrained" / "tiny"
    assert {path.name for path in folder.iterdir()} == {
        "card.json",
        "card.md",
        "model.npz",
    }
