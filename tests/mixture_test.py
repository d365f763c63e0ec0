"""Training on several sources: rows, metrics, resuming, devices, sweeps, a teacher."""

import chex
import jax
import numpy as np
import pytest
from equations import random_params
from sklearn.metrics import average_precision_score

from mirjax.configs import duplex
from mirjax.datasets.simulate import simulate
from mirjax.evaluation.evaluation_set import make_evaluation_set
from mirjax.evaluation.options import RowOptions
from mirjax.inference import classify
from mirjax.models import loading, make_model
from mirjax.models.trained import save_model
from mirjax.sequences import fasta
from mirjax.sequences.records import SequenceRecord
from mirjax.training import mixture, workdir
from mirjax.training.loop import Folders, Loop
from mirjax.training.metric_writer import read_metrics
from mirjax.training.programs import SingleRun, VmappedRuns
from mirjax.training.task import make_task
from mirjax.training.task_data import load_data, pin_config

ALL_DEVICES = jax.devices
SIZES = {"stack_features": 2, "filters": 4, "conv_features": 3, "conv_layers": 1}


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Eight virtual devices on two cores are slow; one test compares the two."""
    monkeypatch.setattr(jax, "devices", lambda: ALL_DEVICES()[:1])


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two files of positive pairs."""
    pairs = simulate(160, seed=3).pairs
    folder = tmp_path_factory.mktemp("pairs")
    lines = [
        f"{mirna}\t{target}\t1\n"
        for mirna, target in zip(pairs.mirnas, pairs.targets, strict=True)
    ]
    for name, part in (("first", lines[:100]), ("second", lines[100:])):
        (folder / f"{name}.tsv").write_text("mirna\ttarget\tlabel\n" + "".join(part))
    return str(folder / "first.tsv"), str(folder / "second.tsv")


def config_of(sources, **data):
    config = duplex.get_config("simulated").unlock()
    config.model.update(SIZES)
    config.data.sources = sources
    config.data.negative_draws = 3
    config.data.shift = 3
    config.data.update(data)
    config.steps_per_call = 4
    config.train.update({"batch_size": 32, "num_epochs": 3.0, "eval_batch_size": 32})
    return config


def train(config, folder, data=None, report=lambda step, metrics: None):
    workdir.check_config(config)
    folder.mkdir(exist_ok=True)
    program = SingleRun(make_task(config, data))
    Loop(program, Folders([folder], folder), report=report).run()
    return program


@pytest.fixture(scope="module")
def whole(tables, tmp_path_factory):
    """A run, its config, data and folder."""
    folder = tmp_path_factory.mktemp("whole")
    config = pin_config(config_of("+".join(tables)))
    data = load_data(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "devices", lambda: ALL_DEVICES()[:1])
        return train(config, folder, data), config, data, folder


@pytest.mark.slow
def test_every_epoch_visits_as_many_negatives_as_positives(whole):
    _, config, data, _ = whole
    ends = np.cumsum([stream.rows for stream in data.streams])
    assert ends[-1] == len(data.train.weights)
    labels = np.split(data.train.labels, ends[:-1])
    smoothing = config.data.label_smoothing
    for (positives, negatives), (first, second) in zip(
        zip(labels[::2], labels[1::2], strict=True),
        zip(data.streams[::2], data.streams[1::2], strict=True),
        strict=True,
    ):
        np.testing.assert_allclose(positives, 1 - smoothing / 2)
        np.testing.assert_allclose(negatives, smoothing / 2)
        assert first.per_epoch == second.per_epoch == len(positives)
        assert len(negatives) > 2 * len(positives)
        assert first.shift == second.shift == 3
    assert set(np.unique(data.held_out.labels)) == {0.0, 1.0}


def test_an_epoch_visits_at_most_so_many_positives_of_a_source(tables, whole):
    _, _, data, _ = whole
    limit = data.streams[0].per_epoch - 2
    assert data.streams[2].per_epoch < limit
    fewer = load_data(config_of("+".join(tables), positives_per_epoch=limit))
    found = [stream.per_epoch for stream in fewer.streams]
    assert found == [limit, limit, *[stream.per_epoch for stream in data.streams[2:]]]
    np.testing.assert_array_equal(fewer.train.mirnas, data.train.mirnas)


@pytest.mark.slow
def test_average_precision_of_each_set_is_logged(whole):
    program, _, data, folder = whole
    last = read_metrics(folder)[-1]
    trained = loading.load_model(folder)
    assert trained.metadata["guard"] and trained.metadata["temperature"] > 0
    names = [name for name in last if name.endswith("/average_precision")]
    sets = [f"val/{name}/average_precision" for name in ("first", "second")]
    assert set(names) == {"val/average_precision", *sets}
    expected = np.mean([last[name] for name in sets])
    np.testing.assert_allclose(last["val/average_precision"], expected)
    tokens = data.held_out.mirnas, data.held_out.targets
    scorer = classify.make_scorer(program.tasks[0].model)
    logits = np.asarray(scorer(program.eval_params(0), *tokens))
    joint = average_precision_score(data.held_out.labels, logits)
    assert min(last[n] for n in sets) - 0.2 <= joint <= max(last[n] for n in sets) + 0.2


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [5, 9])
def test_a_run_killed_and_resumed_ends_bit_for_bit_the_same(whole, tmp_path, killed_at):
    program, config, data, _ = whole

    class Killed(Exception):
        pass

    def kill(step, metrics):
        if step >= killed_at:
            raise Killed

    with pytest.raises(Killed):
        train(config, tmp_path / "cut", data, kill)
    resumed = train(config, tmp_path / "cut", data)
    chex.assert_trees_all_equal(program.state, resumed.state)


@pytest.mark.slow
def test_one_device_equals_eight(whole, tmp_path, monkeypatch):
    one, config, data, _ = whole
    monkeypatch.setattr(jax, "devices", ALL_DEVICES)
    eight = train(config, tmp_path / "eight", data)
    assert (one.mesh.size, eight.mesh.size) == (1, 8)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5),
        jax.device_get(eight.state.params),
        jax.device_get(one.state.params),
    )


@pytest.mark.slow
def test_vmapped_runs_equal_runs_trained_one_by_one(whole, tmp_path):
    one, config, data, _ = whole
    other = config.copy_and_resolve_references()
    other.optimizer.learning_rate = 0.001
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    program = VmappedRuns([make_task(each, data) for each in (config, other)])
    Loop(program, Folders(folders, tmp_path / "group")).run()
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5),
        jax.device_get(program.eval_params(0)),
        jax.device_get(one.eval_params(0)),
    )


@pytest.mark.slow
def test_a_set_is_evaluated_on_the_rows_that_training_held_out(whole, tables):
    _, _, data, folder = whole
    trained = loading.load_model(folder)
    found = make_evaluation_set(trained, RowOptions(tables[0]))
    assert found.source.is_training_data and found.source.part == "validation"
    assert len(set(found.train.labels.tolist())) == 2
    assert not set(found.held_out.targets) & set(found.train.targets)
    tokens = {row.tobytes() for row in data.held_out.targets}
    trained_on = {row.tobytes() for row in data.train.targets}
    encoded = mixture.encode(found.held_out, trained.model)
    assert {row.tobytes() for row in encoded.targets} <= tokens
    assert not {row.tobytes() for row in encoded.targets} & trained_on


def test_a_set_left_out_is_measured_alone(tables):
    config = config_of(tables[0], left_out=tables[1])
    data = load_data(config)
    model = make_model(config.model)
    found = data.validate(model, random_params(model, 0))
    sets = {f"{name}/average_precision" for name in ("first", "second")}
    assert set(found) == {"average_precision"} | sets
    assert found["average_precision"] == found["first/average_precision"]
    config.train.best_metric = "val/second/average_precision"
    assert workdir.config_problems(config) == []


def test_a_changed_file_is_told(tables, tmp_path):
    path = tmp_path / "pairs.tsv"
    with open(tables[0]) as file:
        path.write_text(file.read())
    first = pin_config(config_of(str(path)))
    path.write_text(
        path.read_text() + "UGAGGUAGUAGGUUGUAUAGUU\tAACUAUACAACCUACUACC\t1\n"
    )
    second = pin_config(config_of(str(path)))
    assert first.data.files_sha256 != second.data.files_sha256
    workdir.check_workdir(tmp_path / "run", first)
    (tmp_path / "run" / "model.npz").touch()
    with pytest.raises(ValueError, match="other contents of the files"):
        workdir.check_workdir(tmp_path / "run", second)


def test_a_sequence_that_is_too_long_is_named(tmp_path):
    path = tmp_path / "long.tsv"
    pairs = simulate(40, seed=3).pairs
    rows = [f"{m}\t{t}\t1\n" for m, t in zip(pairs.mirnas, pairs.targets, strict=True)]
    rows[3] = f"{pairs.mirnas[3]}\t{'ACGUC' * 11}\t1\n"
    path.write_text("mirna\ttarget\tlabel\n" + "".join(rows))
    with pytest.raises(ValueError, match="target ACGUC.* of 55 nt.*at most 50"):
        load_data(config_of(str(path)))


@pytest.fixture
def teacher(tmp_path, monkeypatch):
    """Two teachers, 3'UTRs and miRNAs, in files; an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    records = [
        SequenceRecord(f"utr{n}", "".join(rng.choice(list("AUCG"), 400)))
        for n in range(6)
    ]
    fasta.write_fasta(tmp_path / "utr.fa", records)
    names = []
    config = {"name": "duplex"} | SIZES
    model = make_model(config)
    for seed in range(2):
        names.append(str(tmp_path / f"teacher{seed}.npz"))
        params = random_params(model, seed)
        save_model(tmp_path / f"teacher{seed}.npz", params, {"model": config})
    return names, str(tmp_path / "utr.fa")


def with_pool(config, names, transcripts, **pool):
    config.pool.update({"teacher": "+".join(names), "transcripts": transcripts})
    config.pool.update({"mirnas": "simulated", "random": 20, "seeds": 20, "sites": 20})
    config.pool.update({"duplexes": 10, "candidates": 3, "temperature": 2.0})
    config.pool.update({"weight": 0.25, "per_epoch": 0.5} | pool)
    return config


def test_a_pool_has_the_mean_of_the_teachers_logits(tables, teacher):
    names, transcripts = teacher
    config = with_pool(config_of(tables[0]), names, transcripts)
    data = load_data(config)
    pool = data.streams[-1]
    assert 50 <= pool.rows <= 70 and pool.per_epoch == round(pool.rows / 2)
    assert pool.shift == 0
    rows = slice(len(data.train.labels) - pool.rows, None)
    tokens = data.train.mirnas[rows], data.train.targets[rows]
    logits = []
    for name in names:
        member = loading.load_model(name)
        logits.append(classify.make_scorer(member.model)(member.params, *tokens))
    mean = np.mean(logits, axis=0) / 2.0
    expected = 1 / (1 + np.exp(-mean))
    np.testing.assert_allclose(data.train.labels[rows], expected, atol=1e-5)
    np.testing.assert_allclose(data.train.weights[rows], 0.25)
    assert pin_config(config).data.files_sha256


def test_logits_are_kept_in_the_cache(tables, teacher, monkeypatch):
    names, transcripts = teacher
    config = with_pool(config_of(tables[0], train_on_labels=False), names, transcripts)
    first = load_data(config)
    assert len(first.streams) == 1
    calls = []
    monkeypatch.setattr(classify, "predict_logits", lambda *a, **k: calls.append(a))
    again = load_data(config)
    assert not calls
    np.testing.assert_array_equal(first.train.labels, again.train.labels)


def test_hard_negatives_are_candidates_of_the_highest_logits(tables, teacher):
    names, transcripts = teacher
    config = with_pool(config_of(tables[0]), names[:1], transcripts, hard_negatives=8)
    config.pool.hard_candidates = 5
    data = load_data(config)
    assert data.streams[-1].rows == 8 == data.streams[-1].per_epoch
    hard, smoothing = slice(-8, None), config.data.label_smoothing
    np.testing.assert_allclose(data.train.labels[hard], smoothing / 2)
    np.testing.assert_allclose(data.train.weights[hard], 0.5)
    member = loading.load_model(names[0])
    tokens = data.train.mirnas, data.train.targets
    logits = np.asarray(classify.make_scorer(member.model)(member.params, *tokens))
    random = len(logits) - 8 - data.streams[-2].rows
    assert logits[hard].mean() > logits[random:-8].mean()


def test_nothing_to_train_on_is_refused(tables):
    with pytest.raises(ValueError, match="nothing to train on"):
        load_data(config_of(tables[0], train_on_labels=False))
