"""Errors, flags and exit codes, as a shell sees them."""

import importlib
import os
import subprocess
import sys
import types

import pytest
from absl import flags

from mirjax import cli, config_files
from mirjax.configs import seq2seq
from mirjax.configs.sweeps import mitar as sweeps_mitar

# A shell starts what runs in its background with SIGINT ignored.
SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from absl import flags
from mirjax import cli

def define_flags(flag_values):
    flags.DEFINE_integer("number", None, "a number", flag_values=flag_values)
    flags.DEFINE_bool("odd", False, "whether it is odd", flag_values=flag_values)
    flags.mark_flag_as_required("number", flag_values)

def main(flag_values):
    print("number", flag_values.number)
    {action}

cli.run(main, define_flags)
"""


def run(action="pass", arguments=("--number=3",)):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(action=action), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_command_that_works_exits_0():
    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "number 3\n", "")


@pytest.mark.parametrize("kind", ["ValueError", "FileNotFoundError", "RuntimeError"])
def test_an_error_is_one_line_and_exit_1(kind):
    done = run(f"raise {kind}('targets.fa record s1:\\n letter X')")
    assert done.returncode == 1
    assert done.stderr == "error: targets.fa record s1: letter X\n"


def test_control_characters_of_a_message_are_escaped():
    done = run("raise ValueError('a\\x1b[31m\\x07 é→')")
    assert done.stderr == "error: a\\x1b[31m\\x07 é→\n"


def test_a_device_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "nosuch")
    done = run("import jax; jax.devices()")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: JAX_PLATFORMS=nosuch: jax finds no such device")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_any_encoding_of_the_terminal_is_printed_in(encoding):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            SCRIPT.format(action="print('5′→3′ ≤ é')"),
            "--number=3",
        ],
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    printed = {
        "latin-1": "5?->3? <= é",
        "ascii": "5?->3? <= ?",
        "utf-8": "5′→3′ ≤ é",
    }
    assert done.stdout.decode(encoding).splitlines()[1] == printed[encoding]


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("pass", ["--number=3"]),
        ("print('x' * 1_000_000)", ["--number=3"]),
        ("pass", ["--help"]),
    ],
)
def test_a_reader_that_has_gone_ends_the_command_without_a_word(action, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(action=action), *arguments],
            stdout=gone,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_bug_keeps_its_traceback():
    done = run("raise AssertionError('never')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    "action",
    [
        "raise KeyboardInterrupt",
        # As extension modules do when they are interrupted while they are imported.
        """import os, signal
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    raise ImportError("an error while initializing the extension")""",
        """import gc, time
    class Node:
        def __del__(self):
            raise KeyboardInterrupt
    Node()
    time.sleep(10)""",
    ],
)
def test_ctrl_c_is_one_line_and_exit_130(action):
    done = run(action)
    assert done.returncode == 130
    assert done.stderr == "error: interrupted\n"


@pytest.mark.parametrize(
    "arguments, part",
    [
        ([], "--number"),
        (["--number=x"], "--number=x: give a whole number, not 'x'"),
        ([], "--number is missing"),
        (["--number=3", "--odd=no way"], "--odd=no way: give true or false, not 'no"),
        (["--number=3", "--odd=\x1b[31m"], r"--odd=\x1b[31m: give true or false"),
        (["--number=3", "--nubmer=4"], "nubmer"),
        (["--number=3", "left_over"], "'left_over': all are given as --name=value"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_1(arguments, part):
    done = run(arguments=arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and part in line


def test_ctrl_c_that_hits_its_own_repetition_is_repeated(monkeypatch):
    started = []

    class Timer:
        def __init__(self, *arguments):
            pass

        def start(self):
            started.append(self)
            if len(started) < 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(cli.threading, "Timer", Timer)
    cli._report_unraisable(types.SimpleNamespace(exc_value=KeyboardInterrupt()))
    assert len(started) == 3 and started[-1].daemon


def test_a_read_that_a_failed_restore_left_behind_says_nothing():
    """Orbax leaves futures whose error nobody asks for; the restore raised its own."""
    done = run(
        "import asyncio\n"
        "    future = asyncio.new_event_loop().create_future()\n"
        "    future.set_exception(ValueError('lost'))\n"
        "    del future"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("seconds", "logged"), [(0, [20, 40, 60]), (60, [20])])
def test_progress_is_logged_at_intervals(monkeypatch, caplog, seconds, logged):
    monkeypatch.setattr(cli, "_LOG_EVERY_SECONDS", seconds)
    with caplog.at_level("INFO"), cli.progress(70, "decoding sites") as report:
        for _ in range(3):
            report(20)
    counts = [message.partition(",")[0] for message in caplog.messages]
    assert counts == [f"decoding sites: {done} of 70" for done in logged]


def test_progress_estimates_the_time_left_from_the_speed_of_late(monkeypatch, caplog):
    """What is found done at the start is no measure of the speed."""
    clock = 0.0
    monkeypatch.setattr(cli.time, "monotonic", lambda: clock)
    with caplog.at_level("INFO"), cli.progress(10_000, "scanning") as report:
        for number in (2000, 10, 10):
            report(number)
            clock += 60.0
    assert caplog.messages == [
        "scanning: 2000 of 10000",
        "scanning: 2010 of 10000, about 13 h 19 min left",
        "scanning: 2020 of 10000, about 13 h 18 min left",
    ]


def test_progress_towards_an_unknown_total(caplog):
    with caplog.at_level("INFO"), cli.progress(None, "reading") as report:
        report(5)
    assert caplog.messages == ["reading: 5"]


OWN = """
from ml_collections import ConfigDict

def get_config(variant="none"):
    return ConfigDict({"variant": variant})
"""


def test_the_shipped_configs():
    assert config_files.shipped_configs() == [
        "duplex",
        "mitar",
        "seq2seq",
        "sweeps/duplex",
        "sweeps/mitar",
        "transformer",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "seq2seq:tuned",
        "seq2seq.py:tuned",
        "configs/seq2seq:tuned",
        "configs/seq2seq.py:tuned",
    ],
)
def test_a_config_is_found_by_name_and_path_from_any_folder(
    text, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seq2seq").mkdir()  # a folder, such as a run's, hides no config
    assert config_files.load_config(text) == seq2seq.get_config("tuned")


def test_a_config_of_a_subfolder_is_found():
    assert config_files.load_config("sweeps/mitar:study") == sweeps_mitar.get_config(
        "study"
    )


def test_a_file_goes_before_a_shipped_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "configs" / "seq2seq.py"
    own.parent.mkdir()
    own.write_text(OWN)
    for text, variant in {
        "configs/seq2seq.py": "none",
        "configs/seq2seq.py:tuned": "tuned",
        str(own): "none",
        f"{own}:a:b": "a:b",
    }.items():
        config = config_files.load_config(text)
        assert config.to_dict() == {"variant": variant}
        assert config.is_locked


def test_a_folder_may_have_a_colon(tmp_path):
    own = tmp_path / "a:b" / "own.py"
    own.parent.mkdir()
    own.write_text(OWN)
    assert config_files.load_config(str(own)).variant == "none"
    assert config_files.load_config(f"{own}:c").variant == "c"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "seqseq:tuned",
            ["duplex, mitar, seq2seq, sweeps/duplex", "did you mean seq2seq?"],
        ),
        ("sweeps/mitra", ["did you mean sweeps/mitar?"]),
        ("/none/own.py", ["no such file"]),
        ("", ["no such file"]),
        ("seq2seq:none", ["'none' is not one of published, tuned, simulated"]),
    ],
)
def test_an_unknown_config_is_refused(text, parts):
    with pytest.raises(ValueError) as caught:
        config_files.load_config(text)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("import none_such", "ModuleNotFoundError"),
        ("get_config = 3 +", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("x = 1", "get_config"),
        ("def get_config():\n  return {}", "ConfigDict"),
    ],
)
def test_a_config_that_cannot_be_read_is_refused(tmp_path, code, part):
    path = tmp_path / "own.py"
    path.write_text(code)
    with pytest.raises(ValueError, match=part) as caught:
        config_files.load_config(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("command", "override", "parts"),
    [
        ("train", "train.batchsize=3", ["did you mean train.batch_size?"]),
        ("train", "batch_size=3", ["did you mean train.batch_size?"]),
        ("train", "optimizer.zzz=3", ["known: optimizer."]),
        ("train", "train.num_steps=3", ["by config.train.num_epochs"]),
        ("sweep", "base.train.num_steps=3", ["by config.base.train.num_epochs"]),
        ("sweep", "base.trian.batch_size=3", ["did you mean base.train.batch_size?"]),
        ("sweep", "epoch=3", ["did you mean epochs?"]),
    ],
)
def test_a_config_key_that_does_not_exist_is_refused(
    monkeypatch, command, override, parts
):
    config = {"train": "seq2seq", "sweep": "sweeps/mitar"}[command]
    arguments = [command, f"--config={config}", f"--config.{override}", "--workdir=W"]
    monkeypatch.setattr(sys, "argv", arguments)
    flag_values = flags.FlagValues()
    importlib.import_module(f"mirjax.{command}").define_flags(flag_values)
    with pytest.raises(flags.IllegalFlagValueError) as caught:
        flag_values(sys.argv)
    for part in [override, *parts]:
        assert part in str(caught.value)
