"""Tests of mirjax.output: where the output of a command goes, and how it fails."""

import gzip
import os
import pathlib
import stat
import subprocess
import sys
import threading

import pytest

from mirjax import output
from mirjax.output import check_writable, open_text_output

TEXT = "known\t5'→3'\n"


def write(out, text=TEXT):
    check_writable(out)
    with open_text_output(out) as file:
        file.write(text)


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "table.tsv", tmp_path / "link.tsv"
    target.write_text("earlier")
    target.chmod(0o640)
    link.symlink_to("real/table.tsv")
    write(link)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == TEXT
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path / "real") == ["table.tsv"]
    # Also where there is no target yet.
    target.unlink()
    write(link)
    assert link.is_symlink() and target.read_text(encoding="utf-8") == TEXT


def test_a_failure_leaves_the_target_of_a_link(tmp_path):
    target, link = tmp_path / "table.tsv", tmp_path / "link.tsv"
    target.write_text("earlier")
    link.symlink_to(target)
    with pytest.raises(RuntimeError), open_text_output(link) as file:
        file.write(TEXT)
        raise RuntimeError
    assert target.read_text() == "earlier"
    assert sorted(os.listdir(tmp_path)) == ["link.tsv", "table.tsv"]


@pytest.mark.parametrize("out", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_is_appended_to(tmp_path, out):
    """A table goes between what the process and the shell write to one file."""
    program = (
        "import sys; from mirjax.output import check_writable, open_text_output\n"
        "print('before')\n"
        "check_writable(sys.argv[1])\n"
        "with open_text_output(sys.argv[1]) as file: file.write('table\\n')\n"
        "print('after')\n"
    )
    with open(tmp_path / "all.txt", "w") as stream:
        stream.write("first\n")
        stream.flush()
        subprocess.run([sys.executable, "-c", program, out], stdout=stream, check=True)
    written = (tmp_path / "all.txt").read_text()
    assert written == "first\nbefore\ntable\nafter\n"
    assert os.listdir(tmp_path) == ["all.txt"]


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe.gz"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join(timeout=20)
    assert gzip.decompress(read[0]).decode() == TEXT
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert os.listdir(tmp_path) == ["pipe.gz"]


def test_a_device_is_written_to_and_stays(tmp_path):
    write("/dev/null")
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    write(link)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["t.tsv.gz", "t.tsv"])
def test_a_name_in_gz_is_compressed(tmp_path, name):
    for out in (tmp_path / name, tmp_path / "again" / name):
        out.parent.mkdir(exist_ok=True)
        write(out)
    content = (tmp_path / name).read_bytes()
    assert content == out.read_bytes()  # whenever and wherever it is written
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    assert content.decode() == TEXT


def test_a_full_disk_is_one_line_that_names_the_output():
    if not pathlib.Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(OSError) as caught:
        write("/dev/full", TEXT * 100_000)
    message = "/dev/full: cannot be written (No space left on device)"
    assert str(caught.value) == message


def test_a_pipe_that_nobody_reads_any_longer_is_a_broken_pipe(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        write(f"/dev/fd/{writing}")
    os.close(writing)


def test_what_cannot_be_written_is_found_first(tmp_path):
    (tmp_path / "file").write_text("")
    longest = tmp_path / ("x" * 239 + ".tsv")
    write(longest)
    for out, message in (
        (tmp_path, "is not a file; name one"),
        (longest.with_name("x" * 256), "cannot be written .File name too long"),
        (tmp_path / "none" / "t.tsv", "folder .*none cannot be written .No such file"),
        (tmp_path / "file" / "t.tsv", "folder .*file cannot be written .Not a direc"),
    ):
        with pytest.raises(ValueError, match=message):
            check_writable(out)
    link = tmp_path / "link"
    link.symlink_to("file")
    with pytest.raises(ValueError, match="is an input; name another file"):
        check_writable(link, tmp_path / "file")
    check_writable("/dev/null", "/dev/null")


def test_the_flag_of_an_output_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for out, words in (
        (tmp_path, ".* is not a file"),
        (tmp_path / "file", ".* is an input"),
        (tmp_path / ("x" * 256), ".* cannot be written"),
        (tmp_path / "none" / "t.tsv", "folder .* cannot be written"),
        ("/dev/fd/999", "/dev/fd/999 cannot be written"),
    ):
        with pytest.raises(ValueError, match=f"^--genes: {words}"):
            check_writable(out, tmp_path / "file", flag="genes")


def test_a_closed_standard_output_is_found_first():
    closed = (
        "import os; os.close(1)\n"
        "from mirjax.output import check_writable; check_writable('-')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", closed], capture_output=True, text=True, check=False
    )
    message = "ValueError: --out: standard output cannot be written"
    assert message in ended.stderr.splitlines()[-1]


def test_only_standard_output_is_standard_output():
    assert output.is_standard_output("-") and output.is_standard_output("/dev/stdout")
    assert not output.is_standard_output("/dev/stderr")
    assert output.is_stream("/dev/stderr") and not output.is_stream("none.tsv")


def test_a_name_leaves_room_for_what_lies_beside_the_output(tmp_path):
    """The table of skipped records is written after the work."""
    check_writable(tmp_path / ("x" * 243))
    with pytest.raises(ValueError, match="cannot be written .File name too long"):
        check_writable(tmp_path / ("x" * 244))


def test_two_outputs_that_are_one_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("link").symlink_to("a.tsv")
    output.check_distinct("a.tsv", "b.tsv", "-", "/dev/stderr")
    output.check_distinct("/dev/null", "/dev/null")
    for first, second in (("a.tsv", "./a.tsv"), ("a.tsv", "link"), ("-", "/dev/fd/1")):
        with pytest.raises(ValueError, match=f"two outputs are named by {first} and"):
            output.check_distinct(first, second)
    with pytest.raises(ValueError, match="two outputs are named a.tsv; give each"):
        output.check_distinct("a.tsv", "a.tsv")
