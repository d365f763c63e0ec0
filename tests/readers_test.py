"""Tests of mirjax.datasets.readers: orientation by seed matches and miRBase names."""

import gzip
import logging
import re

import numpy as np
import pytest
from Bio import SeqIO

from mirjax.datasets import formats, readers
from mirjax.sequences.bad_records import SKIP, BadRecords
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


@pytest.fixture
def logged(caplog):
    """Return what is logged at level INFO."""
    with caplog.at_level(logging.INFO, "absl"):
        yield caplog


def test_chakraborty_targets_are_reversed(tmp_path):
    path = _write(tmp_path, "AACC,GGUA\r\nCCCA,UUUG")
    pairs = readers.read_pairs(path, "chakraborty2019")
    assert pairs.mirnas == ["AACC", "CCCA"]
    assert pairs.targets == ["AUGG", "GUUU"]
    assert pairs.labels is None


def test_mitar_mirnas_are_reversed(tmp_path):
    rows = "mir-1\tAACG\tgene1\tGGTa\t1\nmir-2\tACCC\tgene2\tUUTG\t0\n"
    header = "miRNA ID\tmiRNA Seq (3'-->5')\tmRNA\tTarget Site\tlabel\n"
    for text in (rows, header + rows):
        pairs = readers.read_pairs(_write(tmp_path, text), "mitar2021")
        assert pairs.mirnas == ["GCAA", "CCCA"]
        assert pairs.targets == ["GGUA", "UUUG"]
        assert pairs.labels.tolist() == [1, 0]
        assert pairs.labels.dtype == np.uint8
        assert pairs.mirna_names == ["mir-1", "mir-2"]
        assert pairs.genes == ["gene1", "gene2"]


def test_mirbench_columns_are_found_by_name(tmp_path):
    text = "label\tgene_cluster_ID\tgene\tchr\tnoncodingRNA\n0\t7\tACGT\t1\tTTGA\n"
    pairs = readers.read_pairs(_write(tmp_path, text), "mirbench")
    assert (pairs.mirnas, pairs.targets) == (["UUGA"], ["ACGU"])
    assert (pairs.labels.tolist(), pairs.clusters) == ([0], ["7"])
    assert pairs.mirna_names is None


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("data_format", ["", "mirbench"])
def test_any_release_of_mirbench_is_read(tmp_path, data_format, packed):
    """Columns are in any order, others may be there, and conservation may be long."""
    conservation = "[" + ", ".join(["-1.1770000457763672"] * 50) + "]"
    rows = [
        ["gene_phyloP", "label", "chr", "gene", "noncodingRNA_fam", "noncodingRNA"],
        [conservation, "1", "1", "ACGTTG", "let-7", "TGAGGTAG"],
        [conservation, "0", "X", "GGGTTT", "unknown", "TAGCAGCA"],
    ]
    text = "\n".join("\t".join(row) for row in rows).encode()
    path = tmp_path / ("release.tsv.gz" if packed else "release.tsv")
    path.write_bytes(gzip.compress(text, mtime=0) if packed else text)
    pairs = readers.read_pairs(path, data_format)
    assert pairs.mirnas == ["UGAGGUAG", "UAGCAGCA"]
    assert pairs.targets == ["ACGUUG", "GGGUUU"]
    assert pairs.labels.tolist() == [1, 0]


def test_helwak_mirnas_are_completed_if_cut(tmp_path):
    let7a, cut = "UGAGGUAGUAGGUUGUAUAGUU", "TGAGGTAGTAGGTTGTATAG"
    unknown, short = "TTTTTTTTTTTTTTTTTTTT", "TGAGGTAGTAGGTTGTATA"
    rows = [[m, "ACGTTG", "1"] for m in (cut, unknown, short)]
    text = "\n".join("\t".join(row) for row in [["miRNA", "gene", "label"], *rows])
    pairs = readers.read_pairs(_write(tmp_path, text), "helwak2013")
    assert pairs.mirnas == [let7a, "U" * 20, let7a[:19]]
    assert pairs.mirna_names == ["hsa-let-7a-5p", "", ""]


def test_csv_columns_are_optional_and_in_any_order(tmp_path):
    text = 'target,mirna\nACGT,TTGA\n"GG",CC\n'
    pairs = readers.read_pairs(_write(tmp_path, text), "csv")
    assert (pairs.mirnas, pairs.targets) == (["UUGA", "CC"], ["ACGU", "GG"])
    assert pairs.labels is None
    text = "gene,Target,mirna,label,mirna_name\nBRCA1,ACGT,TTGA,1,mir-1\n"
    pairs = readers.read_pairs(_write(tmp_path, text), "csv")
    assert (pairs.genes, pairs.mirna_names) == (["BRCA1"], ["mir-1"])
    assert pairs.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("data_format", "text", "part"),
    [
        ("chakraborty2019", "", "empty"),
        ("chakraborty2019", ",\n", "line 1: mirna: empty sequence"),
        ("chakraborty2019", "AC,GU\nACGU\n", "line 2: 1 columns, expected 2"),
        ("chakraborty2019", "AC,GU\n\nAC,GX\n", "line 3: target: letter 'X'"),
        ("mitar2021", "m\tAC\tg\tGU\t1\nm\tAC\tg\tGU\t2\n", "line 2: label '2'"),
        ("mitar2021", "m\tAC\tg\tGU\t1\nm\t\tg\tGU\t1\n", "line 2: mirna: empty"),
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
    pairs = readers.read_pairs(
        data_dir / "chakraborty2019/pairs.csv", "chakraborty2019"
    )
    assert len(pairs) == 19_230
    assert set(pairs.mirnas) <= set(_mirbase(data_dir).values())
    flipped = [target[::-1] for target in pairs.targets]
    right = _fraction_with_seed_match(pairs.mirnas, pairs.targets)
    wrong = _fraction_with_seed_match(pairs.mirnas, flipped)
    assert right > 10 * wrong


def test_real_mitar_mirnas_are_those_of_mirbase(data_dir):
    file = "mitar2021/data_DeepMirTar_miRAW_noRepeats_3folds.txt"
    pairs = readers.read_pairs(data_dir / file, "mitar2021")
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
    pairs = readers.read_pairs(data_dir / "hejret2023/test.tsv", "mirbench")
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
        ("mitar2021", "\t".join(formats.MITAR_HEADER) + "\na\tUG\tb\tAC\t0\n"),
        ("mirbench", "gene\tnoncodingRNA\tlabel\nACGU\tGGC\t1\n"),
        ("csv", "\nlabel,target,mirna\n1,ACGU,GGC\n"),
        ("tsv", "\nlabel\ttarget\tmirna\n1\tACGU\tGGC\n"),
    ],
)
def test_a_table_is_recognised_by_its_header(tmp_path, data_format, text, logged):
    path = _write(tmp_path, text)
    guessed = readers.read_pairs(path)
    assert f"read as {data_format}: " in logged.text
    named = readers.read_pairs(path, data_format)
    assert (guessed.mirnas, guessed.targets) == (named.mirnas, named.targets)
    np.testing.assert_array_equal(guessed.labels, named.labels)


_OWN = """mirna_name,mirna,gene,target,label
mir-1,GGAUCA,g1,AGUCCG,0
mir-2,GUAGGA,g2,UCAAUA,1

mir-3,CUACUG,g3,GGCAUG,1
"""


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_own_pairs_keep_their_orientation(tmp_path, delimiter, packed, logged):
    # The columns of the TSV are those of miTAR's tables, which hold miRNAs 3'→5'.
    content = _OWN.replace(",", delimiter).encode()
    path = tmp_path / "pairs.txt"
    path.write_bytes(gzip.compress(content) if packed else content)
    pairs = readers.read_pairs(path)
    assert pairs.mirnas == ["GGAUCA", "GUAGGA", "CUACUG"]
    assert pairs.targets == ["AGUCCG", "UCAAUA", "GGCAUG"]
    assert (pairs.mirna_names[1], pairs.genes[1]) == ("mir-2", "g2")
    assert pairs.labels.tolist() == [0, 1, 1]
    assert pairs.lines.tolist() == [2, 3, 5]
    line = "3 pairs (2 labelled 1, 1 labelled 0), read as {}: miRNA and target 5'→3'"
    assert line.format("csv" if delimiter == "," else "tsv") in logged.text


def test_own_pairs_are_no_published_table(tmp_path):
    path = _write(tmp_path, _OWN.replace(",", "\t"))
    message = _error(path, lambda p: readers.read_pairs(p, "mitar2021"))
    assert "line 1: a header that names mirna and target" in message


@pytest.mark.parametrize(
    "text",
    [
        "miR-1\tUAUG\tGENE\tACGUU\t1\n",
        "ID\tmiRNA Seq\tGene\tSite\tlabel\na\tUG\tb\tAC\t0\n",
        "UAUG,ACGUU\n",
        "mirna;target\nAC;GU\n",
    ],
)
def test_a_table_without_a_known_header_needs_a_name(tmp_path, text):
    message = _error(_write(tmp_path, text), readers.read_pairs)
    assert "line 1: no known header" in message
    assert "--data_format" in message


def test_pairs_without_labels_are_said_to_be(tmp_path, logged):
    pairs = readers.read_pairs(_write(tmp_path, "mirna,target\nAC,GU\n"))
    assert pairs.labels is None
    assert "1 pairs (without labels)" in logged.text


def test_optional_columns_are_kept_and_others_named(tmp_path, logged):
    text = "mirna\ttarget\tsplit\ttarget_name\tscore\nAC\tGU\ttest\tg\t9\n"
    pairs = readers.read_pairs(_write(tmp_path, text))
    assert (pairs.parts, pairs.genes) == (["test"], ["g"])
    assert "columns not used: 'score'" in logged.text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("mirna,label\nAC,1\n", "line 1: the header lacks the column 'target'"),
        ("mirna,target,target\nAC,GU,GG\n", "line 1: .* column 'target' 2 times"),
        ("mirna\ttarget\tMirna\nAC\tGU\tGG\n", "column 'mirna' 2 times"),
        ("mirna,target,labels\nAC,GU,0\n", "column 'labels' .* rename it to 'label'"),
        ("mirna,target,splits\nAC,GU,test\n", "'splits' .* rename it to 'split'"),
        ('mirna,target\nAC,GU\n\nGG,"CC\nAC,GU\n', "line 4: a quote is opened"),
        ('mirna,target\nAC,GU\nGG,"CC\nAC,G"U\n', "line 3: a quote is opened"),
        ('mirna,target\nAC,GU\nGG,"CC', "line 3: a quote is opened"),
        ('mirna,target\nAC,"GU"U\n', "line 2: ',' expected after '\"'"),
        ("mirna,target,gene\nAC,GU,a\x1bb\n", "line 2: gene .* control character"),
        ("mirna,target,split\nAC,GU,dev\n", "line 2: split 'dev' is not one of"),
        ("mirna,target\nAC,GU\n,\n", "line 3: mirna: empty sequence"),
    ],
)
def test_what_is_ambiguous_is_refused(tmp_path, text, part):
    assert re.search(part, _error(_write(tmp_path, text), readers.read_pairs))


def test_all_bad_rows_are_named_at_once(tmp_path):
    rows = [f"AC,GU,{n}" for n in range(14)]
    path = _write(tmp_path, "\n".join(["mirna,target,label", *rows]))
    message = _error(path, readers.read_pairs)
    assert "12 of 14 rows cannot be read: line 4: label '2' is neither" in message
    assert message.endswith("line 13: label '11' is neither 0 nor 1; and 2 more")


def test_bad_rows_are_skipped_on_demand(tmp_path):
    path = _write(tmp_path, "mirna,target\nAC,GU\nAC,GX\nAC\nGG,CC\n")
    skip = BadRecords(SKIP)
    pairs = readers.read_pairs(path, bad_records=skip)
    assert (pairs.mirnas, pairs.lines.tolist()) == (["AC", "GG"], [2, 5])
    skip.write(tmp_path / "skipped.tsv")
    assert (tmp_path / "skipped.tsv").read_text().splitlines() == [
        "file\trecord\treason",
        f"{path}\tline 3\ttarget: letter 'X' at position 2 is not a nucleotide",
        f"{path}\tline 4\t1 columns, expected 2",
    ]
    path = _write(tmp_path, "mirna,target\nAC,GX\n")
    assert "none is left" in _error(
        path, lambda p: readers.read_pairs(p, bad_records=BadRecords(SKIP))
    )


def test_unknown_letters_of_targets_are_read_on_demand(tmp_path):
    path = _write(tmp_path, "mirna,target\nACGU,GnRT\n")
    assert "an ambiguity code" in _error(path, readers.read_pairs)
    pairs = readers.read_pairs(path, unknown_letters=True)
    assert pairs.targets == ["GNNU"]
    path = _write(tmp_path, "mirna,target\nACNU,GGGG\n")
    assert "mirna: letter 'N'" in _error(
        path, lambda p: readers.read_pairs(p, unknown_letters=True)
    )
