"""Suggestions for misspelt names in error messages."""

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """Name the known word that is nearest to an unknown one, for an error message.

    Args:
      word: the unknown word. Of a dotted one, such as "train.batchsize", the last part
        is compared: with the words of the same section first, then with all.
      known: the words to choose from.

    Returns:
      "; did you mean " and the word, or the empty string if none is near.

    >>> suggest("train.batchsize", ["seed", "train.batch_size"])
    '; did you mean train.batch_size?'
    """
    section, _, name = word.rpartition(".")
    parts = [(*known_word.rpartition(".")[::2], known_word) for known_word in known]
    same_section = {last: full for first, last, full in parts if first == section}
    anywhere = {last: full for _, last, full in reversed(parts)}
    for candidates in (same_section, anywhere):
        for match in difflib.get_close_matches(name, candidates, n=1):
            return f"; did you mean {candidates[match]}?"
    return ""
