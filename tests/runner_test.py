"""Tests of scans in slices: resumed, killed, out of space, and what is refused."""

import contextlib
import os
import pathlib
import random
import subprocess
import sys
import time

import fake_scan
import pytest
from fake_scan import SETTINGS, FakeScanner, scanned, slices, table

from mirjax.scanning import parts, runner, threads

ROOT = pathlib.Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("one_thread")
NAMES = ["sites.tsv", "sites.tsv.gz", "sites.parquet", "sites.bed"]


def run(out, scanner=FakeScanner(), number=12, **options):  # noqa: B008
    options = {"settings": SETTINGS, **options}
    return runner.run_scan(
        slices(number),
        scanner,
        [table(out)],
        runner.RunOptions(str(out), **options),
    )


def stop(out, name="t20", scanner=FakeScanner()):  # noqa: B008
    """Run until the slice with a transcript, and fail there."""
    with pytest.raises(ValueError, match="cannot be scanned"):
        run(out, FakeScanner(refused=name, log=scanner.log))


@pytest.fixture
def expected(tmp_path):
    """The bytes of a table that one call writes."""

    def expect(name, number=12):
        path = tmp_path / "expected" / name
        path.parent.mkdir(exist_ok=True)
        with table(path) as sink:
            sink(fake_scan.whole_table(number))
        return path.read_bytes()

    return expect


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_are_in_the_order_of_the_slices(tmp_path, expected, name):
    out = tmp_path / name
    assert run(out) == fake_scan.whole_table().num_rows
    assert out.read_bytes() == expected(name)
    assert {path.name for path in tmp_path.iterdir()} == {name, "expected"}


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_scans_the_rest_alone(tmp_path, expected, name):
    out, log = tmp_path / name, str(tmp_path / "log")
    stop(out, scanner=FakeScanner(log=log))
    assert scanned(log) == list(range(7))
    assert not out.exists()
    run(out, FakeScanner(log=log), resume=True)
    assert scanned(log) == [*range(7), *range(6, 12)]
    assert out.read_bytes() == expected(name)
    assert not parts.parts_folder(out).exists()


@pytest.mark.parametrize("name", NAMES)
def test_threads_write_and_resume_the_same_table(tmp_path, expected, name, monkeypatch):
    monkeypatch.setattr(threads, "available_cores", lambda: 3)
    out, log = tmp_path / name, str(tmp_path / "log")
    stop(out, scanner=FakeScanner(seconds=0.01, log=log))
    begun = scanned(log)
    assert set(range(7)) <= set(begun)
    run(out, FakeScanner(log=log), resume=True)
    again = scanned(log)[len(begun) :]
    assert 6 in again
    assert not set(again) & set(range(6))
    assert set(begun) | set(again) == set(range(12))
    assert out.read_bytes() == expected(name)


def test_without_resume_all_is_scanned_again(tmp_path, expected):
    out, log = tmp_path / "sites.tsv", str(tmp_path / "log")
    stop(out)
    run(out, FakeScanner(log=log))
    assert scanned(log) == list(range(12))
    assert out.read_bytes() == expected("sites.tsv")


def test_resume_without_parts_scans_all(tmp_path, expected):
    out = tmp_path / "sites.tsv"
    run(out, resume=True)
    assert out.read_bytes() == expected("sites.tsv")


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_part_is_scanned_again(tmp_path, expected, caplog, damage):
    out, log = tmp_path / "sites.tsv", str(tmp_path / "log")
    stop(out)
    for path in parts.parts_folder(out).glob("*/*3.part"):
        data = bytearray(path.read_bytes())
        data[random.Random(0).randrange(len(data))] ^= 4
        kept = {"flip": data, "cut": data[: len(data) // 2], "empty": b""}
        path.write_bytes(kept[damage])
    run(out, FakeScanner(log=log), resume=True)
    assert scanned(log) == [3, *range(6, 12)]
    assert out.read_bytes() == expected("sites.tsv")
    assert "000000003.part is damaged" in caplog.text


def test_every_bit_of_a_part_is_checked():
    """But for the line break after the digest, whose value is not used."""
    part = parts.Part(0, "ab", FakeScanner()(next(slices(1, 1))))
    data = parts.encode_part(part)
    assert parts.decode_part(data).table.equals(part.table)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        if position == 64:
            continue
        with pytest.raises(parts.DamagedPartError):
            parts.decode_part(bytes(changed))


def test_other_settings_are_refused_and_named(tmp_path):
    out = tmp_path / "sites.tsv"
    stop(out)
    with pytest.raises(ValueError, match=r"settings: --step=15 \(was 22\); give") as e:
        run(out, settings={**SETTINGS, "--step": "15"}, resume=True)
    assert "--model" not in str(e.value)
    with pytest.raises(ValueError, match=r"--family=yes \(was not given\)"):
        run(out, settings={**SETTINGS, "--family": "yes"}, resume=True)
    run(out, resume=True)


def test_other_targets_are_refused(tmp_path):
    out = tmp_path / "sites.tsv"
    stop(out)
    options = runner.RunOptions(str(out), SETTINGS, resume=True)
    others = slices(12, per_slice=2)
    with pytest.raises(ValueError, match="targets t0 to t1 are not those"):
        runner.run_scan(others, FakeScanner(), [table(out)], options)


def test_parts_of_another_format_are_refused(tmp_path, monkeypatch):
    out = tmp_path / "sites.tsv"
    stop(out)
    monkeypatch.setattr(parts, "FORMAT", 2)
    with pytest.raises(ValueError, match=r"format 2 \(was 1\)"):
        run(out, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_other_files_is_left_alone(tmp_path, resume):
    folder = tmp_path / "sites.tsv.parts"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match=r"holds thesis\.tex, which is not part"):
        run(tmp_path / "sites.tsv", resume=resume)
    assert (folder / "thesis.tex").read_text() == "years of work"


def test_a_damaged_manifest_is_refused(tmp_path):
    out = tmp_path / "sites.tsv"
    stop(out)
    (parts.parts_folder(out) / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match=r"manifest\.json is damaged.*leave out"):
        run(out, resume=True)
    run(out)


def test_a_run_that_fails_at_once_leaves_nothing(tmp_path):
    stop(tmp_path / "sites.tsv", name="t0")
    assert list(tmp_path.iterdir()) == []


def test_several_outputs_take_the_rows_in_order(tmp_path):
    seen = []

    @contextlib.contextmanager
    def collect():
        yield seen.append
        seen.append("closed")

    out = tmp_path / "sites.tsv"
    stop(out)
    options = runner.RunOptions(str(out), SETTINGS, resume=True)
    runner.run_scan(slices(), FakeScanner(), [table(out), collect()], options)
    assert seen.pop() == "closed"
    whole = [FakeScanner()(a_slice) for a_slice in slices()]
    assert all(a.equals(b) for a, b in zip(seen, whole, strict=True))


def test_one_slice_is_in_memory_at_a_time(tmp_path):
    """A slice is not read before the rows of the one before it are written."""
    events = []

    def reading():
        for a_slice in slices(4):
            events.append(f"read {a_slice.number}")
            yield a_slice

    @contextlib.contextmanager
    def collect():
        yield lambda table: events.append("written")

    out = tmp_path / "sites.tsv"
    options = runner.RunOptions(str(out), SETTINGS)
    runner.run_scan(reading(), FakeScanner(), [collect()], options)
    assert events == [e for n in range(4) for e in (f"read {n}", "written")]


def test_standard_output_has_no_parts(tmp_path, monkeypatch, capfdbinary, expected):
    monkeypatch.chdir(tmp_path)
    run("-")
    assert capfdbinary.readouterr().out == expected("sites.tsv")
    assert {path.name for path in tmp_path.iterdir()} == {"expected"}
    with pytest.raises(ValueError, match="--resume: give --out a file"):
        run("-", resume=True)


# ---- Other processes. ----

COMMAND = """
import resource, sys
from absl import logging
logging.set_verbosity("info")
from mirjax import cli
from mirjax.scanning import runner
import fake_scan

def main(flag_values):
    out, seconds, log, limit = sys.argv_given
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    scanner = fake_scan.FakeScanner(float(seconds), log)
    options = runner.RunOptions(out, fake_scan.SETTINGS, resume=True)
    tables = [fake_scan.table(out)]
    runner.run_scan(fake_scan.slices(40), scanner, tables, options)

sys.argv_given = sys.argv[1:]
cli.run(main, lambda flag_values: None, sys.argv[:1])
"""


def start(out, seconds=0.0, log="", limit=0):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(out), str(seconds), str(log), str(limit)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_line(log, process):
    """Wait until a run has scanned a slice."""
    while not scanned(log) and process.poll() is None:
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sites.tsv.gz", "sites.parquet"])
def test_a_run_that_is_killed_again_and_again(tmp_path, expected, name):
    out, draw = tmp_path / name, random.Random(7)
    for attempt in range(6):
        log = tmp_path / f"log{attempt}"
        process = start(out, 0.02, log)
        wait_for_line(log, process)
        time.sleep(draw.uniform(0, 0.25))
        process.kill()
        process.communicate()
        assert not out.exists() or process.returncode == 0
    process = start(out)
    _, messages = process.communicate()
    assert process.returncode == 0, messages
    assert out.read_bytes() == expected(name, 40)
    left = {path.name for path in tmp_path.iterdir() if "log" not in path.name}
    assert left == {name, "expected"}


def test_a_second_run_into_the_same_output_is_refused(tmp_path):
    out, log = tmp_path / "sites.tsv", tmp_path / "log"
    process = start(out, 0.2, log)
    try:
        wait_for_line(log, process)
        for resume in (False, True):
            with pytest.raises(ValueError, match=f"in use by process {process.pid} on"):
                run(out, resume=resume)
    finally:
        process.kill()
        process.communicate()
    run(out, number=40, resume=True)


def test_a_full_disk_is_one_line_and_resume_goes_on(tmp_path, expected):
    out = tmp_path / "sites.tsv"
    process = start(out, limit=8000)
    _, messages = process.communicate()
    assert process.returncode == 1
    lines = [line for line in messages.splitlines() if line.startswith("error:")]
    assert lines == [
        f"error: {out}: cannot be written (File too large); free space, and "
        "resume by the same command with --resume"
    ]
    assert not out.exists()
    log = str(tmp_path / "log")
    run(out, FakeScanner(log=log), number=40, resume=True)
    assert 0 < len(scanned(log)) < 40
    assert out.read_bytes() == expected("sites.tsv", 40)


def test_a_full_device_is_not_advised_to_resume():
    if not pathlib.Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(OSError) as caught:
        run("/dev/full")
    assert str(caught.value) == "/dev/full: cannot be written (No space left on device)"
