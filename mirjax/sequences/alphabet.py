"""The RNA alphabet: reading of letters, N and IUPAC codes, and encoding as tokens.

T is read as U, and lower case as upper case. N and the other IUPAC codes are refused,
or on request read as N (`normalise`) and as PAD (`encode`).

Tokens 0-4 are those of miTAR (Gu et al. 2021, doi 10.1186/s12859-021-04026-6), so its
published weights load unchanged.
"""

from collections.abc import Iterable, Sequence

import numpy as np

PAD, A, U, C, G, BOS, EOS = range(7)
LETTERS = "AUCG"
VOCABULARY_SIZE = 7
NUM_SYMBOLS = 6  # a generator scores A, U, C, G, BOS, EOS: tokens less one

IUPAC_CODES = "NRYSWKMBDHV"  # of letters that are not known exactly
UNKNOWN_LETTER = "N"  # replaces these codes
_UNKNOWN = 255


def _lookup_table() -> np.ndarray:
    table = np.full(256, _UNKNOWN, np.uint8)
    for letter, token in zip("AUTCG", (A, U, U, C, G), strict=True):
        table[ord(letter)] = table[ord(letter.lower())] = token
    return table


_TOKEN_OF_BYTE = _lookup_table()
_UNKNOWN_AS_PAD = _TOKEN_OF_BYTE.copy()
for _code in IUPAC_CODES + IUPAC_CODES.lower():
    _UNKNOWN_AS_PAD[ord(_code)] = PAD
_LETTER_OF_TOKEN = np.frombuffer(b"-AUCG^$", np.uint8)
_BLANKS = " \t\r\n"
# ASCII letters only.
_AS_RNA = str.maketrans("acguTt" + IUPAC_CODES.lower(), "ACGUUU" + IUPAC_CODES)
_AS_UNKNOWN = str.maketrans(IUPAC_CODES, UNKNOWN_LETTER * len(IUPAC_CODES))


def normalise(sequence: str, *, name: str = "", unknown_letters: bool = False) -> str:
    """Return `sequence` in upper-case RNA letters.

    >>> normalise("acgtR", unknown_letters=True)
    'ACGUN'

    Args:
      sequence: RNA or DNA letters in any case, surrounding ASCII blanks allowed.
      name: name of the sequence in errors, such as "targets.fa record s1".
      unknown_letters: read N and the other IUPAC codes as N instead of refusing them.

    Returns:
      The sequence over A, U, C and G, and N if unknown letters are read.

    Raises:
      ValueError: if it is empty or holds any other letter; the message names the first.
    """
    start = name and f"{name}: "
    letters = sequence.strip(_BLANKS).translate(_AS_RNA)
    if not letters:
        raise ValueError(f"{start}empty sequence")
    if unknown_letters:
        letters = letters.translate(_AS_UNKNOWN)
    allowed = set(LETTERS + UNKNOWN_LETTER if unknown_letters else LETTERS)
    if not set(letters) <= allowed:
        position = next(n for n, x in enumerate(letters) if x not in allowed)
        letter = letters[position]
        kind = "an ambiguity code" if letter in IUPAC_CODES else "not a nucleotide"
        raise ValueError(
            f"{start}letter {letter!r} at position {position + 1} is {kind}"
        )
    return letters


def encode(
    sequences: Sequence[str],
    length: int,
    *,
    names: Sequence[str] | None = None,
    unknown_as_pad: bool = False,
) -> np.ndarray:
    """Encode sequences as rows of tokens, padded on the right.

    Args:
      sequences: RNA or DNA letters; n of them.
      length: of a row, in nt; a longer sequence is an error and is never cut.
      names: of the sequences, for errors; their numbers, from 1, by default.
      unknown_as_pad: read N and the other IUPAC codes as PAD instead of refusing them.

    Returns:
      uint8 array of shape [n, length].

    Raises:
      ValueError: for a sequence longer than `length` or with an unknown letter.
    """
    table = _UNKNOWN_AS_PAD if unknown_as_pad else _TOKEN_OF_BYTE
    tokens = np.zeros((len(sequences), length), np.uint8)
    for row, sequence in enumerate(sequences):
        name = names[row] if names is not None else f"sequence {row + 1}"
        if len(sequence) > length:
            raise ValueError(f"{name}: {len(sequence)} nt, but at most {length} fit")
        codes = table[np.frombuffer(sequence.encode("ascii", "replace"), np.uint8)]
        if _UNKNOWN in codes:
            letter = sequence[int(np.argmax(codes == _UNKNOWN))]
            raise ValueError(f"{name}: letter {letter!r} is not one of A, C, G, U, T")
        tokens[row, : len(codes)] = codes
    return tokens


def decode(tokens: np.ndarray) -> list[str]:
    """Decode rows of tokens to letters, each up to its first EOS or PAD.

    Args:
      tokens: uint8 array [n, length].

    Returns:
      n strings. A BOS within a row, which a model may emit, is written "^".
    """
    tokens = np.asarray(tokens)
    ended = (tokens == PAD) | (tokens == EOS)
    lengths = np.where(ended.any(axis=1), ended.argmax(axis=1), tokens.shape[1])
    letters = _LETTER_OF_TOKEN[tokens]
    return [
        row[:stop].tobytes().decode("ascii")
        for row, stop in zip(letters, lengths, strict=True)
    ]


def lengths(sequences: Iterable[str]) -> np.ndarray:
    """Return the lengths of sequences, in nt, as an int array."""
    return np.fromiter((len(sequence) for sequence in sequences), np.int64)
