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
from collections.abc import Mapping
from typing import Any

from absl import flags, logging

from mirjax import cli
from mirjax.datasets import readers
from mirjax.evaluation import evaluation_set as evaluation_rows
from mirjax.evaluation import generator
from mirjax.evaluation.metrics import calibration
from mirjax.evaluation.metrics.classification import BETWEEN
from mirjax.files import atomic_write
from mirjax.models import loading
from mirjax.models.interfaces import Generator
from mirjax.reporting import table
from mirjax.reporting.classifier_report import report_classifier
from mirjax.reporting.generator_report import (
    HUMAN,
    SIMULATED,
    l2_factor,
    report_generator,
)
from mirjax.training.metric_writer import read_metrics

FILE_NAME = "metrics.json"
_OF_GENERATORS = ("db", "blast", "decoders", "beam_width")  # flags
_OF_CLASSIFIERS = ("threshold", "negatives", "calibrated", "below", "between")


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
        readers.FORMATS,
        "of a --data file, by default as its first line looks: csv has a header that "
        "names mirna and target, both 5'→3', and label; the others are the published "
        "tables, of which chakraborty2019 is never guessed",
        flag_values,
    )
    optional = {
        "out": "folder for the results; by default evaluation/ in the model's folder",
        "db": "of a generator: real miRNAs, a FASTA file or a dataset; by default "
        f"{HUMAN}, or for simulated data {SIMULATED}",
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
    flags.DEFINE_list(
        "decoders",
        list(generator.DECODERS),
        "of a generator: what to measure beside greedy decoding, of "
        f"{','.join(generator.DECODERS)}; constrained is a beam among the miRNAs of "
        "--db, ranking the exact order of the training miRNAs, database of those of "
        "--db, combined that of the training miRNAs with complementarity",
        flag_values,
    )
    flags.DEFINE_integer(
        "beam_width",
        8,
        "of a generator: prefixes that a beam keeps",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "negatives",
        None,
        evaluation_rows.NEGATIVES,
        "of a classifier: rows labelled 0, made from those that bind; none: no such "
        "rows; own: the dataset's. By default as for the model's training, where that "
        "was on the same dataset, else own",
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
    flags.DEFINE_float(
        "below",
        None,
        "of a classifier, the published rule: a pair of a lower probability is called "
        "not binding, one above --threshold binding",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "between",
        "drop",
        BETWEEN,
        "with --below: what becomes of the pairs from it to --threshold; drop leaves "
        "them out, as published, the others call them so",
        flag_values,
    )
    flags.DEFINE_boolean(
        "calibrated",
        False,
        "of a classifier: divide its logits by the temperature that was fitted on its "
        "validation rows",
        flag_values,
    )


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    model_path = pathlib.Path(flag_values.model)
    trained = loading.load_model(model_path)
    generates = isinstance(trained.model, Generator)
    for name in _OF_CLASSIFIERS if generates else _OF_GENERATORS:
        if flag_values[name].present:
            raise ValueError(
                f"--{name} is not for {model_path}, which holds a "
                f"{type(trained.model).__name__}; leave it out"
            )
    _check_rule(flag_values)
    unknown = sorted(set(flag_values.decoders) - set(generator.DECODERS))
    if unknown:
        raise ValueError(
            f"--decoders: {unknown[0]!r} is not one of {', '.join(generator.DECODERS)}"
        )
    temperature = 1.0
    if flag_values.calibrated:
        temperature = calibration.stored_temperature(trained.metadata, model_path)
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
    history = read_metrics(model_path) if model_path.is_dir() else []
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
    if generates:
        report = report_generator(
            trained,
            rows,
            folder,
            history=history,
            database=flag_values.db or "",
            l2=l2_factor(model_path, trained.metadata),
            with_blast=flag_values.blast,
            decoders=flag_values.decoders,
            beam_width=flag_values.beam_width,
        )
    else:
        report = report_classifier(
            trained,
            rows,
            folder,
            history=history,
            threshold=flag_values.threshold,
            below=flag_values.below,
            between=flag_values.between,
            temperature=temperature,
        )

    # ---- The results. ----
    content = description | {**report.results, "baselines": report.baselines}
    with atomic_write(folder / FILE_NAME) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + "\n")
    columns = {"model": report.results, **report.columns, **report.baselines}
    table.print_comparison(columns, title=f"{model_path}: {which}")
    if of_new := report.results.get("new_targets"):
        columns |= report.results["new_targets_baselines"]
        table.print_comparison(
            {
                name: column.get("new_targets", column)
                for name, column in columns.items()
            },
            title=f"of these the {of_new['n']:.0f} rows of targets in no training pair",
        )
    for note in report.notes:
        print(note)
    print(f"baselines fitted on {rows.fitted_on}; written to {folder}")


def _check_rule(flag_values: flags.FlagValues) -> None:
    """Raise a ValueError for flags of the published rule that contradict each other."""
    threshold, below = flag_values.threshold, flag_values.below
    if below is None and flag_values["between"].present:
        raise ValueError(
            f"--between={flag_values.between} is for the pairs from --below to "
            "--threshold: give --below too, or leave --between out"
        )
    if below is not None and below > threshold:
        raise ValueError(
            f"--below={below} is more than --threshold={threshold}, and the pairs in "
            "between would be called both: lower the one or raise the other"
        )


def _out_folder(out: str | None, model: pathlib.Path) -> pathlib.Path:
    if out:
        return pathlib.Path(out)
    if not model.is_dir():
        raise ValueError(
            f"--model={model} is a file: say by --out=FOLDER where the results go"
        )
    return model / "evaluation"


if __name__ == "__main__":
    cli.run(main, define_flags)
