"""Decoders by name: target tokens in, one predicted miRNA per target out."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from absl import logging
from jaxtyping import UInt8

from mirjax.inference import beam, greedy
from mirjax.inference.greedy import Decoded
from mirjax.inference.options import BEAM_WIDTH, CONSTRAINED, DECODERS, GREEDY
from mirjax.inference.trie import build_trie
from mirjax.models.interfaces import Generator
from mirjax.sequences.records import SequenceRecord

Decoder: TypeAlias = Callable[[UInt8[np.ndarray, "rows target_length"]], Decoded]
"""Predicts a miRNA for each row of target tokens, 5'→3'."""

_MOST_NAMED = 10  # miRNAs left out that the log names
_BEAMS_AT_ONCE = 512  # over all targets of a batch; bounds memory


def make_decoder(
    name: str,
    model: Generator,
    params: Mapping[str, Any],
    *,
    allowed: Sequence[SequenceRecord] = (),
    width: int = BEAM_WIDTH,
    batch_size: int = 512,
) -> Decoder:
    """Return a decoder with a model's parameters on the device.

    Args:
      name: one of `options.DECODERS`.
      model: a generator.
      params: its parameters.
      allowed: miRNAs that "constrained" may predict, 5'→3'. Those too long for the
        model are left out, and logged. Other decoders ignore them.
      width: prefixes that a beam keeps.
      batch_size: targets at a time; fewer if a beam is wide.

    Raises:
      ValueError: for an unknown name, or "constrained" without an allowed miRNA.
    """
    if name not in DECODERS:
        raise ValueError(f"decoder {name!r} is not one of {', '.join(DECODERS)}")
    params = jax.device_put(params)  # once, not with every batch
    if name == GREEDY:
        return functools.partial(greedy.decode, model, params, batch_size=batch_size)
    trie = None
    if name == CONSTRAINED:
        trie = build_trie(emitted(allowed, model.max_mirna_length))
    options = beam.BeamOptions(
        width=width, batch_size=max(1, min(batch_size, _BEAMS_AT_ONCE // width))
    )

    def search(targets: UInt8[np.ndarray, "rows target_length"]) -> Decoded:
        beams = beam.decode(model, params, targets, options, trie=trie)
        return Decoded(beams.tokens[:, 0], beams.log_probs[:, 0])

    return search


def emitted(database: Sequence[SequenceRecord], max_length: int) -> list[str]:
    """Return the distinct miRNAs that a model can emit, and log those it cannot.

    Args:
      database: named miRNAs, 5'→3'.
      max_length: letters of the longest miRNA that the model emits.
    """
    too_long = [record for record in database if len(record.sequence) > max_length]
    if too_long:
        names = [record.name for record in too_long[:_MOST_NAMED]]
        logging.warning(
            "%d of %d database miRNAs are longer than the %d nt that the model emits: "
            "decoders that are constrained to the database cannot predict them: %s%s",
            len(too_long),
            len(database),
            max_length,
            ", ".join(names),
            ", …" if len(names) < len(too_long) else "",
        )
    return list(
        dict.fromkeys(
            record.sequence for record in database if len(record.sequence) <= max_length
        )
    )
