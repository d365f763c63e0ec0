"""Inputs: unpacked, read once, and named for what they are if they are no UTF-8."""

import gzip
import io
import os
import sys
import threading
import types

import pytest

from mirjax import inputs

_TEXT = "mirna,target\nACGU,GGGG\n"


def _error(path):
    with pytest.raises(ValueError, match="^" + str(path)) as caught:
        inputs.read_text(path)
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_is_read_with_any_line_ends_and_mark(tmp_path, pack, end):
    path = tmp_path / "file"
    path.write_bytes(pack(b"\xef\xbb\xbf" + _TEXT.replace("\n", end).encode()))
    assert inputs.read_text(path) == _TEXT


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (_TEXT.encode("utf-16"), "the text is UTF-16, .* iconv -f UTF-16 -t UTF-8"),
        (_TEXT.encode("utf-16-le"), "is UTF-16, .* -f UTF-16LE"),
        (_TEXT.encode("utf-16-be"), "is UTF-16, .* -f UTF-16BE"),
        (_TEXT.encode("utf-32"), "is UTF-32"),
        ("a\nb é\n".encode("latin-1"), "line 2: the text is Latin-1, .* ISO-8859-1"),
        (b"\x89HDF\r\n\x1a\n\0\xff", "not a text file"),
        (b"PK\x03\x04\xff", "a ZIP archive or an Excel workbook; unpack it"),
        (b"\xfd7zXZ\0", "compressed by xz"),
        (gzip.compress(_TEXT.encode(), mtime=0)[:-9], "the gzip file is damaged"),
        (
            gzip.compress(_TEXT.encode(), mtime=0)[:15] + b"\xff" * 20,
            "gzip file is damaged",
        ),
    ],
)
def test_what_is_no_text_is_named(tmp_path, content, part):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=part):
        inputs.read_text(path)
    assert _error(path).startswith(f"{path}")


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "_MAX_UNPACKED", 1 << 20)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(bytes(2 << 20)))
    assert "unpacks to more than" in _error(path)


def test_standard_input_is_read(monkeypatch):
    stream = types.SimpleNamespace(buffer=io.BytesIO(gzip.compress(_TEXT.encode())))
    monkeypatch.setattr(sys, "stdin", stream)
    assert inputs.read_text("-") == _TEXT
    with pytest.raises(ValueError, match="^standard input: the file is empty"):
        inputs.read_text("-")


def test_a_pipe_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(_TEXT,))
    writer.start()
    assert inputs.read_text(pipe) == _TEXT
    writer.join()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full"])
def test_an_endless_device_is_refused_and_an_empty_one_read(device):
    with pytest.raises(ValueError, match=f"^{device}: it is a device, not a file$"):
        inputs.read_content(device)
    with (
        pytest.raises(ValueError, match=f"^{device}: it is a device, not a file$"),
        inputs.open_rereadable(device),
    ):
        pass
    assert inputs.read_content("/dev/null").data == b""
