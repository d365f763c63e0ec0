"""Evaluate a model.

    python -m mirjax.evaluate --model=W --data=chakraborty2019

Prints every figure of the model beside those of predictors that take a shortcut, and
writes them to metrics.json, with pictures, in the folder --out. The shortcuts are
fitted on training rows only.

For a model that generates miRNAs they are: the next letter from those before it,
without the target (prefix only); the commonest miRNA for every target (most frequent);
and the training miRNA that pairs best with the target (complementarity; anchored: its
5' end held to the site's 3' end). For one that tells whether a pair binds: the share of
binding pairs among training rows of the same miRNA (mirna identity), of the same gene,
or with a 6-mer seed match; and regressions on short words of the miRNA or of the
target, and on the complementarity of the two.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags, logging

from mirjax import command
from mirjax.align import blast
from mirjax.data import formats, negatives, registry
from mirjax.data.records import SequenceRecord
from mirjax.evaluation import binding_shortcuts, classifier, generator, shortcuts
from mirjax.evaluation import rows as evaluation_rows
from mirjax.evaluation.classification import (
    bootstrap_intervals,
    classification_metrics,
    one_class_warning,
)
from mirjax.models import exported
from mirjax.models.exported import ExportedModel
from mirjax.reporting import plots, table
from mirjax.training import workdir
from mirjax.training.metric_writer import read_metrics
from mirjax.whole_file import whole_file

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
        "db": "of a generator: real miRNAs, a FASTA file or a dataset; by default "
        f"{_HUMAN}, or for simulated data {_SIMULATED}",
        "train_data": "dataset on whose training rows the baselines are fitted; by "
        "default that of --data, or for a file what the model was trained on",
    }
    for name, purpose in optional.items():
        flags.DEFINE_string(name, None, purpose, flag_values)
    flags.DEFINE_integer(
        "rows", 0, "evaluate the first rows only; 0: all", flag_values=flag_values
    )
    flags.DEFINE_boolean(
        "blast",
        True,
        "of a generator: search its answers in --db by BLAST",
        flag_values,
    )
    flags.DEFINE_enum(
        "negatives",
        None,
        negatives.KINDS,
        "of a classifier: make the dataset's rows labelled 0 from those that bind. By "
        "default as for the model's training, where that was on the same dataset",
        flag_values,
    )
    flags.DEFINE_float(
        "threshold",
        0.5,
        "of a classifier: a pair of a higher probability is called binding",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=flag_values,
    )


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    model_path = pathlib.Path(flag_values.model)
    trained = exported.load_model(model_path)
    generates = hasattr(trained.model, "decode_step")
    for name in ("threshold", "negatives") if generates else ("db", "blast"):
        if flag_values[name].present:
            raise ValueError(
                f"--{name} is not for {model_path}, which holds a "
                f"{type(trained.model).__name__}; leave it out"
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
        labelled=not generates,
        negatives=flag_values.negatives or "",
    )
    evaluation_rows.check_fit(rows, trained.model)
    which = rows.describe()
    description = {
        "model": str(model_path),
        "step": trained.metadata.get("step"),
        "data": rows.data,
        "split": rows.part,
        "split_protocol": rows.protocol or None,
        "rows_in_split": rows.available,
        "rows_labelled_0_left_out": rows.dropped,
        "baselines_fitted_on": rows.fitted_on,
    }
    logging.info("%s; the baselines are fitted on %s", which, rows.fitted_on)

    # ---- The model and, beside it, what is had without one. ----
    evaluate = _evaluate_generator if generates else _evaluate_classifier
    results, baselines, notes = evaluate(trained, rows, flag_values, folder)

    # ---- The results. ----
    content = description | results | {"baselines": baselines}
    with whole_file(folder / FILE_NAME) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + "\n")
    table.print_comparison(
        {"model": results} | baselines, title=f"{model_path}: {which}"
    )
    for note in notes:
        print(note)
    print(f"baselines fitted on {rows.fitted_on}; written to {folder}")


# What to write of the model; figures by baseline; lines to print below the table.
_Results = tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]]


def _evaluate_generator(
    trained: ExportedModel,
    rows: evaluation_rows.Rows,
    flag_values: flags.FlagValues,
    folder: pathlib.Path,
) -> _Results:
    """Measure a model that generates miRNAs, and draw its answers and its history."""
    model_path = pathlib.Path(flag_values.model)
    trained_on = trained.metadata.get("data") or {}
    known_data = rows.data if rows.protocol else trained_on.get("name")
    db = flag_values.db or (_SIMULATED if known_data == _SIMULATED else _HUMAN)
    database = _read_database(db)
    if flag_values.blast:
        blast.find_blast()
    l2 = _l2(model_path, trained.metadata)
    history = read_metrics(model_path) if model_path.is_dir() else []
    folder.mkdir(parents=True, exist_ok=True)
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
    plots.answers(figures, baselines, folder / "answers.png", title=rows.describe())
    if history:
        _draw_history(history, folder / "curves.png", rows, trained_on, baselines)
    return {"database": db, "l2": l2} | figures, baselines, [f"database {db}"]


def _evaluate_classifier(
    trained: ExportedModel,
    rows: evaluation_rows.Rows,
    flag_values: flags.FlagValues,
    folder: pathlib.Path,
) -> _Results:
    """Measure a model that tells whether a pair binds, and draw how far to trust it."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = np.asarray(rows.held_out.labels)
    predicted = {"model": classifier.predict_probabilities(trained, rows.held_out)}
    logging.info("measuring the baselines")
    predicted |= binding_shortcuts.binding_baselines(rows.train, rows.held_out)
    threshold = flag_values.threshold
    baselines = {
        name: classification_metrics(labels, probabilities, threshold)
        for name, probabilities in predicted.items()
    }
    figures = baselines.pop("model")
    intervals = bootstrap_intervals(labels, predicted["model"], threshold=threshold)
    plots.probabilities(
        labels, predicted, folder / "probabilities.png", title=rows.describe()
    )
    notes = [
        "95% intervals of the model, over rows drawn with replacement: "
        + ", ".join(
            f"{table.label(name)} {low:.4f} to {high:.4f}"
            for name, (low, high) in intervals.items()
        )
    ]
    if warning := one_class_warning(labels):
        notes.append(f"warning: {warning}")
    results = {"threshold": threshold} | figures | {"intervals": intervals}
    return results, baselines, notes


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
        title=f"Broken lines: baselines on {rows.describe()}",
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
        logging.info("%s: no L2 factor is known; loss is cross-entropy alone", model)
        return 0.0


if __name__ == "__main__":
    command.run(main, define_flags)
