"""Compiler options for XLA, chosen by measurement, and the cache of its programs."""

import contextlib
import functools
import hashlib
import os
import pathlib
import platform
import re

import jax
from absl import logging

from mirjax import files

MAX_CACHE_BYTES = 1 << 30  # of the cached programs
_THREADS_PER_DEVICE = 3


def compiler_options() -> dict[str, str]:
    """Return options to compile with on the current backend.

    On a CPU, XLA hands small matrix products to YNNPACK by default. Eigen is 1.5 to 1.8
    times faster on those of an LSTM's step at batch 50: the empty list of fusion types
    disables YNNPACK.
    """
    if jax.default_backend() != "cpu":
        return {}
    return {"xla_cpu_experimental_ynn_fusion_type": ""}


def use_enough_threads() -> None:
    """Let XLA's CPU runtime have enough threads for the devices of this process.

    By default it has one for each core, which all CPU devices of a process share. A
    device holds one while it waits for the others in a sum, and one while it waits for
    the parts of a product. With too few of them all devices wait for ever, and XLA
    aborts after 40 s. Call it before a device is used. Where NPROC is set, from which
    XLA takes the number, it is left as it is.
    """
    forced = re.search(
        r"--xla_force_host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", "")
    )
    devices = max(
        jax.config.values["jax_num_cpu_devices"], int(forced[1]) if forced else 1
    )
    if devices > 1:
        threads = max(os.cpu_count() or 1, _THREADS_PER_DEVICE * devices)
        os.environ.setdefault("NPROC", str(threads))


def use_compilation_cache() -> None:
    """Store compiled programs in the user's cache, so that they are compiled once.

    A folder that is configured already, such as by JAX_COMPILATION_CACHE_DIR, is not
    changed. JAX_ENABLE_COMPILATION_CACHE=0 turns the cache off. If the user's cache
    cannot be written, programs are compiled at each start. If it holds more than
    `MAX_CACHE_BYTES`, the least recently used programs are removed. jax does this
    itself if JAX_COMPILATION_CACHE_MAX_SIZE is set and the package filelock is
    installed.
    """
    if jax.config.values["jax_compilation_cache_dir"]:
        return
    folder = cache_folder()
    try:
        files.make_cache_folder(folder)
    except OSError as error:
        logging.info("compiled programs are not kept: %s", error)
        return
    if jax.config.values["jax_compilation_cache_max_size"] == -1:
        remove_unused(folder, MAX_CACHE_BYTES)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def remove_unused(folder: pathlib.Path, max_bytes: int) -> None:
    """Remove the least recently used files of a folder.

    Another process may use the folder: it compiles programs that were removed.

    Args:
      folder: of the files.
      max_bytes: total size of the files that remain, at most.
    """
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            # Many file systems update the time of access once a day, some never.
            used = max(status.st_atime, status.st_mtime)
            found.append((used, status.st_size, path))
    excess = sum(size for _, size, _ in found) - max_bytes
    for _, size, path in sorted(found):
        if excess <= 0:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            excess -= size


def cache_folder() -> pathlib.Path:
    """Return the folder of this kind of processor's programs in the user's cache.

    A home folder may be shared by machines whose processors differ in instructions.
    """
    return files.cache_folder("compiled") / _processor()


@functools.cache
def _processor() -> str:
    """Return a name of the processor's model and instructions."""
    features = [platform.machine(), platform.processor()]
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = set(cpuinfo.read_text().splitlines())
        kept = ("model name", "flags", "Features")  # the last: on ARM
        features += sorted(line for line in lines if line.startswith(kept))
    return hashlib.sha256("\n".join(features).encode()).hexdigest()[:16]
