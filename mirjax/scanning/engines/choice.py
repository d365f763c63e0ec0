"""The fastest engine of each classifier."""

from collections.abc import Sequence

from mirjax.models.duplex import Duplex
from mirjax.models.interfaces import Classifier
from mirjax.models.mitar import Mitar
from mirjax.models.trained import TrainedModel
from mirjax.scanning.engines.duplex import DuplexEngine
from mirjax.scanning.engines.interface import Engine
from mirjax.scanning.engines.mitar import LONGEST_WINDOW, MitarEngine
from mirjax.scanning.engines.plain import PlainEngine
from mirjax.sequences.records import SequenceRecord


def make_engine(
    trained: TrainedModel[Classifier],
    mirnas: Sequence[SequenceRecord],
    temperature: float = 1.0,
) -> Engine:
    """Return the engine of a classifier; nothing is computed yet.

    Args:
      trained: the classifier.
      mirnas: of the search, none longer than it reads.
      temperature: logits are divided by it.
    """
    sequences = tuple(mirna.sequence for mirna in mirnas)
    model = trained.model
    if isinstance(model, Mitar) and model.max_target_length <= LONGEST_WINDOW:
        mitar = TrainedModel(model, trained.params, trained.metadata)
        return MitarEngine(mitar, sequences, temperature)
    if isinstance(model, Duplex):
        return DuplexEngine(trained, sequences, temperature)
    return PlainEngine(trained, sequences, temperature)
