"""Collect the output of evaluations or benchmarks in one result file.

    python scripts/collect_results.py NAME FILE... [--title=TEXT] [--seeds 0 1 2]

A FILE is a metrics.json of mirjax.evaluate, or the --out file of a benchmark: a JSON
object whose "rows" are the metrics. Several metrics.json are runs of one experiment:
each metric is their mean, and METRIC_by_seed lists the runs. Rows of several benchmarks
are joined. The script writes results/NAME.json, with the commit, the machine and the
time. The title, config, notes and, with a warning, the values of an earlier file of
that name are kept. Run scripts/render_docs.py afterwards.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench import timing

ROOT = pathlib.Path(__file__).resolve().parents[1]
KEPT = {"title": "", "config": None, "duration": None, "notes": [], "values": {}}
# Keys of metrics.json that are settings, not metrics.
_SETTINGS = (
    "step",
    "rows_in_split",
    "rows_labelled_0_left_out",
    "l2",
    "beam_width",
    "threshold",
    "sample_seed",
)
_DIGITS = 6  # significant, of a number of metrics.json
_SOFTWARE = ("jax", "flax")

Row = dict[str, Any]


def evaluation_rows(content: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for the model, each other decoder and each baseline.

    Args:
      content: of metrics.json.

    Yields:
      `predictor`, `rows` ("all" or "new targets") and the metrics that are numbers.
    """
    predictors = {"model": content}
    predictors |= content.get("decoders") or {}
    predictors |= content["baselines"]
    of_new = content.get("new_targets_baselines") or {}
    for name, metrics in predictors.items():
        label = name.replace("_", " ")
        yield {"predictor": label, "rows": "all"} | _numbers(metrics)
        if new := metrics.get("new_targets") or of_new.get(name):
            yield {"predictor": label, "rows": "new targets"} | _numbers(new)


def _numbers(metrics: Mapping[str, Any]) -> Row:
    found = {
        key: _rounded(value)
        for key, value in metrics.items()
        if isinstance(value, int | float) and key not in _SETTINGS
    }
    intervals = metrics.get("intervals") or {}
    return found | {
        f"{key}_interval": [_rounded(end) for end in ends]
        for key, ends in intervals.items()
    }


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.{_DIGITS}g}")


def join_runs(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """Average the rows of several runs.

    Args:
      runs: the rows of each run, in the same order of predictors.

    Returns:
      The rows of the first run, each metric the mean over the runs;
      METRIC_by_seed lists the runs where they differ.

    Raises:
      ValueError: if the runs do not measure the same predictors.
    """
    joined = []
    try:
        aligned = list(zip(*runs, strict=True))
    except ValueError:
        raise ValueError("the runs do not measure the same predictors") from None
    for rows in aligned:
        if len({(row["predictor"], row["rows"]) for row in rows}) > 1:
            raise ValueError("the runs do not measure the same predictors")
        mean: Row = {}
        for key, value in rows[0].items():
            values = [row.get(key) for row in rows]
            mean[key] = value
            if any(other != value for other in values):
                if key.endswith("_interval") or None in values:
                    del mean[key]  # of one run only
                    continue
                mean[key] = _rounded(statistics.fmean(values))
                mean[f"{key}_by_seed"] = values
        joined.append(mean)
    return joined


def collect(files: Sequence[pathlib.Path]) -> dict[str, Any]:
    """Read the outputs of one experiment.

    Args:
      files: metrics.json files, or benchmark outputs.

    Returns:
      The fields of a result file that the outputs determine.

    Raises:
      ValueError: for a file that is neither, or outputs of both kinds.
    """
    contents = []
    for path in files:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
        if not isinstance(content, dict) or not {"baselines", "rows"} & set(content):
            raise ValueError(
                f"{path}: neither metrics.json of mirjax.evaluate nor a benchmark's "
                "output; it has neither baselines nor rows"
            )
        contents.append(content)
    evaluations = ["baselines" in content for content in contents]
    if any(evaluations) and not all(evaluations):
        raise ValueError("one result cannot hold both evaluations and benchmarks")
    if all(evaluations):
        metrics = join_runs([list(evaluation_rows(content)) for content in contents])
    else:
        metrics = [row for content in contents for row in content["rows"]]
    machines = [content["machine"] for content in contents if "machine" in content]
    newest = max(path.stat().st_mtime for path in files)
    return {
        "command": list(dict.fromkeys(_commands(contents))),
        "command_then": [],
        "metrics": metrics,
        "commit": _commit(),
        "time": datetime.datetime.fromtimestamp(newest, datetime.UTC).isoformat(
            timespec="seconds"
        ),
        "machine": machines[0] if machines else timing.machine(),
        "software": _software(contents),
    }


def _commands(contents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for content in contents:
        command = content.get("command") or []
        yield from [command] if isinstance(command, str) else command


def _commit() -> str | None:
    """Return the commit of the working tree, with -dirty if it has changes."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return None
    return found.stdout.strip() or None


def _software(contents: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for name in _SOFTWARE:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    for content in contents:
        if "version" in content:
            versions["mirjax"] = str(content["version"])
    return versions


def update(path: pathlib.Path, found: Mapping[str, Any], **given: Any) -> None:
    """Write a result file.

    Args:
      path: an earlier file's title, config, notes and values are kept.
      found: as `collect` returns it.
      **given: fields that replace those of an earlier file; None keeps them.

    Raises:
      ValueError: if there is no title, given or kept.
    """
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    content = {key: earlier.get(key, default) for key, default in KEPT.items()}
    content["seeds"] = earlier.get("seeds", [])
    content |= {key: value for key, value in given.items() if value is not None}
    if not content["title"]:
        raise ValueError(f"{path} is new: give it a --title")
    if content["values"]:
        names = ", ".join(content["values"])
        print(f"{path}: kept from the earlier measurement: {names}", file=sys.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    text = json.dumps(content | dict(found), indent=1, ensure_ascii=False)
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)


def main() -> None:
    """Write one result file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="of results/NAME.json")
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--title", help="what was measured, in one line")
    parser.add_argument("--config", help="such as seq2seq:tuned")
    parser.add_argument(
        "--seeds", type=int, nargs="+", help="seeds of the runs, in order"
    )
    parser.add_argument("--duration", help="duration of the training, and its machine")
    parser.add_argument("--notes", nargs="+", help="remarks, one per paragraph")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "results")
    options = parser.parse_args()
    try:
        update(
            options.results / f"{options.name}.json",
            collect(options.files),
            title=options.title,
            config=options.config,
            seeds=options.seeds,
            duration=options.duration,
            notes=options.notes,
        )
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
