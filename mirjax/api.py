"""The Python interface: the commands for arrays, lists and data frames.

    import mirjax

    model = mirjax.load("pretrained/duplex")
    model.predict_proba(mirnas, targets)             # one probability per pair
    sites = mirjax.scan(model, mirnas, transcripts)  # a pandas frame

Every sequence is RNA or DNA, 5'→3'. The examples below use the site of miR-21-5p in
PDCD4.

References:
  Asangani et al. 2008, Oncogene 27:2128, doi 10.1038/sj.onc.1210856 (the site).
"""

import dataclasses
import os

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Float

from mirjax.inference import decoders, pairs, sites
from mirjax.inference.classify import (
    predict_member_logits,
    predict_probabilities,
    spread,
)
from mirjax.inference.options import DECODERS, GREEDY, PredictOptions
from mirjax.models import loading
from mirjax.models.interfaces import Classifier, Generator, reads_unknown_letters
from mirjax.models.temperature import find_temperature
from mirjax.models.trained import TrainedModel, as_classifier
from mirjax.scanning import given
from mirjax.scanning.given import Sequences
from mirjax.scanning.mirnas import check_lengths
from mirjax.scanning.options import SITES, WINDOWS, WindowsOptions
from mirjax.scanning.search import SearchOptions, make_search
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.threads import in_order
from mirjax.scanning.transcripts import cut_slices, open_transcripts
from mirjax.sequences.bad_records import BadRecords
from mirjax.sequences.records import Pairs
from mirjax.sequences.windows import sliding_windows

DEFAULT = SiteOptions()

__all__ = ["Model", "Sequences", "SiteOptions", "WindowsOptions", "load", "scan"]


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A trained model, from `load`.

    Attributes:
      trained: a classifier or a generator, with its parameters.
      temperature: logits are divided by it; 1 for a model without calibration.
    """

    trained: TrainedModel
    temperature: float = 1.0

    def predict_proba(
        self,
        mirnas: Sequences | pd.DataFrame,
        targets: Sequences | None = None,
    ) -> Float[np.ndarray, " pairs"] | pd.Series:
        """Return the probability that each miRNA binds its target.

        Args:
          mirnas: n miRNAs, or one for all targets; or a frame with the columns mirna
            and target, in place of both.
          targets: n target sites, or one for all miRNAs.

        Returns:
          One probability per pair; for a frame, a series with its index.

        Raises:
          ValueError: if this model scores no pairs, a sequence cannot be read or does
            not suit the model, or the numbers of miRNAs and targets differ.

        >>> model = load("pretrained/duplex")
        >>> site = "UCUUAAGUGGAAUAUUCUAAUAAGCUA"
        >>> found = model.predict_proba("UAGCUUAUCAGACUGAUGUUGA", [site, site[::-1]])
        >>> (found > 0.5).tolist()
        [True, False]
        """
        classifier = self._classifier()
        read = _read_pairs(classifier.model, mirnas, targets)
        found = predict_probabilities(classifier, read, temperature=self.temperature)
        if isinstance(mirnas, pd.DataFrame):
            return pd.Series(found, index=mirnas.index, name="probability")
        return found

    def predict_spread(
        self,
        mirnas: Sequences | pd.DataFrame,
        targets: Sequences | None = None,
    ) -> Float[np.ndarray, " pairs"] | pd.Series:
        """Return the standard deviation of the probabilities of the model's members.

        Members are networks of different seeds; `predict_proba` averages their logits.

        Args:
          mirnas: as for `predict_proba`.
          targets: likewise.

        Raises:
          ValueError: as `predict_proba`, or if the model has a single member.

        >>> model = load("pretrained/duplex")
        >>> site = "UCUUAAGUGGAAUAUUCUAAUAAGCUA"
        >>> bool(model.predict_spread("UAGCUUAUCAGACUGAUGUUGA", site)[0] < 0.1)
        True
        """
        classifier = self._classifier()
        read = _read_pairs(classifier.model, mirnas, targets)
        found = spread(predict_member_logits(classifier, read), self.temperature)
        if found is None:
            raise ValueError("this model is a single network, without members")
        if isinstance(mirnas, pd.DataFrame):
            return pd.Series(found, index=mirnas.index, name="spread")
        return found

    def scan(
        self,
        mirnas: Sequences,
        transcripts: Sequences,
        options: SiteOptions | WindowsOptions = DEFAULT,
    ) -> pd.DataFrame:
        """Find the target sites of miRNAs in transcripts; see `mirjax.scan`."""
        classifier = self._classifier()
        records = check_lengths(
            given.mirna_records(mirnas), classifier.model, BadRecords(), "miRNAs"
        )
        search = make_search(
            _search_options(options), records, classifier, self.temperature
        )
        unknown = reads_unknown_letters(classifier.model)
        if given.is_file(transcripts):
            with open_transcripts(
                os.fspath(transcripts), unknown_letters=unknown
            ) as opened:
                scanner = search.scanner(opened, opened.num_letters)
                tables = [rows for _, rows in in_order(scanner, opened.slices())]
        else:
            read = [
                given.read_letters(each, unknown_letters=unknown)
                for each in given.records(transcripts)
            ]
            letters = sum(len(each.sequence) for each in read)
            scanner = search.scanner(read, letters)
            tables = [rows for _, rows in in_order(scanner, cut_slices(read))]
        return pa.concat_tables([search.schema.empty_table(), *tables]).to_pandas()

    def decode(
        self, targets: Sequences, decoder: str = GREEDY, *, stride: int = 5
    ) -> pd.DataFrame:
        """Decode the miRNA that binds each target site.

        Args:
          targets: sites, or transcripts, which are covered by windows of the longest
            site that the model reads.
          decoder: greedy or beam.
          stride: nt from one window of a long target to the next.

        Returns:
          A row per site: target, start, end, mirna and log_prob, the natural logarithm
          of P(miRNA | site).

        Raises:
          ValueError: if this model generates no miRNAs, or a target cannot be read or
            is too short.

        >>> model = load("pretrained/transformer")
        >>> model.decode(["UCUUAAGUGGAAUAUUCUAAUAAGCUA"])["mirna"].tolist()
        ['UAGCUUAUCAGACUGAUGUUGA']
        """
        model = self.trained.model
        if not isinstance(model, Generator):
            raise ValueError(f"a {type(model).__name__} decodes no miRNA; load another")
        if decoder not in DECODERS[:2]:
            raise ValueError(f"{decoder=} is not one of {', '.join(DECODERS[:2])}")
        records = [given.read_letters(each) for each in given.records(targets)]
        for each in records:
            if len(each.sequence) < model.min_target_length:
                raise ValueError(
                    f"{each.name}: {len(each.sequence)} nt, the model takes at least "
                    f"{model.min_target_length}"
                )
        size, batch_size = model.max_target_length, PredictOptions().batch_size
        lengths = [len(each.sequence) for each in records]
        windows = list(sliding_windows(lengths, size, stride))
        found = sites.decode_windows(
            decoders.make_decoder(
                decoder, model, self.trained.params, allowed=[], batch_size=batch_size
            ),
            records,
            windows,
            size=size,
            batch_size=batch_size,
            report=lambda number: None,
        )
        return pd.DataFrame(
            {
                "target": [records[window.record].name for window in windows],
                "start": [window.start for window in windows],
                "end": [window.end for window in windows],
                "mirna": [found.mirnas[choice] for choice in found.choices],
                "log_prob": found.log_probs,
            }
        )

    def _classifier(self) -> TrainedModel[Classifier]:
        """Return the model if it scores pairs."""
        classifier = as_classifier(self.trained)
        if classifier is None:
            kind = type(self.trained.model).__name__
            raise ValueError(f"a {kind} scores no pairs; load a classifier")
        return classifier


def _read_pairs(
    model: Classifier,
    mirnas: Sequences | pd.DataFrame,
    targets: Sequences | None,
) -> Pairs:
    """Return the pairs that `Model.predict_proba` takes, checked."""
    if isinstance(mirnas, pd.DataFrame):
        columns = given.frame_columns(mirnas, targets)
    elif targets is None:
        raise ValueError("give targets too, or a frame with mirna and target")
    else:
        columns = given.paired(mirnas, targets)
    unknown = reads_unknown_letters(model)
    read = Pairs(
        [given.read_letters(each).sequence for each in columns[0]],
        [
            given.read_letters(each, unknown_letters=unknown).sequence
            for each in columns[1]
        ],
    )
    labels = [f"pair {number}" for number in range(1, len(read) + 1)]
    pairs.fitting_rows(read, model, "pairs", labels, BadRecords())
    return read


def load(path: str | os.PathLike[str]) -> Model:
    """Load a trained model: a workdir, a model file of mirjax, or a published file.

    Args:
      path: as for the flag --model.

    Raises:
      ValueError: if there is none, or the file is damaged.
    """
    trained = loading.load_model(path)
    temperature = find_temperature(trained.metadata, path)
    return Model(trained, temperature or 1.0)


def scan(
    model: Model | str | os.PathLike[str],
    mirnas: Sequences,
    transcripts: Sequences,
    options: SiteOptions | WindowsOptions = DEFAULT,
) -> pd.DataFrame:
    """Find the target sites of miRNAs in transcripts.

    Args:
      model: a classifier, or its path or name; see `load`.
      mirnas: sequences, a FASTA file, a dataset such as "mirbase/hsa", or names in
        miRBase such as "hsa-miR-21-5p,hsa-let-7a-5p".
      transcripts: sequences, or a FASTA file, which is read during the scan.
      options: `SiteOptions`, by default, finds sites above chance; `WindowsOptions`
        scores every window.

    Returns:
      The table of `python -m mirjax.scan`, with --mode=sites or --mode=windows, by
      transcript, miRNA and position.

    Raises:
      ValueError: if the model scores no pairs, or a sequence cannot be read.

    >>> utr = "GGACAGAAAAGUAACCUCUUCUUAAGUGGAAUAUUCUAAUAAGCUACCUUUUGUAAGUGCCAUG"
    >>> mirnas = "hsa-miR-21-5p,hsa-let-7a-5p"
    >>> found = scan("pretrained/duplex", mirnas, {"PDCD4": utr})
    >>> found[["mirna", "target", "site_type"]].values.tolist()
    [['hsa-miR-21-5p', 'PDCD4', '8mer']]
    """
    loaded = model if isinstance(model, Model) else load(model)
    return loaded.scan(mirnas, transcripts, options)


def _search_options(options: SiteOptions | WindowsOptions) -> SearchOptions:
    if isinstance(options, WindowsOptions):
        return SearchOptions(WINDOWS, windows=options)
    return SearchOptions(SITES, sites=options)
