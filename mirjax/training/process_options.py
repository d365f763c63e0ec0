"""The processes of a run, from flags or from the environment."""

import dataclasses
from collections.abc import Mapping

AUTO = "auto"
"""Value of --coordinator: jax asks the cluster for the processes."""

_SLURM = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")
_OPEN_MPI_URI = "OMPI_MCA_orte_hnp_uri"
_LARGEST_PORT = 65_535


@dataclasses.dataclass(frozen=True)
class ProcessOptions:
    """The processes of a run, and the number of this one.

    Attributes:
      coordinator: "HOST:PORT" of process 0, or `AUTO`.
      process_id: of this process, from 0; None if jax finds it.
      num_processes: of the run; None if jax finds it.
    """

    coordinator: str
    process_id: int | None = None
    num_processes: int | None = None


def choose(
    coordinator: str | None,
    process_id: int | None,
    num_processes: int | None,
    environment: Mapping[str, str],
) -> ProcessOptions | None:
    """Return how the processes of a run connect; None for a single process.

    Without flags, several tasks of a Slurm step, ranks of Open MPI 4 or workers of a
    TPU slice are recognised by their environment.

    Args:
      coordinator: flag --coordinator, "HOST:PORT" of process 0 or `AUTO`.
      process_id: flag --process_id.
      num_processes: flag --num_processes.
      environment: such as `os.environ`.

    Raises:
      ValueError: for flags that are not compatible; it names the flag.
    """
    numbers = {"--process_id": process_id, "--num_processes": num_processes}
    if coordinator is None:
        for name, value in numbers.items():
            if value is not None:
                raise ValueError(
                    f"{name}={value} needs --coordinator=HOST:PORT, the address of "
                    "process 0"
                )
        return _recognised(environment)
    if coordinator == AUTO:
        for name, value in numbers.items():
            if value is not None:
                raise ValueError(f"{name}={value}: --coordinator=auto finds it")
        return ProcessOptions(AUTO)
    _check_address(coordinator)
    for name, value in numbers.items():
        if value is None:
            raise ValueError(f"{name} is missing: --coordinator={coordinator} needs it")
    assert process_id is not None and num_processes is not None
    if num_processes < 1:
        raise ValueError(f"--num_processes={num_processes}: give at least 1")
    if not 0 <= process_id < num_processes:
        raise ValueError(
            f"--process_id={process_id}: give 0 to {num_processes - 1}, since "
            f"--num_processes={num_processes}"
        )
    if num_processes == 1:
        return None
    return ProcessOptions(coordinator, process_id, num_processes)


def _check_address(coordinator: str) -> None:
    """Raise a ValueError unless a text is HOST:PORT."""
    host, _, port = coordinator.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) <= _LARGEST_PORT
    if not host or not is_port or any(letter.isspace() for letter in host):
        raise ValueError(
            f"--coordinator={coordinator}: give HOST:PORT, as in node1:8476, or auto"
        )


def _recognised(environment: Mapping[str, str]) -> ProcessOptions | None:
    """Return the processes that the environment describes; None for a single one."""
    tasks = environment.get("SLURM_NTASKS", "1")
    if tasks != "1" and all(name in environment for name in _SLURM):
        return ProcessOptions(AUTO)
    ranks = environment.get("OMPI_COMM_WORLD_SIZE", "1")
    if ranks != "1":
        if _OPEN_MPI_URI not in environment:
            raise ValueError(
                f"mpirun has started {ranks} processes, but this Open MPI does not "
                "give their common address; give --coordinator=HOST:PORT of the first "
                "host, --process_id=$OMPI_COMM_WORLD_RANK and "
                "--num_processes=$OMPI_COMM_WORLD_SIZE"
            )
        return ProcessOptions(AUTO)
    if "," in environment.get("TPU_WORKER_HOSTNAMES", ""):
        return ProcessOptions(AUTO)
    return None
