"""Tests of the names that sequences get, against blastn run by hand."""

import dataclasses
import subprocess

import numpy as np
import pytest

from mirjax.blast import naming
from mirjax.blast.settings import NAMING, PUBLISHED
from mirjax.sequences import fasta, pairing
from mirjax.sequences.records import SequenceRecord

LET7 = "UGAGGUAGUAGGUUGUAUAGUU"
REPEAT = "UGUGUGUGUGUGUGUGUGUGUG"  # dust masks all of it


def random_sequence(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(3)
    some = [SequenceRecord(f"r{n}", random_sequence(rng, 22)) for n in range(60)]
    return [
        *some,
        SequenceRecord("longer", "GC" + LET7 + "GC"),
        SequenceRecord("let-7", LET7),
        SequenceRecord("let-7-again", LET7),
        SequenceRecord("opposite", pairing.reverse_complement(some[5].sequence)),
        SequenceRecord("repeat", REPEAT),
        SequenceRecord("five", "ACGUA"),
        SequenceRecord("three", "ACG"),
    ]


@pytest.fixture(scope="module")
def fasta_path(records, tmp_path_factory):
    path = tmp_path_factory.mktemp("fasta") / "mirnas.fa"
    fasta.write_fasta(path, records)
    return path


@pytest.fixture(scope="module")
def database(fasta_path):
    return naming.load_database(fasta_path)


def best_by_hand(folder, path, sequence, options):
    """Return (subject, E-value, bits) of the best row of blastn, called directly."""
    (folder / "query.fa").write_text(f">query\n{sequence}\n")
    run = subprocess.run(
        f"blastn -query {folder}/query.fa -subject {path} -word_size 7 -gapopen 5 "
        f"-gapextend 2 -dust no -strand plus {options} -outfmt".split()
        + ["6 sseqid evalue bitscore"],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    return min(rows, key=lambda row: float(row[1]), default=None)


@pytest.mark.slow
def test_names_and_values_are_those_of_blastn(tmp_path, fasta_path, database):
    rng = np.random.default_rng(4)
    sources = [mirna.sequence for mirna in database.mirnas[:20]]
    sequences = [
        *(s[:8] + random_sequence(rng, 1) + s[9:] for s in sources[:10]),
        *(random_sequence(rng, 6) + s[4:16] for s in sources[10:]),
        *(random_sequence(rng, 22) for _ in range(10)),
    ]
    names = naming.name_sequences(sequences, database)
    assert sum(name is None for name in names) >= 5
    assert sum(name is not None for name in names) >= 15
    for sequence, name in zip(sequences, names, strict=True):
        row = best_by_hand(tmp_path, fasta_path, sequence, "-evalue 0.1")
        if row is None:
            assert name is None
        else:
            subject, evalue, bitscore = row
            assert name == (subject, float(evalue), float(bitscore))


@pytest.mark.parametrize(
    "settings",
    [
        NAMING,
        PUBLISHED,
        dataclasses.replace(NAMING, evalue=1e-30),
    ],
    ids=["default", "published", "strict"],
)
def test_a_record_s_own_sequence_has_its_own_name(
    tmp_path, fasta_path, database, settings
):
    sequences = [mirna.sequence for mirna in database.mirnas]
    names = naming.name_sequences(sequences, database, settings)
    for mirna, name in zip(database.mirnas, names, strict=True):
        expected = "let-7" if mirna.name == "let-7-again" else mirna.name
        assert name.mirna_id == expected
        if mirna.name == "three":  # too short for any search
            assert name[1:] == (None, None)
        elif mirna.name == "five":  # too short for this one
            assert name.evalue > 1
        elif mirna.name not in {f"r{n}" for n in range(5, 60)}:
            _, *values = best_by_hand(
                tmp_path, fasta_path, mirna.sequence, "-evalue 10"
            )
            assert name[1:] == tuple(map(float, values))


@pytest.mark.slow
def test_every_human_mirna_has_its_own_name(data_dir):
    database = naming.load_database(data_dir / "mirbase" / "hsa_mature_r22.fa")
    first = {m.sequence: m.name for m in reversed(database.mirnas)}
    for settings in (NAMING, PUBLISHED):
        names = naming.name_sequences(list(first), database, settings)
        assert [name.mirna_id for name in names] == list(first.values())
        assert max(name.evalue for name in names) < 0.1


def test_low_complexity_is_found_by_default_alone(database):
    near = REPEAT[:-1] + "A"
    ours, published = (
        naming.name_sequences([near], database, settings)[0]
        for settings in (NAMING, PUBLISHED)
    )
    assert ours.mirna_id == "repeat"
    assert published is None


def test_strand_and_evalue_decide_what_is_known(database):
    opposite = pairing.reverse_complement(LET7)
    both = dataclasses.replace(NAMING, strand="both")
    assert naming.name_sequences([opposite], database) == [None]
    # Of two that equal it and one that holds it, the first in the file.
    assert naming.name_sequences([opposite], database, both)[0].mirna_id == "longer"
    near = LET7[:-3] + "AAA"
    (name,) = naming.name_sequences([near], database)
    assert name.mirna_id == "longer"
    for evalue, known in ((name.evalue * 1.01, True), (name.evalue / 1.1, False)):
        settings = dataclasses.replace(NAMING, evalue=evalue)
        (again,) = naming.name_sequences([near], database, settings)
        assert (again == name) == known
        assert (again is None) != known


def test_an_empty_sequence_has_no_name(database):
    assert naming.name_sequences(["", LET7, ""], database)[::2] == [None, None]
    assert naming.name_sequences([], database) == []


def test_a_damaged_file_is_named(tmp_path):
    damaged = tmp_path / "damaged.fa"
    damaged.write_text("no fasta")
    with pytest.raises(ValueError, match=r"damaged\.fa: not a FASTA file"):
        naming.load_database(damaged)
