"""Tests of mirjax.training.utilization: the measured peak, and shares of it."""

import jax
import pytest

from mirjax.training import sharding, utilization

RATE = 1e11  # operations a second, of a machine that is made up


@pytest.fixture
def machine(monkeypatch):
    """A machine whose devices share its rate; returns the sizes that were timed."""
    sizes = []

    def timed(product, operands):
        (rows, columns) = product(operands[0], operands[0]).shape
        sizes.append(rows)
        return 2 * rows**2 * columns * len(operands) / RATE

    monkeypatch.setattr(utilization, "_timed", timed)
    monkeypatch.setattr(utilization, "_SIZES", {"cpu": (4, 8, 16, 32)})
    utilization.measured_peak.cache_clear()
    yield sizes
    utilization.measured_peak.cache_clear()


@pytest.mark.parametrize("devices", [1, 8])
def test_devices_that_share_a_machine_have_its_peak(devices, machine, monkeypatch):
    monkeypatch.setattr(utilization, "_ENOUGH_SECONDS", 2 * 15**3 * devices / RATE)
    mesh = sharding.mesh_of(jax.devices()[:devices])
    assert utilization.measured_peak(mesh) == pytest.approx(RATE)
    assert set(machine) == {4, 8, 16}, "a larger product would take longer only"
    utilization.measured_peak(mesh)
    assert len(machine) == 3 * 3, "it is measured once"
    found = utilization.utilization(2e9, 10.0, mesh)
    assert found == pytest.approx({"flops_per_second": 2e10, "mfu": 0.2})


def test_without_a_count_there_is_no_share(machine):
    mesh = sharding.mesh_of(jax.devices()[:1])
    assert utilization.utilization(None, 10.0, mesh) == {}
    assert not machine, "nothing is measured for nothing"


def test_the_peak_of_this_machine_is_measured():
    utilization.measured_peak.cache_clear()
    peak = utilization.measured_peak(sharding.mesh_of(jax.devices()[:2]))
    assert 1e8 < peak < 1e16
