"""Evaluate a model that generates miRNAs.

    python -m mirjax.evaluate --model=W --data=chakraborty2019

Prints every figure of the model beside those of predictors that take a shortcut, and
writes them to metrics.json, with pictures, in the folder --out. The shortcuts, fitted
on training rows only, are: the next letter from those before it, without the target
(prefix only); the commonest miRNA for every target (most frequent); and the training
miRNA that pairs best with the target (complementarity; anchored: its 5' end held to the
site's 3' end).
"""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags, logging

from mirjax import command
from mirjax.align import blast
from mirjax.data import formats, registry
from mirjax.data.records import SequenceRecord
from mirjax.evaluation import generator, shortcuts
from mirjax.evaluation import rows as evaluation_rows
from mirjax.models import exported
from mirjax.reporting import plots, table
from mirjax.training import workdir
from mirjax.training.metric_writer import read_metrics

FILE_NAME = "metrics.json"
_HUMAN, _SIMULATED = "mirbase/hsa", "simulated"


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    required = {
        "model": "trained model: a workdir of mirjax.train, its model.npz, or a "
        "published Keras .h5",
        "data": "what to evaluate on: a dataset ("
        + ", ".join(evaluation_rows.DATASETS)
        + ") "
        "or a file of pairs, which is read whole (see --data_format)",
    }
    for name, purpose in required.items():
        flags.DEFINE_string(name, None, purpose, flag_values, required=True)
    flags.DEFINE_enum(
        "split",
        None,
        evaluation_rows.PARTS,
        "rows of a dataset, divided as for the model's training, or as published where "
        "that was on another dataset. By default test where there are test rows, else "
        "validation",
        flag_values,
    )
    flags.DEFINE_enum(
        "data_format",
        None,
        formats.FORMATS,
        "of a --data file: csv (the default) has a header that names mirna and target, "
        "both 5'→3'; the others are the published tables",
        flag_values,
    )
    optional = {
        "out": "folder for the results; by default evaluation/ in the model's folder",
        "db": f"real miRNAs: a FASTA file or a dataset; by default {_HUMAN}, or for "
        f"simulated data {_SIMULATED}",
        "train_data": "dataset on whose training rows the baselines are fitted; by "
        "default that of --data, or for a file what the model was trained on",
    }
    for name, purpose in optional.items():
        flags.DEFINE_string(name, None, purpose, flag_values)
    flags.DEFINE_integer(
        "rows", 0, "evaluate the first rows only; 0: all", flag_values=flag_values
    )
    flags.DEFINE_boolean(
        "blast", True, "search the answers in --db by BLAST", flag_values
    )


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    model_path = pathlib.Path(flag_values.model)
    trained = exported.load_model(model_path)
    if not hasattr(trained.model, "decode_step"):
        raise ValueError(
            f"--model: {model_path} holds a {type(trained.model).__name__}, which "
            "generates no miRNA; give a seq2seq model"
        )
    folder = _out_folder(flag_values.out, model_path)
    trained_on: Mapping[str, Any] = trained.metadata.get("data") or {}

    # ---- What to evaluate on: every mistake of the user's comes to light here. ----
    rows = evaluation_rows.select_rows(
        flag_values.data,
        part=flag_values.split or "",
        data_format=flag_values.data_format or "",
        trained_on=trained_on,
        train_data=flag_values.train_data or "",
        first=flag_values.rows,
    )
    evaluation_rows.check_fit(rows, trained.model)
    known_data = rows.data if rows.protocol else trained_on.get("name")
    db = flag_values.db or (_SIMULATED if known_data == _SIMULATED else _HUMAN)
    database = _read_database(db)
    if flag_values.blast:
        blast.find_blast()
    l2 = _l2(model_path, trained.metadata)
    history = read_metrics(model_path) if model_path.is_dir() else []
    folder.mkdir(parents=True, exist_ok=True)
    which = _describe(rows)
    logging.info("%s; the baselines are fitted on %s", which, rows.fitted_on)

    # ---- The model and, beside it, what is had without one. ----
    figures = generator.evaluate_generator(
        trained,
        rows.held_out,
        rows.train,
        database,
        l2=l2,
        with_blast=flag_values.blast,
    )
    logging.info("measuring the baselines")
    baselines = shortcuts.shortcut_baselines(
        rows.train,
        rows.held_out,
        [record.sequence for record in database],
        length=trained.model.max_mirna_length + 1,
    )

    # ---- The results. ----
    description = {
        "model": str(model_path),
        "step": trained.metadata.get("step"),
        "data": rows.data,
        "split": rows.part,
        "split_protocol": rows.protocol or None,
        "rows_in_split": rows.available,
        "rows_labelled_0_left_out": rows.dropped,
        "database": db,
        "baselines_fitted_on": rows.fitted_on,
        "l2": l2,
    }
    _write_json(folder / FILE_NAME, description | figures | {"baselines": baselines})
    plots.answers(figures, baselines, folder / "answers.png", title=which)
    if history:
        _draw_history(history, folder / "curves.png", rows, trained_on, baselines)
    table.print_comparison(
        {"model": figures} | baselines, title=f"{model_path}: {which}"
    )
    print(f"baselines fitted on {rows.fitted_on}; database {db}; written to {folder}")


def _draw_history(
    history: Sequence[Mapping[str, float]],
    path: pathlib.Path,
    rows: evaluation_rows.Rows,
    trained_on: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, float]],
) -> None:
    """Draw the training curves, with the baselines if they are on the same data."""
    if not rows.protocol or rows.data != trained_on.get("name"):
        plots.training_curves(history, path)
        return
    plots.training_curves(
        history,
        path,
        blind_accuracy=baselines["prefix_only"]["token_accuracy_masked"],
        retrieval_match={
            name: baselines[name]["exact_match"]
            for name in ("complementarity", "complementarity_anchored")
        },
        title=f"Broken lines: baselines on {_describe(rows)}",
    )


def _out_folder(out: str | None, model: pathlib.Path) -> pathlib.Path:
    if out:
        return pathlib.Path(out)
    if not model.is_dir():
        raise ValueError(
            f"--model={model} is a file: say by --out=FOLDER where the results go"
        )
    return model / "evaluation"


def _read_database(name: str) -> list[SequenceRecord]:
    return (
        registry.load_fasta(name)
        if name in registry.NAMES
        else formats.read_fasta(name)
    )


def _l2(model: pathlib.Path, metadata: Mapping[str, Any]) -> float:
    """Find the penalty's factor: in the model's file, or its run's config beside it."""
    if "l2" in metadata:
        return float(metadata["l2"])
    folder = model.parent if model.name == exported.FILE_NAME else model
    try:
        config = json.loads((folder / workdir.CONFIG_FILE).read_text())
        return float(config["train"]["l2"])
    except (OSError, ValueError, KeyError, TypeError):
        logging.info(
            "no L2 factor is known for %s: its loss is the cross-entropy alone", model
        )
        return 0.0


def _describe(rows: evaluation_rows.Rows) -> str:
    """Say which rows are evaluated."""
    if rows.protocol:
        where = f"{rows.data}, {rows.part} rows ({rows.protocol} split)"
    else:
        where = f"{rows.data}, whole file"
    count = len(rows.held_out)
    if count < rows.available:
        return f"{where}, the first {count:,} of {rows.available:,}"
    return f"{where}, {count:,} rows"


def _write_json(path: pathlib.Path, content: Mapping[str, Any]) -> None:
    """Write the figures under another name, then give the file its own."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_text(json.dumps(content, indent=2) + "\n")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    command.run(main, define_flags)
