"""How the processes of a run find each other: flags and environments."""

import pytest

from mirjax.training.process_options import AUTO, ProcessOptions, choose

SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_NODELIST": "node[1-2]",
    "SLURM_PROCID": "1",
    "SLURM_LOCALID": "0",
    "SLURM_NTASKS": "2",
}
OPEN_MPI = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_MCA_orte_hnp_uri": "1.0;tcp://h:1"}


def test_flags_name_the_processes():
    found = choose("node1:8476", 1, 2, {})
    assert found == ProcessOptions("node1:8476", 1, 2)
    assert choose("[::1]:8476", 0, 2, {}).coordinator == "[::1]:8476"
    assert choose("node1:8476", 0, 2, SLURM).coordinator == "node1:8476"
    assert choose("auto", None, None, {}) == ProcessOptions(AUTO)
    assert choose("node1:8476", 0, 1, {}) is None


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((None, 1, None), "--process_id=1 needs --coordinator=HOST:PORT"),
        ((None, None, 2), "--num_processes=2 needs --coordinator=HOST:PORT"),
        (("a:1", None, 2), "--process_id is missing"),
        (("a:1", 0, None), "--num_processes is missing"),
        (("a:1", 2, 2), "--process_id=2: give 0 to 1"),
        (("a:1", -1, 2), "--process_id=-1: give 0 to 1"),
        (("a:1", 0, 0), "--num_processes=0: give at least 1"),
        (("auto", 0, None), "--process_id=0: --coordinator=auto finds it"),
        (("a", 0, 2), "--coordinator=a: give HOST:PORT"),
        (("a:0", 0, 2), "give HOST:PORT"),
        (("a:65536", 0, 2), "give HOST:PORT"),
        (("a:x", 0, 2), "give HOST:PORT"),
        ((":1", 0, 2), "give HOST:PORT"),
        (("a b:1", 0, 2), "give HOST:PORT"),
    ],
)
def test_flags_that_do_not_fit_are_named(flags, message):
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        choose(*flags, {})


def test_clusters_are_recognised_by_their_environment():
    assert choose(None, None, None, {}) is None
    for environment in (SLURM, OPEN_MPI, {"TPU_WORKER_HOSTNAMES": "a,b"}):
        assert choose(None, None, None, environment) == ProcessOptions(AUTO)


@pytest.mark.parametrize(
    "environment",
    [
        SLURM | {"SLURM_NTASKS": "1"},
        {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2"},  # outside of a step
        OPEN_MPI | {"OMPI_COMM_WORLD_SIZE": "1"},
        {"TPU_WORKER_HOSTNAMES": "localhost"},
    ],
)
def test_a_single_process_is_one(environment):
    assert choose(None, None, None, environment) is None


def test_an_open_mpi_without_an_address_says_what_to_give():
    with pytest.raises(ValueError, match=r"--process_id=\$OMPI_COMM_WORLD_RANK"):
        choose(None, None, None, {"OMPI_COMM_WORLD_SIZE": "2"})
