"""Code that the workers of a Dask cluster run; needs the extra `cluster`."""

from typing import Any

import cloudpickle
from distributed import WorkerPlugin, get_worker

from mirjax.scanning.parts import Part, encode_part, slice_digest
from mirjax.scanning.slices import Slice, SliceScanner


class ScannerPlugin(WorkerPlugin):
    """Gives a scanner to every worker, also to those that join later.

    A worker that joins or restarts later gets it too. Scattered data would be lost
    together with the workers that hold it.
    """

    def __init__(self, name: str, scan: SliceScanner) -> None:
        self.name = name
        self._pickled = cloudpickle.dumps(scan)
        self.scan: SliceScanner | None = None

    def setup(self, worker: Any) -> None:
        """Load the scanner on a worker."""
        self.scan = cloudpickle.loads(self._pickled)


def scan_slice(name: str, a_slice: Slice) -> bytes:
    """Scan a slice on a worker.

    Args:
      name: name of the plugin that holds the scanner.
      a_slice: what to scan.

    Returns:
      Its encoded part.
    """
    plugin: Any = get_worker().plugins[name]
    table = plugin.scan(a_slice)
    return encode_part(Part(a_slice.number, slice_digest(a_slice), table))
