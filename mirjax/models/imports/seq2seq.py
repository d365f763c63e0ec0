"""Convert the published CNN-LSTM seq2seq from a Keras file.

References:
  Chakraborty & Hasija 2019, IEEE/ACM TCBB, document 8807144.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mirjax.models.imports.keras_file import KerasLayer, check_options
from mirjax.sequences import alphabet

# Letter order of the published one-hot arrays. Those of miRNAs end with two further
# symbols, BOS and EOS, as in mirjax.
_PUBLISHED_LETTERS = "ACGU"
_NUM_MARKS = 2

# Each layer of the model: its kind, and the layers with weights that it reads.
_ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "encoder_conv": ("conv", frozenset()),
    "encoder_dense": ("dense", frozenset({"encoder_conv"})),
    "encoder_lstm": ("lstm", frozenset({"encoder_dense"})),
    "decoder_dense": ("dense", frozenset()),
    "decoder_lstm": ("lstm", frozenset({"decoder_dense", "encoder_lstm"})),
    "output_dense": ("dense", frozenset({"decoder_lstm"})),
}
_RELU = {"activation": "relu", "use_bias": True}
_LSTM = {
    "activation": "tanh",
    "recurrent_activation": "hard_sigmoid",
    "go_backwards": False,
}
# Keras options of the published model that change a layer's output.
_OPTIONS: dict[str, dict[str, Any]] = {
    "encoder_conv": _RELU
    | {"padding": "valid", "strides": [1], "dilation_rate": [1], "groups": 1},
    "encoder_dense": _RELU,
    "encoder_lstm": _LSTM,
    "decoder_dense": _RELU,
    "decoder_lstm": _LSTM,
    "output_dense": {"activation": "softmax"},
}

KINDS = sorted(kind for kind, _ in _ROLES.values())

_Roles = Mapping[str, KerasLayer]


def from_layers(
    layers: Sequence[KerasLayer],
) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Convert Keras layers to `Seq2Seq`.

    If the file has the model's config, layers are distinguished by their connections,
    otherwise by their shapes and order; gates and activations cannot be checked then,
    and are assumed to be the published ones. The published letter order (A, C, G, U)
    becomes that of `alphabet`.

    Args:
      layers: as many of each kind as KINDS has.

    Returns:
      The arguments of `make_model`, and the parameters.

    Raises:
      ValueError: if their connections or options differ.
    """
    roles = _assign_roles(layers)
    conv_width, _, conv_features = roles["encoder_conv"].weights["kernel"].shape
    arguments = {
        "name": "seq2seq",
        "conv_features": conv_features,
        "conv_width": conv_width,
        "dense_features": roles["encoder_dense"].weights["kernel"].shape[1],
        "lstm_features": roles["encoder_lstm"].weights["recurrent_kernel"].shape[0],
    }
    return arguments, _in_alphabet_order(roles)


def _assign_roles(layers: Sequence[KerasLayer]) -> _Roles:
    """Determine the role of each layer, and check its options and shapes."""
    if any(layer.reads is None for layer in layers):
        return _roles_by_order(layers)
    roles = _roles_by_connection(layers)
    for role, options in _OPTIONS.items():
        check_options(roles[role], options)
    if problem := _shape_problem(roles):
        raise ValueError(problem)
    return roles


def _roles_by_connection(layers: Sequence[KerasLayer]) -> _Roles:
    """Assign roles by which layers each layer reads."""
    roles: dict[str, KerasLayer] = {}
    for role, (kind, read_roles) in _ROLES.items():
        reads = {roles[name].name for name in read_roles}
        fits = [
            layer for layer in layers if layer.kind == kind and layer.reads == reads
        ]
        if len(fits) != 1:
            raise ValueError(
                f"not a CNN-LSTM seq2seq: {len(fits)} {kind} layers read "
                f"{' and '.join(sorted(reads)) or 'the inputs alone'}, where it has one"
            )
        roles[role] = fits[0]
    return roles


def _roles_by_order(layers: Sequence[KerasLayer]) -> _Roles:
    """Assign roles by shape and, among layers of one shape, by order.

    Keras orders layers by their distance from the output, so an encoder comes first.
    """
    (conv,) = (layer for layer in layers if layer.kind == "conv")
    lstms = [layer for layer in layers if layer.kind == "lstm"]
    problems = []
    # The first permutation is the file's own order.
    for denses in itertools.permutations(x for x in layers if x.kind == "dense"):
        roles = {
            "encoder_conv": conv,
            "encoder_dense": denses[0],
            "encoder_lstm": lstms[0],
            "decoder_dense": denses[1],
            "decoder_lstm": lstms[1],
            "output_dense": denses[2],
        }
        problem = _shape_problem(roles)
        if problem is None:
            return roles
        problems.append(problem)
    raise ValueError(problems[0])


def _shape_problem(roles: _Roles) -> str | None:
    """Describe the first layer whose shape is wrong, or return None."""
    letters = len(_PUBLISHED_LETTERS)
    symbols = letters + _NUM_MARKS
    width, _, filters = roles["encoder_conv"].weights["kernel"].shape
    units = roles["encoder_dense"].weights["kernel"].shape[1]
    hidden = roles["encoder_lstm"].weights["recurrent_kernel"].shape[0]
    lstm = {
        "kernel": (units, 4 * hidden),
        "recurrent_kernel": (hidden, 4 * hidden),
        "bias": (4 * hidden,),
    }
    expected = {
        "encoder_conv": {"kernel": (width, letters, filters), "bias": (filters,)},
        "encoder_dense": {"kernel": (filters, units), "bias": (units,)},
        "encoder_lstm": lstm,
        "decoder_dense": {"kernel": (symbols, units), "bias": (units,)},
        "decoder_lstm": lstm,
        "output_dense": {"kernel": (hidden, symbols), "bias": (symbols,)},
    }
    for role, shapes in expected.items():
        for name, shape in shapes.items():
            found = roles[role].weights[name].shape
            if found != shape:
                return (
                    f"layer {roles[role].name} has a {name} of shape {found}, where a "
                    f"CNN-LSTM seq2seq of these sizes has {shape}"
                )
    return None


def _in_alphabet_order(roles: _Roles) -> dict[str, dict[str, np.ndarray]]:
    """Return parameters by role, letters in the order of `alphabet`."""
    letters = [_PUBLISHED_LETTERS.index(letter) for letter in alphabet.LETTERS]
    symbols = [*letters, *range(len(letters), len(letters) + _NUM_MARKS)]
    params = {role: dict(layer.weights) for role, layer in roles.items()}
    for role, name, axis, order in (
        ("encoder_conv", "kernel", 1, letters),
        ("decoder_dense", "kernel", 0, symbols),
        ("output_dense", "kernel", 1, symbols),
        ("output_dense", "bias", 0, symbols),
    ):
        params[role][name] = np.take(params[role][name], order, axis=axis)
    return params
