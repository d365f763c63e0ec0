"""Measure what each part of the repression model adds, on HeLa's left-out miRNAs.

    python scripts/bench/repression_ablation.py --utrs=refseq.fa.gz,ensembl.fa.gz \
        --out=rows.json

A row has the mean r² over the miRNAs without one part, of predictions and of
predictions against the others.
"""

import json
import pathlib

import numpy as np
from absl import app, flags

from mirjax.evaluation.gene_set import load_experiment
from mirjax.evaluation.metrics import repression as metrics
from mirjax.scanning.repression import features
from mirjax.scanning.repression.fitting import FitOptions, fit
from mirjax.training.repression import make_experiment, other_seeds, predict

_UTRS = flags.DEFINE_list("utrs", None, "FASTA files of 3'UTRs.", required=True)
_OUT = flags.DEFINE_string("out", None, "File for the rows.", required=True)

_PARTS = {
    "nothing": (),
    "accessibility": ("accessibility",),
    "AU content nearby": ("local_au", "au_before", "au_after"),
    "accessibility and AU content": (
        "accessibility",
        "local_au",
        "au_before",
        "au_after",
    ),
    "supplementary pairing": ("supplementary",),
    "length and place": ("log_length", "log_distance_to_end", "in_stop_shadow"),
    "polyadenylation signals": ("after_signals",),
    "cooperativity": ("cooperative",),
    "letter opposite 8": ("u_opposite_8", "g_opposite_8"),
    "passenger's first letter": ("passenger_au",),
    "classifier's embedding": features.EMBEDDING,
    "classifier": features.CLASSIFIER,
    "classifier and AU content": (
        *features.CLASSIFIER,
        "local_au",
        "au_before",
        "au_after",
    ),
    "all features": features.NAMES,
}


def main(_: list[str]) -> None:
    genes = load_experiment("transfection/hela", _UTRS.value)
    experiment = make_experiment(genes, FitOptions(), True)
    rows = []
    for part, left_out in _PARTS.items():
        kept = tuple(name for name in features.NAMES if name not in left_out)
        rows.append(_row(part, experiment, genes, FitOptions(features=kept)))
    kept = tuple(name for name in features.NAMES if name != "passenger_au")
    options = FitOptions(features=kept, passenger=False)
    rows.append(_row("passenger strand", experiment, genes, options))
    content = {"rows": rows, "command": ["python scripts/bench/repression_ablation.py"]}
    pathlib.Path(_OUT.value).write_text(json.dumps(content, indent=1) + "\n")


def _row(part, experiment, genes, options):
    """Return the mean r² of left-out miRNAs."""
    plain, against = [], []
    for column in genes.evaluated:
        head = fit([experiment], other_seeds([genes], genes.mirnas[column]), options)
        found = predict(head, experiment)
        others = np.delete(found, column, axis=1).mean(axis=1)
        observed = genes.log2[:, column]
        plain.append(metrics.measure(found[:, column], observed)["r2"])
        against.append(metrics.measure(found[:, column] - others, observed)["r2"])
    means = {"plain": np.mean(plain), "against": np.mean(against)}
    row = {"without": part, **{k: round(float(v), 4) for k, v in means.items()}}
    print(row)
    return row


if __name__ == "__main__":
    app.run(main)
