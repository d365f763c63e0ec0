"""The rows that a config's `data` section describes, and their split."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from mirjax.datasets import registry
from mirjax.datasets.negative_kinds import NO_NEGATIVES
from mirjax.datasets.negatives import with_negatives
from mirjax.datasets.site_window import cut_to_sites
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs, Split


def select(
    name: str,
    *,
    split: str = "published",
    seed: int = 0,
    min_target_length: int = 0,
    max_target_length: int = 0,
    positive_rows: int = 0,
    site_window: int = 0,
    negatives: str = "",
    negative_ratio: float = 1.0,
) -> tuple[Pairs, Split]:
    """Load a dataset, divide it, and label its rows.

    Args:
      name: one of `registry.NAMES` that holds pairs.
      split: one of `registry.PROTOCOLS`.
      seed: of a split, or of negatives, that are drawn.
      min_target_length: leave out shorter targets, in nt, as they are after a cut.
      max_target_length: leave out longer targets, likewise; 0 for none.
      positive_rows: keep the first positive rows alone, this many; 0 for all rows.
        They are divided anew, as the dataset's published split is of other rows.
      site_window: cut each target to at most this many nt, that end where the site of
        its own miRNA ends, as `site_window.cut_to_sites` does; 0 for whole targets.
        This uses the answer: it measures what a known site is worth, and is no way to
        predict. Rows labelled 0, which have no site, are left out.
      negatives: one of `negatives.KINDS`: replace the rows labelled 0 by some made of
        those that bind. "none": by nothing, so that every row is labelled 1.
      negative_ratio: negatives made for each row that binds.

    Returns:
      The pairs and their split.

    Raises:
      ValueError: as `registry.load_split` and `with_negatives` do, or for a number of
        rows that the dataset has not, or that has no published split, or for a window
        below 0 or with negatives.
    """
    if site_window < 0:
        raise ValueError(
            f"config.data.site_window={site_window}: give a length in nt, or 0 for "
            "whole targets"
        )
    if site_window and negatives not in ("", NO_NEGATIVES):
        raise ValueError(
            f"config.data.site_window={site_window}: only a row that binds has a site "
            f"to cut to, and config.data.negatives={negatives} makes others; set "
            "negatives to none, or site_window to 0"
        )
    pairs = None
    if positive_rows:
        pairs = _first_binding(registry.load_pairs(name), positive_rows, name)
        if split == "published":
            raise ValueError(
                f"config.data: the first {positive_rows:,} rows that bind of {name} "
                "have no published split; set config.data.split to random, cluster or "
                "family"
            )
    pairs, parts = registry.load_split(name, split, pairs=pairs, seed=seed)
    if site_window:
        # After the split: its groups of targets are those of the whole ones.
        pairs, parts = _binding_alone(cut_to_sites(pairs, site_window), parts)
    if min_target_length or max_target_length:
        lengths = alphabet.lengths(pairs.targets)
        fits = lengths >= min_target_length
        if max_target_length:
            fits &= lengths <= max_target_length
        parts = _only(parts, fits)
    if negatives == NO_NEGATIVES:
        return _binding_alone(pairs, parts)
    if negatives:
        return with_negatives(pairs, parts, negatives, ratio=negative_ratio, seed=seed)
    return pairs, parts


def checked(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return arguments of `select` read from a model's file.

    Raises:
      ValueError: for one that there is not.
    """
    known = inspect.signature(select).parameters
    for key in data:
        if key not in known:
            raise ValueError(
                f"the model was trained on data chosen by {key!r}, which this version "
                "of mirjax does not know; use a newer one"
            )
    return data


def describe(data: Mapping[str, Any]) -> str:
    """Say in a few words how `select` divides and labels a dataset."""
    words = f"{data.get('split', 'published')} split"
    if data.get("positive_rows"):
        words = f"first {data['positive_rows']:,} that bind, {words}"
    if data.get("site_window"):
        words += f", targets cut to {data['site_window']} nt at their known sites"
    shortest, longest = (
        data.get(f"{bound}_target_length", 0) for bound in ("min", "max")
    )
    if shortest or longest:
        words += f", targets of {shortest} to {longest or 'more'} nt"
    if data.get("negatives"):
        words += f", negatives {data['negatives']}"
    return words


def _first_binding(pairs: Pairs, count: int, name: str) -> Pairs:
    binding = np.arange(len(pairs))
    if pairs.labels is not None:
        binding = np.flatnonzero(pairs.labels == 1)
    if not 0 < count <= len(binding):
        raise ValueError(
            f"config.data.positive_rows={count}: {name} has {len(binding):,} rows that "
            "bind; 0 takes all"
        )
    return pairs.take(binding[:count])


def _binding_alone(pairs: Pairs, parts: Split) -> tuple[Pairs, Split]:
    """Leave out the rows labelled 0, and label the others 1."""
    labels = np.ones(len(pairs), np.uint8) if pairs.labels is None else pairs.labels
    return dataclasses.replace(pairs, labels=labels), _only(parts, labels == 1)


def _only(parts: Split, wanted: np.ndarray) -> Split:
    """Leave out the rows that are not wanted."""
    kept = {
        field.name: (rows := getattr(parts, field.name))[wanted[rows]]
        for field in dataclasses.fields(Split)
    }
    return Split(**kept)
