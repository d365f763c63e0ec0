"""Scans by windows find the sites of a plain pass over all windows."""

import cloudpickle
import numpy as np
import pytest
from equations import numpy_mitar, random_letters, random_params

from mirjax.models.loading import load_model
from mirjax.models.mitar import Mitar
from mirjax.models.trained import TrainedModel
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.engines.plain import PlainEngine
from mirjax.scanning.options import WindowsOptions
from mirjax.scanning.slices import Slice
from mirjax.scanning.windows_mode import SCHEMA, WindowsScanner
from mirjax.sequences import fasta
from mirjax.sequences.records import SequenceRecord

SMALL = Mitar(conv_features=8, lstm_features=4, dense_features=4)


def named(sequences, name):
    return [SequenceRecord(f"{name}{n}", text) for n, text in enumerate(sequences)]


def plain_windows(length, size, step):
    """The published protocol, in words: every step, then one that ends at the end."""
    if length <= size:
        return [(0, length)]
    starts, start = [], 0
    while start + size < length:
        starts.append(start)
        start += step
    return [(start, start + size) for start in [*starts, length - size]]


def plain_pass(model, mirnas, targets, options):
    """Score every window alone, in float64; the rows that pass."""
    rows, size = [], model.model.max_target_length
    for target in targets:
        windows = plain_windows(len(target.sequence), size, options.step)
        for mirna in mirnas:
            scores = [
                numpy_mitar(
                    model.params,
                    mirna.sequence,
                    target.sequence[start:end],
                    model.model.length,
                )
                for start, end in windows
            ]
            passing = [
                n for n, score in enumerate(scores) if score >= options.threshold
            ]
            if len(passing) >= options.min_sites:
                rows += [
                    (mirna.name, target.name, *windows[n], n, scores[n], len(passing))
                    for n in passing
                ]
    return rows


def check(table, rows):
    assert table.schema == SCHEMA
    columns = list(zip(*rows, strict=True)) or [[]] * len(SCHEMA)
    for name, values in zip(SCHEMA.names, columns, strict=True):
        if name == "score":
            np.testing.assert_allclose(table[name].to_numpy(), values, atol=1e-5)
        else:
            assert table[name].to_pylist() == list(values), name


@pytest.mark.slow
@pytest.mark.parametrize(("length", "step"), [(66, 1), (79, 15), (66, 22), (79, 53)])
def test_sites_are_those_of_a_plain_pass(length, step):
    rng = np.random.default_rng(step)
    model = SMALL.clone(length=length)
    trained = TrainedModel(model, random_params(model, 0, scale=0.3), {})
    mirnas = named(random_letters(rng, 3, 15, 26), "m")
    size = model.max_target_length
    lengths = [10, size - 1, size, size + 1, 70]
    targets = named([random_letters(rng, 1, n, n)[0] for n in lengths], "t")
    targets[0] = SequenceRecord("t0", "ANNNACGUAC")
    options = WindowsOptions(step=step, threshold=0.4, min_sites=2)
    scanner = WindowsScanner(
        make_engine(trained, mirnas), [m.name for m in mirnas], options
    )
    rows = plain_pass(trained, mirnas, targets, options)
    assert rows or step == 53
    check(scanner(Slice(0, tuple(targets))), rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["miTAR_CNN_BiRNN_b100_lr0.005_dout0.2.h5"])
def test_released_weights_on_the_published_example(data_dir, name):
    folder = data_dir / "mitar2021"
    trained = load_model(folder / "weights" / name)
    mirnas = fasta.read_fasta(folder / "fasta" / "mirna_multiple.fa")
    targets = fasta.read_fasta(folder / "fasta" / "mrna_multiple_mixedLongShort.fa")
    options = WindowsOptions(step=22, threshold=0.8, min_sites=2)
    scanner = WindowsScanner(
        make_engine(trained, mirnas), [m.name for m in mirnas], options
    )
    rows = plain_pass(trained, mirnas, targets, options)
    assert len(rows) == 14
    check(scanner(Slice(0, tuple(targets))), rows)


def test_a_slice_depends_on_its_records_alone():
    rng = np.random.default_rng(5)
    trained = TrainedModel(SMALL, random_params(SMALL, 0, scale=0.3), {})
    mirnas = named(random_letters(rng, 3, 20, 22), "m")
    targets = named(random_letters(rng, 6, 30, 200), "t")
    engine = PlainEngine(trained, tuple(m.sequence for m in mirnas))
    options = WindowsOptions(threshold=0.0)
    scanner = WindowsScanner(engine, [m.name for m in mirnas], options)
    whole = scanner(Slice(0, tuple(targets))).to_pylist()
    again = cloudpickle.loads(cloudpickle.dumps(scanner))
    parts = [again(Slice(n, (each,))) for n, each in enumerate(targets)]
    assert [row for part in parts for row in part.to_pylist()] == whole


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"step": 0}, "--step=0"),
        ({"min_sites": 0}, "--min_sites=0"),
        ({"threshold": 1.5}, "--threshold=1.5"),
        ({"threshold": float("nan")}, "--threshold=nan"),
    ],
)
def test_options_out_of_range(given, part):
    with pytest.raises(ValueError, match=part):
        WindowsOptions(**given)


def test_a_step_that_leaves_letters_out_is_refused():
    trained = TrainedModel(SMALL, {}, {})
    engine = PlainEngine(trained, ("ACGU",))
    with pytest.raises(ValueError, match="--step=54 .* of 53 nt"):
        WindowsScanner(engine, ["m"], WindowsOptions(step=54))
