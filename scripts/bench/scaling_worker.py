"""A worker of scaling.py: trains on simulated devices, or beside a bare jitted step."""

import functools
import json
import time
from collections.abc import Callable
from typing import Any

import jax
import timing
from absl import flags

from mirjax import cli, config_files, xla
from mirjax.datasets import batches
from mirjax.datasets.streams import draw_order
from mirjax.training import sharding, steps
from mirjax.training.calls import Recipe, make_recipe, next_lengths, next_stop
from mirjax.training.programs import SingleRun
from mirjax.training.renamed_keys import describe_replacement
from mirjax.training.state import initial_state
from mirjax.training.task import Task, make_task

Advance = Callable[[int], Any]
"""Dispatch so many steps, and return arrays that depend on them."""


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the worker's flags."""
    config_files.define_config_flag(
        flag_values, "As of mirjax.train.", describe_replacement
    )
    flags.DEFINE_integer("devices", 1, "Simulated.", flag_values=flag_values)
    flags.DEFINE_boolean(
        "describe", False, "Print the sizes of the model.", flag_values=flag_values
    )
    flags.DEFINE_integer(
        "compare",
        0,
        "Time so many calls in turn with those of a bare jitted step without "
        "shardings, and print the seconds.",
        flag_values=flag_values,
    )


def bare_steps(recipe: Recipe, seed: int, state: Any, rows: Any, count: int) -> Any:
    """Run training steps as `calls.run_steps` does, without a mesh."""
    epoch = state.step // batches.steps_per_epoch(len(rows.weights), recipe.batch_size)
    order = draw_order(seed, epoch, recipe.streams)
    key = jax.random.fold_in(jax.random.key(seed), 1 << 31)

    def body(state: Any, _: None) -> Any:
        batch = batches.gather_batch(rows, order, state.step, recipe.batch_size)
        return steps.train_step(
            recipe.model, recipe.optimizer, recipe.options, key, state, batch
        )

    return jax.lax.scan(body, state, length=count)


def bare_run(task: Task) -> Advance:
    """Return a function that trains with `bare_steps`."""
    mesh = sharding.mesh_of(jax.devices())
    recipe = make_recipe(task, mesh)
    state, _ = jax.device_get(initial_state(task.model, recipe.optimizer, 0, mesh))
    state, rows = jax.device_put((state, task.data.train))
    run = jax.jit(
        functools.partial(bare_steps, recipe, task.seed),
        static_argnums=2,
        donate_argnums=0,
        compiler_options=xla.compiler_options(),
    )

    def advance(count: int) -> Any:
        nonlocal state
        state, metrics = run(state, rows, count)
        return metrics

    return advance


def serve(advance: Advance, task: Task) -> None:
    """Answer the driver: train so many rows at each request."""
    step = 0

    def repeat(rows: int) -> float:
        nonlocal step
        first, asked = step, max(1, rows // task.train.batch_size)
        metrics, started = None, time.perf_counter()
        while step < first + asked:
            stop = next_stop(step, task.steps)
            metrics, step = advance(stop - step), stop
        jax.block_until_ready(metrics)
        # Calls have whole lengths, so that more steps may have been made.
        return (time.perf_counter() - started) * asked / (step - first)

    timing.serve(repeat)


def compare(task: Task, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of calls of a bare step and of training, made in turn."""
    program, count = SingleRun(task), task.steps.per_call
    advances = {"bare": bare_run(task), "sharded": program.advance}
    seconds: dict[str, list[float]] = {name: [] for name in advances}
    for repeat in range(repeats + 2):
        for name, advance in advances.items():
            started = time.perf_counter()
            jax.block_until_ready(advance(count))
            if repeat >= 2:  # the first compiles, the second allocates
                seconds[name].append(time.perf_counter() - started)
    return seconds


def describe(task: Task) -> dict[str, int]:
    """Return sizes that the time of a step on several devices depends on."""
    inputs = task.model.example_inputs()
    variables = jax.eval_shape(task.model.init, jax.random.key(0), *inputs)
    leaves = jax.tree.leaves(variables["params"])
    return {"gradient_bytes": sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)}


def main(flag_values: flags.FlagValues) -> None:
    """Run the worker."""
    jax.config.update("jax_num_cpu_devices", flag_values.devices)
    xla.use_compilation_cache()
    task = make_task(flag_values.config)
    if flag_values.describe:
        print(json.dumps(describe(task)))
    elif flag_values.compare:
        print(json.dumps(compare(task, flag_values.compare)))
    else:
        program = SingleRun(task)
        if program.mesh.size != flag_values.devices:
            raise ValueError(f"--devices={flag_values.devices} do not divide the batch")
        program.compile(next_lengths(0, task.steps))
        serve(program.advance, task)


if __name__ == "__main__":
    cli.run(main, define_flags)
