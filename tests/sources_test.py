"""Tests of several training sets: splits, negatives, the guard, what is left out."""

import csv
import dataclasses

import numpy as np
import pytest

from mirjax.datasets import leakage
from mirjax.datasets.simulate import simulate
from mirjax.datasets.source_options import SourceOptions
from mirjax.datasets.sources import load_sources, select_source


def write(path, rows):
    """Write pairs, 5'→3', as one's own table."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["mirna", "target", "label"])
        table.writerows(rows)
    return str(path)


@pytest.fixture
def files(tmp_path):
    """Two sets of positives, one of which has labels of its own, and a test set."""
    pairs = simulate(400, seed=1).pairs
    rows = list(zip(pairs.mirnas, pairs.targets, strict=True))
    first = write(tmp_path / "first.csv", [(*row, 1) for row in rows[:200]])
    shuffled = [(rows[i][0], rows[-1 - i][1], 0) for i in range(200, 300)]
    second = write(
        tmp_path / "second.csv", [(*row, 1) for row in rows[200:300]] + shuffled
    )
    # The tests' targets hold 20 letters and more of targets of the first set.
    test = write(
        tmp_path / "test.csv",
        [(rows[5][0], "GG" + rows[5][1][2:], 1), (*rows[7], 0)],
    )
    return first, second, test


def pairs_of(pairs):
    return set(zip(pairs.mirnas, pairs.targets, strict=True))


def test_validation_rows_are_whole_clusters_with_negatives(files):
    first, _, _ = files
    options = SourceOptions(first, negatives="frequency", validation_fraction=0.2)
    (source,) = load_sources(options).trained
    labels = source.validation.labels
    assert 20 <= labels.sum() <= 60 and labels.sum() == len(labels) / 2
    assert not set(source.positives.targets) & set(source.validation.targets)
    assert set(source.negatives.labels) == {0}
    assert len(source.negatives) > 3 * len(source.positives)
    everything = pairs_of(select_source(first, options)[0])
    assert pairs_of(source.positives) <= everything
    assert not pairs_of(source.negatives) & pairs_of(source.positives)


def test_what_shares_letters_with_a_test_set_is_taken_out_and_counted(files):
    first, _, test = files
    free = SourceOptions(first, negatives="frequency", reserve_validation=False)
    guarded = SourceOptions(
        first, negatives="frequency", reserve_validation=False, reserved=test
    )
    (before,), (after,) = (load_sources(each).trained for each in (free, guarded))
    words = leakage.Guard.from_sources([test])
    for part in ("positives", "negatives", "validation"):
        assert words.leaks(getattr(before, part)).any() or part == "validation"
        assert not words.leaks(getattr(after, part)).any()
    report = load_sources(guarded).guard.report
    assert report["first, training"]["leaking"] >= 2


def test_families_that_are_left_out_are_measured_and_never_trained_on(files):
    first, second, _ = files
    options = SourceOptions(f"{first}+{second}", negatives="frequency")
    everything = load_sources(options)
    found = load_sources(dataclasses.replace(options, left_out_families=0.3))

    def seeds(pairs):
        return {mirna[1:8] for mirna in pairs.mirnas}

    known = set().union(*(seeds(each.positives) for each in everything.trained))
    assert len(found.families) == round(0.3 * len(known)) and found.families < known
    for before, after in zip(everything.trained, found.trained, strict=True):
        for part in ("positives", "negatives", "validation"):
            kept, all_rows = getattr(after, part), getattr(before, part)
            assert not seeds(kept) & found.families
            rows = [
                row
                for row in zip(all_rows.mirnas, all_rows.targets, strict=True)
                if row[0][1:8] not in found.families
            ]
            assert list(zip(kept.mirnas, kept.targets, strict=True)) == rows
    (left_out,) = found.left_out
    assert left_out.name == "left_out_families"
    assert seeds(left_out.validation) <= found.families
    total = sum(len(each.validation) for each in (*found.trained, left_out))
    assert total == sum(len(each.validation) for each in everything.trained)
    for fraction in (0.001, 0.999):
        with pytest.raises(ValueError, match="families; name a fraction"):
            load_sources(dataclasses.replace(options, left_out_families=fraction))


def test_a_file_of_hashes_guards_as_its_test_set_does(files, tmp_path):
    first, _, test = files
    hashes = tmp_path / "reserved.txt"
    with open(test) as file:
        targets = [row["target"] for row in csv.DictReader(file)]
    hashes.write_text("\n".join(sorted(leakage.hash_words(targets))) + "\n")
    found = [
        pairs_of(load_sources(SourceOptions(first, reserved=name)).trained[0].positives)
        for name in (test, str(hashes))
    ]
    assert found[0] == found[1]


def test_training_rows_that_share_letters_with_validation_rows_are_taken_out(files):
    first, second, _ = files
    options = SourceOptions(f"{first}+{second}", as_published=second)
    loaded = load_sources(options)
    words = leakage.Guard(
        {
            source.name: leakage.Reserved.from_pairs(source.validation)
            for source in loaded.trained
        }
    )
    for source in loaded.trained:
        assert not words.leaks(source.positives).any()
        assert not words.leaks(source.negatives).any()


def test_a_published_source_keeps_its_own_labels_and_split(files):
    _, second, _ = files
    options = SourceOptions(second, as_published=second, reserve_validation=False)
    (source,) = load_sources(options).trained
    pairs, split = select_source(second, options)
    own = pairs.take(split.train)
    assert pairs_of(own.take(np.flatnonzero(own.labels == 0))) <= pairs_of(
        source.negatives
    )
    assert pairs_of(source.validation) == pairs_of(pairs.take(split.validation))


def test_a_set_left_out_is_measured_on_the_rows_it_has_when_trained_on(files):
    first, second, _ = files
    together = load_sources(SourceOptions(f"{first}+{second}"))
    apart = load_sources(SourceOptions(first, left_out=second))
    assert pairs_of(apart.left_out[0].validation) == pairs_of(
        together.trained[1].validation
    )
    assert not len(apart.left_out[0].positives)
    assert [source.name for source in apart.trained] == [first]


def test_all_is_a_function_of_the_options(files):
    first, _, _ = files
    a, b, c = (
        load_sources(SourceOptions(first, seed=seed)).trained[0] for seed in (0, 0, 1)
    )
    assert a.negatives.targets == b.negatives.targets != c.negatives.targets


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SourceOptions(""), "name a dataset or a file"),
        (SourceOptions("simulated", left_out="simulated"), "named twice"),
        (
            SourceOptions("simulated", as_published="helwak2013"),
            "not among the sources",
        ),
        (SourceOptions("simulated", as_published="simulated"), "has no labels"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        load_sources(options)
