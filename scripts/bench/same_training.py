"""Train a run on several layouts of processes and devices; compare the parameters.

    python scripts/bench/same_training.py --folder=F --layouts=1x1,1x2,2x1 -- \
        --config=mitar --config.train.batch_size=8 --config.train.num_epochs=0.5

A layout is processes x CPU devices of each. Arguments after -- are passed to
mirjax.train. For each layout are printed: the steps done, whether its parameters are
bit-identical to those of an earlier layout with the same number of devices, and the
largest difference from the first layout, beside the largest parameter.
"""

import argparse
import json
import os
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "launch"))

import local  # noqa: E402


def train(folder: pathlib.Path, layout: str, arguments: list[str]) -> int:
    """Train on a layout, and return the number of steps."""
    processes, devices = map(int, layout.split("x"))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": str(devices),
    }
    workdir = folder / layout
    arguments = [*arguments, f"--workdir={workdir}", "--config.train.export=last"]
    with (folder / f"{layout}.log").open("wb") as log:
        codes = local.wait(
            local.start(processes, arguments, environment, stdout=log, stderr=log)
        )
    if any(codes):
        raise RuntimeError(f"the processes ended with {codes}; see {log.name}")
    with np.load(workdir / "model.npz") as arrays:
        step: int = json.loads(str(arrays["metadata"]))["step"]
        return step


def parameters(workdir: pathlib.Path) -> dict[str, np.ndarray]:
    """Return the arrays of a run's model."""
    with np.load(workdir / "model.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if "/" in name}


def is_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Return whether two models have the same bits."""
    return all(one[name].tobytes() == other[name].tobytes() for name in one)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--layouts", default="1x1,1x2,2x1")
    parser.add_argument("arguments", nargs="+", help="of mirjax.train, after --")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    trained: dict[str, dict[str, np.ndarray]] = {}
    for layout in options.layouts.split(","):
        steps = train(options.folder, layout, options.arguments)
        found = parameters(options.folder / layout)
        first = next(iter(trained.values()), found)
        gap = max(float(np.abs(found[name] - first[name]).max()) for name in found)
        largest = max(float(np.abs(value).max()) for value in found.values())
        words = [f"{layout}: {steps} steps, difference {gap:.1e} of {largest:.2g}"]
        for other, values in trained.items():
            if num_devices(other) == num_devices(layout):
                same = "same" if is_same(values, found) else "not the same"
                words.append(f"{same} bits as {other}")
        print(", ".join(words), flush=True)
        trained[layout] = found


def num_devices(layout: str) -> int:
    """Return the number of devices of a layout."""
    processes, devices = map(int, layout.split("x"))
    return processes * devices


if __name__ == "__main__":
    main()
