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


def test_only_the_chosen_command_is_imported():
    code = (
        "import sys; from mirjax import __main__; sys.argv[1:] = ['--help'];"
        "__main__.main(); assert 'jax' not in sys.modules; sys.argv[1:] = ['nope'];"
        "sys.exit(__main__.main() != 1 or 'jax' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
