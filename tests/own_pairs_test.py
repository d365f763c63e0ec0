"""One's own pairs in a file: trained on, evaluated and swept like a dataset."""

import csv
import dataclasses
import gzip
import json
import pathlib
import shutil
import sys

import jax
import numpy as np
import pytest
from absl import flags
from small_runs import labelled_pairs, small_classifier, small_config

from mirjax import configs, evaluate, sweep, train
from mirjax.configs.sweeps import mitar
from mirjax.datasets import own_pairs, splits
from mirjax.datasets.selection import Selection, pin, select
from mirjax.evaluation.evaluation_set import make_evaluation_set
from mirjax.evaluation.options import RowOptions
from mirjax.inference.classify import predict_probabilities
from mirjax.models import loading
from mirjax.sequences.records import Pairs
from mirjax.training import task_data
from mirjax.training.sweeps import Sweep

ROOT = pathlib.Path(__file__).parents[1]
NAMES = ("train", "validation", "test")
PARTS = ["train"] * 12 + ["validation"] * 2 + ["test"] * 2  # of each 16 pairs


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Eight virtual devices on two cores are slow."""
    (device, *_) = jax.devices()
    monkeypatch.setattr(jax, "devices", lambda: [device])


def write_table(path, pairs, labelled=True, parts=None, delimiter=","):
    """Write pairs as a newcomer does."""
    columns = {"mirna": pairs.mirnas, "target": pairs.targets}
    if labelled:
        columns["label"] = pairs.labels.tolist()
    if parts:
        columns["split"] = parts
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "wt", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def classifier_config(name, **data):
    config = small_classifier()
    config.model.update(conv_features=4, lstm_features=2, dense_features=2)
    config.train.update(num_epochs=2.0, eval_every_epochs=1.0, batch_size=16)
    config.data.update(name=str(name), **data)
    return config


def generator_config(name, **data):
    config = small_config(num_epochs=1.0, eval_every_epochs=1.0)
    config.data.update(name=str(name), **data)
    return config


def evaluated(model, data, **options):
    """What a model is evaluated on."""
    trained = loading.load_model(model)
    return make_evaluation_set(trained, RowOptions(str(data), **options))


def positions(pairs, rows):
    """The given rows as rows of 80 labelled pairs, by their targets, which differ."""
    number = {target: row for row, target in enumerate(labelled_pairs(80).targets)}
    return [number[target] for target in pairs.take(rows).targets]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """80 labelled pairs with a column split."""
    path = tmp_path_factory.mktemp("table") / "pairs.csv"
    return write_table(path, labelled_pairs(80), parts=PARTS * 5)


@pytest.fixture(scope="module")
def plain_table(tmp_path_factory):
    """80 labelled pairs."""
    path = tmp_path_factory.mktemp("table") / "plain.csv"
    return write_table(path, labelled_pairs(80))


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    """A classifier trained on the table by its own column."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    train.train(classifier_config(table), folder)
    return folder


# ---- Rows ----


@pytest.mark.parametrize("protocol", ["random", "cluster", "family", "column"])
def test_a_file_is_split_like_a_dataset(table, protocol):
    pairs, split = select(Selection(str(table), split=protocol, seed=3))
    if protocol == "column":
        expected = [[n for n in range(80) if PARTS[n % 16] == p] for p in NAMES]
    else:
        expected = vars(splits.split_pairs(pairs, protocol, 3)).values()
    for rows, wanted in zip(vars(split).values(), expected, strict=True):
        assert rows.tolist() == list(wanted) != []
        assert positions(pairs, rows) == rows.tolist()


def test_without_a_word_the_column_decides_or_chance(table, plain_table):
    assert pin(Selection(str(table))).split == "column"
    assert pin(Selection(str(plain_table))).split == "random"
    _, split = select(Selection(str(plain_table), seed=5))
    np.testing.assert_array_equal(split.test, splits.random_split(80, 5).test)


def test_a_relative_path_is_stored_absolute(table, monkeypatch):
    monkeypatch.chdir(table.parent)
    assert pin(Selection(table.name)).name == str(table)
    dataset = Selection("simulated")
    assert pin(dataset) is dataset


def test_the_name_of_a_dataset_has_precedence(monkeypatch, tmp_path, plain_table):
    shutil.copy(plain_table, tmp_path / "simulated")
    monkeypatch.chdir(tmp_path)
    assert not own_pairs.is_file("simulated")
    assert not own_pairs.is_file("simulated+simulated")
    assert own_pairs.is_file("./simulated")
    pairs, _ = select(Selection("./simulated"))
    assert len(pairs) == 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "column"}, "plain.csv: .*no column split; add one, or set config"),
        ({"split": "gene"}, "plain.csv: protocol='gene' is not one of published, rand"),
        ({"sha256": "0" * 64}, "plain.csv has changed since .* another name"),
        ({"name": "absent.csv"}, "no dataset 'absent.csv', and no file of that name"),
        ({"name": "simulated", "split": "column"}, "for a file with a column split"),
    ],
)
def test_what_cannot_be_split_is_refused(plain_table, arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        select(Selection(**{"name": str(plain_table), **arguments}))
    assert "\n" not in str(caught.value)


def test_another_word_in_the_column_is_named(tmp_path):
    parts = ["train", "holdout", *["test"] * 6]
    path = write_table(tmp_path / "odd.csv", labelled_pairs(8), parts=parts)
    with pytest.raises(ValueError, match=r"odd\.csv.*line 3: split 'holdout'.*valid"):
        select(Selection(str(path)))


# ---- Training and evaluation ----


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["random", "cluster", "family"])
def test_a_classifier_is_trained_and_tested_by_each_split(
    plain_table, tmp_path, protocol
):
    config = classifier_config(plain_table, split=protocol)
    train.train(config, tmp_path)
    rows = evaluated(tmp_path, plain_table)
    pairs, split = select(Selection(str(plain_table), split=protocol))
    assert rows.held_out.targets == pairs.take(split.test).targets
    assert rows.train.targets == pairs.take(split.train).targets
    assert rows.source.is_training_data
    saved = json.loads((tmp_path / "config.json").read_text())["data"]
    assert saved["name"] == str(plain_table) and saved["split"] == protocol
    assert config.data.name == str(plain_table) and "sha256" not in config.data


@pytest.mark.slow
def test_the_file_of_the_training_is_never_evaluated_whole(
    run, table, tmp_path, monkeypatch
):
    copy = shutil.copy(table, tmp_path / "copy.csv")
    monkeypatch.chdir(table.parent)
    for data in (table, table.name, run, copy):
        rows = evaluated(run, data)
        assert (len(rows.held_out), rows.source.part) == (10, "test")
        assert (len(rows.train), rows.source.protocol) == (60, "column split")
        assert rows.source.fitted_on.endswith("(train, column split)")
    assert len(evaluated(run, table, part="train").held_out) == 60
    with pytest.raises(ValueError, match="the file that the model was trained on"):
        evaluated(run, table, data_format="csv")


@pytest.mark.slow
def test_another_file_is_evaluated_whole_or_by_its_column(run, table, tmp_path):
    pairs = labelled_pairs(64).take(range(32))
    other = write_table(tmp_path / "other.csv", pairs, parts=PARTS * 2)
    rows = evaluated(run, other)
    assert (len(rows.held_out), rows.source.part) == (32, "all")
    assert rows.source.fitted_on == f"{table} (train, column split)"
    rows = evaluated(run, other, part="test")
    assert (len(rows.held_out), rows.source.part) == (4, "test")
    assert rows.source.fitted_on == f"{other} (train, column split)"
    plain = write_table(tmp_path / "plain.csv", pairs)
    with pytest.raises(ValueError, match="files with a column split; .* whole"):
        evaluated(run, plain, part="test")
    rows = evaluated(run, other, train_data=str(plain))
    assert rows.source.fitted_on == f"{plain} (train, whole file)"
    assert len(rows.train) == 32


@pytest.mark.slow
def test_a_changed_file_is_refused(run, table, tmp_path):
    folder, path = tmp_path / "run", tmp_path / "own.csv"
    shutil.copy(table, path)
    train.train(classifier_config(path), folder)
    content = path.read_bytes()
    path.write_bytes(content.replace(b",1,", b",0,", 1))
    with pytest.raises(ValueError, match="begun with another content of .*own.csv"):
        train.train(classifier_config(path), folder)
    with pytest.raises(ValueError, match="own.csv has changed since the model was"):
        evaluated(folder, path)
    path.write_bytes(content)
    train.train(classifier_config(path), folder)


@pytest.mark.slow
def test_pairs_without_labels_need_negatives(tmp_path):
    path = write_table(tmp_path / "positives.csv", labelled_pairs(80), labelled=False)
    with pytest.raises(ValueError, match="no labels.*config.data.negatives=frequency"):
        train.train(classifier_config(path), tmp_path / "none")
    assert not (tmp_path / "none").exists()
    train.train(classifier_config(path, negatives="frequency"), tmp_path / "run")
    labels = evaluated(tmp_path / "run", path).held_out.labels
    assert sorted(labels) == [0] * 8 + [1] * 8


@pytest.mark.parametrize("negatives", ["", "frequency"])
def test_what_is_too_long_for_the_model_is_named(tmp_path, negatives):
    pairs = labelled_pairs(80)
    long = "ACGU" * 20
    pairs.targets[70] = long
    path = write_table(tmp_path / "long.csv", pairs)
    config = classifier_config(path, negatives=negatives)
    line = "" if negatives else "line 72: "
    message = rf"long.csv .*: {line}target {long[:20]}… of 80 nt, .* at most 53 \(.*53"
    if negatives:
        pairs.labels[70] = 1
        write_table(path, pairs)
    with pytest.raises(ValueError, match=message):
        task_data.load_data(config)
    config.data.max_target_length = 53
    assert len(task_data.load_data(config).train.weights)
    pairs.targets[70], pairs.mirnas[70] = "ACGUACGUACGUACGUACGUACGUA", long[:30]
    write_table(path, pairs)
    with pytest.raises(ValueError, match="miRNA .* of 30 nt, .* leave such pairs out"):
        task_data.load_data(config)


def bad_table(path):
    """80 pairs: line 4 cannot be read, and line 6 does not suit miTAR."""
    pairs = labelled_pairs(80)
    pairs.targets[2], pairs.targets[4] = "AXXGU", "ACGU" * 20
    return write_table(path, pairs, parts=["train"] * 40 + PARTS[-8:] * 5)


def test_bad_rows_are_refused_unless_the_config_leaves_them_out(tmp_path, monkeypatch):
    config = classifier_config(bad_table(tmp_path / "bad.csv"))
    with pytest.raises(ValueError, match="line 4: .*by config.data.on_bad_record=skip"):
        task_data.load_data(config)
    config.data.on_bad_record = "skip"
    monkeypatch.setattr("mirjax.training.loop.Loop.run", lambda loop: None)
    train.train(config, tmp_path / "run")
    rows = (tmp_path / "run" / "skipped.tsv").read_text().splitlines()
    assert [row.split("\t")[1] for row in rows] == ["record", "line 4", "line 6"]
    assert "'X'" in rows[1] and "80 nt" in rows[2]
    data = task_data.load_data(config)
    assert (len(data.train.weights), len(data.held_out.weights)) == (58, 10)


def test_a_sweep_lists_the_rows_that_are_left_out(tmp_path):
    config = mitar.get_config("simulated").unlock()
    config.base = classifier_config(bad_table(tmp_path / "bad.csv"))
    config.base.data.on_bad_record = "skip"
    config.grid = {"optimizer": {"learning_rate": (0.002,)}}
    Sweep(config, tmp_path / "sweep")
    listed = (tmp_path / "sweep" / "skipped.tsv").read_text()
    assert listed.count("\n") == 3 and "line 6" in listed


def test_a_part_without_rows_is_refused(tmp_path):
    parts = [part for part in PARTS if part != "validation"]
    path = write_table(tmp_path / "few.csv", labelled_pairs(14), parts=parts)
    with pytest.raises(ValueError, match=r"few\.csv.*held-out rows: there are no rows"):
        train.train(classifier_config(path), tmp_path / "run")


@pytest.mark.slow
def test_a_generator_takes_the_positives(tmp_path):
    pairs = labelled_pairs(48)
    pairs = Pairs(pairs.mirnas, [t[:29] for t in pairs.targets], pairs.labels)
    path = write_table(tmp_path / "pairs.csv", pairs, parts=PARTS * 3)
    train.train(generator_config(path, split="column"), tmp_path / "run")
    database = tmp_path / "mirnas.fa"
    database.write_text(f">m\n{pairs.mirnas[0]}\n")
    rows = evaluated(tmp_path / "run", path, database=str(database))
    assert (len(rows.held_out), rows.source.dropped) == (3, 3)
    positives = write_table(tmp_path / "positives.csv", pairs, labelled=False)
    rows = task_data.load_data(generator_config(positives)).train
    assert len(rows.weights) == 38  # of 48


@pytest.mark.slow
def test_settings_are_compared_on_a_file(plain_table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(plain_table.parent)
    config = mitar.get_config("simulated").unlock()
    config.base = classifier_config(plain_table.name)
    config.grid = {"optimizer": {"learning_rate": (0.002, 0.01)}}
    config.epochs = 1
    sweep.sweep(config, tmp_path / "sweep", 2)
    with (tmp_path / "sweep" / "runs.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 2
    assert f"--data={plain_table}" in capsys.readouterr().out
    best = tmp_path / "sweep" / rows[0]["folder"]
    assert loading.load_model(best).metadata["data"]["name"] == str(plain_table)
    assert len(evaluated(best, plain_table).held_out) == 8
    other = tmp_path / "pairs.csv"
    write_table(other, labelled_pairs(72))
    config.base.data.name = str(other)
    with pytest.raises(ValueError, match=r"config.base.data.name=.*choose another"):
        sweep.sweep(config, tmp_path / "sweep", 2)


@pytest.mark.slow
def test_a_sweep_of_a_changed_file_is_refused(plain_table, tmp_path):
    path = tmp_path / "own.csv"
    shutil.copy(plain_table, path)
    config = mitar.get_config("simulated").unlock()
    config.base = classifier_config(path)
    config.grid = {"optimizer": {"learning_rate": (0.002,)}}
    config.epochs = 1
    Sweep(config, tmp_path / "sweep").train(together=1)
    with path.open("a") as file:
        file.write("ACGUACGUACGUACGUACGU,ACGUACGUACGUACGUACGUACGUACGU,1\n")
    with pytest.raises(ValueError, match="sweep that was begun with another content"):
        Sweep(config, tmp_path / "sweep")


# What makes the guide's commands quick.
QUICK = {
    "train": ["--config.train.num_epochs=0.1"],
    "sweep": [
        "--config.epochs=1",
        "--config.base.model.conv_features=4",
        "--config.base.model.lstm_features=2",
        "--config.grid.train.batch_size=(30,)",
        "--config.grid.model.dropout=(0.2,)",
        "--config.grid.optimizer.learning_rate=(0.001,)",
    ],
    "mitar": ["--config.model.conv_features=4", "--config.model.lstm_features=2"],
    "seq2seq": ["--config.model.conv_features=4", "--config.model.lstm_features=4"],
}


def run_command(words, monkeypatch):
    """Run a command line in this process, quickly."""
    command = {"train": train, "evaluate": evaluate, "sweep": sweep}
    name, config = words[2].removeprefix("mirjax."), ""
    words = list(words[3:])
    if words[0].startswith("--config="):
        config, _, variant = words[0].removeprefix("--config=").partition(":")
        path = pathlib.Path(configs.__file__).parent / f"{config}.py"
        words[0] = f"--config={path}" + (variant and f":{variant}")
    flag_values = flags.FlagValues()
    command[name].define_flags(flag_values)
    arguments = [name, *words, *QUICK.get(name, []), *QUICK.get(config, [])]
    monkeypatch.setattr(sys, "argv", arguments)  # where a config's keys are read from
    flag_values(arguments)
    command[name].main(flag_values)


@pytest.mark.slow
def test_csv_and_tsv_of_the_same_pairs_measure_the_same(run, tmp_path, monkeypatch):
    pairs = labelled_pairs(120).take(range(80, 120))  # not those of the training
    found = {}
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t"), ("b.tsv.gz", "\t")):
        path = write_table(tmp_path / name, pairs, delimiter=delimiter)
        rows = evaluated(run, path).held_out
        assert rows.mirnas == pairs.mirnas and rows.targets == pairs.targets
        assert rows.labels.tolist() == pairs.labels.tolist()
        if name.startswith("a"):
            words = [f"--model={run}", f"--data={path}", f"--out={tmp_path / name[2:]}"]
            run_command(["python", "-m", "mirjax.evaluate", *words], monkeypatch)
            content = json.loads((tmp_path / name[2:] / "metrics.json").read_text())
            metrics = ("n", "accuracy", "brier", "auroc", "average_precision")
            found[name] = [content[metric] for metric in metrics]
    assert found["a.csv"] == found["a.tsv"]
    assert found["a.csv"][0] == 40
    turned = dataclasses.replace(pairs, mirnas=[m[::-1] for m in pairs.mirnas])
    model = loading.load_model(run)
    as_read = predict_probabilities(model, pairs)
    assert found["a.csv"][2] == pytest.approx(np.mean((as_read - pairs.labels) ** 2))
    reversed_ones = predict_probabilities(model, turned)
    assert np.abs(as_read - reversed_ones).max() > 1e-5  # it would be seen


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")
def test_the_commands_of_the_guide_run(tmp_path, monkeypatch):
    """In the folder that holds the files."""
    monkeypatch.chdir(tmp_path)
    guide = (ROOT / "docs" / "guide.md").read_text()
    section = guide.partition("## Train on your own pairs")[2].partition("\n## ")[0]
    lines = [line.split() for line in section.splitlines() if "python -m" in line]
    pairs = labelled_pairs(80)
    write_table(tmp_path / "pairs.csv", pairs)
    # With as many negatives they are as many rows: no other program is compiled.
    pairs = pairs.take(range(40))
    targets = [t[: 29 if row < 30 else 40] for row, t in enumerate(pairs.targets)]
    positives = Pairs(pairs.mirnas, targets, pairs.labels)
    write_table(tmp_path / "positives.csv", positives, labelled=False)
    for words in lines:
        run_command(words, monkeypatch)
    kinds = [words[2].removeprefix("mirjax.") for words in lines]
    assert kinds == ["train", "evaluate", "sweep", "train", "train", "train"]
    saved = json.loads((tmp_path / "own" / "config.json").read_text())["data"]
    assert saved["name"] == str(tmp_path / "pairs.csv")
    measured = json.loads(
        (tmp_path / "own/evaluation/pairs-test/metrics.json").read_text()
    )
    assert (measured["n"], measured["split"]) == (8, "test")
    assert (tmp_path / "grid" / "runs.tsv").exists()
    for folder in ("own", "own2", "own3", "own4"):
        assert loading.load_model(tmp_path / folder).metadata["data"]["sha256"]
