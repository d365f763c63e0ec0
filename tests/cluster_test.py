"""Tests of scans on a Dask cluster."""

import contextlib
import os
import re
import signal
import sys
import threading
import time
import urllib.request
import warnings

import cloudpickle
import fake_scan
import pytest
from fake_scan import SETTINGS, FakeScanner, scanned, slices, table, whole_table

from mirjax.scanning import cluster, runner
from mirjax.scanning.run_flags import LOCAL


def run(out, address, scanner, number=12, **options):
    options = runner.RunOptions(str(out), SETTINGS, dask=address, **options)
    return runner.run_scan(slices(number), scanner, [table(out)], options)


def expect(tmp_path, name, number):
    path = tmp_path / "expected" / name
    path.parent.mkdir(exist_ok=True)
    with table(path) as sink:
        sink(whole_table(number))
    return path.read_bytes()


@contextlib.contextmanager
def processes(number):
    """Start worker processes, and yield the address of their scheduler."""
    import distributed

    cloudpickle.register_pickle_by_value(fake_scan)
    with (
        distributed.LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as started,
    ):
        yield started.scheduler_address
    cloudpickle.unregister_pickle_by_value(fake_scan)


@pytest.fixture(scope="module")
def threads():
    """The address of a cluster whose workers are threads of this process."""
    import distributed

    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        protocol="tcp",
        host="127.0.0.1",
    ) as started:
        yield started.scheduler_address


@pytest.mark.parametrize("name", ["sites.tsv.gz", "sites.parquet"])
def test_the_table_is_that_of_one_process(tmp_path, threads, name):
    run(tmp_path / name, threads, FakeScanner())
    assert (tmp_path / name).read_bytes() == expect(tmp_path, name, 12)
    assert not (tmp_path / f"{name}.parts").exists()


def test_standard_output_in_order(tmp_path, threads, capfdbinary):
    run("-", threads, FakeScanner())
    assert capfdbinary.readouterr().out == expect(tmp_path, "sites.tsv", 12)


def test_a_run_that_stopped_goes_on(tmp_path, threads):
    """Begun on a cluster, ended here; and the other way round."""
    for first, second in ((threads, None), (None, threads)):
        out, log = tmp_path / "sites.tsv", tmp_path / "log"
        with pytest.raises(ValueError, match="record t20: cannot be scanned"):
            run(out, first, FakeScanner(refused="t20"))
        run(out, second, FakeScanner(log=str(log)), resume=True)
        ran = scanned(log)
        assert 6 in ran and len(ran) < 12
        assert out.read_bytes() == expect(tmp_path, "sites.tsv", 12)
        log.unlink()
        out.unlink()


def test_few_slices_are_read_ahead(tmp_path, threads):
    read = 0

    def reading():
        nonlocal read
        for read, a_slice in enumerate(slices(80), 1):  # noqa: B007
            yield a_slice

    with cluster.open_cluster(threads, FakeScanner()) as scan_slices:
        for written, _ in enumerate(scan_slices(reading(), None), 1):
            assert read - written <= 2 * cluster._AHEAD
    assert read == 80


def test_the_log_names_the_dashboard_and_it_shows_the_progress(threads, caplog):
    caplog.set_level("INFO")
    with cluster.open_cluster(threads, FakeScanner()) as scan_slices:
        list(scan_slices(slices(3), None))
        (address,) = re.findall("Dask dashboard: (http://127.0.0.1:.*)", caplog.text)
        with urllib.request.urlopen(address, timeout=60) as answer:
            page = answer.read().decode()
    assert "static/js/bokeh" in page, "without Bokeh it has one sentence, that says so"


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_slice(tmp_path):
    out, log = tmp_path / "sites.parquet", tmp_path / "log"

    def kill_one():
        while len(scanned(log)) < 6:
            time.sleep(0.01)
        lines = log.read_text().splitlines()
        os.kill(int(lines[-1].split()[1]), signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    with processes(4) as address:
        killer.start()
        run(out, address, FakeScanner(seconds=0.1, log=str(log)), number=40)
        killer.join()
    assert out.read_bytes() == expect(tmp_path, "sites.parquet", 40)
    ran = scanned(log)
    assert set(ran) == set(range(40))
    assert len(ran) <= 40 + 3  # what it was scanning, and had not handed over
    assert len({line.split()[1] for line in log.read_text().splitlines()}) >= 4


def test_no_scheduler_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    address = "tcp://127.0.0.1:9"
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(ValueError, match="no scheduler answers at tcp://127.0.0.1:9"),
    ):
        run(tmp_path / "sites.tsv", address, FakeScanner())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "mirjax.scanning.cluster_worker", raising=False)
    with pytest.raises(ValueError, match=r"--dask: .*pip install 'mirjax\[cluster\]'"):
        run(tmp_path / "sites.tsv", LOCAL, FakeScanner())
