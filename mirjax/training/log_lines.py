"""The lines that training logs: at its start, and at each evaluation."""

from collections.abc import Mapping

import jax

from mirjax.training.programs import Program

_SHOWN = (  # metric, its name in the line; fractions
    ("val/exact_match", "exact"),
    ("val/accuracy", "accuracy"),
)


def start_line(program: Program) -> str:
    """Return the line that names the model, the data and the devices."""
    parameters = sum(leaf.size for leaf in jax.tree.leaves(program.eval_params(0)))
    return (
        f"{program.tasks[0].metadata['model']['name']}: {parameters:,} parameters, "
        f"{len(program.data.rows.weights)} rows, "
        f"{program.tasks[0].steps.per_epoch} steps per epoch, "
        f"{program.mesh.size} device(s), {jax.devices()[0].device_kind}"
    )


def evaluation_line(
    metrics: Mapping[str, float],
    num_epochs: float,
    best_metric: str,
    seconds_left: float,
) -> str:
    """Return the line of one evaluation; metrics.jsonl holds all metrics.

    Args:
      metrics: of the evaluation.
      num_epochs: of the whole run.
      best_metric: it is added if the line does not show it already.
      seconds_left: until the end of the run; 0 at the end.

    >>> metrics = {"epoch": 4.0, "train/loss": 0.5, "val/loss": 0.42,
    ...            "val/exact_match": 0.31, "train/samples_per_second": 1870.2}
    >>> evaluation_line(metrics, 12.0, "val/loss", 190.0)
    'epoch 4/12  loss 0.50  held out 0.42, exact 31.0%  1,870 rows/s  3:10 left'
    """
    held_out = [f"held out {metrics['val/loss']:.2f}"]
    held_out += [f"{name} {metrics[key]:.1%}" for key, name in _SHOWN if key in metrics]
    if best_metric not in ("val/loss", "train/loss", *dict(_SHOWN)):
        held_out.append(f"{best_metric} {metrics[best_metric]:.4g}")
    words = [
        f"epoch {metrics['epoch']:.4g}/{num_epochs:.4g}",
        f"loss {metrics['train/loss']:.2f}",
        ", ".join(held_out),
        f"{metrics['train/samples_per_second']:,.0f} rows/s",
    ]
    if seconds_left:
        words.append(f"{clock(seconds_left)} left")
    return "  ".join(words)


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds, with hours if there are any.

    >>> clock(190.2), clock(3_600.0)
    ('3:10', '1:00:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
