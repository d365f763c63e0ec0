"""Jitted calls of several training steps, compiled before the first call."""

import re
from collections.abc import Callable
from typing import Any

import jax

from mirjax.training.flops import count_flops

_SOURCE = re.compile(r'%?([\w.\-]+) = .*metadata=\{[^}]*op_name="([^"]*)"')


class CompiledCalls:
    """The programs of a jitted function, one for each number of steps.

    Compilation is a separate call, so that it is not timed with the first steps.

    Args:
      run_steps: jitted, such as `calls.make_run_steps` returns it; its last argument is
        static and the number of steps.
    """

    def __init__(self, run_steps: Callable[..., Any]):
        self._run_steps: Any = run_steps
        self._programs: dict[int, jax.stages.Compiled] = {}
        self._flops: dict[int, int | None] = {}

    def compile(self, count: int, *arguments: Any) -> jax.stages.Compiled:
        """Return the program of `count` steps; it is compiled once.

        Args:
          count: steps of a call.
          *arguments: those before the number of steps.
        """
        if count not in self._programs:
            traced = self._run_steps.trace(*arguments, count)
            self._flops[count] = count_flops(traced.jaxpr)
            self._programs[count] = traced.lower().compile()
        return self._programs[count]

    def __call__(self, count: int, *arguments: Any) -> Any:
        """Make a call of `count` steps."""
        return self.compile(count, *arguments)(*arguments)

    @property
    def flops_per_step(self) -> float | None:
        """Operations of a step, by `flops`; None if unknown or nothing is compiled."""
        for count, flops in self._flops.items():
            return None if flops is None else flops / count
        return None

    def sources(self) -> dict[str, str]:
        """Return the source (op_name) of each compiled operation, by its name."""
        return {
            name: source
            for program in self._programs.values()
            for name, source in _SOURCE.findall(program.as_text() or "")
        }


def compiled(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """Return a jitted function, compiled for the shapes and types of the arguments."""
    if isinstance(function, jax.stages.Compiled):
        return function
    jitted: Any = function
    program: jax.stages.Compiled = jitted.lower(*arguments).compile()
    return program
