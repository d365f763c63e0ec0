"""The decoders by name: tokens of targets in, one answer a target out."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from absl import logging
from jaxtyping import UInt8

from mirjax.inference import beam, greedy
from mirjax.inference.decoder_names import (
    CONSTRAINED,
    DEFAULT_WIDTH,
    GREEDY,
    NAMES,
)
from mirjax.inference.greedy import Decoded
from mirjax.inference.trie import build_trie

WIDTH = DEFAULT_WIDTH

Decoder = Callable[[UInt8[np.ndarray, "rows target_length"]], Decoded]

_BEAMS_AT_ONCE = 512  # over all targets of a batch; bounds memory


def make_decoder(
    name: str,
    model: Any,
    params: Mapping[str, Any],
    *,
    allowed: Sequence[str] = (),
    width: int = WIDTH,
    batch_size: int = 512,
) -> Decoder:
    """Make a decoder.

    Args:
      name: one of `NAMES`: the likeliest symbol at every step, a beam, or a beam among
        allowed miRNAs alone.
      model: a generator; see `beam.decode`.
      params: its parameters.
      allowed: real miRNAs, of "constrained" only; those too long for the model are left
        out, and counted in the log.
      width: of a beam.
      batch_size: targets at a time; fewer where a beam is wide.

    Raises:
      ValueError: for another name, or if no miRNA is allowed.
    """
    params = jax.device_put(params)  # once, not with every batch
    if name == GREEDY:
        return functools.partial(greedy.decode, model, params, batch_size=batch_size)
    if name not in NAMES:
        raise ValueError(f"decoder {name!r} is not one of {', '.join(NAMES)}")
    trie = None
    if name == CONSTRAINED:
        trie = build_trie(emitted(allowed, model.max_mirna_length))

    def search(targets: UInt8[np.ndarray, "rows target_length"]) -> Decoded:
        found = beam.decode(
            model,
            params,
            targets,
            width=width,
            trie=trie,
            batch_size=max(1, min(batch_size, _BEAMS_AT_ONCE // width)),
        )
        return Decoded(found.tokens[:, 0], found.log_probs[:, 0])

    return search


def emitted(mirnas: Sequence[str], most: int) -> list[str]:
    """Return the distinct miRNAs that a model can emit, and log how many it cannot.

    Args:
      mirnas: 5'→3'.
      most: letters that the model emits.
    """
    distinct = list(dict.fromkeys(mirnas))
    fitting = [mirna for mirna in distinct if len(mirna) <= most]
    if len(fitting) < len(distinct):
        logging.info(
            "%d of %d database miRNAs have more than the %d nt that the model emits: "
            "no decoder that is held to the database can answer them",
            len(distinct) - len(fitting),
            len(distinct),
            most,
        )
    return fitting
