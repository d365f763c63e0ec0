"""Several processes that train one run: real ones, with collectives on CPUs."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from small_runs import fast_environment

from mirjax.training.checkpoint_hashes import saved_steps
from mirjax.training.fatal_lines import LOST
from mirjax.training.metric_writer import read_metrics
from mirjax.training.workdir_lock import lock_workdir

ROOT = pathlib.Path(__file__).parents[1]
SMALL = (
    "--config=seq2seq:simulated",
    "--config.model.conv_features=6",
    "--config.model.dense_features=6",
    "--config.model.lstm_features=8",
    "--config.data.positive_rows=100",
    "--config.train.batch_size=16",
    "--config.train.eval_batch_size=16",
    "--config.train.decode_rows=20",
    "--config.train.num_epochs=6",  # of 5 steps
    "--config.train.eval_every_epochs=1",
    "--config.steps_per_call=2",
)
# A process that sees of the training rows only those of its own slices in epoch 0;
# the others are zeros. Its devices' share of each batch is the process's slice.
OWN_ROWS = """
import sys
import jax, numpy as np
from mirjax import cli, train
from mirjax.datasets import streams
from mirjax.training import sharding
put, whole = sharding.put, []
def put_own(tree, where):
    if where.spec or whole:  # validation rows, and what comes after
        return put(tree, where)
    whole.append(tree)
    rows, parts = len(tree.weights), jax.process_count()
    order = np.asarray(streams.draw_order(0, 0, streams.whole(rows)))
    filled = np.concatenate([order, np.repeat(order[-1], -rows % 16)])
    own = filled.reshape(-1, parts, 16 // parts)[:, jax.process_index()].ravel()
    seen = np.isin(np.arange(rows), own)
    assert seen.mean() < 0.7
    return put(jax.tree.map(lambda x: (x.T * seen).T.astype(x.dtype), tree), where)
sharding.put = put_own
cli.run(train.main, train.define_flags)
"""


@pytest.fixture(scope="module")
def local():
    """The launcher, as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts/launch"))
        import local

        yield local


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for runs."""
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def start(local):
    """Return a function that starts the processes of a run."""

    all_started = []

    def start_processes(workdir, *arguments, processes=2):
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        started = local.start(
            processes,
            [*SMALL, f"--workdir={workdir}", *arguments],
            fast_environment() | {"PYTHONPATH": str(ROOT)},
            **pipes,
        )
        all_started.extend(started)
        return started

    yield start_processes
    for process in all_started:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="module")
def whole(folder, start):
    """A run of two processes that nothing interrupted."""
    for code, log in finish(start(folder / "whole")):
        assert code == 0, log
    return folder / "whole"


def finish(started):
    """Return the exit code and standard error of each process."""
    ended = [process.communicate(timeout=300)[1] for process in started]
    return [(p.returncode, log) for p, log in zip(started, ended, strict=True)]


def wait_for_metrics(started, workdir, lines):
    deadline = time.monotonic() + 300
    while len(read_metrics(workdir)) < lines:
        assert all(process.poll() is None for process in started)
        assert time.monotonic() < deadline
        time.sleep(0.02)


def errors(log):
    return [line for line in log.splitlines() if line.startswith("error: ")]


def parameters(workdir):
    with (workdir / "model.npz").open("rb") as file, np.load(file) as arrays:
        return {name: arrays[name] for name in arrays.files if "/" in name}


def assert_same_training(one, other):
    expected, found = parameters(one), parameters(other)
    assert expected and expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)
    rows = [
        [
            (row["step"], {k: v for k, v in row.items() if k.startswith("val/")})
            for row in read_metrics(workdir)
        ]
        for workdir in (one, other)
    ]
    assert rows[0] == rows[1]
    assert [step for step, _ in rows[0]] == [5, 10, 15, 20, 25, 30]


@pytest.mark.slow
def test_two_processes_train_what_one_with_two_devices_trains(folder, whole):
    one = folder / "one"
    done = subprocess.run(
        [sys.executable, "-m", "mirjax.train", *SMALL, f"--workdir={one}"],
        cwd=ROOT,
        env=fast_environment() | {"JAX_NUM_CPU_DEVICES": "2"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "2 device(s)" in done.stderr, done.stderr
    assert_same_training(one, whole)


@pytest.mark.slow
def test_each_process_reads_only_its_slice_of_a_batch(folder, start, whole, local):
    first = folder / "first"
    environment = fast_environment() | {"PYTHONPATH": str(ROOT)}
    arguments = [*SMALL, f"--workdir={first}"]
    address = f"--coordinator=127.0.0.1:{local.free_port()}"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OWN_ROWS, *arguments, address]
            + [f"--process_id={number}", "--num_processes=2"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for code, log in finish(started):
        assert code == 0, log
    expected, found = (read_metrics(path)[0] for path in (whole, first))
    for name in ("train/loss", "train/gradient_norm", "val/loss", "val/exact_match"):
        assert found[name] == expected[name], name


@pytest.mark.slow
def test_a_process_that_dies_stops_the_other_and_the_run_goes_on(folder, start, whole):
    cut = folder / "cut"
    for victim, lines in ((1, 1), (0, 2)):
        started = start(cut)
        wait_for_metrics(started, cut, lines)
        started[victim].kill()
        killed = time.monotonic()
        ended = finish(started)
        assert time.monotonic() - killed < 100
        assert ended[victim][0] == -signal.SIGKILL
        code, log = ended[1 - victim]
        assert code not in (0, -signal.SIGKILL), log
        (line,) = errors(log)
        assert line.startswith(f"error: {LOST}") and "Traceback" not in log, log


@pytest.mark.slow
def test_a_stop_in_one_process_saves_in_all_and_ends_in_the_same_bits(
    folder, start, whole
):
    cut = folder / "stopped"
    started = start(cut)
    wait_for_metrics(started, cut, 1)
    started[1].send_signal(signal.SIGTERM)
    for code, log in finish(started):
        assert code == 143 and not errors(log), log
    assert saved_steps(cut / "checkpoints")[-1] < 30
    for code, log in finish(start(cut)):
        assert code == 0, log
    assert_same_training(whole, cut)


@pytest.mark.slow
def test_a_workdir_in_use_is_refused_in_all_processes(folder, start):
    folder = folder / "held"
    with lock_workdir(folder):
        ended = finish(start(folder))
    for code, log in ended:
        assert code == 1
        (line,) = errors(log)
        assert f"in use by process {os.getpid()} on " in line or LOST in line
    assert "in use" in ended[0][1]


@pytest.mark.slow
def test_processes_of_other_configs_are_refused(folder, local):
    environment = fast_environment() | {"PYTHONPATH": str(ROOT)}
    address = f"--coordinator=127.0.0.1:{local.free_port()}"
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "mirjax.train", *SMALL, address]
            + [f"--process_id={number}", "--num_processes=2"]
            + [f"--workdir={folder / 'other'}", f"--config.seed={number}"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    ended = finish(started)
    assert [code for code, _ in ended] == [1, 1], ended
    assert "process 1 has another config than process 0" in ended[0][1]
    assert not (folder / "other").exists()
