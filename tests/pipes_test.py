"""Tests of inputs that are read once."""

import os

import pytest

from mirjax.pipes import check_streams, is_read_once


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return str(path)


def test_two_inputs_that_are_one_pipe_are_refused(pipe, tmp_path):
    other, link = str(tmp_path / "other"), str(tmp_path / "link")
    os.mkfifo(other)
    os.symlink(pipe, link)
    check_streams("-", pipe, other, None, "", None)
    for first, second in ((pipe, link), ("-", "/dev/stdin"), ("/dev/fd/0", "-")):
        message = f"^{first} and {second} are the same input, which is read once"
        with pytest.raises(ValueError, match=message):
            check_streams(other, first, second)
    with pytest.raises(ValueError, match="pipe is given for two inputs, and a pipe is"):
        check_streams(pipe, other, pipe)
    with pytest.raises(ValueError, match="^- is given .* standard input is read once"):
        check_streams("-", "-")


def test_standard_input_by_another_descriptor_is_refused(pipe):
    """As a shell has it after `exec 3<&0`."""
    reading, writing = os.pipe()
    before = os.dup(0)
    os.dup2(reading, 0)
    try:
        with pytest.raises(ValueError, match="are the same input"):
            check_streams("-", f"/dev/fd/{reading}")
        check_streams("-", pipe)
    finally:
        os.dup2(before, 0)
        for descriptor in (reading, writing, before):
            os.close(descriptor)


def test_files_and_datasets_may_be_given_twice(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    check_streams("-", str(path), str(path), str(tmp_path), str(tmp_path))
    check_streams("mirbase/hsa", "mirbase/hsa", "/dev/null", "/dev/null")


def test_what_is_read_once(pipe, tmp_path):
    assert is_read_once("-") and is_read_once(pipe)
    assert not is_read_once(tmp_path / "none")
