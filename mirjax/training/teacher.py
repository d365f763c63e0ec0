"""A teacher: trained classifiers whose mean logits label pairs, with a cache."""

import dataclasses
import hashlib
import io
import json
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import logging
from jaxtyping import Float

from mirjax.datasets.source_options import split_names
from mirjax.files import atomic_write, cache_folder, make_cache_folder
from mirjax.inference import classify
from mirjax.models.interfaces import Classifier
from mirjax.models.loading import load_model
from mirjax.models.trained import TrainedModel, as_classifier, hash_params
from mirjax.sequences.records import Pairs
from mirjax.training.task_rows import check_lengths

_PART = 20_000  # rows between lines in the log


@dataclasses.dataclass(frozen=True, eq=False)
class Teacher:
    """An ensemble of trained classifiers.

    Attributes:
      name: of the models, joined by "+".
      members: the models.
    """

    name: str
    members: Sequence[TrainedModel[Classifier]]

    def logits(self, pairs: Pairs) -> Float[np.ndarray, " rows"]:
        """Return the mean of the members' logits, from the cache if it holds them.

        Args:
          pairs: rows that every member can read.

        Raises:
          ValueError: if a row is too long for a member.
        """
        parts = [self._member_logits(member, pairs) for member in self.members]
        mean: np.ndarray = np.mean(parts, axis=0)
        return mean

    def _member_logits(
        self, member: TrainedModel[Classifier], pairs: Pairs
    ) -> Float[np.ndarray, " rows"]:
        check_lengths(pairs, member.model, f"config.pool.teacher={self.name}")
        path = cache_folder("teacher_logits") / f"{_digest(member, pairs)}.npy"
        if (kept := _read(path, len(pairs))) is not None:
            return kept
        parts = []
        for start in range(0, len(pairs), _PART):
            rows = range(start, min(start + _PART, len(pairs)))
            parts.append(
                classify.predict_logits(member.model, member.params, pairs.take(rows))
            )
            logging.info("teacher: %d of %d pairs", rows.stop, len(pairs))
        logits = np.concatenate([np.zeros(0), *parts])
        content = io.BytesIO()
        np.save(content, logits.astype(np.float32), allow_pickle=False)
        make_cache_folder(path.parent)
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(content.getvalue())
        return logits.astype(np.float32).astype(np.float64)


def load_teacher(names: str) -> Teacher:
    """Load the classifiers that `config.pool.teacher` names.

    Args:
      names: models, as for --model, joined by "+".

    Raises:
      ValueError: if one cannot be loaded, or is not a classifier.
    """
    members = []
    for name in split_names(names):
        logging.info("teacher: %s", name)
        member = as_classifier(load_model(name))
        if member is None:
            raise ValueError(
                f"config.pool.teacher: {name} is a generator; name a classifier"
            )
        members.append(member)
    return Teacher(names, members)


def _digest(member: TrainedModel[Classifier], pairs: Pairs) -> str:
    """Return the SHA-256 of a model and of the pairs that it labels."""
    digest = hashlib.sha256(
        json.dumps(member.metadata["model"], sort_keys=True).encode()
    )
    hash_params(digest, member.params)
    for mirna, target in zip(pairs.mirnas, pairs.targets, strict=True):
        digest.update(f"{mirna} {target}\n".encode())
    return digest.hexdigest()


def _read(path: pathlib.Path, rows: int) -> Float[np.ndarray, " rows"] | None:
    """Return the logits in a file; None if it is missing or damaged."""
    if not path.exists():
        return None
    try:
        content = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        logging.warning("%s is damaged (%s): it is computed again", path, error)
        return None
    if content.shape != (rows,) or content.dtype != np.float32:
        return None
    logits: np.ndarray = content.astype(np.float64)
    return logits if np.isfinite(logits).all() else None
