"""Files of one's own pairs in place of a dataset: recognise and split them."""

import os

from mirjax.datasets import splits
from mirjax.datasets.catalogue import is_dataset
from mirjax.sequences.records import Pairs, Split

COLUMN = "column"  # the protocol that divides the rows by the column `split`
PROTOCOLS = ("published", *splits.PROTOCOLS, COLUMN)


def is_file(name: str) -> bool:
    """Return whether a name is the path of a file, and not that of a dataset.

    The name of a dataset has precedence: write ./NAME for the file.

    Args:
      name: one name, or several names of datasets joined by "+".
    """
    named = all(is_dataset(part) for part in name.split("+"))
    return not named and os.path.isfile(name)


def default_protocol(pairs: Pairs) -> str:
    """Return the protocol of "published": the column `split` if any, or "random"."""
    return "random" if pairs.parts is None else COLUMN


def split_file(name: str, pairs: Pairs, protocol: str, seed: int = 0) -> Split:
    """Split the pairs of a file.

    Args:
      name: of the file, for messages.
      pairs: its pairs.
      protocol: one of `PROTOCOLS`.
      seed: of a random choice in the split.

    Returns:
      The split.

    Raises:
      ValueError: for an unknown protocol, or for "column" if the file has no column
        `split`.
    """
    if protocol == "published":
        protocol = default_protocol(pairs)
    if protocol not in PROTOCOLS:
        raise ValueError(
            f"{name}: {protocol=} is not one of {', '.join(PROTOCOLS)}; set another "
            "config.data.split"
        )
    if protocol != COLUMN:
        return splits.split_pairs(pairs, protocol, seed)
    if pairs.parts is None:
        raise ValueError(
            f"{name}: {protocol=}, but the file has no column split; add one, or set "
            f"config.data.split to one of {', '.join(splits.PROTOCOLS)}"
        )
    return splits.split_by_parts(pairs.parts)
