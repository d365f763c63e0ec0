"""The background of a search: sites of its miRNAs in shuffled transcripts.

Transcripts of the search are shuffled, which preserves the count of each dinucleotide,
and scanned by the same candidate rule as the search. The scores that each miRNA has
there are its null distribution, a `Null`. They depend only on the classifier, the
miRNA, the rule, the shuffled transcripts and the seed, and are cached on disk under a
hash of these.

References:
  Altschul & Erickson 1985, Significance of nucleotide sequence alignments,
  doi 10.1093/oxfordjournals.molbev.a040370 (the shuffle).
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64

from mirjax.datasets.negatives import shuffle_dinucleotides
from mirjax.files import atomic_write, make_cache_folder
from mirjax.scanning.candidates import CandidateRule, calibrate
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.null import Null
from mirjax.scanning.scored_sites import ScoredSites, SiteScorer
from mirjax.scanning.screen import SHARE, Screen, screen_digest, screen_model
from mirjax.scanning.seed_mode import tokens_of
from mirjax.scanning.site_options import BACKGROUND_NT
from mirjax.scanning.slices import Slice
from mirjax.scanning.threads import in_order
from mirjax.sequences.records import SequenceRecord

_SLICE = 50_000  # nt of shuffled transcripts in a slice
_VERSION = 3  # of the cached scores; raised when sites are found or scored otherwise
_CALIBRATION = 50_000  # nt of shuffled transcripts from which thresholds are chosen


@dataclasses.dataclass(frozen=True)
class Background:
    """Shuffled transcripts, and a cache of the scores of sites in them.

    Attributes:
      sample: transcripts to shuffle, from `sample_of`.
      letters: nucleotides of the shuffled transcripts.
      seed: of the shuffles.
      folder: of the cache; None for no cache.
      model: identifies the classifier, such as a hash of its parameters.
    """

    sample: tuple[SequenceRecord, ...]
    letters: int = BACKGROUND_NT
    seed: int = 0
    folder: pathlib.Path | None = None
    model: str = ""

    def __post_init__(self) -> None:
        if self.letters < 1:
            raise ValueError(
                f"letters={self.letters} of the background must be at least 1"
            )

    def rule(self, kind: str, mirnas: Sequence[SequenceRecord]) -> CandidateRule:
        """Choose the thresholds of a rule on the first of the shuffled transcripts.

        Args:
          kind: one of `options.CANDIDATES`.
          mirnas: 5'→3'.

        Raises:
          ValueError: for an unknown kind, or transcripts without a letter.
        """
        shuffled = [
            tokens_of(record)
            for part in self._shuffled(_CALIBRATION)
            for record in part.records
        ]
        return calibrate(kind, shuffled, [tokens_of(mirna) for mirna in mirnas])

    def screen(self, mirnas: tuple[SequenceRecord, ...], rule: CandidateRule) -> Screen:
        """Choose the thresholds of the screen on the same transcripts as the rule's.

        Args:
          mirnas: 5'→3'. Of those that are too long for it, the screen reads the first
            letters.
          rule: which candidates the screen scores.

        Raises:
          ValueError: for transcripts without a letter.
        """
        model = screen_model()
        longest = model.model.max_mirna_length
        cut = [SequenceRecord(x.name, x.sequence[:longest]) for x in mirnas]
        engine = make_engine(model, cut)
        scorer = SiteScorer(mirnas, rule, engine)
        found = self._scores(scorer, range(len(mirnas)), _CALIBRATION)
        thresholds = tuple(
            float(np.sort(scores)[-max(1, int(SHARE * len(scores)))])
            if len(scores)
            else 0.0
            for scores in found
        )
        return Screen(engine, thresholds)

    def draw(self, scorer: SiteScorer) -> tuple[Null, ...]:
        """Return the null distribution of each miRNA of a search.

        Args:
          scorer: of the search. miRNAs whose scores are in the cache are not scanned.

        Raises:
          ValueError: for transcripts without a letter.
        """
        paths = self._paths(scorer)
        nulls = {n: null for n, path in enumerate(paths) if (null := self._read(path))}
        missing = [n for n in range(len(scorer.mirnas)) if n not in nulls]
        scores = self._scores(scorer, missing, self.letters) if missing else []
        for number, found in zip(missing, scores, strict=True):
            values = np.sort(scorer.scale(found))
            nulls[number] = Null(values, self.letters)
            self._write(paths[number], values)
        return tuple(nulls[number] for number in range(len(scorer.mirnas)))

    def _scores(
        self, scorer: SiteScorer, numbers: Sequence[int], letters: int
    ) -> list[Float64[np.ndarray, " sites"]]:
        """Return the scores of chosen miRNAs in the shuffled transcripts."""
        scores: dict[int, list[np.ndarray]] = {number: [] for number in numbers}

        def score(part: Slice) -> list[ScoredSites]:
            return list(scorer.score(part, numbers))

        for _, found in in_order(score, self._shuffled(letters)):
            for sites in found:
                for number in np.unique(sites.found.mirnas).tolist():
                    scores[number].append(sites.scores[sites.found.mirnas == number])
        return [np.concatenate([np.zeros(0), *each]) for each in scores.values()]

    def _shuffled(self, letters: int) -> Iterator[Slice]:
        """Yield the first of the shuffled transcripts, of at most so many letters."""
        return shuffled_slices(self.sample, min(letters, self.letters), self.seed)

    def _paths(self, scorer: SiteScorer) -> list[pathlib.Path | None]:
        """Return the file of each miRNA's scores."""
        if self.folder is None:
            return [None] * len(scorer.mirnas)
        sequences = "\n".join(record.sequence for record in self.sample)
        window = None if scorer.engine is None else scorer.engine.window_length
        common = [
            _VERSION,
            self.model,
            window,
            scorer.rule.kind,
            hashlib.sha256(sequences.encode()).hexdigest(),
            self.letters,
            self.seed,
        ]
        thresholds: list[tuple[float, ...]] = [scorer.rule.thresholds]
        if scorer.screen is not None:
            common.append(screen_digest())
            thresholds.append(scorer.screen.thresholds)
        paths: list[pathlib.Path | None] = []
        for mirna, *lowest in zip(scorer.mirnas, *thresholds, strict=True):
            key = json.dumps([*common, mirna.sequence, *lowest])
            name = hashlib.sha256(key.encode()).hexdigest()
            paths.append(self.folder / name[:2] / f"{name}.npy")
        return paths

    def _read(self, path: pathlib.Path | None) -> Null | None:
        """Return the null that the cache holds; None for a missing or damaged file."""
        if path is None or not path.is_file():
            return None
        try:
            scores = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        is_sound = (
            scores.dtype == np.float64
            and scores.ndim == 1
            and bool(np.isfinite(scores).all())
            and bool((np.diff(scores) >= 0).all())
        )
        return Null(scores, self.letters) if is_sound else None

    def _write(self, path: pathlib.Path | None, scores: np.ndarray) -> None:
        if path is None:
            return
        make_cache_folder(path.parent)
        with atomic_write(path) as unfinished, open(unfinished, "wb") as file:
            np.save(file, scores, allow_pickle=False)


def shuffled_slices(
    records: Iterable[SequenceRecord], letters: int, seed: int
) -> Iterator[Slice]:
    """Yield slices of shuffled transcripts.

    Args:
      records: transcripts, 5'→3', from `sample_of`. They are shuffled repeatedly until
        there are enough letters.
      letters: nucleotides to yield in all, exactly.
      seed: of the shuffles.

    Raises:
      ValueError: if the transcripts have no letters.
    """
    sample = [record for record in records if record.sequence]
    if not sample:
        raise ValueError("no transcript has a letter to shuffle")
    rng = np.random.default_rng(seed)
    part: list[SequenceRecord] = []
    number = size = 0
    while letters > 0:
        for record in sample:
            sequence = shuffle_dinucleotides(record.sequence, rng)[:letters]
            part.append(SequenceRecord(f"shuffled_{number}_{len(part)}", sequence))
            letters -= len(sequence)
            size += len(sequence)
            if size >= _SLICE or not letters:
                yield Slice(number, tuple(part))
                part, size, number = [], 0, number + 1
            if not letters:
                return


def sample_of(
    records: Iterable[SequenceRecord], letters: int
) -> tuple[SequenceRecord, ...]:
    """Return the first transcripts, until they have at least `letters` nucleotides."""
    sample = []
    for record in records:
        sample.append(record)
        letters -= len(record.sequence)
        if letters <= 0:
            break
    return tuple(sample)
