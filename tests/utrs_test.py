"""Tests of mirjax.datasets.utrs."""

from mirjax.datasets.utrs import START, read_utrs

_HEAD = "ACGU" * (START // 4)


def _write(path, records):
    path.write_text("".join(f">{name}\n{utr}\n" for name, utr in records.items()))
    return path


def test_isoform_of_the_first_file_is_preferred(tmp_path):
    first = _write(
        tmp_path / "a.fa", {"NM_1.2": _HEAD + "CC", "NM_2": _HEAD + "CCAAAA"}
    )
    second = _write(
        tmp_path / "b.fa",
        {"ENSG1": _HEAD + "CCAAAAGG", "ENSG2": "U" + _HEAD, "ENSG3": _HEAD[:-1]},
    )
    assert (
        read_utrs([first, second])
        == {
            "NM_1.2": _HEAD + "CC",
            "NM_2": _HEAD + "CCAAAA",  # isoforms of one file are all kept
            "ENSG1": _HEAD + "CC",
            "ENSG2": "U" + _HEAD,  # begins elsewhere
            "ENSG3": _HEAD[:-1],  # too short to be recognised
        }
    )
    assert read_utrs([second, first])["NM_2"] == _HEAD + "CCAAAAGG"


def test_name_in_two_files_has_the_sequence_of_the_first(tmp_path):
    first = _write(tmp_path / "a.fa", {"G": "ACGU"})
    second = _write(tmp_path / "b.fa", {"G": "CCCC", "H": "GGGG"})
    assert read_utrs([first, second]) == {"G": "ACGU", "H": "GGGG"}


def test_unknown_letters_make_no_isoforms(tmp_path):
    first = _write(tmp_path / "a.fa", {"G": "N" * START + "ACGU"})
    second = _write(tmp_path / "b.fa", {"H": "N" * START + "CCCC"})
    assert read_utrs([first, second])["H"] == "N" * START + "CCCC"
