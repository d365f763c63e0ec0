"""Selection of training rows: the section `data` of a config."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool

from mirjax.datasets import own_pairs, registry
from mirjax.datasets.negative_kinds import NO_NEGATIVES
from mirjax.datasets.negatives import with_negatives
from mirjax.files import file_sha256
from mirjax.sequences import alphabet
from mirjax.sequences.bad_records import REFUSE, SKIP, BadRecords
from mirjax.sequences.records import Pairs, Split

_FORMER_KEYS = {"binding_rows": "positive_rows"}  # in model files: former key → key


@dataclasses.dataclass(frozen=True)
class Selection:
    """Rows of a dataset: the section `data` of a config, with the same defaults."""

    # A file, or one of catalogue.PAIR_DATASETS, or several of them joined by "+".
    name: str
    split: str = "published"  # one of registry.PROTOCOLS; of a file also "column"
    seed: int = 0  # of a random split, and of generated negatives
    # Pairs of other targets are left out of each part of the split.
    min_target_length: int = 0  # nt, after a cut to the site window
    max_target_length: int = 0  # nt, likewise; 0: no limit
    # The number of first positive rows to use; 0: all rows. They cannot have the
    # published split, which is of all rows.
    positive_rows: int = 0
    # Cut each target to at most this many nt, ending where the site of its own miRNA
    # ends (see site_window.cut_to_sites); 0: whole targets. This uses the true miRNA:
    # it measures the value of a known site, and cannot be used to predict. Negative
    # rows, which have no site, are left out.
    site_window: int = 0
    # One of negatives.KINDS: negatives generated from the positive rows, in place of
    # the dataset's own. "none": positive rows only. "": the dataset's own labels.
    negatives: str = ""
    negative_ratio: float = 1.0  # negatives generated for each positive row
    on_bad_record: str = REFUSE  # of a file's rows; one of bad_records.CHOICES
    sha256: str = ""  # of a file's content, which `pin` fills in; "": any

    @classmethod
    def from_saved(cls, data: Mapping[str, Any]) -> "Selection":
        """Return the selection that a model file stores.

        >>> Selection.from_saved({"name": "simulated", "binding_rows": 9}).positive_rows
        9

        Args:
          data: the entry `data` of a model's metadata. Former names of keys are known.

        Raises:
          ValueError: for an unknown key.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        arguments = {}
        for saved_key, value in data.items():
            key = _FORMER_KEYS.get(saved_key, saved_key)
            if key not in fields:
                raise ValueError(
                    f"the model was trained on data chosen by {key!r}, which this "
                    "version of mirjax does not know; use a newer one"
                )
            arguments[key] = value
        return cls(**arguments)

    def bad_records(self) -> BadRecords:
        """Return the handling of a file's rows that cannot be used."""
        key = f"config.data.on_bad_record={SKIP}"
        remedy = f"mend or remove them, or leave them out by {key}"
        return BadRecords(self.on_bad_record, remedy)


def pin(selection: Selection) -> Selection:
    """Pin a file's path, content and split.

    Args:
      selection: rows of a file or a dataset.

    Returns:
      The selection; for a file with its absolute path, its SHA-256, and the protocol
      that "published" means for it.

    Raises:
      ValueError: if the file cannot be read.
    """
    if not own_pairs.is_file(selection.name):
        return selection
    path, protocol = os.path.abspath(selection.name), selection.split
    if protocol == "published":
        bad_records = selection.bad_records()
        pairs = registry.load_pairs(path, bad_records=bad_records)
        protocol = own_pairs.default_protocol(pairs)
    return dataclasses.replace(
        selection, name=path, sha256=file_sha256(pathlib.Path(path)), split=protocol
    )


def select(
    selection: Selection, bad_records: BadRecords | None = None
) -> tuple[Pairs, Split]:
    """Load a dataset, split it and label its rows.

    Args:
      selection: the rows and their labels.
      bad_records: receives the rows of a file that are left out; by default they are
        only logged.

    Returns:
      The pairs and their split; rows that were not selected are in no part.

    Raises:
      ValueError: if a file has changed since it was pinned, as `registry.load_split`
        and `with_negatives` do, for more positive
        rows than the dataset has or positive rows with the published split, or for a
        site window that is negative or combined with generated negatives.
    """
    _check_site_window(selection)
    _check_unchanged(selection)
    pairs = None
    if own_pairs.is_file(selection.name) or selection.positive_rows:
        bad_records = bad_records or selection.bad_records()
        pairs = registry.load_pairs(selection.name, bad_records=bad_records)
    if pairs is not None and selection.positive_rows:
        pairs = _first_positives(selection, pairs)
    pairs, split = registry.load_split(
        selection.name, selection.split, pairs=pairs, seed=selection.seed
    )
    if selection.site_window:
        from mirjax.datasets.site_window import cut_to_sites  # imports jax

        # After the split, since a split by clusters compares whole targets.
        cut = cut_to_sites(pairs, selection.site_window)
        pairs, split = _positives_only(cut, split)
    if selection.min_target_length or selection.max_target_length:
        lengths = alphabet.lengths(pairs.targets)
        fits = lengths >= selection.min_target_length
        if selection.max_target_length:
            fits &= lengths <= selection.max_target_length
        split = _keep(split, fits)
    if selection.negatives == NO_NEGATIVES:
        return _positives_only(pairs, split)
    if selection.negatives:
        return with_negatives(
            pairs,
            split,
            selection.negatives,
            ratio=selection.negative_ratio,
            seed=selection.seed,
        )
    return pairs, split


def describe(selection: Selection) -> str:
    """Describe how a dataset is split and labelled.

    >>> describe(Selection("mitar2021", split="random", max_target_length=40))
    'random split, targets of 0 to 40 nt'
    """
    words = f"{selection.split} split"
    if selection.positive_rows:
        words = f"first {selection.positive_rows:,} positive rows, {words}"
    if selection.site_window:
        words += f", targets cut to {selection.site_window} nt at their known sites"
    shortest, longest = selection.min_target_length, selection.max_target_length
    if shortest or longest:
        words += f", targets of {shortest} to {longest or 'more'} nt"
    if selection.negatives:
        words += f", negatives {selection.negatives}"
    return words


def _check_unchanged(selection: Selection) -> None:
    name, sha256 = selection.name, selection.sha256
    if sha256 and os.path.isfile(name) and file_sha256(pathlib.Path(name)) != sha256:
        raise ValueError(
            f"{name} has changed since the model was trained on it (its sha256 was "
            f"{sha256}): put the former file back, or give the new one another name"
        )


def _check_site_window(selection: Selection) -> None:
    window, negatives = selection.site_window, selection.negatives
    if window < 0:
        raise ValueError(
            f"config.data.site_window={window}: give a length in nt, or 0 for whole "
            "targets"
        )
    if window and negatives not in ("", NO_NEGATIVES):
        raise ValueError(
            f"config.data.site_window={window}: only positive rows have a site to cut "
            f"to, and config.data.negatives={negatives} generates others; set "
            "negatives to none, or site_window to 0"
        )


def _first_positives(selection: Selection, pairs: Pairs) -> Pairs:
    """Return the first positive rows of a dataset."""
    count, name = selection.positive_rows, selection.name
    positives = np.arange(len(pairs))
    if pairs.labels is not None:
        positives = np.flatnonzero(pairs.labels == 1)
    if not 0 < count <= len(positives):
        raise ValueError(
            f"config.data.positive_rows={count}: {name} has {len(positives):,} "
            "positive rows; 0 takes all rows"
        )
    if selection.split == "published":
        raise ValueError(
            f"config.data.positive_rows={count}: the first positive rows of {name} "
            "have no published split; set config.data.split to random, cluster or "
            "family"
        )
    return pairs.take(positives[:count])


def _positives_only(pairs: Pairs, split: Split) -> tuple[Pairs, Split]:
    """Leave negative rows out of the split; data without labels get label 1."""
    labels = np.ones(len(pairs), np.uint8) if pairs.labels is None else pairs.labels
    return dataclasses.replace(pairs, labels=labels), _keep(split, labels == 1)


def _keep(split: Split, wanted: Bool[np.ndarray, " n"]) -> Split:
    """Keep only the wanted rows in each part."""
    kept = {
        field.name: (rows := getattr(split, field.name))[wanted[rows]]
        for field in dataclasses.fields(Split)
    }
    return Split(**kept)
