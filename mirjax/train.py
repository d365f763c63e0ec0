"""Train a model.

    python -m mirjax.train --config=configs/seq2seq.py --workdir=W

W receives metrics.jsonl, TensorBoard events, checkpoints and the exported model. The
same command goes on where a stopped or killed run left off.
"""

import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import numpy as np
from absl import flags, logging
from ml_collections import ConfigDict, config_flags
from rich import progress as rich_progress

from mirjax import command
from mirjax.data import alphabet, batches, negatives, registry
from mirjax.data.records import Pairs, Split
from mirjax.decoding import greedy
from mirjax.evaluation import sequence
from mirjax.evaluation.rows import binding_rows
from mirjax.models import make_model
from mirjax.training import loop, steps, workdir


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    config_flags.DEFINE_config_file(
        "config",
        None,
        "Config file and variant, such as configs/seq2seq.py:tuned. One key can be "
        "set from the command line, as in --config.train.num_steps=100.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the run, made if missing. A run found there goes on.",
        flag_values=flag_values,
    )
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def decoding_hook(
    train: Pairs, held_out: Pairs, targets: np.ndarray, num_rows: int
) -> loop.ValidationHook:
    """Return a hook that decodes held-out targets and scores the answers.

    Args:
      train: its miRNAs count as real, and its pairs as known.
      held_out: its first rows are decoded.
      targets: their tokens.
      num_rows: how many rows.
    """
    rows = range(min(num_rows, len(held_out)))
    sample = held_out.take(rows)
    known = sequence.known_mirnas(train)
    for target, mirnas in sequence.known_mirnas(held_out).items():
        known[target] = known.get(target, set()) | mirnas
    real = set(train.mirnas) | set(held_out.mirnas)

    def validate(model: nn.Module, params: Mapping[str, Any]) -> dict[str, float]:
        decoded = greedy.decode(model, params, targets[: len(rows)])
        return sequence.sequence_metrics(
            alphabet.decode(decoded.tokens), sample.mirnas, sample.targets, known, real
        )

    return validate


def train(config: ConfigDict, folder: pathlib.Path) -> None:
    """Train what a config describes, from the last checkpoint where there is one.

    Args:
      config: see configs/base.py.
      folder: the run's.

    Raises:
      ValueError: for a wrong config, data that does not fit the model, or a folder
        that cannot be used; before the device is touched.
      loop.TrainingStopped: on SIGTERM, once everything is saved.
    """
    workdir.check_config(config)
    model = make_model(config.model)
    pairs, split = registry.load_split(
        config.data.name, config.data.split, seed=config.data.seed
    )
    name = f"{config.data.name} ({config.data.split} split)"
    prepare = _for_generator if hasattr(model, "decode_step") else _for_classifier
    train_rows, held_out_rows, hook = prepare(
        config,
        model,
        pairs,
        split,
        (f"{name}, training rows", f"{name}, held-out rows"),
    )
    workdir.check_workdir(folder, config)
    trainer = loop.Trainer(config, folder, train_rows, held_out_rows)
    with _progress_bar(config.train.num_steps) as report:
        trainer.run(hook, report)


_Prepared = tuple[steps.AnyBatch, steps.AnyBatch, loop.ValidationHook]


def _for_generator(
    config: ConfigDict, model: Any, pairs: Pairs, split: Split, names: tuple[str, str]
) -> _Prepared:
    """Encode the pairs that bind; held-out ones are decoded at each evaluation."""
    parts = [
        pairs.take(binding_rows(pairs, rows, name)[0])
        for rows, name in zip((split.train, split.validation), names, strict=True)
    ]
    encoded = [
        batches.encode_pairs(
            part.targets,
            part.mirnas,
            target_length=model.max_target_length,
            mirna_length=model.max_mirna_length,
        )
        for part in parts
    ]
    hook = decoding_hook(
        parts[0], parts[1], np.asarray(encoded[1].targets), config.train.decode_rows
    )
    return encoded[0], encoded[1], hook


def _for_classifier(
    config: ConfigDict, model: Any, pairs: Pairs, split: Split, names: tuple[str, str]
) -> _Prepared:
    """Encode labelled pairs; the loss and the accuracy are all that is measured."""
    data = config.data
    if data.negatives:
        pairs, split = negatives.with_negatives(
            pairs, split, data.negatives, ratio=data.negative_ratio, seed=data.seed
        )
    encoded = []
    for rows, name in zip((split.train, split.validation), names, strict=True):
        part = pairs.take(rows)
        if part.labels is None or len(set(part.labels.tolist())) < 2:
            raise ValueError(
                f"{name}: a classifier needs rows labelled 1 and rows labelled 0; make "
                "some by config.data.negatives=frequency, or name another dataset by "
                "config.data.name"
            )
        encoded.append(
            batches.encode_labelled(
                part.targets,
                part.mirnas,
                part.labels,
                target_length=model.max_target_length,
                mirna_length=model.max_mirna_length,
            )
        )
    return encoded[0], encoded[1], lambda model, params: {}


class _progress_bar:  # noqa: N801  (used like a function)
    """A progress bar on a terminal; nothing elsewhere, where log lines suffice."""

    def __init__(self, total: int):
        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("step {task.completed}/{task.total}"),
            rich_progress.BarColumn(),
            rich_progress.TextColumn("loss {task.fields[loss]:.4f}"),
            rich_progress.TimeElapsedColumn(),
            rich_progress.TimeRemainingColumn(),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("train", total=total, loss=float("nan"))

    def __enter__(self) -> loop.ProgressHook:
        self._bar.start()
        return lambda step, figures: self._bar.update(
            self._task, completed=step, loss=figures["loss"]
        )

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    folder = pathlib.Path(flag_values.workdir)
    try:
        train(flag_values.config, folder)
    except loop.TrainingStopped as stopped:
        logging.info("%s; run the same command to go on", stopped)
        return
    logging.info("Done: %s", folder)


if __name__ == "__main__":
    command.run(main, define_flags)
