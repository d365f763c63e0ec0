"""The stage that trains a model."""

import dataclasses
import functools
import json
import pathlib
import shlex
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from mirjax import config_files
from mirjax.studies.settings import Overrides
from mirjax.studies.stages import Cache, Outcome, Stage
from mirjax.training import run
from mirjax.training.metric_writer import read_metrics

# Seconds per row and epoch on two idle cores, by model; seconds to start a training.
_ROW_SECONDS = {"seq2seq": 0.004, "transformer": 0.004, "mitar": 0.001}
_START_SECONDS = 15.0


@functools.cache
def load_config(config_name: str) -> ConfigDict:
    """Load a config, locked; it is copied before it is changed."""
    return config_files.load_config(config_name)


@dataclasses.dataclass(frozen=True)
class Training(Stage):
    """Train a model; a killed run resumes from its last checkpoint.

    Attributes:
      name: of the recipe.
      config_name: as `--config` takes it.
      overrides: of the config.
      rows: training rows, roughly.
    """

    name: str
    config_name: str
    overrides: Overrides
    rows: int

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is trained."""
        return f"train {self.name} seed {self.overrides['seed']}"

    @property
    def expected(self) -> float:  # type: ignore[override]
        """Seconds."""
        config = self.config()
        each = _ROW_SECONDS.get(config.model.name, max(_ROW_SECONDS.values()))
        rows = self.rows * (1 + config.train.duplex_augmentation)
        return _START_SECONDS + each * rows * config.train.num_epochs

    def config(self) -> ConfigDict:
        """Return the whole training config."""
        config = load_config(self.config_name).copy_and_resolve_references()
        config.update_from_flattened_dict(dict(self.overrides))
        return config.lock()

    def inputs(self) -> Mapping[str, Any]:
        """Return the config; equal configs of different names share one training."""
        return {"config": json.loads(self.config().to_json())}

    def run(self, folder: pathlib.Path, cache: Cache) -> Outcome:
        """Train, and return the metrics of each evaluation."""
        run.train(self.config(), folder)
        rows = [row for row in read_metrics(folder) if "val/loss" in row]
        return {"history": rows}

    def commands(self, cache: Cache) -> list[str]:
        """Return the command of mirjax.train."""
        changed = [f"--config.{key}={value}" for key, value in self.overrides.items()]
        return [
            shlex.join(
                [
                    *("python", "-m", "mirjax.train", f"--config={self.config_name}"),
                    *changed,
                    f"--workdir={cache.folder(self)}",
                ]
            )
        ]
