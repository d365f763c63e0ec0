"""Tests of the console command."""

import ast
import importlib.util
import subprocess
import sys

import pytest

from mirjax import __main__


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "mirjax", *arguments], capture_output=True, text=True
    )


def test_help_gives_each_command_a_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mirjax", "--help"])
    assert __main__.main() == 0
    lines = capsys.readouterr().out.splitlines()
    for command in ("train", "evaluate", "predict"):
        assert sum(line.split()[:1] == [command] for line in lines) == 1


@pytest.mark.parametrize("arguments", [["nope"], [], ["--model=W"]])
def test_an_unknown_command_is_one_line(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["mirjax", *arguments])
    assert __main__.main() == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert "predict" in line
    assert not arguments or arguments[0] in line


@pytest.mark.parametrize("command", __main__.COMMANDS)
def test_every_command_is_a_module_that_runs(command):
    spec = importlib.util.find_spec(f"mirjax.{command}")
    assert spec is not None
    with open(spec.origin) as file:
        last = ast.parse(file.read()).body[-1]
    assert isinstance(last, ast.If)
    assert ast.unparse(last.test) == "__name__ == '__main__'"


def test_a_command_gets_its_arguments_and_its_exit_code():
    finished = run("predict", "--model=W", "--targets=T", "--db=D", "--out=O", "more")
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert "unexpected argument 'more'" in finished.stderr


SLOW = ("jax", "flax", "sklearn", "scipy", "matplotlib")
RUN = f"""
import sys
from mirjax.__main__ import main
try:
    code = main()
except SystemExit as end:
    code = end.code
slow = sorted(set(sys.modules) & set({SLOW}))
assert not slow, slow
sys.exit(code)
"""


def run_light(*arguments):
    """Run a command; its exit code is 1 and stderr has a traceback if it is slow."""
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True
    )


@pytest.mark.parametrize("command", ["", *__main__.COMMANDS])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_exits_0_and_imports_nothing_slow(command, flag):
    finished = run_light(*filter(None, [command, flag]))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert f"mirjax {command or 'COMMAND'}" in finished.stdout.replace(
        "python -m mirjax.", "mirjax "
    )


@pytest.mark.parametrize("command", ["", *__main__.COMMANDS])
def test_a_wrong_flag_is_one_line_and_imports_nothing_slow(command):
    finished = run_light(*filter(None, [command, "--nope=1"]))
    assert finished.returncode == 1
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ") and "nope" in line


@pytest.mark.parametrize(
    ("command", "config"), [("train", "mitar:simulated"), ("sweep", "sweeps/mitar")]
)
def test_a_config_is_read_before_anything_slow_is_imported(command, config):
    finished = run_light(command, f"--config={config}", "--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    finished = run_light(command, f"--config={config}", "--config.nope=1")
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert "has no key nope" in finished.stderr
