"""Put a trained model into the package, with its card.

    python scripts/ship_model.py WORKDIR NAME METRICS... --command=TEXT --limits=FILE

Writes mirjax/pretrained/NAME: model.npz (the parameters, as float16 unless --float32 is
given), card.json and card.md. METRICS are files of mirjax.evaluate: a row of the card's
tables for the model and each baseline. The temperature that calibrates the model was
fitted on its validation rows when it was exported; a model without one is refused.
--limits names a text file with a line for each limit of the model. Rows of other
predictors come from --peers, a JSON file: data → list of {"predictor", "source",
metric → value}.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from collect_results import evaluation_rows

import mirjax
from mirjax.files import atomic_write, file_sha256
from mirjax.inference import classify
from mirjax.models import pretrained
from mirjax.models.interfaces import Generator
from mirjax.models.loading import load_model
from mirjax.models.trained import FILE_NAME, TrainedModel, save_model
from mirjax.sequences.records import Pairs

LARGEST_CHANGE = 0.02  # of a logit, that rounding to float16 may make
MOST_BYTES = 8_000_000  # of all models in the package
_METRICS = ("average_precision", "auroc", "brier", "ece")
_METRICS += ("exact_match", "seed_match", "top_1", "top_10")  # of a generator
_CARD = "card.json"


def rounded(trained: TrainedModel[Any], dtype: type) -> dict[str, Any]:
    """Return a model's parameters in a type of fewer bits.

    Raises:
      ValueError: if a number is too large for it.
    """

    def convert(leaf: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            found: np.ndarray = np.asarray(leaf).astype(dtype)
        if not np.isfinite(found).all():
            raise ValueError("a parameter is too large for float16; give --float32")
        return found

    params: dict[str, Any] = jax.tree.map(convert, dict(trained.params))
    return params


def largest_change(trained: TrainedModel[Any], params: Mapping[str, Any]) -> float:
    """Return the largest change of the logits of random pairs by rounded parameters."""
    rng = np.random.default_rng(0)
    lengths = trained.model.max_mirna_length, trained.model.max_target_length
    mirnas, targets = (
        ["".join(rng.choice(list("AUCG"), min(length, longest))) for _ in range(256)]
        for length, longest in zip((22, 50), lengths, strict=True)
    )
    exact = jax.tree.map(lambda leaf: leaf.astype(np.float32), params)
    before, after = (
        classify.predict_logits(trained.model, each, Pairs(mirnas, targets))
        for each in (trained.params, exact)
    )
    return float(np.max(np.abs(before - after)))


def without_folders(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section of a config with files named without their folders."""

    def shorten(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        names = [
            os.path.basename(x) if os.path.isabs(x) else x for x in value.split("+")
        ]
        return "+".join(names)

    return {key: shorten(value) for key, value in section.items()}


def shipped_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's metadata without the folders of the training machine."""
    sections = {
        name: without_folders(metadata[name])
        for name in ("data", "pool")
        if metadata.get(name)
    }
    return {**metadata, **sections}


def make_card(
    trained: TrainedModel[Any], name: str, metrics: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the content of a model's card: its training and its metrics."""
    leaves = jax.tree.leaves(trained.params)
    metadata = shipped_metadata(trained.metadata)
    return {
        "name": f"{pretrained.PREFIX}{name}",
        "model": dict(metadata["model"]),
        "parameters": int(sum(leaf.size for leaf in leaves)),
        "data": metadata.get("data") or {},
        "pool": metadata.get("pool"),
        "guard": metadata.get("guard"),
        "step": metadata.get("step"),
        "temperature": metadata.get("temperature"),
        "version": mirjax.__version__,
        "metrics": [
            {
                "data": content["data"],
                "split": content["split"],
                "split_protocol": content.get("split_protocol"),
                "rows": int(content["n"]),
                "command": content["command"],
                "predictors": list(evaluation_rows(content)),
            }
            for content in metrics
        ],
    }


def card_text(card: Mapping[str, Any]) -> str:
    """Return a card as Markdown."""
    lines = [f"# {card['name']}", "", f"{card['parameters']:,} parameters", ""]
    lines += ["## Training", "", f"Command: `{card['command']}`", ""]
    lines += [f"Commit: {card['commit']}; mirjax {card['version']}", ""]
    sections = {name: card[name] or {} for name in ("data", "pool")}
    for section, values in sections.items():
        lines += [f"* `{section}.{key}`: {value}" for key, value in values.items()]
    if guard := card.get("guard"):
        lines += ["", "## Leakage guard", "", "| rows | checked | removed |"]
        lines += ["|---|--:|--:|"]
        lines += [
            f"| {name} | {count['rows']:,} | {count['leaking']:,} |"
            for name, count in guard.items()
        ]
    for measured in card["metrics"]:
        lines += ["", *_metrics_table(measured)]
    lines += ["", "## Limits", "", *(f"* {line}" for line in card["limits"]), ""]
    return "\n".join(lines)


def _metrics_table(measured: Mapping[str, Any]) -> list[str]:
    """Return the lines of one table: the model beside baselines and peers."""
    rows = measured["predictors"]
    names = [name for name in _METRICS if any(name in row for row in rows)]
    title = f"## {measured['data']}, {measured['split']}: {measured['rows']:,} rows"
    header = [title, "", f"`{measured['command']}`", ""]
    header += ["| predictor | " + " | ".join(names) + " | source |"]
    header += ["|---|" + "--:|" * len(names) + "---|"]
    for row in rows:
        cells = [f"{row[name]:.3f}" if name in row else "" for name in names]
        source = row.get("source", "measured here")
        of_rows = row.get("rows", "all")  # or those of new targets
        name = row["predictor"] + ("" if of_rows == "all" else f", {of_rows}")
        header.append(f"| {name} | {' | '.join(cells)} | {source} |")
    return header


def ship(arguments: argparse.Namespace) -> pathlib.Path:
    """Write a model's folder; return it.

    Raises:
      ValueError: if the model lacks a temperature, rounding changes it, or the models
        of the package would be too large together.
    """
    trained = load_model(arguments.workdir)
    generates = isinstance(trained.model, Generator)
    if not generates and "temperature" not in trained.metadata:
        raise ValueError(f"{arguments.workdir}: no temperature was fitted; train again")
    params = rounded(trained, np.float32 if arguments.float32 else np.float16)
    if not generates and (change := largest_change(trained, params)) > LARGEST_CHANGE:
        raise ValueError(
            f"rounding changes a logit by {change:.3g}, more than {LARGEST_CHANGE}; "
            "give --float32"
        )
    contents = [json.loads(path.read_text()) for path in arguments.metrics]
    card = make_card(trained, arguments.name, contents)
    peers = json.loads(arguments.peers.read_text()) if arguments.peers else {}
    for measured in card["metrics"]:
        measured["predictors"] += peers.get(measured["data"], [])
    limits = arguments.limits.read_text().splitlines()
    card["limits"] = [line.strip() for line in limits if line.strip()]
    card["command"], card["commit"] = arguments.command, arguments.commit or _commit()
    folder = arguments.folder / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    save_model(folder / FILE_NAME, params, shipped_metadata(trained.metadata))
    card["sha256"] = file_sha256(folder / FILE_NAME)
    for name, text in (
        (_CARD, json.dumps(card, indent=1) + "\n"),
        (pretrained.CARD, card_text(card)),
    ):
        with atomic_write(folder / name) as unfinished:
            unfinished.write_text(text)
    size = sum(path.stat().st_size for path in arguments.folder.glob("*/*"))
    if size > MOST_BYTES:
        raise ValueError(
            f"{arguments.folder}: the models take {size:,} bytes, more than "
            f"{MOST_BYTES:,}; ship fewer or smaller ones"
        )
    return folder


def _commit() -> str:
    """Return the commit of the working tree."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=pathlib.Path(__file__).parent,
        capture_output=True,
        check=True,
        text=True,
        timeout=20,
    )
    return done.stdout.strip()


def parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workdir", help="of the trained model, or its file")
    parser.add_argument("name", help="of the shipped model")
    parser.add_argument("metrics", nargs="*", type=pathlib.Path, help="metrics.json")
    parser.add_argument("--command", required=True, help="that trained the model")
    parser.add_argument("--limits", required=True, type=pathlib.Path)
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--commit", default="", help="default: the working tree's")
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=pretrained.FOLDER)
    return parser.parse_args(words)


if __name__ == "__main__":
    try:
        print(ship(parse(sys.argv[1:])))
    except ValueError as error:
        sys.exit(f"ship_model.py: {error}")
