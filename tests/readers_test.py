"""Tests of mirjax.datasets.readers: orientation by seed matches and miRBase names."""

import numpy as np
import pytest
from Bio import SeqIO

from mirjax.datasets import readers
from mirjax.sequences.pairing import SEED_6MER, seed_site


def _write(folder, text, name="file.txt"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


def _error(path, read):
    with pytest.raises(ValueError, match=path.name) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


def test_chakraborty_targets_are_reversed(tmp_path):
    path = _write(tmp_path, "AACC,GGUA\r\nCCCA,UUUG")
    pairs = readers.read_chakraborty(path)
    assert pairs.mirnas == ["AACC", "CCCA"]
    assert pairs.targets == ["AUGG", "GUUU"]
    assert pairs.labels is None


def test_mitar_mirnas_are_reversed(tmp_path):
    rows = "mir-1\tAACG\tgene1\tGGTa\t1\nmir-2\tACCC\tgene2\tUUTG\t0\n"
    header = "miRNA ID\tmiRNA Seq (3'-->5')\tmRNA\tTarget Site\tlabel\n"
    for text in (rows, header + rows):
        pairs = readers.read_mitar(_write(tmp_path, text))
        assert pairs.mirnas == ["GCAA", "CCCA"]
        assert pairs.targets == ["GGUA", "UUUG"]
        assert pairs.labels.tolist() == [1, 0]
        assert pairs.labels.dtype == np.uint8
        assert pairs.mirna_names == ["mir-1", "mir-2"]
        assert pairs.genes == ["gene1", "gene2"]


def test_mirbench_columns_are_found_by_name(tmp_path):
    text = "label\tgene_cluster_ID\tgene\tchr\tnoncodingRNA\n0\t7\tACGT\t1\tTTGA\n"
    pairs = readers.read_mirbench(_write(tmp_path, text))
    assert (pairs.mirnas, pairs.targets) == (["UUGA"], ["ACGU"])
    assert (pairs.labels.tolist(), pairs.clusters) == ([0], ["7"])
    assert pairs.mirna_names is None


def test_csv_columns_are_optional_and_in_any_order(tmp_path):
    text = 'target,mirna\nACGT,TTGA\n"GG",CC\n'
    pairs = readers.read_csv(_write(tmp_path, text))
    assert (pairs.mirnas, pairs.targets) == (["UUGA", "CC"], ["ACGU", "GG"])
    assert pairs.labels is None
    text = "gene,Target,mirna,label,mirna_name\nBRCA1,ACGT,TTGA,1,mir-1\n"
    pairs = readers.read_csv(_write(tmp_path, text))
    assert (pairs.genes, pairs.mirna_names) == (["BRCA1"], ["mir-1"])
    assert pairs.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("data_format", "text", "part"),
    [
        ("chakraborty2019", "", "empty"),
        ("chakraborty2019", ",,\n", "no filled column"),
        ("chakraborty2019", "AC,GU\nACGU\n", "line 2: 1 columns, expected 2"),
        ("chakraborty2019", "AC,GU\n\nAC,GX\n", "line 3 target: letter 'X'"),
        ("mitar2021", "m\tAC\tg\tGU\t1\nm\tAC\tg\tGU\t2\n", "line 2: label '2'"),
        ("mitar2021", "m\tAC\tg\tGU\t1\nm\t\tg\tGU\t1\n", "line 2 mirna: empty"),
        ("mitar2021", "a\tb\tc\td\tlabel\n", "no row of data"),
        ("mitar2021", "m,AC,g,GU,1\n", "line 1: 1 columns, expected 5"),
        ("mirbench", "gene\tlabel\nAC\t1\n", "lacks the column 'noncodingRNA'"),
        ("csv", "ACGU,GGUU\n", "line 1: the header lacks the column 'mirna'"),
        ("csv", "mirna,target,label\nAC,GU,\n", "line 2: label ''"),
        ("csv", "mirna,target,label\nAC,GU\n", "line 2: 2 columns, expected 3"),
    ],
)
def test_table_errors_name_the_line(tmp_path, data_format, text, part):
    path = _write(tmp_path, text)
    assert part in _error(path, lambda p: readers.read_pairs(p, data_format))


def test_unknown_format_is_named(tmp_path):
    with pytest.raises(ValueError, match="data_format='excel'.*chakraborty2019.*csv"):
        readers.read_pairs(tmp_path / "x", "excel")


def _mirbase(data_dir):
    with open(data_dir / "mirbase/hsa_mature_r22.fa") as file:
        return {r.id: str(r.seq) for r in SeqIO.parse(file, "fasta")}


def _fraction_with_seed_match(mirnas, targets):
    return np.mean(
        [
            seed_site(mirna, SEED_6MER) in target
            for mirna, target in zip(mirnas, targets, strict=True)
        ]
    )


def test_real_chakraborty_pairs_are_both_5_to_3(data_dir):
    pairs = readers.read_chakraborty(data_dir / "chakraborty2019/pairs.csv")
    assert len(pairs) == 19_230
    assert set(pairs.mirnas) <= set(_mirbase(data_dir).values())
    flipped = [target[::-1] for target in pairs.targets]
    right = _fraction_with_seed_match(pairs.mirnas, pairs.targets)
    wrong = _fraction_with_seed_match(pairs.mirnas, flipped)
    assert right > 10 * wrong


def test_real_mitar_mirnas_are_those_of_mirbase(data_dir):
    file = "mitar2021/data_DeepMirTar_miRAW_noRepeats_3folds.txt"
    pairs = readers.read_mitar(data_dir / file)
    assert len(pairs) == 27_720
    mirbase = _mirbase(data_dir)
    known = [
        # Some names' ends have moved since, by miRBase release: one contains the other.
        mirna in mirbase[name] or mirbase[name] in mirna
        for name, mirna, label in zip(
            pairs.mirna_names, pairs.mirnas, pairs.labels, strict=True
        )
        if label == 1 and name in mirbase
    ]
    assert len(known) > 5_000
    assert all(known)


def test_real_mirbench_pairs_are_both_5_to_3(data_dir):
    pairs = readers.read_mirbench(data_dir / "hejret2023/test.tsv")
    mirbase = _mirbase(data_dir)
    assert (len(pairs), len(pairs.clusters)) == (965, 965)
    # The experiment reads isoforms: compare the name's seed, not the whole miRNA.
    agree = [
        mirbase[name][1:8] == mirna[1:8]
        for name, mirna in zip(pairs.mirna_names, pairs.mirnas, strict=True)
        if name in mirbase
    ]
    assert len(agree) > 900
    assert np.mean(agree) > 0.9
    positive = pairs.take(np.flatnonzero(pairs.labels == 1))
    flipped = [target[::-1] for target in positive.targets]
    right = _fraction_with_seed_match(positive.mirnas, positive.targets)
    assert right > 5 * _fraction_with_seed_match(positive.mirnas, flipped)


@pytest.mark.parametrize(
    ("data_format", "text"),
    [
        ("mitar2021", "miR-1\tUAUG\tGENE\tACGUU\t1\nmiR-1\tUAUG\tGENE\tACGUU\t0\n"),
        ("mitar2021", "ID\tmiRNA Seq (3'-->5')\tGene\tSite\tlabel\na\tUG\tb\tAC\t0\n"),
        ("mirbench", "gene\tnoncodingRNA\tlabel\nACGU\tGGC\t1\n"),
        ("csv", "\nlabel,target,mirna\n1,ACGU,GGC\n"),
    ],
)
def test_a_table_is_recognised_by_its_first_line(tmp_path, data_format, text):
    path = _write(tmp_path, text)
    guessed = readers.read_pairs(path)
    named = readers.read_pairs(path, data_format)
    assert (guessed.mirnas, guessed.targets) == (named.mirnas, named.targets)
    np.testing.assert_array_equal(guessed.labels, named.labels)
