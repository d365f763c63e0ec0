"""A run's folder and the checks of its config."""

import json
import os

import pytest
from small_runs import small_config

from mirjax.training import workdir
from mirjax.training.metric_writer import MetricWriter, read_metrics


def test_the_config_is_written_and_accepted_again(tmp_path):
    config = small_config()
    workdir.check_workdir(tmp_path / "run", config)
    written = json.loads((tmp_path / "run/config.json").read_text())
    assert written == config.to_dict()
    workdir.check_workdir(tmp_path / "run", config)


def test_another_config_is_refused_by_its_first_key(tmp_path):
    workdir.check_workdir(tmp_path, small_config())
    config = small_config(batch_size=32)
    with pytest.raises(ValueError, match=r"train\.batch_size=16, not 32"):
        workdir.check_workdir(tmp_path, config)
    assert (
        json.loads((tmp_path / "config.json").read_text())["train"]["batch_size"] == 16
    )


def test_a_run_may_be_made_longer(tmp_path):
    workdir.check_workdir(tmp_path, small_config())
    workdir.check_workdir(tmp_path, small_config(num_steps=99))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file/run cannot be used"):
        workdir.check_workdir(tmp_path / "file/run", small_config())


@pytest.mark.parametrize(
    "key, value",
    [
        ("batch_size", 0),
        ("num_steps", -1),
        ("eval_every", 0),
        ("decode_rows", 0),
        ("duplex_augmentation", -1),
    ],
)
def test_impossible_figures_are_named(key, value):
    with pytest.raises(ValueError, match=key):
        workdir.check_config(small_config(**{key: value}))


def test_other_impossible_settings_are_named():
    with pytest.raises(ValueError, match="best_mode"):
        workdir.check_config(small_config(best_mode="best"))
    with pytest.raises(ValueError, match="export"):
        workdir.check_config(small_config(export="all"))
    config = small_config()
    config.steps_per_call = 0
    with pytest.raises(ValueError, match="steps_per_call"):
        workdir.check_config(config)


def test_resuming_drops_the_lines_after_the_checkpoint(tmp_path):
    with MetricWriter(tmp_path) as writer:
        for step in (1, 2, 3):
            writer.write(step, {"loss": step / 2})
    with MetricWriter(tmp_path, resume_step=2) as writer:
        writer.write(4, {"loss": 9.0})
    assert read_metrics(tmp_path) == [
        {"step": 1, "loss": 0.5},
        {"step": 2, "loss": 1.0},
        {"step": 4, "loss": 9.0},
    ]
    assert os.listdir(tmp_path / "tensorboard")


def test_a_last_line_cut_by_a_kill_is_left_out_and_another_is_an_error(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "lo')
    assert read_metrics(tmp_path) == [{"step": 1}]
    path.write_text('{"step": 1, "lo\n{"step": 2}\n')
    with pytest.raises(ValueError, match="line 1 is not JSON"):
        read_metrics(tmp_path)
