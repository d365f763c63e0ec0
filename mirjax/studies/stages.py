"""Stages of a study: run once, then cached under the hash of inputs and code."""

import abc
import dataclasses
import hashlib
import json
import pathlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from absl import logging

from mirjax.files import atomic_write
from mirjax.studies.code_version import code_version

FOLDER = "stages"  # in the study's workdir
OUTCOME_FILE = "outcome.json"

Outcome = Mapping[str, Any]
"""The result of a stage, JSON-like."""

_KEY_DIGITS = 16  # hexadecimal, of a SHA-256
_MINUTE = 60
# This module decides when a stage runs, not what it returns; settings and recipes are
# part of the inputs.
_NOT_COUNTED = frozenset(
    {__name__, "mirjax.studies.settings", "mirjax.studies.recipes"}
)


class Stage(abc.ABC):
    """A piece of work whose outcome is cached.

    Attributes:
      title: what it does, in a few words; also the name of its folder.
      needs: stages that come before it.
      expected: rough time on two idle cores, in seconds.
    """

    title: str
    needs: Sequence["Stage"] = ()
    expected: float = 1.0

    @abc.abstractmethod
    def inputs(self) -> Mapping[str, Any]:
        """Return what the outcome depends on besides code and `needs`, JSON-like."""

    @abc.abstractmethod
    def run(self, folder: pathlib.Path, cache: "Cache") -> Outcome:
        """Do the work in a folder that may hold the partial work of a killed run."""

    def commands(self, cache: "Cache") -> list[str]:
        """Return the commands that do the same; none by default."""
        return []


@dataclasses.dataclass(frozen=True)
class Kept:
    """A finished stage.

    Attributes:
      outcome: its result.
      seconds: time that it took.
    """

    outcome: Outcome
    seconds: float


class Cache:
    """The outcomes of the stages in a study's workdir.

    Args:
      workdir: of the study.
    """

    def __init__(self, workdir: pathlib.Path):
        self._folder = workdir / FOLDER
        self._read: dict[pathlib.Path, Kept] = {}
        # By identity; holding the stage prevents that its identity is reused.
        self._keys: dict[int, tuple[Stage, str]] = {}

    def key(self, stage: Stage) -> str:
        """Return the hash of a stage's inputs and code, and of those that it needs."""
        if id(stage) in self._keys:
            return self._keys[id(stage)][1]
        content = {
            "kind": type(stage).__name__,
            "inputs": stage.inputs(),
            "code": code_version(type(stage).__module__, _NOT_COUNTED),
            "needs": [self.key(need) for need in stage.needs],
        }
        text = json.dumps(content, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
        self._keys[id(stage)] = stage, key
        return key

    def folder(self, stage: Stage) -> pathlib.Path:
        """Return the folder of a stage."""
        words = "".join(c if c.isalnum() else "-" for c in stage.title.lower())
        name = "-".join(filter(None, words.split("-")))
        return self._folder / f"{name}-{self.key(stage)}"

    def kept(self, stage: Stage) -> Kept | None:
        """Return a finished stage; None if it is not finished.

        Raises:
          ValueError: if its file is damaged.
        """
        path = self.folder(stage) / OUTCOME_FILE
        if path not in self._read:
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                self._read[path] = Kept(content["outcome"], content["seconds"])
            except FileNotFoundError:
                return None
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{path} is damaged ({error}); delete it, and the stage runs again"
                ) from error
        return self._read[path]

    def outcome(self, stage: Stage) -> Outcome:
        """Return the outcome of a finished stage."""
        kept = self.kept(stage)
        if kept is None:
            raise ValueError(f"stage {stage.title!r} is not finished")
        return kept.outcome

    def finish(self, stage: Stage) -> Kept:
        """Run a stage, and store its outcome."""
        folder, started = self.folder(stage), time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        outcome = stage.run(folder, self)
        content = {
            "title": stage.title,
            "inputs": stage.inputs(),
            "seconds": round(time.monotonic() - started, 1),
            "outcome": outcome,
        }
        with atomic_write(folder / OUTCOME_FILE) as unfinished:
            unfinished.write_text(json.dumps(content) + "\n", encoding="utf-8")
        # The same as after a restart: JSON turns tuples into lists.
        kept = self.kept(stage)
        assert kept is not None
        return kept


def in_order(wanted: Iterable[Stage], cache: Cache) -> list[Stage]:
    """Return stages and those that they need, each once, in an order to run them."""
    found: dict[str, Stage] = {}

    def add(stage: Stage) -> None:
        for need in stage.needs:
            add(need)
        found.setdefault(cache.key(stage), stage)

    for stage in wanted:
        add(stage)
    return list(found.values())


def run_stages(wanted: Iterable[Stage], cache: Cache) -> None:
    """Run the stages that are not finished, and log the time that remains.

    Args:
      wanted: stages; those that they need are run, too.
      cache: stores their outcomes.
    """
    ordered = in_order(wanted, cache)
    waiting = [stage for stage in ordered if cache.kept(stage) is None]
    finished = len(ordered) - len(waiting)
    logging.info("%d stages, %d of them finished", len(ordered), finished)
    seconds = [stage.expected for stage in waiting]
    expected = taken = 0.0
    for number, stage in enumerate(waiting, 1):
        left = sum(seconds[number - 1 :])
        # The time of the stages so far corrects the expected time of the rest.
        pace = taken / expected if expected else 1.0
        logging.info(
            "stage %d of %d: %s; about %s left",
            number,
            len(waiting),
            stage.title,
            _duration(left * pace),
        )
        taken += cache.finish(stage).seconds
        expected += seconds[number - 1]


def _duration(seconds: float) -> str:
    """Format a duration.

    >>> _duration(95), _duration(7300)
    ('2 min', '2 h 2 min')
    """
    minutes = max(1, round(seconds / _MINUTE))
    hours, rest = divmod(minutes, _MINUTE)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
