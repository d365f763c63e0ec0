"""Tests of mirjax.datasets.download: limits of size and time, on a local server."""

import contextlib
import hashlib
import http.server
import threading
import time

import pytest

from mirjax.datasets import download
from mirjax.datasets.published_files import FILES, DataFile

CONTENT = b">tiny\nACGU\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the content whole, cut, for ever, slowly, not at all, or elsewhere."""

    def do_GET(self):
        page = self.path.strip("/")
        self.send_response(302 if page == "moved" else 200)
        if page == "moved":
            self.send_header("Location", f"ftp://127.0.0.1/{page}")
        if page in ("whole", "cut"):
            self.send_header("Content-Length", str(len(CONTENT)))
        if page == "nonsense":
            self.send_header("Content-Length", "many")
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may have gone
            self.send_page(page)

    def send_page(self, page):
        match page:
            case "whole" | "nonsense":
                self.wfile.write(CONTENT)
            case "cut":
                self.wfile.write(CONTENT[:4])
            case "endless":
                while True:
                    self.wfile.write(b"A" * 10_000)
            case "slow":
                for _ in range(200):
                    self.wfile.write(b"A")
                    time.sleep(0.02)
            case "silent":
                time.sleep(1)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "SCHEMES", ("http",))

    def run(page, size):
        offered = DataFile(
            file="tiny.fa",
            url=f"http://127.0.0.1:{server.server_port}/{page}",
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            size=size,
            data_format="fasta",
        )
        return download.download("tiny", offered, tmp_path / "cache" / "tiny.fa")

    yield run
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.read_bytes() == CONTENT for path in kept), kept


@pytest.mark.parametrize("page", ["whole", "nonsense"])
@pytest.mark.parametrize("size", [0, len(CONTENT)])
def test_a_file_of_the_right_size_is_kept(fetch, page, size):
    assert fetch(page, size).read_bytes() == CONTENT


@pytest.mark.parametrize("size", [0, 7, 25_000])
def test_a_download_that_sends_too_much_is_stopped(fetch, monkeypatch, size):
    monkeypatch.setattr(download, "MAX_BYTES", 50_000)
    limit = f"{size or 50_000:,}"
    with pytest.raises(ValueError, match=f"more than the {limit} bytes"):
        fetch("endless", size)


@pytest.mark.parametrize("size", [0, len(CONTENT)])
def test_a_part_of_a_file_is_not_kept(fetch, tmp_path, size):
    with pytest.raises(ValueError, match="4 of 11 bytes arrived"):
        fetch("cut", size)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_slow_download_ends_at_the_deadline(fetch, monkeypatch):
    monkeypatch.setattr(download, "DEADLINE_SECONDS", 0.1)
    with pytest.raises(ValueError, match=r"bytes arrived in 0\.1 seconds"):
        fetch("slow", 0)


def test_a_server_that_says_nothing_is_left(fetch, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.1)
    with pytest.raises(ValueError, match="timed out"):
        fetch("silent", 0)


def test_another_kind_of_address_is_not_followed(fetch):
    with pytest.raises(ValueError, match=r"ftp|cannot be downloaded"):
        fetch("moved", 0)


def test_a_folder_that_cannot_be_written_names_the_variables(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(OSError, match="XDG_CACHE_HOME.*MIRJAX_DATA_DIR") as caught:
        download.download("mirbase/hsa", FILES["mirbase/hsa"], tmp_path / "home/a/b.fa")
    assert "\n" not in str(caught.value)


def test_the_size_of_every_published_file_is_known():
    assert all(0 < file.size < download.MAX_BYTES for file in FILES.values())


def test_addresses_name_commits():
    moving = [name for name, file in FILES.items() if "/main/" in file.url]
    assert moving == ["mirbase/all"]  # whose content is fixed by its SHA-256 alone
