"""Convert the published miRBind2 classifier from its PyTorch file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mirjax.models.mirbind2 import NUM_PAIRS

_EPSILON = 1e-5  # PyTorch's default for batch normalisation


def from_checkpoint(
    checkpoint: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Convert a released checkpoint to `MirBind2`.

    Args:
      checkpoint: from `torch_file.read_torch_file`.

    Returns:
      The arguments of `make_model`, and the parameters. Batch normalisation becomes a
      scale and an offset.

    Raises:
      ValueError: if it is not a checkpoint of miRBind2.
    """
    tensors = checkpoint.get("model_state_dict")
    sizes = checkpoint.get("model_params")
    if not isinstance(tensors, dict) or not isinstance(sizes, dict):
        raise ValueError(
            "not a miRBind2 checkpoint, which has model_state_dict and model_params; "
            f"it has {', '.join(map(str, checkpoint))}"
        )
    try:
        arguments = {
            "name": "mirbind2",
            "max_mirna_length": sizes["mirna_length"],
            "max_target_length": sizes["target_length"],
            "pair_features": sizes["embedding_dim"],
            "conv_features": list(sizes["filter_sizes"]),
            "conv_widths": list(sizes["kernel_sizes"]),
            "dense_features": tensors["fc1.bias"].shape[0],
        }
        params = _params(tensors, len(sizes["filter_sizes"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a miRBind2 checkpoint: {error!r}") from error
    if tensors["pair_linear.weight"].shape[1] != NUM_PAIRS:
        raise ValueError("not a miRBind2 checkpoint: it has another alphabet")
    return arguments, params


def _params(tensors: Mapping[str, np.ndarray], blocks: int) -> dict[str, Any]:
    """Return the parameters of `MirBind2`."""
    params: dict[str, Any] = {
        "pair_dense": _dense(tensors, "pair_linear"),
        "hidden_dense": _dense(tensors, "fc1"),
        "hidden_affine": _affine(tensors, "bn_fc"),
        "output_dense": _dense(tensors, "fc2"),
    }
    for number in range(blocks):
        kernel = tensors[f"conv_layers.{number}.weight"]
        params[f"conv_{number}"] = {
            "kernel": np.transpose(kernel, (2, 3, 1, 0)),  # (out, in, y, x) → HWIO
            "bias": tensors[f"conv_layers.{number}.bias"],
        }
        params[f"affine_{number}"] = _affine(tensors, f"bn_layers.{number}")
    return params


def _dense(tensors: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {"kernel": tensors[f"{name}.weight"].T, "bias": tensors[f"{name}.bias"]}


def _affine(tensors: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Fold running statistics of a batch normalisation into a scale and an offset."""
    weight, bias, mean, variance = (
        tensors[f"{name}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + _EPSILON)
    offset = bias - mean * scale
    return {"scale": scale.astype(np.float32), "offset": offset.astype(np.float32)}
