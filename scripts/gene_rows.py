"""Turn metrics.json of evaluations on genes into rows for scripts/collect_results.py.

    python scripts/gene_rows.py METRICS... --out=rows.json
    python scripts/collect_results.py genes rows.json --title=TEXT

A row of the kind "mean" is a predictor on one dataset, with the intervals over miRNAs
and over genes; "mirna" is the model and the counted sites on one miRNA; "confounder" is
the effect of a gene's property on the model. Of an evaluation of the model that was
trained on both datasets, only the rows "mean" of the model are taken.
"""

import argparse
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from mirjax.scanning.repression.head_file import PRETRAINED

COUNTS = "site counts"
AGAINST = ", against the others"
MODEL = "model"
BOTH = "model, trained on both"


def gene_rows(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of one metrics.json."""
    common = {"data": content["data"], "genes": content["genes"]}
    predictors = content["predictors"]
    if content["model"] == PRETRAINED:  # the baselines and miRNAs are in the other one
        predictors = {
            name.replace(MODEL, BOTH, 1): found
            for name, found in predictors.items()
            if name.startswith(MODEL)
        }
    for name, found in predictors.items():
        row = {**common, "kind": "mean", "predictor": name}
        for metric, mean in found["mean"].items():
            row[metric] = round(mean, 4)
            for kind, suffix in (("mirnas", "interval"), ("genes", "genes_interval")):
                edges = found[f"interval_over_{kind}"][metric]
                row[f"{metric}_{suffix}"] = [round(edge, 4) for edge in edges]
        yield row
    compared = [MODEL, MODEL + AGAINST, COUNTS, COUNTS + AGAINST]
    if MODEL in predictors:
        for mirna, classes in content["distributions"].items():
            row = {**common, "kind": "mirna", "mirna": mirna}
            for name in compared:
                row[f"r2 {name}"] = round(predictors[name]["mirnas"][mirna]["r2"], 4)
            row["genes with an 8mer"] = classes.get("8mer", {}).get("genes", 0)
            for name in ("8mer", "top 50"):
                if name in classes:
                    row[f"median {name}"] = round(classes[name]["median"], 3)
                    row[f"ks {name}"] = round(classes[name]["ks"], 3)
            yield row
        yield from _confounder_rows(content, common)


def _confounder_rows(
    content: Mapping[str, Any], common: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for name, found in content["confounders"].items():
        row = {**common, "kind": "confounder", "confounder": name}
        if "alone" in found:
            row["r2 alone"] = round(found["alone"]["r2"], 4)
            row["r2 with the model"] = round(found["with the model"]["r2"], 4)
            thirds = [third["r2"] for third in found["model in thirds"]]
            row["r2 in thirds"] = [round(r2, 4) for r2 in thirds]
        else:
            row |= {key: round(value, 4) for key, value in found.items()}
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("metrics", nargs="+", type=pathlib.Path, metavar="METRICS")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    contents = [json.loads(path.read_text()) for path in options.metrics]
    rows = [row for content in contents for row in gene_rows(content)]
    commands = [content["command"] for content in contents]
    found = {"command": commands, "rows": rows}
    options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
