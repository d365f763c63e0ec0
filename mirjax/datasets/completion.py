"""Complete miRNAs that are truncated in a published table."""

import collections
from collections.abc import Sequence

from absl import logging

from mirjax.sequences.records import SequenceRecord


def complete_mirnas(
    mirnas: Sequence[str], known: Sequence[SequenceRecord], cut: int
) -> tuple[list[str], list[str]]:
    """Complete miRNAs that were cut to their first letters.

    >>> let7 = SequenceRecord("hsa-let-7a-5p", "UGAGGUAGUAGGUUGUAUAGUU")
    >>> complete_mirnas(["UGAGGUAGUAGGUUGUAUAG"], [let7], cut=20)
    (['UGAGGUAGUAGGUUGUAUAGUU'], ['hsa-let-7a-5p'])

    Args:
      mirnas: 5'→3'. Those of `cut` letters may be truncated.
      known: the mature miRNAs of the species.
      cut: letters that the table keeps.

    Returns:
      The miRNAs, and their names. A miRNA of `cut` letters is replaced by the known one
      that starts with them, if exactly one does; otherwise it is unchanged, and the
      number of these is logged. A name is empty if none or several of the known miRNAs
      have the resulting sequence.
    """
    sequences = collections.defaultdict(set)
    names = collections.defaultdict(set)
    for record in known:
        sequences[record.sequence[:cut]].add(record.sequence)
        names[record.sequence].add(record.name)
    completed, choices = [], collections.Counter[int]()
    for mirna in mirnas:
        found = sequences.get(mirna, set()) if len(mirna) == cut else {mirna}
        completed.append(next(iter(found)) if len(found) == 1 else mirna)
        choices[len(found)] += len(mirna) == cut
    logging.info(
        "%d of %d miRNAs have %d letters: %d completed; %d unchanged since "
        "several known miRNAs begin with them, %d since none does",
        choices.total(),
        len(mirnas),
        cut,
        choices[1],
        choices.total() - choices[0] - choices[1],
        choices[0],
    )
    of_one = [names.get(mirna, set()) for mirna in completed]
    return completed, [next(iter(found)) if len(found) == 1 else "" for found in of_one]
