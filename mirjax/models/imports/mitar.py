"""Convert the published miTAR classifier from a Keras file.

References:
  Gu et al. 2021, BMC Bioinformatics, doi 10.1186/s12859-021-04026-6.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from mirjax.models.imports.keras_file import KerasLayer, check_options
from mirjax.models.mitar import NUM_CODES

# Kinds of the layers in order, without pooling; see `KerasLayer`.
KINDS = ["embedding", "conv", "bidirectional_lstm", "dense", "dense"]

_POOLING = "MaxPooling1D"
# Keras options of the published model that change a layer's output.
_OPTIONS: tuple[Mapping[str, Any], ...] = (
    {"mask_zero": False},
    {
        "activation": "relu",
        "use_bias": True,
        "padding": "valid",
        "strides": [1],
        "dilation_rate": [1],
        "groups": 1,
    },
    {"pool_size": [2], "strides": [2], "padding": "valid"},
    {
        "activation": "relu",
        "recurrent_activation": "hard_sigmoid",
        "use_bias": True,
        "go_backwards": False,
        "return_sequences": False,
        "merge_mode": "concat",
    },
    {"activation": "relu", "use_bias": True},
    {"activation": "sigmoid", "use_bias": True},
)


def from_layers(
    layers: Sequence[KerasLayer],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Convert Keras layers to `Mitar`, of any input length and sizes.

    Args:
      layers: of the kinds of KINDS, with pooling.

    Returns:
      The arguments of `make_model`, and the parameters.

    Raises:
      ValueError: if their connections or options differ, or the file lacks the length
        of the input.
    """
    if any(layer.reads is None for layer in layers):
        raise ValueError(
            "the weights of a miTAR classifier alone, without the length of its input; "
            "save it again by model.save('NAME.h5')"
        )
    if [layer.kind for layer in layers] != [*KINDS[:2], _POOLING, *KINDS[2:]]:
        raise ValueError("not miTAR, which pools once, after its convolution")
    for layer, options in zip(layers, _OPTIONS, strict=True):
        check_options(layer, options)
    for before, layer in itertools.pairwise(layers):
        if layer.reads != {before.name}:
            raise ValueError(
                f"not miTAR: layer {layer.name} reads "
                f"{' and '.join(sorted(layer.reads or ())) or 'the input'}, not "
                f"{before.name}"
            )
    embedding, conv, _, lstm, hidden, output = (layer.weights for layer in layers)
    width, _, filters = conv["kernel"].shape
    units = lstm["forward_recurrent_kernel"].shape[0]
    arguments = {
        "name": "mitar",
        "length": _input_length(layers[0]),
        "embedding_features": embedding["embeddings"].shape[1],
        "conv_features": filters,
        "conv_width": width,
        "lstm_features": units,
        "dense_features": hidden["kernel"].shape[1],
    }
    params = {
        "embedding": embedding["embeddings"],
        "conv": dict(conv),
        "hidden_dense": dict(hidden),
        "output_dense": dict(output),
    }
    for direction in ("forward", "backward"):
        params[f"{direction}_lstm"] = {
            name.removeprefix(f"{direction}_"): array
            for name, array in lstm.items()
            if name.startswith(direction)
        }
    return arguments, params


def _input_length(embedding: KerasLayer) -> int:
    """Return the length of the input from the embedding's config."""
    codes = embedding.weights["embeddings"].shape[0]
    if codes != NUM_CODES:
        raise ValueError(
            f"layer {embedding.name} embeds {codes} letters, miTAR's has {NUM_CODES}"
        )
    for key in ("batch_input_shape", "batch_shape"):
        shape = embedding.options.get(key)
        if isinstance(shape, list) and shape and isinstance(shape[-1], int):
            return shape[-1]
    length = embedding.options.get("input_length")
    if not isinstance(length, int):
        raise ValueError(
            f"layer {embedding.name} does not tell the length of the model's input; "
            "save it again with a fixed input length"
        )
    return length
