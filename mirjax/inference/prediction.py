"""Predict the miRNAs that bind target sites, and name them with BLAST."""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from absl import logging
from jaxtyping import Bool, Float, Int

from mirjax.blast import naming
from mirjax.blast.processes import Limits
from mirjax.inference import decoders, folding, sites
from mirjax.inference.options import PredictOptions
from mirjax.inference.segments import SlidingWindows, accessible, every_segment
from mirjax.models import loading
from mirjax.models.interfaces import Generator
from mirjax.models.trained import TrainedModel
from mirjax.sequences import fasta
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import SequenceRecord
from mirjax.sequences.windows import Window

# Takes the number of items and a description; yields a function that is called with
# the number of items done since its previous call.
Progress = Callable[
    [int, str], contextlib.AbstractContextManager[Callable[[int], None]]
]
DEFAULT = PredictOptions()


class Prediction(NamedTuple):
    """The miRNA predicted for one target site.

    Attributes:
      target: name of the target's record.
      start: first letter of the site in the record, from 0.
      end: the letter after the site's last one.
      mirna: the decoded miRNA, 5'→3'; empty if the model predicts none.
      log_prob: log P(miRNA | site), natural logarithm.
      name: the miRNA's name in the database, or None for a novel miRNA.
      record: the target's number among the targets, from 0.
    """

    target: str
    start: int
    end: int
    mirna: str
    log_prob: float
    name: naming.Name | None
    record: int


def no_progress(
    total: int, description: str
) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """Report no progress."""
    del total, description
    return contextlib.nullcontext(lambda number: None)


def load_generator(path: str | os.PathLike[str]) -> TrainedModel:
    """Load a trained model that generates miRNAs.

    Args:
      path: a workdir, a model file or a published `.h5` or `.pt`.

    Returns:
      The model.

    Raises:
      ValueError: if there is none, or it is not a generator.
    """
    trained = loading.load_model(path)
    if not isinstance(trained.model, Generator):
        raise ValueError(
            f"--model: {path} holds a {type(trained.model).__name__}, which generates "
            "no miRNA: give a seq2seq model or a Transformer, or pairs by --pairs"
        )
    return trained


def read_targets(
    path: str | os.PathLike[str],
    trained: TrainedModel,
    bad_records: BadRecords | None = None,
) -> list[SequenceRecord]:
    """Read a FASTA file of targets that are long enough for a model.

    Args:
      path: the file, or - for standard input.
      trained: the generator.
      bad_records: what to do with records that cannot be read or are too short; by
        default they are refused.

    Returns:
      The records.

    Raises:
      ValueError: if the file is not FASTA, or for bad records.
    """
    shortest = trained.model.min_target_length
    return fasta.read_fasta(path, bad_records=bad_records, min_length=shortest)


def predict(
    trained: TrainedModel,
    targets: Sequence[SequenceRecord],
    database: naming.Database,
    options: PredictOptions = DEFAULT,
    *,
    progress: Progress = no_progress,
) -> Iterator[Prediction]:
    """Decode and name the miRNA of every site of every target.

    All sites are decoded before the function returns; the rows are made one by one.

    Args:
      trained: a generator.
      targets: sites or transcripts, 5'→3', as returned by `read_targets`.
      database: miRNAs to name the decoded ones by.
      options: options of decoding and of the BLAST search.
      progress: shows the progress of decoding.

    Returns:
      The predictions in the order of the targets, then of the sites; or best first if
      `options.top` is given.

    Raises:
      ValueError: for options that do not suit the model, or ViennaRNA is missing.
      BlastError: if BLAST+ is missing, too old, fails or exceeds the time limit.
    """
    windows = _make_windows(trained, targets, options, progress)
    logging.info("%d target records, %d sites", len(targets), len(windows))
    decoder = _make_decoder(trained, database, options)
    with progress(len(windows), "decoding sites") as report:
        decoded = sites.decode_windows(
            decoder,
            targets,
            windows,
            size=trained.model.max_target_length,
            batch_size=options.batch_size,
            report=report,
        )
    stable = _are_stable(decoded, targets, windows, options)
    kept = choose_sites(decoded.log_probs, options, stable)
    used = np.unique(decoded.choices[kept])
    logging.info("%d sites kept; naming %d distinct miRNAs", len(kept), len(used))
    mirnas = [decoded.mirnas[choice] for choice in used]
    names = dict(zip(used, _name(mirnas, database, options), strict=True))
    kept_windows = _in_order(iter(windows), kept)
    return (
        Prediction(
            targets[window.record].name,
            window.start,
            window.end,
            decoded.mirnas[choice],
            float(log_prob),
            names[choice],
            window.record,
        )
        for window, choice, log_prob in zip(
            kept_windows, decoded.choices[kept], decoded.log_probs[kept], strict=True
        )
    )


def choose_sites(
    log_probs: Float[np.ndarray, " sites"],
    options: PredictOptions,
    allowed: Bool[np.ndarray, " sites"] | None = None,
) -> Int[np.ndarray, " kept"]:
    """Return the numbers of the sites to return, in the order to return them.

    Args:
      log_probs: log P(miRNA | site) of each site.
      options: `min_log_prob` and `top`; of equal log P, the earlier site is preferred.
      allowed: whether each site may be returned; by default all.
    """
    is_kept = log_probs >= options.min_log_prob
    kept = np.flatnonzero(is_kept if allowed is None else is_kept & allowed)
    if options.top:
        best = np.argsort(-log_probs[kept], kind="stable")[: options.top]
        kept = kept[best]
    return kept


def _in_order(
    windows: Iterator[Window], kept: Int[np.ndarray, " kept"]
) -> Iterator[Window]:
    """Return the windows of the given numbers, in the order of the numbers."""
    wanted = np.sort(kept)
    if np.array_equal(wanted, kept):  # no window need be stored
        numbers = iter(wanted.tolist())
        following = next(numbers, None)
        for number, window in enumerate(windows):
            if number == following:
                yield window
                following = next(numbers, None)
        return
    chosen = dict(zip(wanted.tolist(), _in_order(windows, wanted), strict=True))
    yield from (chosen[number] for number in kept.tolist())


def _name(
    mirnas: Sequence[str], database: naming.Database, options: PredictOptions
) -> list[naming.Name | None]:
    """Return the name of each miRNA in the database."""
    limits = Limits(num_processes=options.num_threads)
    return naming.name_sequences(mirnas, database, options.settings, limits)


def _make_windows(
    trained: TrainedModel,
    targets: Sequence[SequenceRecord],
    options: PredictOptions,
    progress: Progress,
) -> Collection[Window]:
    """Return the windows or segments to decode."""
    if options.max_energy is not None:
        folding.load_viennarna("--max_energy")
    shortest, longest = trained.model.min_target_length, trained.model.max_target_length
    lengths = [len(target.sequence) for target in targets]
    windows: Collection[Window]
    if options.segments:
        for size in options.segments:
            if not shortest <= size <= longest:
                raise ValueError(
                    f"--segments: {size} nt, the model takes {shortest} to {longest}"
                )
        windows = every_segment(lengths, options.segments)
    else:
        if not 1 <= options.stride <= longest:
            raise ValueError(
                f"--stride={options.stride} must be from 1 to a window's {longest} nt"
            )
        windows = SlidingWindows(lengths, longest, options.stride)
    if not options.accessible:
        return windows
    with progress(len(targets), "folding transcripts") as report:
        found = accessible(windows, targets, report)
    logging.info("%d of %d sites are accessible", len(found), len(windows))
    return found


def _are_stable(
    decoded: sites.DecodedWindows,
    targets: Sequence[SequenceRecord],
    windows: Collection[Window],
    options: PredictOptions,
) -> Bool[np.ndarray, " sites"] | None:
    """Return which sites have a duplex of low enough energy; None: all."""
    if options.max_energy is None:
        return None
    is_stable = decoded.log_probs >= options.min_log_prob
    energies: dict[tuple[int, str], float] = {}
    for number, (window, choice) in enumerate(
        zip(windows, decoded.choices.tolist(), strict=True)
    ):
        mirna = decoded.mirnas[choice]
        if is_stable[number] and mirna:
            site = targets[window.record].sequence[window.start : window.end]
            if (choice, site) not in energies:
                energies[choice, site] = folding.duplex_energy(mirna, site)
            is_stable[number] = energies[choice, site] <= options.max_energy
        elif not mirna:
            is_stable[number] = False
    logging.info("%d sites have a stable duplex", int(is_stable.sum()))
    return is_stable


def _make_decoder(
    trained: TrainedModel, database: naming.Database, options: PredictOptions
) -> decoders.Decoder:
    return decoders.make_decoder(
        options.decoder,
        trained.model,
        trained.params,
        allowed=database.mirnas,
        width=options.beam_width,
        batch_size=options.batch_size,
    )
