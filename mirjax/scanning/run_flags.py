"""Flags that control how a scan runs; none of them changes its rows."""

from absl import flags

LOCAL = "local"  # the cluster of --dask without a value


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define --resume, --shard, --merge and --dask."""
    flags.DEFINE_bool(
        "resume",
        False,
        "resume where an earlier run of this command stopped; its parts are in "
        "OUT.parts",
        flag_values,
    )
    flags.DEFINE_string(
        "shard",
        None,
        "scan one of several equal shards of the targets, such as 1/4 for the first of "
        "four, into OUT.shard-1-of-4",
        flag_values,
    )
    flags.DEFINE_bool(
        "merge",
        False,
        "write the output from its shards, which lie beside it; nothing is scanned",
        flag_values,
    )
    flags.DEFINE_flag(
        flags.Flag(
            flags.ArgumentParser(),
            flags.ArgumentSerializer(),
            "dask",
            None,
            "scan on the workers of a Dask cluster (extra: cluster): the address of "
            "a scheduler, such as tcp://host:8786, or its scheduler file, FILE.json. "
            "Without a value: one worker process for each core of this machine",
            boolean=True,  # needs no value
        ),
        flag_values=flag_values,
    )


def cluster_address(flag_values: flags.FlagValues) -> str | None:
    """Return what --dask names: None without it, `LOCAL` if it has no value."""
    value = flag_values.dask
    return {None: None, "false": None, "true": LOCAL}.get(value, value)
