"""Tests of mirjax.models.archive: what is read, and hostile or damaged archives."""

import io
import zipfile

import numpy as np
import pytest

from mirjax.models.archive import Archive, has_checksum, with_checksum

ARRAYS = {
    "params/conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "params/conv/bias": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "metadata": np.array('{"a": "ä"}'),
}
HEADER = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"


def saved(save=np.savez, **arrays):
    stream = io.BytesIO()
    save(stream, **(arrays or ARRAYS))
    return stream.getvalue()


def of_member(content, name="x.npy", compression=zipfile.ZIP_STORED):
    """A zip archive of one member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        file.writestr(name, content)
    return stream.getvalue()


def array(descr="<f4", shape="(2,)", content=bytes(8), version=b"\x01\x00"):
    header = (HEADER % (descr, shape)).encode()
    length = (len(header) + 1).to_bytes(2, "little")
    return b"\x93NUMPY" + version + length + header + b"\n" + content


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_numpy_saved_them(save):
    archive = Archive(io.BytesIO(saved(save)))
    assert list(archive.members) == list(ARRAYS)
    for name, expected in ARRAYS.items():
        member = archive.members[name]
        assert (member.dtype, member.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(archive.read(name), expected)
    with np.load(io.BytesIO(with_checksum(saved(save))), allow_pickle=False) as loaded:
        np.testing.assert_array_equal(
            loaded["params/conv/bias"], ARRAYS[list(ARRAYS)[1]]
        )


def test_no_flipped_bit_of_a_checksummed_archive_is_overlooked():
    content = with_checksum(saved(x=np.ones(2, np.float32)))
    assert has_checksum(io.BytesIO(content))
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError, match="SHA-256"):
            has_checksum(io.BytesIO(flipped))


def test_an_archive_of_numpy_has_no_checksum_and_a_cut_one_is_damaged():
    content = saved()
    assert not has_checksum(io.BytesIO(content))
    for cut in (content[:-1], with_checksum(content)[:-1], b"PK"):
        with pytest.raises(ValueError, match="damaged or missing"):
            has_checksum(io.BytesIO(cut))


BAD = {
    "not an array": (of_member(b"hello", "README.txt"), "'README.txt' is not an array"),
    "no header": (of_member(b"hello"), "'x.npy': no array of NumPy's format"),
    "damaged header": (
        of_member(array().replace(b"'shape'", b"'shape")),
        "'x.npy': its header is damaged",
    ),
    "other version": (of_member(array(version=b"\x02\x00")), "format 1.0"),
    "nested header": (
        of_member(array(shape="(" * 4000 + ")" * 4000)),
        "header is damaged",
    ),
    "objects": (of_member(array("|O", "(1,)")), "objects, which are never read"),
    "records": (saved(x=np.zeros(2, "f4,i4")), "describes no plain array"),
    "unknown type": (of_member(array("<q7")), "'x.npy': data type"),
    "longer than declared": (
        of_member(array(content=bytes(12))),
        r"size is not that of shape \(2,\)",
    ),
    "absurd shape": (
        of_member(array(shape="(999999999999, 999999999999)")),
        "its size is not that of shape",
    ),
    "bomb": (
        of_member(bytes(40 << 20), compression=zipfile.ZIP_DEFLATED),
        "bytes ask for 41943040",
    ),
    "bzip2": (
        of_member(array(), compression=zipfile.ZIP_BZIP2),
        "'x.npy' is compressed by an unknown method",
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_what_is_declared_is_checked_before_values_are_read(content, message):
    with pytest.raises(ValueError, match=message) as caught:
        Archive(io.BytesIO(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_text_of_numbers_that_are_no_characters_is_refused(order):
    codes = np.array([ord("a"), 0x10FFFF], f"{order}u4")
    content = of_member(array(f"{order}U2", "()", codes.tobytes()))
    assert str(Archive(io.BytesIO(content)).read("x")) == "a\U0010ffff"
    codes[1] += 1
    content = of_member(array(f"{order}U2", "()", codes.tobytes()))
    with pytest.raises(ValueError, match="x.npy': its text holds a number that is no"):
        Archive(io.BytesIO(content)).read("x")


def test_a_member_that_is_there_twice_is_refused():
    content = saved(a=np.zeros(2), b=np.ones(2)).replace(b"b.npy", b"a.npy")
    with pytest.raises(ValueError, match=r"'a\.npy' is there 2 times"):
        Archive(io.BytesIO(content))


def test_a_member_that_claims_more_bytes_than_the_file_has_is_refused():
    content = bytearray(saved(x=np.zeros(2)))
    place = content.index(b"PK\1\2") + 20  # of its compressed size
    content[place : place + 4] = b"\xff\xff\xff\x7f"
    with pytest.raises(ValueError, match=r"'x\.npy' goes past the file's end"):
        Archive(io.BytesIO(content))


def test_an_encrypted_member_is_refused():
    content = bytearray(saved(x=np.zeros(2)))
    for magic, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(magic) + place] |= 1
    with pytest.raises(ValueError, match=r"'x\.npy'.*encrypted"):
        Archive(io.BytesIO(content))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_values_are_refused_and_the_member_named(save):
    values = np.random.default_rng(0).random(300)
    content = bytearray(saved(save, x=values))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(ValueError, match=r"member 'x\.npy': (Bad CRC|Error -3)"):
        Archive(io.BytesIO(content)).read("x")
