"""A search: miRNAs, a classifier and a mode, combined into a scanner of slices."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
from absl import logging

from mirjax.files import cache_folder
from mirjax.models.interfaces import Classifier
from mirjax.models.trained import TrainedModel, model_digest
from mirjax.scanning import seed_mode, site_table, windows_mode
from mirjax.scanning.background import Background, sample_of
from mirjax.scanning.candidates import FAST
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.engines.interface import Engine
from mirjax.scanning.options import RETAINED, SEED, SITES, WINDOWS, WindowsOptions
from mirjax.scanning.screen import SHARE, screen_digest
from mirjax.scanning.site_options import SiteOptions
from mirjax.scanning.sites_mode import SitesMode, make_scanner
from mirjax.scanning.slices import SliceScanner
from mirjax.sequences.records import SequenceRecord

ALIGNMENT = "alignment"  # --model of a search by complementarity, no classifier


@dataclasses.dataclass(frozen=True)
class SearchOptions:
    """Options of a search.

    Attributes:
      mode: one of `options.MODES`.
      windows: of windows mode.
      sites: of sites mode.
    """

    mode: str
    windows: WindowsOptions = WindowsOptions()
    sites: SiteOptions = SiteOptions()


@dataclasses.dataclass(frozen=True)
class Search:
    """A prepared search.

    Attributes:
      mirnas: 5'→3', in order.
      engine: the classifier with these miRNAs; None without one.
      settings: name → value of what the rows depend on besides the targets.
      options: of the search.
    """

    mirnas: tuple[SequenceRecord, ...]
    engine: Engine | None
    settings: Mapping[str, str]
    options: SearchOptions

    @property
    def schema(self) -> pa.Schema:
        """The columns of the table."""
        return schema_of(self.options.mode)

    def scanner(self, targets: Iterable[SequenceRecord], letters: int) -> SliceScanner:
        """Return the scanner; in sites mode the background is drawn first.

        Args:
          targets: of the search; the first ones are shuffled for the background.
          letters: of all targets, in nt.
        """
        options = self.options
        if options.mode == SEED:
            return seed_mode.SeedMode(self.mirnas)
        if options.mode == SITES:
            size = options.sites.background_nt
            background = Background(
                sample_of(targets, size),
                size,
                options.sites.background_seed,
                cache_folder("backgrounds"),
                self.settings["model"],
            )
            return make_scanner(
                self.mirnas, self.engine, background, options.sites, letters
            )
        assert self.engine is not None
        names = [mirna.name for mirna in self.mirnas]
        return windows_mode.WindowsScanner(self.engine, names, options.windows)

    def explain(self, scanner: SliceScanner) -> None:
        """Log the engine, the settings and the candidates."""
        engine = "none" if self.engine is None else type(self.engine).__name__
        logging.info("engine: %s", engine)
        for name, value in self.settings.items():
            logging.info("%s: %s", name, value)
        if isinstance(scanner, SitesMode):
            scorer = scanner.scorer
            if kept := scorer.rule.kept:
                share = 100 * sum(kept) / len(kept) * (SHARE if scorer.screen else 1)
                logging.info("candidates: %.1f%% of all in shuffled transcripts", share)
            for kind, found in RETAINED.items():
                logging.info(
                    "--candidates=%s finds %.0f%% of the sites of --candidates=all, "
                    "measured with pretrained/duplex on 12 miRNAs and 250 3'UTRs",
                    *(kind, 100 * found),
                )


def schema_of(mode: str) -> pa.Schema:
    """Return the columns of the table of a mode."""
    return {
        SITES: site_table.SCHEMA,
        WINDOWS: windows_mode.SCHEMA,
        SEED: seed_mode.SCHEMA,
    }[mode]


def make_search(
    options: SearchOptions,
    mirnas: Sequence[SequenceRecord],
    trained: TrainedModel[Classifier] | None,
    temperature: float = 1.0,
) -> Search:
    """Prepare the classifier of a search for its miRNAs.

    Args:
      options: of the search.
      mirnas: 5'→3', none longer than the classifier reads.
      trained: the classifier; None in seed mode, and for `ALIGNMENT` in sites mode.
      temperature: logits are divided by it.

    Raises:
      ValueError: if the mode needs a classifier.
    """
    if trained is None and options.mode == WINDOWS:
        raise ValueError(f"--mode={WINDOWS} needs a classifier: name a --model")
    engine, model = None, "" if options.mode == SEED else ALIGNMENT
    if trained is not None:
        engine = make_engine(trained, mirnas, temperature)
        model = model_digest(trained, temperature)
    settings = {
        "model": model,
        "mirnas": _digest((mirna.name, mirna.sequence) for mirna in mirnas),
        "mode": options.mode,
    }
    chosen = {SITES: options.sites, SEED: None}.get(options.mode, options.windows)
    if chosen is not None:
        fields = dataclasses.asdict(chosen)
        settings |= {f"--{name}": str(value) for name, value in fields.items()}
    if options.mode == SITES and engine and options.sites.candidates == FAST:
        settings["screen"] = screen_digest()
    return Search(tuple(mirnas), engine, settings, options)


def _digest(rows: Iterable[tuple[str, ...]]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(("\t".join(row) + "\n").encode())
    return digest.hexdigest()
