"""Tests of mirjax.datasets.transfection."""

import gzip

import numpy as np
import pytest

from mirjax.datasets import transfection
from mirjax.inputs import Content

_COLUMNS = {"mirA": "hsa-miR-1-3p", "mirB": "hsa-miR-7-5p", "mirC": "hsa-let-7a-5p"}


def _expression(values=None, header="\tmirA\tmirB\tmirC", names=("NM_1.3", "NM_2.1")):
    if values is None:
        tpm = np.array([[2e5, 4e5, 1e5], [8e5, 6e5, 9e5]])
        values = np.log(tpm)
    rows = (
        "\t".join([name, *map(repr, map(float, row))])
        for name, row in zip(names, values, strict=True)
    )
    return Content("levels.txt", "\n".join([header, *rows, ""]).encode())


def _own(text):
    return Content("own.tsv", text.encode())


def test_expression_becomes_log2_fold_changes_against_the_others():
    found = transfection.read_expression(_expression(), _COLUMNS)
    assert found.genes == ["NM_1", "NM_2"]
    assert found.mirnas == [*_COLUMNS.values()]
    level = np.log2([[2e5, 4e5, 1e5], [8e5, 6e5, 9e5]])
    expected = [[row[j] - np.delete(row, j).mean() for j in range(3)] for row in level]
    np.testing.assert_allclose(found.log2, expected, atol=1e-12)
    np.testing.assert_allclose(found.log2_level, level.mean(axis=1))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"header": "\tmirA\tmirC\tmirB"}, "line 1: the columns are mirA, mirC, mirB"),
        ({"names": ("NM_1.3", "NM_1.4")}, "line 3: NM_1 is in line 2 already"),
        ({"values": np.full((2, 3), np.nan)}, "line 2: 'nan' is not a finite number"),
        ({"values": np.log2(np.full((2, 3), 5e5))}, "not the natural logarithm"),
    ],
)
def test_expression_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        transfection.read_expression(_expression(**changed), _COLUMNS)


@pytest.mark.parametrize("name", transfection.NAMES)
def test_every_column_names_a_mirna(name):
    assert (
        len(set(transfection.COLUMNS[name].values()))
        == {
            "transfection/hela": 17,
            "transfection/hek293ft": 12,
        }[name]
    )


@pytest.mark.parametrize("delimiter", ",\t")
def test_own_table(tmp_path, delimiter):
    lines = ["baseMean,Gene,log2FoldChange", "9,TP53,-0.25", "8,MYC,NA", "7,KRAS,1e-1"]
    path = tmp_path / "own.txt.gz"
    path.write_bytes(gzip.compress("\n".join(lines).replace(",", delimiter).encode()))
    found = transfection.read_fold_changes(path, "hsa-miR-1-3p")
    assert found.genes == ["TP53", "KRAS"]
    assert found.mirnas == ["hsa-miR-1-3p"]
    np.testing.assert_array_equal(found.log2, [[-0.25], [0.1]])
    assert found.log2_level is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene\tfold\nTP53\t1\n", "lacks the column 'log2fc'"),
        ("gene\tlogFC\nTP53\t1\nTP53\t2\n", "line 3: TP53 is in line 2 already"),
        ("gene\tlogFC\nTP53\tinf\n", "line 2: 'inf' is not a finite number"),
        ("gene\tlogFC\nTP53\tlow\n", "line 2: 'low' is not a finite number"),
        ("gene\tlogFC\nTP53\n", "line 2: expected 2 fields"),
        ("gene\tlogFC\n\t1\n", "line 2: the gene has no name"),
        ("gene\tlogFC\nTP53\tNA\n", "no gene has a fold change"),
    ],
)
def test_own_table_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        transfection.read_fold_changes(_own(text), "hsa-miR-1-3p")


def test_targets_are_joined_by_name_then_by_synonym():
    changes = transfection.FoldChanges(
        ["NM_1", "NM_2", "NM_3"], ["m"], np.arange(3.0)[:, None], np.arange(3.0)
    )
    utrs = {"ENSG01.7": "acgt", "NM_1.9": "UUUU", "ENSG09": "GG"}
    synonyms = {"NM_1": ["ENSG09"], "NM_3": ["ENSG00", "ENSG01"]}
    joined, sequences = transfection.join_targets(changes, utrs, synonyms)
    assert joined.genes == ["NM_1", "NM_3"]
    assert sequences == ["UUUU", "ACGU"]
    np.testing.assert_array_equal(joined.log2[:, 0], [0, 2])
    np.testing.assert_array_equal(joined.log2_level, [0, 2])
    with pytest.raises(ValueError, match="none of the 3 genes, such as 'NM_1'"):
        transfection.join_targets(changes, {"TP53": "AC"})
