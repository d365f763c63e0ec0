"""Tests of the flags of how a scan runs."""

import pytest
from absl import flags

from mirjax.scanning import run_flags


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        ([], None),
        (["--dask"], run_flags.LOCAL),
        (["--dask", "--resume"], run_flags.LOCAL),
        (["--dask=tcp://host:8786"], "tcp://host:8786"),
        (["--dask=scheduler.json"], "scheduler.json"),
        (["--nodask"], None),
    ],
)
def test_dask_has_an_address_or_no_value(arguments, address):
    flag_values = flags.FlagValues()
    run_flags.define_flags(flag_values)
    flag_values(["scan", *arguments])
    assert run_flags.cluster_address(flag_values) == address
    assert flag_values.resume == ("--resume" in arguments)
