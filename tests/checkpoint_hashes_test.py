"""Manifests of checkpoints: no flipped bit passes."""

import random

import jax.numpy as jnp
import pytest

from mirjax.training.checkpoint import Checkpoints
from mirjax.training.checkpoint_hashes import (
    FILE_NAME,
    find_damage,
    saved_steps,
    set_damaged_aside,
)
from mirjax.training.state import TrainState


@pytest.fixture
def workdir(tmp_path):
    state = TrainState(jnp.int32(0), {"w": jnp.arange(300.0)}, {"m": jnp.ones(300)})
    with Checkpoints(tmp_path) as checkpoints:
        for step in (1, 2, 3):
            checkpoints.save(step, state, {"runs": []}, best_steps={1})
    return tmp_path


@pytest.mark.slow
def test_no_flipped_bit_is_silent(workdir):
    folder = workdir / "checkpoints/3"
    assert find_damage(folder) is None
    rng = random.Random(0)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    flips = 0
    for path in files:
        content = path.read_bytes()
        for _ in range(min(40, 8 * len(content))):
            flipped = bytearray(content)
            flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            assert find_damage(folder), path
            flips += 1
        path.write_bytes(content)
    assert flips >= 400
    assert find_damage(folder) is None


@pytest.mark.parametrize("damage", ["missing", "cut", "added", "no manifest"])
def test_files_that_are_missing_cut_or_added_are_damage(workdir, damage, caplog):
    folder = workdir / "checkpoints/2"
    files = [path for path in (folder / "state").rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    if damage == "missing":
        largest.unlink()
    elif damage == "cut":
        largest.write_bytes(largest.read_bytes()[:-1])
    elif damage == "added":
        (folder / "other").write_text("x")
    else:
        (folder / FILE_NAME).unlink()
    set_damaged_aside(workdir, workdir / "checkpoints")
    assert "step 2 is damaged" in caplog.text
    assert saved_steps(workdir / "checkpoints") == [1, 3]
    assert (workdir / "damaged/2").is_dir()


def test_checkpoints_of_an_earlier_version_are_used_and_said_to_be_unverified(
    workdir, caplog
):
    for step in (1, 2, 3):
        (workdir / f"checkpoints/{step}" / FILE_NAME).unlink()
    set_damaged_aside(workdir, workdir / "checkpoints")
    assert "damage before now is not seen" in caplog.text
    assert saved_steps(workdir / "checkpoints") == [1, 2, 3]
    assert find_damage(workdir / "checkpoints/1") is None
