"""Evaluate a trained model beside its baselines.

    python -m mirjax.evaluate --model=W --data=chakraborty2019

Prints the main metrics of the model and of its baselines as a table, and writes all of
them to metrics.json, with pictures, in the folder --out. A baseline is a simple
predictor that is fitted on the training pairs: a model is useful only if it is better.

Baselines of a generator, which predicts miRNAs:
  prefix only               each letter from those before it, without the target
  most frequent             the most frequent training miRNA, for every target
  complementarity           the training miRNA that pairs best with the target
  complementarity anchored  the same, with its 5' end at the 3' end of the site

Baselines of a classifier, which predicts whether a pair is positive (the miRNA binds
the target) or negative:
  mirna identity, gene      fraction of positives among the training pairs of the same
                            miRNA or the same gene
  seed 6mer                 the same for a match to letters 2-7 of the miRNA
  mirna kmers, target kmers logistic regression on short words of one sequence
  complementarity           logistic regression on the complementarity of the pair
"""

# Only light modules are imported here, so that --help and errors in flags are fast.
import dataclasses
import pathlib
from typing import Any

from absl import flags

import mirjax
from mirjax import cli
from mirjax.datasets import catalogue, formats
from mirjax.evaluation import gene_flags, options
from mirjax.inference.options import BEAM_WIDTH
from mirjax.sequences import bad_records

_GENERATOR_FLAGS = ("db", "blast", "decoders", "beam_width")
_RULE_FLAGS = ("threshold", "below", "between")
_CLASSIFIER_FLAGS = ("benchmark", "negatives", "calibrated", *_RULE_FLAGS)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    _define_common_flags(flag_values)
    _define_generator_flags(flag_values)
    _define_classifier_flags(flag_values)
    options.define_benchmark_flag(flag_values)
    for name in ("benchmark", bad_records.FLAG):  # in --help, though defined elsewhere
        flags.declare_key_flag(name, flag_values)
    gene_flags.define_gene_flags(flag_values)


def _define_common_flags(flag_values: flags.FlagValues) -> None:
    for name, purpose in (
        (
            "model",
            "Trained model: the folder of a run of mirjax.train, its model.npz, a "
            f"published .h5 or .pt file, or a name ({catalogue.list_published()}).",
        ),
        (
            "data",
            "Pairs to evaluate on: a dataset ("
            + ", ".join(catalogue.PAIR_DATASETS)
            + ") or a file of pairs (see --data_format). All rows of a file are used, "
            "but of the file that the model was trained on the test rows.",
        ),
    ):
        flags.DEFINE_string(name, None, purpose, flag_values)
    flags.mark_flag_as_required("model", flag_values)
    flags.DEFINE_enum(
        "split",
        None,
        options.PARTS,
        "Part of a dataset, of the file that the model was trained on, or of a file "
        "with a column split to evaluate on. A dataset is split as for the model's "
        "training, or as published if the model was trained on other data. Default: "
        "test, or validation for a dataset without test rows.",
        flag_values,
    )
    flags.DEFINE_enum(
        "data_format",
        None,
        formats.FORMATS,
        "Format of a --data file. csv and tsv have a header that names the columns "
        "mirna and target, both 5'→3', and optionally label; the others are published "
        "tables. Default: detected from the header, which some published tables lack.",
        flag_values,
    )
    for name, purpose in (
        (
            "out",
            "Folder for the results. Default: evaluation/DATA-SPLIT in the model's "
            "folder.",
        ),
        (
            "train_data",
            "Dataset on whose training rows the baselines are fitted. Default: that of "
            "--data; for a file, or without training rows, the model's training data. "
            "If the model names none, baselines that need training rows are left out.",
        ),
    ):
        flags.DEFINE_string(name, None, purpose, flag_values)
    for name, default, purpose in (
        ("rows", 0, "Evaluate on a random sample of this many rows; 0: all."),
        ("seed", 0, "Seed of the sample of --rows."),
    ):
        flags.DEFINE_integer(name, default, purpose, flag_values=flag_values)
    flags.DEFINE_boolean(
        "full", False, "Print all metrics, not the main six.", flag_values=flag_values
    )
    bad_records.define_flag(flag_values, "OUT/skipped.tsv")


def _define_generator_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "db",
        None,
        "For a generator: named miRNAs to search predictions in, a FASTA file or a "
        f"dataset. Default: mirbase/hsa, or {catalogue.SIMULATED} for simulated data.",
        flag_values,
    )
    flags.DEFINE_boolean(
        "blast",
        True,
        "For a generator: search its predictions in --db by BLAST.",
        flag_values,
    )
    flags.DEFINE_list(
        "decoders",
        list(options.DECODERS),
        "For a generator: what to measure besides greedy decoding, of "
        f"{','.join(options.DECODERS)}. beam: beam search; constrained: beam search "
        "among the miRNAs of --db; ranking: exact ranking of the training miRNAs by "
        "their probability; database: exact ranking of the miRNAs of --db; combined: "
        "ranking of the training miRNAs by probability and complementarity.",
        flag_values,
    )
    flags.DEFINE_integer(
        "beam_width",
        BEAM_WIDTH,
        "For a generator: number of prefixes that a beam search keeps.",
        lower_bound=1,
        flag_values=flag_values,
    )


def _define_classifier_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_enum(
        "negatives",
        None,
        options.NEGATIVES,
        "For a classifier: negative pairs of the dataset. own: its own ones; none: no "
        "negatives; others: how to generate them from the positive pairs. Default: as "
        "for the model's training if that was on the same dataset, otherwise own.",
        flag_values,
    )
    flags.DEFINE_float(
        "threshold",
        options.DEFAULT_THRESHOLD,
        "For a classifier: pairs of a higher probability are predicted positive.",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "below",
        None,
        "For a classifier: also measure the published rule, by which pairs of a lower "
        "probability are predicted negative, and those above --threshold positive.",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "between",
        options.DROP,
        options.BETWEEN,
        "With --below: pairs from --below to --threshold are left out (drop, as "
        "published) or predicted positive or negative.",
        flag_values,
    )
    flags.DEFINE_boolean(
        "calibrated",
        False,
        "For a classifier: divide its logits by the temperature that was fitted on its "
        "validation rows.",
        flag_values,
    )


def main(flag_values: flags.FlagValues) -> None:
    """Run the command."""
    if flag_values.benchmark == gene_flags.BENCHMARK:
        _evaluate_genes(flag_values)
    else:
        gene_flags.check_unused(flag_values)
        row_options = options.RowOptions.from_flags(flag_values)
        rule = options.ThresholdRule.from_flags(flag_values)
        generator_options = options.GeneratorOptions.from_flags(flag_values)
        _evaluate_pairs(flag_values, row_options, rule, generator_options)


def _evaluate_pairs(
    flag_values: flags.FlagValues,
    row_options: options.RowOptions,
    rule: options.ThresholdRule,
    generator_options: options.GeneratorOptions,
) -> None:
    """Measure a model on pairs, together with its baselines."""
    from mirjax import xla
    from mirjax.blast.programs import find_blast
    from mirjax.evaluation.classifier import measure_classifier
    from mirjax.evaluation.evaluation_set import make_evaluation_set
    from mirjax.evaluation.generator import measure_generator
    from mirjax.evaluation.results_folder import results_folder, write_metrics
    from mirjax.models.interfaces import Generator
    from mirjax.models.loading import load_model
    from mirjax.models.temperature import stored_temperature
    from mirjax.output import make_folder
    from mirjax.training import metric_writer, workdir

    # ---- Load and check the model and the data. ----
    xla.use_compilation_cache()
    model_path = pathlib.Path(flag_values.model)
    trained = load_model(model_path)
    metadata, generates = trained.metadata, isinstance(trained.model, Generator)
    _check_flags(flag_values, generates, type(trained.model).__name__)
    temperature = 1.0
    if flag_values.calibrated:
        temperature = stored_temperature(metadata, model_path)
    evaluation_set = make_evaluation_set(trained, row_options)
    folder = results_folder(flag_values.out, model_path, evaluation_set.source)
    history = metric_writer.read_metrics(model_path) if model_path.is_dir() else []
    if generates and flag_values.blast:
        find_blast()
    make_folder(folder)

    # ---- Measure, and draw the plots. ----
    from mirjax.reporting.classifier_report import report_classifier
    from mirjax.reporting.generator_report import report_generator
    from mirjax.reporting.report import describe_source, print_origin, print_report

    if generates:
        l2 = workdir.l2_factor(model_path, metadata)
        generator_options = dataclasses.replace(generator_options, l2=l2)
        measured = measure_generator(trained, evaluation_set, generator_options)
        report = report_generator(measured, evaluation_set, folder, history)
    else:
        chosen = options.ClassifierOptions(rule, temperature, flag_values.benchmark)
        found = measure_classifier(trained, evaluation_set, chosen)
        report = report_classifier(found, evaluation_set, folder, history)

    # ---- Write and print the results. ----
    content = _origin(flag_values) | {
        "model": str(model_path),
        "step": metadata.get("step"),
    }
    content |= {**describe_source(evaluation_set.source), **report.content()}
    row_options.bad_records.write(folder / "skipped.tsv")
    path, full = write_metrics(content, folder), flag_values.full
    print_report(report, f"{model_path}: {evaluation_set.describe()}", full=full)
    print_origin(evaluation_set.source, path, full=full)


def _evaluate_genes(flag_values: flags.FlagValues) -> None:
    """Measure predicted fold changes of genes."""
    chosen = gene_flags.gene_options(flag_values)
    from mirjax import xla
    from mirjax.evaluation.genes import evaluate_genes
    from mirjax.reporting.gene_report import report_genes

    xla.use_compilation_cache()
    report_genes(evaluate_genes(chosen), chosen, _origin(flag_values))


def _origin(flag_values: flags.FlagValues) -> dict[str, Any]:
    command = cli.command_line("mirjax.evaluate", flag_values)
    return {"version": mirjax.__version__, "command": command}


def _check_flags(flag_values: flags.FlagValues, generates: bool, model: str) -> None:
    """Raise a ValueError for flags that do not fit the model or each other."""
    for name in _CLASSIFIER_FLAGS if generates else _GENERATOR_FLAGS:
        if flag_values[name].present:
            raise ValueError(
                f"--{name} is not for {flag_values.model}, which holds a {model}; "
                "leave it out"
            )
    if flag_values["between"].present and flag_values.below is None:
        raise ValueError(
            f"--between={flag_values.between} is for the pairs from --below to "
            "--threshold: give --below too, or leave --between out"
        )


if __name__ == "__main__":
    cli.run(main, define_flags)
