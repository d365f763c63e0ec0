"""Command lines for scripts/fuzz.py: every flag of every command, with odd values.

A case is a command line that works, with one to three of its flags changed or added. It
runs in a fork of a process that has imported the commands. A command ends once it has
checked its input, before it trains, decodes or measures: only the checks of values are
tested. BLAST searches run.
"""

import importlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

COMMANDS = ("train", "sweep", "evaluate", "predict", "confirm")
SECONDS = 60  # after which a command is taken to hang
_MEMORY = 4 << 30  # bytes of address space beyond that of the parent

FOLDER = "{folder}"  # stands for the folder of the inputs
_NUMBER_TEXT = """
-1 0 1 2 1.5 1e-300 1e400 2147483648 nan inf -inf -0.0 0x10 1_000 1,2 1e +3 ٣
999999999999999999999999999999
"""
_TEXT = """
/dev/null /dev/full /dev/fd/77 - -- ~ .. file://x None true False [] {} (1,) ' " \\ %s
{x} é → : + plus both skip greedy beam,beam mirbase/zzz mirbase/ mirbase/../x simulated
simulated+ hejret2023 published/x seq2seq: mitar:none constrained blastn-short frequency
"""
_FILES = """
absent absent/file pairs.csv mirnas.fa mirnas.fa/file classifier.npz generator.npz empty
"""
NUMBERS = _NUMBER_TEXT.split()
VALUES = [
    *NUMBERS,
    *_TEXT.split(),
    FOLDER,
    "",
    " ",
    "\t",
    "\n",
    "\x01",
    "\x7f",
    "\udcff",
]
VALUES += [f"{FOLDER}/{name}" for name in (*_FILES.split(), "out\x01.tsv", "n" * 300)]
VALUES += ["\x1b[31m", "x" * 5000]

_BASES = {
    "train": ("--config=seq2seq:simulated", f"--workdir={FOLDER}/run"),
    "sweep": ("--config=sweeps/mitar:simulated", f"--workdir={FOLDER}/grid"),
    "evaluate": (
        f"--model={FOLDER}/classifier.npz",
        f"--data={FOLDER}/pairs.csv",
        f"--out={FOLDER}/results",
    ),
    "predict": (
        f"--model={FOLDER}/generator.npz",
        f"--targets={FOLDER}/targets.fa",
        f"--db={FOLDER}/mirnas.fa",
        f"--out={FOLDER}/out.tsv",
    ),
    "confirm": (
        f"--queries={FOLDER}/mirnas.fa",
        f"--db={FOLDER}/mirnas.fa",
        f"--out={FOLDER}/out.tsv",
    ),
}
_OF_PAIRS = (
    f"--model={FOLDER}/classifier.npz",
    f"--pairs={FOLDER}/pairs.csv",
    f"--out={FOLDER}/out.tsv",
)
_CONFIGS = {"train": ("config", "seq2seq"), "sweep": ("config.base", "mitar")}


def flag_kinds(command: str) -> dict[str, bool]:
    """Return the flags of a command and the dotted keys of its config.

    Returns:
      Name → whether its values are numbers.
    """
    from absl import flags

    values = flags.FlagValues()
    importlib.import_module(f"mirjax.{command}").define_flags(values)
    numeric = (flags.IntegerParser, flags.FloatParser)
    kinds = {name: isinstance(values[name].parser, numeric) for name in values}
    if command in _CONFIGS:
        prefix, config = _CONFIGS[command]
        found = importlib.import_module(f"mirjax.configs.{config}").get_config()
        keys = _leaves(found.to_dict())
        kinds |= {f"{prefix}.{key}": kind for key, kind in keys.items()}
    if command == "sweep":
        kinds |= {"config.epochs": True, "config.patience": True}
        kinds |= {"config.grid.train.batch_size": False}
    return dict(sorted(kinds.items()))


def _leaves(section: Mapping[str, Any], prefix: str = "") -> dict[str, bool]:
    kinds = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            kinds |= _leaves(value, f"{prefix}{key}.")
        else:
            kinds[prefix + key] = isinstance(value, int | float)
    return kinds


def make_command_line(
    rng: random.Random, kinds: Mapping[str, Mapping[str, bool]]
) -> list[str]:
    """Return the command and its arguments; kinds are those of each command's flags."""
    command = rng.choice(COMMANDS)
    names = list(kinds[command])
    words = list(_BASES[command])
    if command == "predict" and rng.random() < 0.4:
        words = list(_OF_PAIRS)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        change = rng.random()
        if change < 0.06:
            words.append(rng.choice(VALUES))
        elif change < 0.12:
            del words[rng.randrange(len(words)) :][:1]
        elif change < 0.15:
            words.append(f"--{rng.choice(names)}")
        else:
            name = rng.choice(names)
            numeric = kinds[command][name] and rng.random() < 0.8
            words = [word for word in words if not word.startswith(f"--{name}=")]
            words.append(f"--{name}={rng.choice(NUMBERS if numeric else VALUES)}")
    return [command, *words]


def prepare(folder: pathlib.Path) -> None:
    """Write small inputs: pairs, FASTA files, a classifier and a generator."""
    import fuzz_inputs
    import jax
    import numpy as np

    from mirjax.models import make_model, trained

    letters = ("UGAGGUAGUAGGUUGUAUAGUU", "CUACCUCAACGUACGUAAACC", "AACCGGUUACGUACGUAC")
    fasta = "".join(f">s{n}\n{sequence}\n" for n, sequence in enumerate(letters))
    for name in ("targets.fa", "mirnas.fa"):
        (folder / name).write_text(fasta)
    rows = [
        f"{m},{t},{(n + k) % 2}"
        for n, m in enumerate(letters)
        for k, t in enumerate(letters)
    ]
    (folder / "pairs.csv").write_text("\n".join(["mirna,target,label", *rows]) + "\n")
    (folder / "empty").write_text("")
    config = {"name": "seq2seq", "conv_features": 2, "dense_features": 2}
    config |= {"lstm_features": 2}
    model = make_model(config)
    key = jax.ShapeDtypeStruct((2,), np.uint32)
    shapes = jax.eval_shape(model.init, key, *model.example_inputs())["params"]
    params = jax.tree.map(lambda leaf: np.full(leaf.shape, 0.1, leaf.dtype), shapes)
    metadata = {"model": config, "data": {"name": "simulated"}, "step": 1}
    trained.save_model(folder / "generator.npz", params, metadata)
    (folder / "classifier.npz").write_bytes(fuzz_inputs.classifier())


def make_runner(folder: pathlib.Path) -> Callable[[pathlib.Path], None]:
    """Return a function that runs the command line in a file, a JSON list.

    Each runs among new copies of the inputs. The function raises a ValueError for a
    one-line error, and a RuntimeError for anything else.

    Args:
      folder: for the inputs, and for what the commands write.
    """
    inputs, case = folder / "inputs", folder / "case_folder"
    inputs.mkdir()
    command = [sys.executable, __file__, str(inputs)]
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    subprocess.run(command, check=True, env=environment)
    os.environ |= {"XDG_CACHE_HOME": str(folder / "cache"), "JAX_PLATFORMS": "cpu"}
    _stop_before_the_work()

    def run(path: pathlib.Path) -> None:
        shutil.rmtree(case, ignore_errors=True)
        shutil.copytree(inputs, case / "inputs")
        given = json.loads(path.read_text())
        words = [word.replace(FOLDER, str(case / "inputs")) for word in given]
        errors = folder / "stderr"
        child = os.fork()
        if not child:
            os.chdir(case)
            _run_child(words, errors)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        judge(path, code, errors.read_text(errors="replace"))

    return run


def judge(path: pathlib.Path, code: int, said: str) -> None:
    """Raise a ValueError if a command printed one error, or RuntimeError if worse.

    Args:
      path: the case, for messages.
      code: the exit code, negative for a signal.
      said: what was printed to standard error.
    """
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    if code == 1 and len(errors) == 1 and "Traceback" not in said:
        raise ValueError(f"{path}: {errors[0]}")
    if code or errors or "Traceback" in said:
        raise RuntimeError(f"{path.read_text()} ends with {code}\n{said}")


def _stop_before_the_work() -> None:
    """Import the commands; let them end once their input has been checked."""

    def stop(*_: object, **__: object) -> None:
        raise SystemExit(0)

    for module, name in (
        ("mirjax.training.loop", "Loop"),
        ("mirjax.training.programs", "SingleRun"),
        ("mirjax.training.sweeps", "VmappedRuns"),
        ("mirjax.evaluation.classifier", "measure_classifier"),
        ("mirjax.evaluation.generator", "measure_generator"),
        ("mirjax.inference.prediction", "predict"),
        ("mirjax.inference.classify", "predict_logits"),
    ):
        setattr(importlib.import_module(module), name, stop)

    def refuse(name: str, *_: object) -> None:
        raise ValueError(f"{name}: not downloaded while fuzzing")

    importlib.import_module("mirjax.datasets.download").download = refuse
    for command in COMMANDS:
        importlib.import_module(f"mirjax.{command}")


def _run_child(words: list[str], errors: pathlib.Path) -> None:
    """Run a command in this process, and end it."""
    code = 99
    try:
        signal.alarm(SECONDS)
        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
        limit = used * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        from mirjax import cli

        module = importlib.import_module(f"mirjax.{words[0]}")
        sys.argv = [f"mirjax {words[0]}", *words[1:]]
        try:
            cli.run(module.main, module.define_flags, sys.argv)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    prepare(pathlib.Path(sys.argv[1]))
