"""A run's folder and the checks of its config."""

import json
import os

import pytest
from small_runs import small_config

from mirjax.training import workdir
from mirjax.training.metric_writer import MetricWriter, read_metrics
from mirjax.training.options import (
    OptimizerOptions,
    TrainOptions,
    count_steps,
    read_section,
)
from mirjax.training.renamed_keys import RENAMED_KEYS
from mirjax.training.task import make_task


def test_the_config_is_written_and_accepted_again(tmp_path):
    config = small_config()
    workdir.check_workdir(tmp_path / "run", config)
    written = json.loads((tmp_path / "run/config.json").read_text())
    assert written == config.to_dict()
    workdir.check_workdir(tmp_path / "run", config)


def test_another_config_is_refused_by_its_first_key(tmp_path):
    workdir.check_workdir(tmp_path, small_config())
    (tmp_path / "checkpoints/6").mkdir(parents=True)
    config = small_config(batch_size=32)
    with pytest.raises(ValueError, match=r"train\.batch_size=16, not 32"):
        workdir.check_workdir(tmp_path, config)
    assert (
        json.loads((tmp_path / "config.json").read_text())["train"]["batch_size"] == 16
    )


def test_a_run_that_saved_nothing_does_not_refuse_the_corrected_config(tmp_path):
    workdir.check_workdir(tmp_path, small_config())
    workdir.check_workdir(tmp_path, small_config(batch_size=32))
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["train"]["batch_size"] == 32


@pytest.mark.parametrize(
    "change", [{"num_epochs": 99.0}, {"eval_every_epochs": 0.5}, {"log_every": 7}]
)
def test_what_changes_no_training_step_may_change(tmp_path, change):
    config = small_config()
    workdir.check_workdir(tmp_path, config)
    (tmp_path / "checkpoints/6").mkdir(parents=True)
    config = small_config(**change)
    config.steps_per_call = 7
    workdir.check_workdir(tmp_path, config)


@pytest.mark.parametrize(
    ("schedule", "epochs", "is_warned"),
    [("cosine", 99.0, True), ("cosine", 8.0, False), ("constant", 99.0, False)],
)
def test_another_length_of_a_cosine_schedule_is_warned_of(
    tmp_path, caplog, schedule, epochs, is_warned
):
    config = small_config()
    config.optimizer.schedule = schedule
    workdir.check_workdir(tmp_path, config)
    (tmp_path / "checkpoints/6").mkdir(parents=True)
    config.train.num_epochs = epochs
    workdir.check_workdir(tmp_path, config)
    warned = "num_epochs was 8 and is now 99. The cosine schedule" in caplog.text
    assert warned == is_warned


def test_a_run_of_a_version_without_a_key_goes_on(tmp_path):
    config = small_config()
    former = config.to_dict()
    del former["data"]["on_bad_record"]
    (tmp_path / "config.json").write_text(json.dumps(former))
    (tmp_path / "checkpoints/6").mkdir(parents=True)
    workdir.check_workdir(tmp_path, config)
    (tmp_path / "config.json").write_text(json.dumps(former))
    config.data.on_bad_record = "skip"
    with pytest.raises(ValueError, match="config.data.on_bad_record=refuse, not skip"):
        workdir.check_workdir(tmp_path, config)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file/run cannot be used"):
        workdir.check_workdir(tmp_path / "file/run", small_config())


@pytest.mark.parametrize(
    "key, value",
    [
        ("batch_size", 0),
        ("num_epochs", -1.0),
        ("eval_every_epochs", 0.0),
        ("patience_epochs", -1.0),
        ("decode_rows", 0),
        ("duplex_augmentation", -1),
    ],
)
def test_impossible_values_are_named(key, value):
    with pytest.raises(ValueError, match=f"config.train.{key}="):
        read_section(TrainOptions, "train", small_config(**{key: value}).train)


def test_other_impossible_settings_are_named():
    for key, value in (("best_mode", "best"), ("export", "all")):
        config = small_config(**{key: value})
        with pytest.raises(ValueError, match=key):
            read_section(TrainOptions, "train", config.train)
    config = small_config()
    config.steps_per_call = 0
    with pytest.raises(ValueError, match="steps_per_call"):
        make_task(config)


@pytest.mark.parametrize(
    "key", sorted(key for key in RENAMED_KEYS if not key.startswith("data."))
)
def test_a_renamed_key_is_refused_under_its_old_name(key):
    section, name = key.split(".")
    sections = {"train": TrainOptions, "optimizer": OptimizerOptions}
    with pytest.raises(ValueError) as caught:
        read_section(sections[section], section, {name: 1})
    assert f"config.{RENAMED_KEYS[key]}" in str(caught.value)


def test_all_impossible_values_are_named_at_once():
    config = small_config(eval_batch_size=0, best_metric="val/los", num_epochs=-1.0)
    config.optimizer.clip_norm = float("nan")
    config.model.recurrent_dropout = 1.0
    config.seed = 2**31
    with pytest.raises(ValueError) as caught:
        workdir.check_config(config)
    for part in (
        "config.train.eval_batch_size=0: at least 1",
        "config.train.best_metric='val/los': not measured; did you mean val/loss?",
        "config.train.num_epochs=-1.0: above 0",
        "config.optimizer.clip_norm=nan: a finite number",
        "config.model.recurrent_dropout=1.0: 0 to below 1",
        "config.seed=2147483648: 0 to 2147483647",
    ):
        assert part in str(caught.value)


def test_a_run_of_an_earlier_version_is_refused_in_one_line(tmp_path):
    config = small_config().to_dict()
    config["train"]["num_steps"] = config["train"].pop("num_epochs")
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="earlier version of mirjax.*another folder"):
        workdir.check_workdir(tmp_path, small_config())


@pytest.mark.parametrize(
    ("rows", "batch_size", "epochs", "expected"),
    [
        (15_200, 50, 100.0, (304, 30_400, 304)),  # the published seq2seq
        (17_740, 100, 1_000.0, (178, 178_000, 178)),  # the published miTAR
        (15_200, 64, 24.0, (238, 5_712, 238)),
        (100, 64, 0.01, (2, 1, 2)),
    ],
)
def test_epochs_become_steps(rows, batch_size, epochs, expected):
    train = TrainOptions(batch_size=batch_size, num_epochs=epochs)
    counts = count_steps(rows, train, 1.26, 40)
    assert (counts.per_epoch, counts.total, counts.per_evaluation) == expected
    assert counts.warmup == round(1.26 * counts.per_epoch)
    divides = counts.per_epoch % counts.per_call == 0
    assert 20 <= counts.per_call <= 40 and (divides or counts.per_call == 40)


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
