"""Recall of known sites placed in 3'UTRs, at given rates of chance sites.

    python scripts/bench/recall.py --targets=utr3.fa.gz --sample=200 \
        --models duplex=pretrained/duplex miRBind2=published/mirbind2 \
        --out=rows.json --picture=docs/scan_recall.svg

Targets of test positives are put into random 3'UTRs, which are searched for sites of
their miRNA. A target is found if a site whose 3' end lies in it has a p-value of at
most the rate. P-values are computed as in scans: from each miRNA's sites in shuffled
3'UTRs, with the default candidates. Seed types and RNAhybrid's energies are ranked by
counts in the same shuffled transcripts; a rate with too few counts has no value.
"""

import argparse
import pathlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import measured_rows
import numpy as np
import scan_inputs

from mirjax.datasets import registry
from mirjax.inference.pairs import load_classifier
from mirjax.models.temperature import find_temperature
from mirjax.scanning.background import Background, sample_of, shuffled_slices
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.seed_mode import tokens_of
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.site_types import find_sites
from mirjax.scanning.sites_mode import make_scanner
from mirjax.scanning.slices import Slice
from mirjax.sequences.records import SequenceRecord

matplotlib.use("Agg")

RATES = (1.0, 0.1, 0.01)  # chance sites of a miRNA in 10,000 nt
AROUND = 200  # nt of a 3'UTR on each side of a hidden target
PIECE = 50  # nt of shuffled transcript that has one best duplex of RNAhybrid


class Hidden:
    """Test positives in 3'UTRs, and the 3'UTRs whose shuffles are the background."""

    def __init__(self, flags: argparse.Namespace):
        pairs = registry.load_pairs(flags.pairs)
        rng = np.random.default_rng(0)
        positive = np.flatnonzero(np.asarray(pairs.labels) == 1)
        rows = np.sort(rng.permutation(positive)[: flags.sample])
        utrs = [
            SequenceRecord(*each)
            for each in scan_inputs.sample_fasta(flags.targets, 10**6)
            if len(each.sequence) > 2 * AROUND
        ]
        names = sorted({pairs.mirnas[row] for row in rows})
        self.mirnas = tuple(SequenceRecord(name, name) for name in names)
        self.owners = [names.index(pairs.mirnas[row]) for row in rows]
        self.targets = [pairs.targets[row] for row in rows]
        self.records = []
        for number, target in enumerate(self.targets):
            utr = utrs[rng.integers(len(utrs))].sequence
            place = int(rng.integers(AROUND, len(utr) - AROUND))
            before, after = utr[place - AROUND : place], utr[place : place + AROUND]
            self.records.append(SequenceRecord(str(number), before + target + after))
        self.letters = flags.background_nt
        self.sample = sample_of(utrs, self.letters)

    def shuffled(self) -> list[SequenceRecord]:
        """Return the shuffled transcripts."""
        slices = shuffled_slices(self.sample, self.letters, 0)
        return [record for part in slices for record in part.records]

    def is_inside(self, ends: np.ndarray, number: int) -> np.ndarray:
        """Determine which 3' ends lie in a hidden target."""
        return (ends > AROUND) & (ends <= AROUND + len(self.targets[number]))


def by_model(hidden: Hidden, model: str) -> np.ndarray:
    """Return the p-value of each hidden target by a classifier, or by alignment."""
    engine = None
    if model != "alignment":
        trained = load_classifier(model)
        temperature = find_temperature(trained.metadata, model) or 1.0
        engine = make_engine(trained, hidden.mirnas, temperature)
    background = Background(hidden.sample, hidden.letters)
    scan = make_scanner(hidden.mirnas, engine, background, SiteOptions())
    scorer, nulls = scan.scorer, scan.nulls
    pvalues = np.ones(len(hidden.owners))
    for number, owner in enumerate(hidden.owners):
        part = Slice(0, (hidden.records[number],))
        for sites in scorer.score(part, [owner]):
            inside = hidden.is_inside(sites.found.ends, number)
            found = nulls[owner].pvalues(scorer.scale(sites.scores))[inside]
            pvalues[number] = min([pvalues[number], *found])
    return pvalues


def by_seed_type(hidden: Hidden) -> np.ndarray:
    """Return the p-value of each hidden target by its best canonical site."""
    tokens = [tokens_of(mirna) for mirna in hidden.mirnas]
    counts = np.zeros((len(tokens), 4))
    chance = find_sites([tokens_of(each) for each in hidden.shuffled()], tokens)
    np.add.at(counts, (chance.mirnas, chance.types), 1)
    at_least = np.maximum(counts.cumsum(axis=1), 1) / hidden.letters
    pvalues = np.ones(len(hidden.owners))
    for number, owner in enumerate(hidden.owners):
        record = tokens_of(hidden.records[number])
        sites = find_sites([record], [tokens[owner]])
        for kind in sites.types[hidden.is_inside(sites.ends, number)]:
            pvalues[number] = min(pvalues[number], at_least[owner, kind])
    return pvalues


def energies(mirna: SequenceRecord, targets: Sequence[str]) -> np.ndarray:
    """Return RNAhybrid's energy of the best duplex in each target, kcal/mol; or 0."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        paths = folder / "mirna.fa", folder / "targets.fa"
        scan_inputs.write_records(paths[0], [(mirna.name, mirna.sequence)])
        scan_inputs.write_records(
            paths[1], [(str(number), each) for number, each in enumerate(targets)]
        )
        command = ["RNAhybrid", "-c", "-s", "3utr_human", "-n", "40"]
        command += ["-t", str(paths[1]), "-q", str(paths[0])]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=600
        )
    found = np.zeros(len(targets))
    for line in done.stdout.splitlines():
        fields = line.split(":")
        found[int(fields[0])] = min(found[int(fields[0])], float(fields[4]))
    return found


def by_energy(hidden: Hidden) -> np.ndarray:
    """Return the p-value of each hidden target by RNAhybrid's minimal energy."""
    letters = "".join(record.sequence for record in hidden.shuffled())
    starts = range(0, len(letters), PIECE)
    pieces = [letters[start : start + PIECE] for start in starts]
    pvalues = np.ones(len(hidden.owners))
    for owner, mirna in enumerate(hidden.mirnas):
        rows = [n for n, each in enumerate(hidden.owners) if each == owner]
        chance = np.sort(energies(mirna, pieces))
        own = energies(mirna, [hidden.targets[row] for row in rows])
        counts = np.searchsorted(chance, own, "right")
        pvalues[rows] = np.maximum(counts, 1) / hidden.letters
    return pvalues


def draw(path: pathlib.Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the picture: recall against the rate of chance sites."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for row in rows:
        recalls = [row[f"recall_{rate:g}"] for rate in RATES]
        known = [n for n, recall in enumerate(recalls) if recall is not None]
        places, found = [RATES[n] for n in known], [100 * recalls[n] for n in known]
        axes.plot(places, found, "o-", label=row["method"])
    axes.set(xscale="log", xlabel="chance sites of a miRNA in 10,000 nt")
    axes.set(ylabel="hidden sites found, %", ylim=(0, None))
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--targets", nargs="+", required=True, help="FASTA of 3'UTRs")
    parser.add_argument("--pairs", default="hejret2023/test")
    parser.add_argument("--models", nargs="+", default=["duplex=pretrained/duplex"])
    parser.add_argument("--sample", type=int, default=200, help="positives")
    parser.add_argument("--background_nt", type=int, default=100_000)
    parser.add_argument("--no_rnahybrid", action="store_true")
    parser.add_argument("--picture", type=pathlib.Path)
    measured_rows.add_out(parser)
    flags = parser.parse_args()
    hidden = Hidden(flags)
    methods = dict(each.split("=", 1) for each in flags.models)
    found = {name: by_model(hidden, model) for name, model in methods.items()}
    found["complementarity"] = by_model(hidden, "alignment")
    counted = {"seed types": by_seed_type(hidden)}
    if not flags.no_rnahybrid:
        counted["RNAhybrid, energy"] = by_energy(hidden)
    rows = []
    for method, pvalues in (found | counted).items():
        row = {"method": method, "positives": len(hidden.owners)}
        row["background_nt"] = hidden.letters
        for rate in RATES:
            cut = rate / 10_000
            is_known = method in found or cut * hidden.letters >= 1
            share = round(float(np.mean(pvalues <= cut)), 3) if is_known else None
            row[f"recall_{rate:g}"] = share
        rows.append(row)
        print(*(f"{name}={value}" for name, value in row.items()))
    measured_rows.write_rows(flags.out, rows)
    if flags.picture:
        draw(flags.picture, rows)


if __name__ == "__main__":
    main()
