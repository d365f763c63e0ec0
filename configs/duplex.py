"""The duplex classifier.

    python -m mirjax.train --config=configs/duplex.py --workdir=W

Variants (`--config=configs/duplex.py:NAME`):
  labels     labelled chimeras of three laboratories alone (the default).
  distilled  the same, and pairs that miRBind2 labels. It needs a FASTA file of 3'UTRs:
             --config.pool.transcripts=FILE.
  shipped    a smaller model, with more pairs that teachers label. Three seeds of it,
             joined by scripts/join_members.py, are pretrained/duplex. Its teachers were
             a run of the variant mirbind2 (with --config.data.positives_per_epoch=6000
             --config.train.num_epochs=2 --config.optimizer.warmup_epochs=0.3) and one
             of the variant labels (with the sizes of this one, seed 1,
             --config.data.positives_per_epoch=6000 and --config.data.shift=6), named by
             --config.pool.teacher=FIRST+SECOND. They label 400,000 pairs in 14 minutes,
             which are kept; 7 epochs then take 13 minutes of one core.
  teacher    pairs that the teacher labels alone, validated on the same rows.
  screen     a small model that pretrained/duplex teaches: pretrained/screen, by which a
             scan chooses the candidates of --candidates=fast.
  mirbind2   the published network miRBind2, trained on from its released weights on
             the same rows for one epoch. A teacher.
  hejret     the training rows of Hejret 2023 alone.
  pairs      one dataset, as configs/mitar.py: the pairs of the seq2seq model, or
             --config.data.name=NAME.
  own        one's own pairs, with labels: --config.data.name=FILE. Training starts from
             the parameters of pretrained/duplex.
  simulated  a small model on built-in simulated pairs; no files needed. It shows the
             command at work: only complementarity distinguishes these pairs.

One dataset is left out of training and measured at each evaluation by
--config.data.sources=hejret2023/train+manakov2022/sample
--config.data.left_out=helwak2013.
"""

from ml_collections import ConfigDict

from mirjax.configs import base

_SHIPPED_SIZES = {  # of a member of pretrained/duplex
    "stack_features": 12,
    "filters": 80,
    "conv_features": 40,
    "conv_layers": 3,
    "dropout": 0.05,
}
_SCREEN_SIZES = {
    "stack_features": 12,
    "filters": 32,
    "conv_features": 16,
    "conv_layers": 2,
    "dense_features": 16,
    "dropout": 0.0,
}


def get_config(variant: str = "labels") -> ConfigDict:
    """Return the config of one variant."""
    config = base.get_config()
    config.model = {
        "name": "duplex",
        "stack_features": 16,  # of two adjacent pairs of letters
        "filters": 96,  # of a diagonal of the map of all stacks
        "conv_features": 64,
        "conv_layers": 3,
        "first_width": 5,  # diagonals
        "conv_width": 3,  # diagonals
        "dense_features": 32,
        "dropout": 0.2,
        "members": 1,  # networks whose logits are averaged
    }
    # Several sets to train on, in place of one; see mirjax/datasets/sources.py. Names
    # are joined by "+": datasets, and files.
    config.data = {
        "sources": "hejret2023/train+helwak2013+manakov2022/sample",
        "left_out": "",  # sets that are measured, and never trained on
        # Fraction of the miRNA families, by letters 2 to 8, that are never trained on
        # and measured apart, as val/left_out_families.
        "left_out_families": 0.0,
        # Test sets, and files of hashed 20-mers that stand for them: rows whose target
        # shares 20 letters in a row with theirs are never trained on.
        "reserved": "hejret2023/test",
        # Sources whose own split and own labels are used. The others give positive
        # rows; clusters of their targets are held out.
        "as_published": "hejret2023/train",
        "validation_fraction": 0.1,  # of the positive rows
        "reserve_validation": True,  # validation rows are reserved as test sets are
        "negatives": "family",  # kind of the negatives that are generated
        # Negatives generated for each positive row; an epoch visits one of them.
        "negative_draws": 4,
        "seed": 0,  # of splits and negatives
        "positives_per_epoch": 0,  # of each source, drawn at random; 0: all
        "train_on_labels": True,  # False: on a teacher's predictions alone
        "shift": 0,  # letters by which a target may be moved in its window, at most
        "label_smoothing": 0.05,  # 0.05: labels of 0.025 and 0.975
        "files_sha256": "",  # of the files that are named; filled in
    }
    config.pool = _pool()
    config.optimizer.learning_rate = 0.003
    config.optimizer.schedule = "cosine"
    config.optimizer.weight_decay = 0.02
    config.optimizer.ema_decay = 0.998
    config.optimizer.clip_norm = 1.0
    config.train.best_metric = "val/average_precision"
    config.train.best_mode = "max"
    return base.apply_variant(config, VARIANTS, variant, "configs/duplex.py")


def _pool() -> dict[str, object]:
    """Pairs that a teacher labels; see mirjax/datasets/distillation.py."""
    return {
        "teacher": "",  # models joined by "+": their logits are averaged; "": no pool
        "transcripts": "",  # FASTA file of 3'UTRs
        "mirnas": "mirbase/hsa",  # FASTA file or dataset
        "observed_mirnas": 0.5,  # fraction of miRNAs drawn from the training positives
        "random": 20_000,  # pairs: any miRNA, any window
        "seeds": 40_000,  # pairs with a seed site
        "duplexes": 20_000,  # pairs of good complementarity
        "candidates": 16,  # windows of which a duplex is the best
        "sites": 40_000,  # sites of training positives, moved in their windows
        # Fraction of the teacher's probability in the labels of labelled rows.
        "label_fraction": 0.0,
        "temperature": 1.0,  # the teacher's logits are divided by it
        "weight": 1.0,  # of a pair in the loss; a labelled row has 1
        "per_epoch": 0.1,  # fraction of the pool that an epoch visits
        "hard_negatives": 0,  # windows that the teacher takes for sites, labelled 0
        "hard_candidates": 10,  # for each of them
        "hard_shuffled": 0.5,  # fraction of the candidates that are shuffled windows
        # Windows of which each candidate is the best duplex: a scan asks for such ones.
        "hard_windows": 1,
        "hard_weight": 0.5,  # of each in the loss
        "seed": 0,
    }


def _epochs(config: ConfigDict, num_epochs: float) -> None:
    """Warm up over a fifth of the epochs."""
    config.optimizer.warmup_epochs = num_epochs / 5
    config.train.num_epochs = num_epochs


def _labels(config: ConfigDict) -> None:
    """Some 23,000 positive rows."""
    config.data.shift = 3
    _epochs(config, 8.0)


def _distilled(config: ConfigDict) -> None:
    """Labels and a teacher's probabilities halved; a tenth of the pool an epoch."""
    config.pool.teacher = "published/mirbind2"
    config.pool.label_fraction = 0.5
    config.pool.hard_negatives = 6_000
    config.data.shift = 3
    _epochs(config, 10.0)


def _shipped(config: ConfigDict) -> None:
    """No set outweighs the others, and most rows of an epoch are the teachers'."""
    config.model.update(_SHIPPED_SIZES)
    config.pool.teacher = "published/mirbind2+pretrained/duplex"
    config.pool.label_fraction = 0.8
    config.pool.random = 30_000
    config.pool.seeds = 60_000
    config.pool.duplexes = 60_000
    config.pool.sites = 150_000
    config.pool.per_epoch = 0.5
    config.data.positives_per_epoch = 6_000
    config.data.shift = 6
    config.optimizer.weight_decay = 0.001
    config.optimizer.learning_rate = 0.005
    config.train.batch_size = 256
    _epochs(config, 7.0)


def _teacher(config: ConfigDict) -> None:
    """No labels."""
    _distilled(config)
    config.data.train_on_labels = False
    config.pool.hard_negatives = 0
    config.pool.per_epoch = 0.5


def _screen(config: ConfigDict) -> None:
    """Most pairs are duplexes, as the candidates of a scan are."""
    _teacher(config)
    config.model.update(_SCREEN_SIZES)
    config.pool.teacher = "pretrained/duplex"
    config.pool.random = 40_000
    config.pool.seeds = 60_000
    config.pool.duplexes = 200_000
    config.pool.sites = 100_000
    config.data.positives_per_epoch = 6_000
    config.optimizer.weight_decay = 0.001
    config.optimizer.learning_rate = 0.005
    config.train.batch_size = 256
    _epochs(config, 10.0)


def _mirbind2(config: ConfigDict) -> None:
    """Start from the released weights, whose rates of dropout are kept."""
    config.model = {"name": "mirbind2"}
    config.train.init_from = "published/mirbind2"
    config.data.shift = 3
    config.optimizer.learning_rate = 0.0003
    config.optimizer.weight_decay = 0.01
    config.optimizer.ema_decay = 0.99
    config.train.eval_every_epochs = 0.25
    _epochs(config, 1.0)


def _hejret(config: ConfigDict) -> None:
    """Some 3,600 positive rows."""
    config.data.sources = "hejret2023/train"
    _epochs(config, 20.0)


def _pairs(config: ConfigDict) -> None:
    """15,200 positive pairs of the seq2seq model, and as many negatives."""
    config.data = base.get_config().data
    config.data.name = "chakraborty2019"
    config.data.negatives = "frequency"
    del config["pool"]
    config.train.best_metric = "val/accuracy"
    _epochs(config, 20.0)


def _own(config: ConfigDict) -> None:
    """A low rate, since the parameters are good already."""
    _pairs(config)
    config.model.update(_SHIPPED_SIZES, members=3)
    config.train.init_from = "pretrained/duplex"
    config.data.name = "pairs.csv"
    config.data.negatives = ""
    config.optimizer.learning_rate = 0.0003
    _epochs(config, 8.0)


def _simulated(config: ConfigDict) -> None:
    """4,800 positive training pairs."""
    config.data.sources = "simulated"
    config.data.reserved = ""
    config.data.as_published = ""
    config.data.negatives = "frequency"
    config.model.filters = 32
    config.model.conv_features = 16
    config.model.conv_layers = 2
    _epochs(config, 8.0)


VARIANTS = {
    "labels": _labels,
    "distilled": _distilled,
    "shipped": _shipped,
    "teacher": _teacher,
    "screen": _screen,
    "mirbind2": _mirbind2,
    "hejret": _hejret,
    "pairs": _pairs,
    "own": _own,
    "simulated": _simulated,
}
