"""Published models in Keras's `.h5` files, as models of ours."""

import os
import pathlib

from mirjax.models import make_model, published_mitar, published_seq2seq
from mirjax.models.exported import ExportedModel, check_shapes
from mirjax.models.keras_file import read_keras_layers


def load_keras_model(path: str | os.PathLike[str]) -> ExportedModel:
    """Load a miTAR classifier or a CNN-LSTM seq2seq that Keras saved.

    Which of the two it is, the kinds of its layers tell, whatever their names.

    Args:
      path: an `.h5` file of `model.save`, of Keras 2 or 3; of a seq2seq also one of
        `save_weights`.

    Returns:
      The model; its metadata hold `model` and `source`, the file's name.

    Raises:
      ValueError: if the file is missing or damaged, or holds another architecture.
    """
    path = pathlib.Path(path)
    layers = read_keras_layers(path)
    kinds = [layer.kind for layer in layers]
    try:
        if sorted(kinds) == published_seq2seq.KINDS:
            arguments, params = published_seq2seq.from_layers(layers)
        elif [kind for kind in kinds if kind != "MaxPooling1D"] == (
            published_mitar.KINDS
        ):
            arguments, params = published_mitar.from_layers(layers)
        else:
            raise ValueError(
                "neither miTAR, which has an embedding, a convolution, a bidirectional "
                "LSTM and two Dense layers, nor a CNN-LSTM seq2seq, which has one "
                "convolution, three Dense and two LSTM layers; it has "
                + ", ".join(layer.name for layer in layers)
            )
        model = make_model(arguments)
        check_shapes(model, params)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    metadata = {"model": arguments, "source": path.name}
    return ExportedModel(model, params, metadata)
