"""scripts/chaos.py: a run of two processes that is killed at random moments."""

import pathlib
import subprocess
import sys

import pytest
from small_runs import fast_environment

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.slow
def test_a_run_killed_at_a_random_moment_ends_in_the_same_bits(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/chaos.py"), "--kills=1", "--epochs=6"]
        # Both processes, while a checkpoint is written: nobody waits for the other.
        + ["--seed=12", f"--folder={tmp_path / 'runs'}"],
        env=fast_environment() | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit-identical: True; every evaluation once: True" in done.stdout
