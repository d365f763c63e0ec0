"""Tests of mirjax.files: files that appear whole or not at all."""

import errno
import os
import pathlib
import subprocess
import sys

import pytest

from mirjax.files import atomic_write


def test_the_temporary_name_cannot_be_foreseen(tmp_path):
    """Links planted under the former names are not followed."""
    out, victim = tmp_path / "out.tsv", tmp_path / "victim"
    victim.write_text("precious")
    planted = tmp_path / f".out.tsv.{os.getpid()}.unfinished"
    planted.symlink_to(victim)
    seen = set()
    for _ in range(3):
        with atomic_write(out) as unfinished:
            assert not unfinished.is_symlink()
            seen.add(unfinished)
            unfinished.write_text("new")
    assert len(seen) == 3 and planted not in seen
    assert victim.read_text() == "precious"
    assert out.read_text() == "new" and not out.is_symlink()


def test_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    """A machine that stops leaves the old file or the new one, never an empty one."""
    calls = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)

        def record(*arguments, name=name, original=original):
            calls.append(name)
            original(*arguments)

        monkeypatch.setattr(os, name, record)
    with atomic_write(tmp_path / "out") as unfinished:
        unfinished.write_text("new")
    assert calls == ["fsync", "replace"]


def test_a_name_that_exists_is_not_opened(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda size: "f" * 2 * size)
    (tmp_path / f".out.{'f' * 16}.unfinished").symlink_to(victim)
    message = "out: cannot be written .File exists"
    with pytest.raises(FileExistsError, match=message), atomic_write(tmp_path / "out"):
        pytest.fail("opened")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path, name):
    with atomic_write(tmp_path / name) as unfinished:
        unfinished.write_text("new")
    assert os.listdir(tmp_path) == [name]


def test_what_a_killed_process_left_is_deleted_by_the_next(tmp_path):
    out = tmp_path / "out"
    program = (
        "import os, pathlib, signal, sys\n"
        "from mirjax.files import atomic_write\n"
        "with atomic_write(pathlib.Path(sys.argv[1])) as unfinished:\n"
        "    unfinished.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, out], check=False)
    (left,) = tmp_path.iterdir()
    assert left.read_text() == "half"
    other = tmp_path / f".outer.{'0' * 16}.unfinished"
    other.write_text("of another file")
    with atomic_write(out) as unfinished:
        assert not left.exists()
        # What is being written is not taken for abandoned.
        with atomic_write(out) as second:
            second.write_text("second")
        unfinished.write_text("first")
    assert out.read_text() == "first"
    assert set(tmp_path.iterdir()) == {out, other}


def test_errors_of_writing_name_the_file(tmp_path):
    out = tmp_path / "out"
    with (
        pytest.raises(OSError, match=f"^{out}: cannot be written .No space") as caught,
        atomic_write(out),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.errno == errno.ENOSPC
    missing = tmp_path / "none" / "out"
    with (
        pytest.raises(FileNotFoundError, match=f"^{missing}: cannot be written .No"),
        atomic_write(missing),
    ):
        pytest.fail("opened")
    # Other errors stay as they are.
    with pytest.raises(OSError, match="Connection refused"), atomic_write(out):
        raise OSError(errno.ECONNREFUSED, "Connection refused")
    with pytest.raises(FileNotFoundError, match="'none'"), atomic_write(out):
        pathlib.Path("none").read_text()
    assert not list(tmp_path.iterdir())


def test_a_pipe_or_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    message = "pipe: cannot be written .not a regular file"
    with pytest.raises(OSError, match=message), atomic_write(tmp_path / "pipe"):
        pytest.fail("opened")
    assert os.listdir(tmp_path) == ["pipe"]
