"""Find rows whose target shares letters with a target that is reserved for testing.

A model that has seen part of a test target in training may have memorised it. Two
targets that share 20 letters in a row are windows of one transcript or of paralogues:
by chance, one in 10⁹ pairs of random 50-mers does.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from absl import logging
from jaxtyping import Bool

from mirjax.datasets import readers, registry
from mirjax.datasets.own_pairs import is_file
from mirjax.inputs import Source, input_name, read_content, read_text
from mirjax.sequences.records import Pairs

LENGTH = 20  # nt
_DIGITS = 16  # hexadecimal digits of the SHA-256


@dataclasses.dataclass(frozen=True)
class Reserved:
    """The words and pairs of one source that are reserved for testing.

    Attributes:
      words: hashes of the words of its targets, see `hash_words`.
      pairs: its (miRNA, target); none of a file of hashes.
    """

    words: frozenset[str]
    pairs: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def from_pairs(cls, test: Pairs) -> "Reserved":
        """Reserve every row of a test set, whatever its label."""
        pairs = frozenset(zip(test.mirnas, test.targets, strict=True))
        return cls(hash_words(test.targets), pairs)


@dataclasses.dataclass(frozen=True)
class Guard:
    """Guard against training on the test data of a model.

    Attributes:
      sources: name of a test set → its reserved words and pairs.
      report: name of checked rows → numbers of rows ("rows"), of leaking rows
        ("leaking"), and of rows for each cause; a row may have several causes.
    """

    sources: Mapping[str, Reserved]
    report: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_sources(cls, names_or_paths: Sequence[str]) -> "Guard":
        """Reserve all rows of some test sets.

        Args:
          names_or_paths: datasets, such as hejret2023/test; files of pairs; or files of
            hashes, one per line, of a test set that is not available here.

        Raises:
          ValueError: if there is no such dataset or file, or it cannot be read.
        """
        return cls({name: _read_reserved(name) for name in names_or_paths})

    def leaks(self, pairs: Pairs, name: str = "pairs") -> Bool[np.ndarray, " rows"]:
        """Determine which rows must not be trained on; report and log their number.

        Args:
          pairs: candidates for training.
          name: name of the rows in the report and the log.

        Returns:
          Whether each row's target shares 20 letters in a row with a target of a test
          set, or the row repeats a pair of a test set (whose target may be shorter).
        """
        causes = self._shared_words(pairs.targets)
        own = list(zip(pairs.mirnas, pairs.targets, strict=True))
        for source, reserved in self.sources.items():
            repeated = np.array([pair in reserved.pairs for pair in own], bool)
            causes[f"repeats a pair of {source}"] = repeated
        return self._record(name, len(pairs), causes)

    def leaking_targets(
        self, targets: Sequence[str], name: str = "targets"
    ) -> Bool[np.ndarray, " rows"]:
        """Determine which targets, such as windows of transcripts, must not be seen.

        Args:
          targets: 5'→3'.
          name: name of the targets in the report and the log.

        Returns:
          Whether each one shares 20 letters in a row with a target of a test set.
        """
        return self._record(name, len(targets), self._shared_words(targets))

    def _shared_words(
        self, targets: Sequence[str]
    ) -> dict[str, Bool[np.ndarray, " rows"]]:
        """Return, by cause, which targets share a word with a test set."""
        distinct = dict.fromkeys(targets)
        sharing: dict[str, set[str]] = {source: set() for source in self.sources}
        for target in distinct:
            hashes = {_hash(word) for word in _words(target)}
            for source, reserved in self.sources.items():
                if not reserved.words.isdisjoint(hashes):
                    sharing[source].add(target)
        return {
            f"shares {LENGTH} letters with {source}": np.array(
                [target in found for target in targets], bool
            )
            for source, found in sharing.items()
        }

    def _record(
        self, name: str, rows: int, causes: Mapping[str, Bool[np.ndarray, " rows"]]
    ) -> Bool[np.ndarray, " rows"]:
        """Report and log the rows of each cause; return those of any."""
        leaking = np.logical_or.reduce([np.zeros(rows, bool), *causes.values()])
        counts = {cause: int(found.sum()) for cause, found in causes.items()}
        self.report[name] = {"rows": rows, "leaking": int(leaking.sum()), **counts}
        logging.info(
            "leakage guard, %s: %d of %d rows leak%s",
            name,
            leaking.sum(),
            rows,
            "".join(f"; {cause}: {count}" for cause, count in counts.items() if count),
        )
        return leaking


def _read_reserved(name: str) -> Reserved:
    """Read the rows of a dataset or a file of pairs, or a file of hashes."""
    if not is_file(name):
        return Reserved.from_pairs(registry.load_pairs(name))
    content = read_content(name)  # a pipe can be read only once
    first = read_text(content).strip().partition("\n")[0]
    if "\t" in first or "," in first:
        return Reserved.from_pairs(readers.read_pairs(content))
    return Reserved(read_hashes(content))


def hash_words(targets: Iterable[str]) -> frozenset[str]:
    """Return the hashes of every 20 letters in a row of some targets.

    >>> sorted(hash_words(["ACGTACGTACGTACGTACGT", "ACGU"]))
    ['df3e7a7dc412a3df']

    Args:
      targets: 5'→3', of any length; U and T, upper and lower case are the same.

    Returns:
      The first 16 hexadecimal digits of the SHA-256 of each word, as DNA in upper
      case. A target of fewer than 20 letters has none.
    """
    return frozenset(
        hash_ for target in targets for hash_ in map(_hash, _words(target))
    )


def read_hashes(path: Source) -> frozenset[str]:
    """Read a file of hashes from `hash_words`, one per line.

    It represents a test set that is not available here.

    Raises:
      ValueError: if the file is missing or empty, or a line is not a hash.
    """
    lines = read_text(path).split()
    for number, line in enumerate(lines, 1):
        if len(line) != _DIGITS or set(line) - set("0123456789abcdef"):
            raise ValueError(
                f"{input_name(path)} line {number}: {line[:40]!r} is not a hash of "
                f"{_DIGITS} hexadecimal digits in lower case"
            )
    return frozenset(lines)


def _words(target: str) -> Iterator[str]:
    """Yield every 20 letters in a row, as DNA in upper case."""
    dna = target.upper().replace("U", "T")
    for start in range(len(dna) - LENGTH + 1):
        yield dna[start : start + LENGTH]


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode("ascii")).hexdigest()[:_DIGITS]
