"""Tests of the command predict on pairs: the probabilities of a classifier."""

import csv
import gzip
import pathlib

import numpy as np
import pytest
from absl import flags, logging
from equations import numpy_mitar, random_letters, random_params

from mirjax import models, predict
from mirjax.inference.classify import predict_member_logits
from mirjax.models.trained import TrainedModel, save_model
from mirjax.sequences.records import Pairs

MITAR = {
    "name": "mitar",
    "conv_features": 8,
    "conv_width": 5,
    "lstm_features": 4,
    "dense_features": 3,
}
SEQ2SEQ = {
    "name": "seq2seq",
    "conv_features": 4,
    "dense_features": 4,
    "lstm_features": 4,
}
ROWS = 21


@pytest.fixture(scope="module")
def params():
    return random_params(models.make_model(MITAR), 2, scale=0.8)


@pytest.fixture
def folder(tmp_path, monkeypatch, params):
    """Return a folder of a model, and go there."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "model.npz", params, {"model": MITAR})
    return tmp_path


@pytest.fixture
def rows():
    rng = np.random.default_rng(4)
    return random_letters(rng, ROWS, 18, 26), random_letters(rng, ROWS, 20, 53)


def run(**values):
    """Run the command in this process, and return the rows of its table."""
    values = {"model": "model.npz", "out": "out.tsv"} | values
    flag_values = flags.FlagValues()
    predict.define_flags(flag_values)
    flag_values(["predict", *(f"--{name}={value}" for name, value in values.items())])
    predict.main(flag_values)
    text = pathlib.Path(values["out"]).read_bytes()
    if values["out"].endswith(".gz"):
        text = gzip.decompress(text)
    lines = text.decode().splitlines()
    return list(csv.DictReader(lines, delimiter="\t"))


def write_fasta(path, sequences, prefix):
    lines = [f">{prefix}{n} a title\n{s}\n" for n, s in enumerate(sequences)]
    pathlib.Path(path).write_text("".join(lines))


def write_table(path, header, *columns):
    lines = [header, *(",".join(row) for row in zip(*columns, strict=True))]
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def expected(params, rows, temperature=1.0):
    chances = np.array([numpy_mitar(params, *row) for row in zip(*rows, strict=True)])
    logits = np.log(chances / (1 - chances)) / temperature
    return 1 / (1 + np.exp(-logits))


def test_a_table_gives_a_probability_per_pair_in_order(folder, rows, params):
    write_table("pairs.csv", "target,mirna", rows[1], rows[0])
    found = run(pairs="pairs.csv", batch_size=4)
    assert list(found[0]) == ["mirna", "target", "probability"]
    assert [row["mirna"] for row in found] == rows[0]
    assert [row["target"] for row in found] == rows[1]
    probabilities = [float(row["probability"]) for row in found]
    assert np.std(probabilities) > 0.05
    np.testing.assert_allclose(probabilities, expected(params, rows), atol=1e-5)
    # The table can be read again, compressed or not.
    again = run(pairs="pairs.csv", out="out.tsv.gz")
    assert [row["mirna"] for row in again] == rows[0]


def test_names_are_kept(folder, rows):
    names = [f"miR-{n}" for n in range(ROWS)]
    genes = [f"gene {n % 3}" for n in range(ROWS)]
    header = "mirna_name,gene,mirna,target,label"
    labels = ["1", "0", "1"] * (ROWS // 3)
    write_table("pairs.csv", header, names, genes, *rows, labels)
    found = run(pairs="pairs.csv")
    assert list(found[0]) == ["mirna_name", "gene", "mirna", "target", "probability"]
    assert [row["mirna_name"] for row in found] == names
    assert [row["gene"] for row in found] == genes


def test_two_fasta_files_are_paired_in_order(folder, rows, params):
    write_fasta("mirnas.fa", rows[0], "m")
    write_fasta("targets.fa", rows[1], "t")
    found = run(mirnas="mirnas.fa", targets="targets.fa")
    assert [row["mirna_name"] for row in found] == [f"m{n}" for n in range(ROWS)]
    assert [row["gene"] for row in found] == [f"t{n}" for n in range(ROWS)]
    probabilities = [float(row["probability"]) for row in found]
    np.testing.assert_allclose(probabilities, expected(params, rows), atol=1e-5)


def test_bad_rows_of_a_table_are_left_out_and_listed(folder, rows):
    mirnas, targets = rows
    targets = ["C" * 54, targets[1][:9] + "?", *targets[2:]]
    write_table("pairs.csv", "mirna,target", mirnas, targets)
    found = run(pairs="pairs.csv", on_bad_record="skip")
    assert [row["target"] for row in found] == targets[2:]
    _, *skipped = (folder / "out.tsv.skipped.tsv").read_text().splitlines()
    assert sorted(line.split("\t")[1] for line in skipped) == ["line 2", "line 3"]


def test_a_bad_record_of_two_fasta_files_is_always_refused(folder, rows):
    """Without it, the records after it would be paired otherwise."""
    write_fasta("mirnas.fa", [*rows[0][:3], "ACXU", *rows[0][4:]], "m")
    write_fasta("targets.fa", rows[1], "t")
    with pytest.raises(ValueError, match="1 of 21 records cannot be read: m3"):
        run(mirnas="mirnas.fa", targets="targets.fa", on_bad_record="skip")


@pytest.mark.parametrize("temperature", [None, 3.0])
def test_probabilities_are_calibrated_where_the_model_is(
    folder, rows, params, temperature, caplog, monkeypatch
):
    metadata = {"model": MITAR} | ({"temperature": temperature} if temperature else {})
    save_model(folder / "model.npz", params, metadata)
    write_table("pairs.csv", "mirna,target", *rows)
    monkeypatch.setattr(logging.get_absl_logger(), "propagate", True)
    with caplog.at_level("INFO"):
        found = run(pairs="pairs.csv")
    probabilities = [float(row["probability"]) for row in found]
    wanted = expected(params, rows, temperature or 1.0)
    np.testing.assert_allclose(probabilities, wanted, atol=1e-5)
    said = "calibrated: logits are divided by 3" if temperature else "no calibration"
    assert said in caplog.text


def test_members_have_a_column_of_their_spread(folder, rows):
    """Of the three networks' probabilities, by NumPy."""
    config = {"name": "duplex", "filters": 6, "conv_features": 4, "members": 3}
    model = models.make_model(config)
    params = random_params(model, 1, scale=0.4)
    metadata = {"model": config, "temperature": 2.0}
    save_model(folder / "model.npz", params, metadata)
    mirnas, targets = rows[0], [target[:50] for target in rows[1]]
    write_table("pairs.csv", "mirna,target", mirnas, targets)
    found = run(pairs="pairs.csv")
    each = predict_member_logits(
        TrainedModel(model, params, metadata), Pairs(mirnas, targets)
    )
    chances = 1 / (1 + np.exp(-each / 2.0))
    wanted = np.sqrt(((chances - chances.mean(axis=0)) ** 2).sum(axis=0) / 2)
    assert wanted.min() > 1e-3
    spreads = [float(row["spread"]) for row in found]
    np.testing.assert_allclose(spreads, wanted, rtol=6e-3)


def _many_too_long(folder):
    mirnas, targets = ["A" * 22] * 15, ["C" * 54] * 12 + ["C" * 30] * 3
    names = [f"miR-{n}" for n in range(15)]
    write_table("long.csv", "mirna_name,mirna,target", names, mirnas, targets)


def _unequal(folder):
    write_fasta("m.fa", ["A" * 20] * 3, "m")
    write_fasta("t.fa", ["C" * 20] * 2, "t")


def _generator(folder):
    model = models.make_model(SEQ2SEQ)
    save_model(folder / "g.npz", random_params(model, 1, scale=0.1), {"model": SEQ2SEQ})


def _not_a_number(folder):
    params = random_params(models.make_model(MITAR), 2, scale=0.8)
    params["output_dense"]["bias"] = params["output_dense"]["bias"] * np.nan
    save_model(folder / "model.npz", params, {"model": MITAR})


def _pairs(folder):
    write_table("p.csv", "mirna,target", ["A" * 22] * 2, ["C" * 30] * 2)


BAD = {
    "too long": (
        _many_too_long,
        {"pairs": "long.csv"},
        r"long.csv: 12 of 15 rows do not suit the model: line 2: target of 54 nt "
        r"\(miR-0\), the model takes 1 to 53; line 3.*line 11: .*; and 2 more; mend",
    ),
    "unequal": (
        _unequal,
        {"mirnas": "m.fa", "targets": "t.fa"},
        r"m.fa has 3 records, but t.fa has 2",
    ),
    "generator": (
        _generator,
        {"model": "g.npz", "pairs": "p.csv"},
        r"g.npz holds a Seq2Seq, which scores no pairs: give a classifier",
    ),
    "both": (None, {"pairs": "p.csv", "mirnas": "m.fa"}, "--mirnas and --pairs both"),
    "no targets": (None, {"mirnas": "m.fa"}, "--mirnas needs --targets"),
    "db": (None, {"pairs": "p.csv", "db": "d.fa"}, "--db is not for pairs"),
    "top": (None, {"pairs": "p.csv", "top": 3}, "--top is not for pairs"),
    "no file": (None, {"pairs": "none.csv"}, "none.csv: cannot be read"),
    "input": (_pairs, {"pairs": "p.csv", "out": "p.csv"}, "p.csv is an input"),
    "batch": (_pairs, {"pairs": "p.csv", "batch_size": 0}, "--batch_size=0"),
    "nan": (_not_a_number, {"pairs": "p.csv"}, "NaN|finite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_writes_nothing(folder, case):
    spoil, values, message = BAD[case]
    _pairs(folder)
    if spoil:
        spoil(folder)
    before = sorted(folder.iterdir())
    with pytest.raises((ValueError, FloatingPointError), match=message) as caught:
        run(**values)
    assert "\n" not in str(caught.value)
    assert sorted(folder.iterdir()) == before
