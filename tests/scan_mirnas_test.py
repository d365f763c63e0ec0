"""The miRNAs of a scan: files, datasets and names."""

import pytest

from mirjax.models.mitar import Mitar
from mirjax.scanning.mirnas import check_lengths, load_mirnas
from mirjax.sequences.bad_records import SKIP, BadRecords
from mirjax.sequences.records import SequenceRecord


def test_a_fasta_file(tmp_path):
    path = tmp_path / "mirnas.fa"
    path.write_text(">m1 note\nUGAGGTagtaggttgt\n>m2\nAC\nGU\n")
    assert load_mirnas(str(path)) == [
        SequenceRecord("m1", "UGAGGUAGUAGGUUGU"),
        SequenceRecord("m2", "ACGU"),
    ]


def test_names_in_their_order(data_dir):
    mirnas = load_mirnas("hsa-miR-21-5p, hsa-let-7a-5p,miR-1-3p,mmu-let-7g-5p")
    assert [each.name for each in mirnas] == [
        "hsa-miR-21-5p",
        "hsa-let-7a-5p",
        "hsa-miR-1-3p",
        "mmu-let-7g-5p",
    ]
    assert mirnas[0].sequence == "UAGCUUAUCAGACUGAUGUUGA"
    assert len(load_mirnas("mirbase/hsa")) == 2656


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("hsa-mir-21-5p", "did you mean hsa-miR-21-5p"),
        ("hsa-let-7a-5p,hsa-miR-2l-5p", "hsa-miR-2l-5p is neither .* did you mean"),
        ("hsa-let-7a-5p,hsa-let-7a-5p", "hsa-let-7a-5p is named twice"),
        ("hsa-let-7a-5p,,x", "an empty name between commas"),
        ("zzz-let-7a-5p", "no species of the code 'zzz'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(data_dir, given, part):
    with pytest.raises(ValueError, match=part):
        load_mirnas(given)


@pytest.mark.parametrize("given", ["", "absent.fa", "./absent", "hejret2023/train"])
def test_what_is_no_source_of_mirnas(given):
    with pytest.raises(ValueError, match="--mirnas"):
        load_mirnas(given)


def test_mirnas_that_are_too_long_are_bad_records():
    mirnas = [SequenceRecord("m15", "A" * 15), SequenceRecord("m30", "A" * 30)]
    with pytest.raises(ValueError, match="m30: 30 nt, the model takes 1 to 26"):
        check_lengths(mirnas, Mitar(), BadRecords(), "mirnas.fa")
    bad = BadRecords(SKIP)
    assert check_lengths(mirnas, Mitar(), bad, "mirnas.fa") == mirnas[:1]
    assert [each.record for each in bad.skipped] == ["m30"]
