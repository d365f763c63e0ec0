"""Compare the repression model with monotone boosting over properties of genes.

    python scripts/bench/repression_boosting.py --utrs=refseq.fa.gz,ensembl.fa.gz \
        --out=rows.json

The trees see one row for each gene and miRNA: the model's prediction, the number of
sites of each type, the best and the summed probability of `pretrained/screen` at the
sites, and in some rows the log length of the 3'UTR. They may only predict more
repression for more sites or higher probabilities. A row has the mean r² over HeLa's
miRNAs, each left out of the model and of the trees, and over those of HEK293FT,
predicted from HeLa alone.
"""

import json
import pathlib

import numpy as np
from absl import app, flags
from sklearn.ensemble import HistGradientBoostingRegressor

from mirjax.datasets import transfection
from mirjax.evaluation.gene_set import load_experiment
from mirjax.evaluation.metrics import repression as metrics
from mirjax.scanning.repression import features
from mirjax.scanning.repression.fitting import FitOptions, fit
from mirjax.scanning.repression.head import GUIDE
from mirjax.scanning.repression.seed_sites import CANONICAL, TYPES
from mirjax.training.repression import make_experiment, other_seeds, predict

_UTRS = flags.DEFINE_list("utrs", None, "FASTA files of 3'UTRs.", required=True)
_OUT = flags.DEFINE_string("out", None, "File for the rows.", required=True)

_TREES = {
    "max_iter": 100,
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 200,
    "l2_regularization": 10.0,
    "random_state": 0,
}


def main(_: list[str]) -> None:
    sets = [load_experiment(name, _UTRS.value) for name in transfection.NAMES]
    hela, hek = sets
    made = [make_experiment(genes, FitOptions(), True) for genes in sets]
    numbers = [_numbers(*each) for each in zip(sets, made, strict=True)]
    folds = {}
    for column in hela.evaluated:
        used = other_seeds([hela], hela.mirnas[column])
        folds[column] = fit(made[:1], used, FitOptions())
    whole = fit(made[:1], [np.ones(len(hela.mirnas), bool)], FitOptions())
    of_hela = {column: predict(head, made[0]) for column, head in folds.items()}
    of_hek = predict(whole, made[1])
    rows = []
    for names in ((), ("length",)):
        kept = slice(None) if names else slice(-1)
        left_out, plain = np.zeros((2, *hela.log2.shape))
        for column, found in of_hela.items():
            others = [c for c in hela.evaluated if c != column]
            trees = _grow(found, numbers[0][..., kept], hela.log2, others)
            left_out[:, column] = _grown(trees, found, numbers[0][..., kept])[:, column]
            plain[:, column] = found[:, column]
        found = predict(whole, made[0])
        trees = _grow(found, numbers[0][..., kept], hela.log2, hela.evaluated)
        new = _grown(trees, of_hek, numbers[1][..., kept])
        suffix = " with the length" if names else ""
        for label, first, second in (
            ("model", plain, of_hek),
            (f"boosting{suffix}", left_out, new),
            (f"mean of both{suffix}", plain + left_out, of_hek + new),
        ):
            row = {"predictor": label, "hela": _r2(first, hela)}
            rows.append(row | {"hek293ft": _r2(second, hek)})
    rows = list({row["predictor"]: row for row in rows}.values())
    print(*rows, sep="\n")
    content = {"rows": rows, "command": ["python scripts/bench/repression_boosting.py"]}
    pathlib.Path(_OUT.value).write_text(json.dumps(content, indent=1) + "\n")


def _numbers(genes, experiment):
    """Return counts by type, best and summed probability, and log length."""
    sites, size = experiment.sites, genes.log2.size
    guide = sites.strand == GUIDE
    column = features.NAMES.index(features.LOG_PROBABILITY)
    probability = np.exp(sites.values[:, column])
    found = [
        np.bincount(sites.pair[guide & (sites.kind == kind)], minlength=size)
        for kind in range(len(TYPES))
    ]
    canonical = guide & (sites.kind < len(CANONICAL))
    pair, probability = sites.pair[canonical], probability[canonical]
    best = np.zeros(size)
    np.maximum.at(best, pair, probability)
    found += [best, np.bincount(pair, probability, size)]
    found.append(np.repeat(np.log([len(u) for u in genes.utrs]), len(genes.mirnas)))
    return np.stack(found, axis=1).reshape(*genes.log2.shape, -1)


def _grow(predicted, numbers, log2, columns):
    """Fit trees to the fold changes of some miRNAs, each centred."""
    rows = np.concatenate([predicted[..., None], numbers], axis=2)[:, columns]
    signs = [1] + [-1] * (len(TYPES) + 2)  # the length may act either way
    signs += [0] * (rows.shape[2] - len(signs))
    centred = (log2 - log2.mean(axis=0))[:, columns]
    trees = HistGradientBoostingRegressor(monotonic_cst=signs, **_TREES)
    return trees.fit(rows.reshape(-1, rows.shape[2]), centred.ravel())


def _grown(trees, predicted, numbers):
    rows = np.concatenate([predicted[..., None], numbers], axis=2)
    found = trees.predict(rows.reshape(-1, rows.shape[2]))
    return found.reshape(predicted.shape)


def _r2(predicted, genes):
    """Return the mean r² over the evaluated miRNAs."""
    pairs = [(predicted[:, c], genes.log2[:, c]) for c in genes.evaluated]
    return round(float(np.mean([metrics.measure(*p)["r2"] for p in pairs])), 4)


if __name__ == "__main__":
    app.run(main)
