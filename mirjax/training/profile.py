"""Profile a run: times of its phases, and a trace of a few training steps."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator

import jax

from mirjax.training.heavy_ops import heavy_ops, heavy_table
from mirjax.training.phases import Phases, phase_table
from mirjax.training.programs import Program

FOLDER = "profile"  # in a workdir

STEPS, EVALUATION, CHECKPOINTS = "training steps", "evaluation", "checkpoints"
_TRACE = "writing the trace"


class Profile(Phases):
    """Times the phases of a run; traces the first steps after its first call.

    A trace ends before the next evaluation, even if it then has fewer steps.

    Args:
      folder: of the trace.
      steps: to trace, rounded up to whole calls; 0: no trace and no tables.
      show: called with each table.
    """

    def __init__(
        self,
        folder: pathlib.Path | None = None,
        steps: int = 0,
        show: Callable[[str], None] = print,
    ):
        super().__init__()
        self._folder, self._show = folder, show
        self._to_trace = steps
        self._has_called = self._is_tracing = self._has_traced = False
        self._first = 0

    @contextlib.contextmanager
    def call(self, program: Program, first: int, end: int) -> Iterator[None]:
        """Time and trace the call of training steps in the block.

        Args:
          program: the program that is called.
          first: steps done before the call.
          end: steps done after it.
        """
        if self._to_trace > 0 and self._has_called and not self._is_tracing:
            with self.phase(STEPS):
                jax.block_until_ready(program.state)
            with self.phase(_TRACE):
                self._start_trace(first)
        with self.phase(STEPS):
            yield
        self._has_called = True
        counts = program.tasks[0].steps
        is_last = end % counts.per_evaluation == 0 or end == counts.total
        if self._is_tracing and (is_last or end - self._first >= self._to_trace):
            self._to_trace = 0
            with self.phase(STEPS):
                jax.block_until_ready(program.state)
            with self.phase(_TRACE):
                self._stop_trace()
                self._show_operations(program, end)

    def show_phases(self, step: int) -> None:
        """Show the times of the phases, once the steps have been traced.

        Args:
          step: steps done.
        """
        if self._has_traced:
            self._has_traced = False
            seconds = self.seconds()
            seconds.pop(_TRACE)
            total = sum(seconds.values())
            title = f"Where {total:.1f} s went, to step {step}:"
            self._show(f"{title}\n{phase_table(seconds)}")

    def close(self) -> None:
        """End a trace that an error has interrupted; report if none was started."""
        if self._is_tracing:
            self._stop_trace()
        elif self._to_trace > 0:
            self._show(
                "No trace: training has ended before its second call of "
                "config.steps_per_call steps."
            )

    def _start_trace(self, step: int) -> None:
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0  # Python calls would hide those of the devices
        assert self._folder is not None
        jax.profiler.start_trace(self._folder, profiler_options=options)
        self._is_tracing, self._first = True, step

    def _stop_trace(self) -> None:
        jax.profiler.stop_trace()
        self._is_tracing = False

    def _show_operations(self, program: Program, step: int) -> None:
        assert self._folder is not None
        self._has_traced = True
        table = heavy_table(heavy_ops(self._folder, program.calls.sources()))
        self._show(
            f"The heaviest operations of steps {self._first} to {step}, traced in "
            f"{self._folder}:\n{table or 'the trace has none of single operations'}"
        )
