"""Show how the parameters of equal runs on one and two devices diverge.

    JAX_NUM_CPU_DEVICES=2 python scripts/bench/drift.py --config=seq2seq:simulated \
        --steps=150 [--config.model.lstm_features=8 …]

Three runs make the same steps: on one device, on two, and on one device from initial
parameters that each differ by one unit in the last place. If the run on two devices
diverges no faster than the third run, amplified rounding explains the difference: two
devices sum a batch's gradients in another order. The largest difference of a parameter
is printed every --every steps.
"""

import dataclasses

import jax
import numpy as np
from absl import flags
from jax.sharding import Mesh

from mirjax import cli, config_files
from mirjax.training import sharding
from mirjax.training.calls import make_recipe, make_run_steps
from mirjax.training.renamed_keys import describe_replacement
from mirjax.training.state import TrainState, initial_state
from mirjax.training.task import make_task


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the script's flags."""
    config_files.define_config_flag(
        flag_values, "As of mirjax.train.", describe_replacement
    )
    flags.DEFINE_integer("steps", 150, "Training steps.", flag_values=flag_values)
    flags.DEFINE_integer("every", 25, "Steps of a line.", flag_values=flag_values)


@dataclasses.dataclass
class Run:
    """A run: its devices, its state, and the function that advances it."""

    name: str
    mesh: Mesh
    state: TrainState


def moved_by_one_unit(tree: TrainState) -> TrainState:
    """Return a state whose parameters differ in their last place."""
    moved = jax.tree.map(
        lambda x: np.nextafter(np.asarray(x), np.float32(np.inf)), tree.params
    )
    return tree.replace(params=jax.device_put(moved, jax.tree.leaves(tree)[0].sharding))


def main(flag_values: flags.FlagValues) -> None:
    """Train the three runs and print how they drift."""
    task = make_task(flag_values.config)
    devices = jax.devices()
    if len(devices) < 2:
        raise ValueError("one device; set JAX_NUM_CPU_DEVICES=2")
    runs, advance = [], {}
    for name, count in (("one", 1), ("two", 2), ("moved", 1)):
        mesh = sharding.mesh_of(devices[:count])
        recipe = make_recipe(task, mesh)
        state, shapes = initial_state(task.model, recipe.optimizer, task.seed, mesh)
        state = moved_by_one_unit(state) if name == "moved" else state
        rows = sharding.put(task.data.train, sharding.replicated(mesh))
        if count not in advance:
            advance[count] = make_run_steps(recipe, task.seed, shapes)
        runs.append((Run(name, mesh, state), rows, advance[count]))
    print("step\ttwo devices\tone unit in the last place")
    for step in range(flag_values.every, flag_values.steps + 1, flag_values.every):
        for run, rows, run_steps in runs:
            for _ in range(flag_values.every):
                run.state, _ = run_steps(run.state, rows, 1)
        one, two, moved = (jax.device_get(run.state.params) for run, *_ in runs)
        print(f"{step}\t{difference(one, two):.1e}\t{difference(one, moved):.1e}")


def difference(one: object, other: object) -> float:
    """Return the largest difference of a parameter."""
    gaps = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), one, other)
    return max(jax.tree.leaves(gaps))


if __name__ == "__main__":
    cli.run(main, define_flags)
