"""The command scan, as a shell sees it, on input as users have it."""

import gzip
import importlib
import io
import sys
import types

import numpy as np
import pandas as pd
import pytest
from absl import flags
from equations import random_params

from mirjax.models.mitar import Mitar
from mirjax.models.trained import save_model

# The attribute of this name is the function of the Python interface.
scan = importlib.import_module("mirjax.scan")
MODEL = Mitar(conv_features=4, lstm_features=3, dense_features=3)
MIRNAS = {"m15": "UGAGGUAGUAGGUUG", "m22": "UAGCUUAUCAGACUGAUGUUGA"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.npz"
    sizes = ("conv_features", "lstm_features", "dense_features")
    config = {"name": "mitar"} | {name: getattr(MODEL, name) for name in sizes}
    save_model(path, random_params(MODEL, 0, scale=0.3), {"model": config})
    return str(path)


@pytest.fixture
def mirnas(tmp_path):
    path = tmp_path / "mirnas.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in MIRNAS.items()))
    return str(path)


def run(**given):
    """Run the command in this process; return its table."""
    values = flags.FlagValues()
    scan.define_flags(values)
    values(["scan", *(f"--{name}={value}" for name, value in given.items())])
    scan.main(values)


def read(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False)


def letters(number, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), number))


def test_input_as_users_have_it_gives_one_table(tmp_path, model, mirnas, monkeypatch):
    """T or U, lower case, wrapped lines, Windows line ends, gzip, a pipe."""
    first, second = letters(200), letters(70, 1)
    wrapped = "\n".join(first[n : n + 60] for n in range(0, 200, 60))
    text = f">t1 gene=X\n{wrapped}\n>t2\n{second}\n"
    common = {"model": model, "mirnas": mirnas, "threshold": 0, "step": 10}
    tables = []
    for number, content in enumerate(
        (
            text.encode(),
            text.lower().encode(),
            text.replace("\n", "\r\n").encode(),
            f">t1\n{first.replace('T', 'U')}\n\n>t2\n{second}".encode(),
            gzip.compress(text.encode()),
        )
    ):
        path = tmp_path / f"targets{number}"
        path.write_bytes(content)
        out = tmp_path / f"out{number}.tsv"
        run(targets=path, out=out, **common)
        tables.append(out.read_bytes())
    stream = types.SimpleNamespace(buffer=io.BytesIO(text.encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    run(targets="-", out=tmp_path / "piped.tsv.gz", **common)
    tables.append(gzip.decompress((tmp_path / "piped.tsv.gz").read_bytes()))
    assert len(set(tables)) == 1
    table = read(io.BytesIO(tables[0]))
    assert table.columns.tolist() == [
        *("mirna", "target", "start", "end", "window", "score", "sites")
    ]
    assert table.target.tolist() == ["t1"] * 32 + ["t2"] * 6
    assert (
        table.mirna.tolist() == ["m15"] * 16 + ["m22"] * 16 + ["m15"] * 3 + ["m22"] * 3
    )
    assert table.start[:16].tolist() == [*range(0, 150, 10), 147]


@pytest.mark.parametrize(
    ("targets", "part"),
    [
        (">a\nACGU\n>a\nACGU\n", "1 of 2 records cannot be read: a: a second record"),
        (">a\nACGU\n>b\n>c\nAC\n", "b: empty sequence; mend or remove them, or leave"),
        (">a\nACXU\n", "a: letter 'X' at position 3 is not a nucleotide"),
        ("", "the file is empty"),
    ],
)
def test_bad_transcripts_are_refused_and_nothing_is_written(
    tmp_path, model, mirnas, targets, part
):
    path, out = tmp_path / "targets.fa", tmp_path / "out.tsv"
    path.write_text(targets)
    with pytest.raises(ValueError, match=part):
        run(model=model, mirnas=mirnas, targets=path, out=out)
    assert not out.exists()


def test_bad_records_are_left_out_and_listed(tmp_path, model, mirnas):
    path, out = tmp_path / "targets.fa", tmp_path / "out.tsv"
    path.write_text(">a\nACGUNNNN\n>b\n>a\nACGU\n>c\nGG\n")
    with open(mirnas, "a") as file:
        file.write(f">m30\n{'A' * 30}\n")
    given = {"model": model, "targets": path, "out": out, "threshold": 0}
    with pytest.raises(ValueError, match="m30: 30 nt, the model takes 1 to 26"):
        run(mirnas=mirnas, **given)
    run(mirnas=mirnas, on_bad_record="skip", **given)
    assert read(out).target.tolist() == ["a", "a", "c", "c"]
    skipped = read(f"{out}.skipped.tsv")
    assert skipped.record.tolist() == ["m30", "b", "a"]


def test_names_with_quotes_and_a_table_without_rows(tmp_path, model, mirnas):
    path, out = tmp_path / "targets.fa", tmp_path / "out.tsv"
    path.write_text('>5"UTR,a\nACGUACGU\n')
    common = {"model": model, "mirnas": mirnas, "targets": path, "out": out}
    run(threshold=0, **common)
    assert out.read_text().count('\t5"UTR,a\t0\t8\t0\t') == 2
    run(threshold=1, **common)
    assert out.read_text() == "mirna\ttarget\tstart\tend\twindow\tscore\tsites\n"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"step": 54}, "--step=54"),
        ({"step": 0}, "--step=0"),
        ({"mirnas": "-", "targets": "-"}, "standard input is read once"),
        ({"mirnas": "absent.fa"}, "--mirnas=absent.fa is neither"),
        ({"targets": "absent.fa"}, "absent.fa: cannot be read"),
    ],
)
def test_wrong_flags(tmp_path, model, mirnas, given, part):
    path = tmp_path / "targets.fa"
    path.write_text(">a\nACGU\n")
    common = {"model": model, "mirnas": mirnas, "targets": path}
    with pytest.raises(ValueError, match=part):
        run(out=tmp_path / "out.tsv", **(common | given))
