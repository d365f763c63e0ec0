"""Write the example FASTA files of the quick start.

  python scripts/write_example.py --out=FOLDER

targets.fa holds simulated target sites that are not in the training data, each named
after its true miRNA and site type, and one longer mRNA fragment with a site in the
middle. mirnas.fa holds all simulated miRNAs, the database for naming predictions.
utrs.fa holds parts of human 3'UTRs around three experimentally found sites: of miR-21
in PDCD4, and of miR-17 and miR-20a in E2F1.

References:
  Asangani et al. 2008, Oncogene 27:2128, doi 10.1038/sj.onc.1210856 (PDCD4).
  O'Donnell et al. 2005, Nature 435:839, doi 10.1038/nature03677 (E2F1).
"""

import pathlib

import numpy as np
from absl import flags

from mirjax import cli
from mirjax.datasets.registry import SIMULATED_SIZE
from mirjax.datasets.simulate import simulate
from mirjax.sequences import alphabet, fasta
from mirjax.sequences.records import SequenceRecord

NUM_SITES = 12
UTRS = {  # parts of the 3'UTRs of ENSG00000150593 and ENSG00000101412
    "PDCD4_161-320": "AAAUGUUUUUUCUUUUUUUUUUGUUUUUCGAGGGGGCAAGGAGGGACAGAAAAGUAACCUC"
    "UUCUUAAGUGGAAUAUUCUAAUAAGCUACCUUUUGUAAGUGCCAUGUUUAUUAUCUAAUCAUUCCAAGUUUUGCAUU"
    "GAUGUCUGACUGCCACUCCUUU",
    "E2F1_311-470": "GUGCACUGCAGACACGCCCCAGUGUGUCCACAUGUGUGUGCAUGAGUCCAUGUGUGCGCGUG"
    "GGGGGGCUCUAACUGCACUUUCGGCCCUUUUGCUCUGGGGGUCCCACAAGGCCCAGGGCAGUGCCUGCUCCCAGAAU"
    "CUGGUGCUCUGACCAGGCCAG",
    "E2F1_890-1049": "GUGAAGGCCUCCCCCAGCCCAGACCCUGUGGUCCCUCCUGCAGUGUCUGAAGCGCCUGCCU"
    "CCCCACUGCUCUGCCCCACCCUCCAAUCUGCACUUUGAUUUGCUUCCUAACAGCUCUGUUCCCUCCUGCUUUGGUUU"
    "UAAUAAAUAUUUUGAUGACGUU",
}
_FLANK = 20  # nt on each side of the site in the longer record


def example_records() -> tuple[list[SequenceRecord], list[SequenceRecord]]:
    """Return the targets and the miRNAs of the example, 5'→3'."""
    # A longer simulation begins with the pairs of a shorter one, the training data.
    # Later pairs have the same miRNAs and other targets.
    simulation = simulate(SIMULATED_SIZE + NUM_SITES + 1)
    unseen = range(SIMULATED_SIZE, SIMULATED_SIZE + NUM_SITES + 1)
    assert simulation.pairs.mirna_names is not None
    targets = [
        SequenceRecord(
            f"site{number}:{simulation.pairs.mirna_names[row]}:"
            f"{simulation.site_types[row]}",
            simulation.pairs.targets[row],
        )
        for number, row in enumerate(unseen, start=1)
    ]
    inner = targets.pop()
    rng = np.random.default_rng(0)
    before, after = (
        "".join(rng.choice(list(alphabet.LETTERS), _FLANK)) for _ in range(2)
    )
    name = inner.name.replace(f"site{NUM_SITES + 1}:", "long:")
    targets.append(SequenceRecord(name, before + inner.sequence + after))
    return targets, list(simulation.mirnas)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the command's flags."""
    flags.DEFINE_string(
        "out",
        None,
        "Folder to write targets.fa, mirnas.fa and utrs.fa to.",
        flag_values=flag_values,
    )
    flags.mark_flag_as_required("out", flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Write both files."""
    folder = pathlib.Path(flag_values.out)
    folder.mkdir(parents=True, exist_ok=True)
    utrs = [SequenceRecord(name, sequence) for name, sequence in UTRS.items()]
    for file, records in zip(
        ("targets.fa", "mirnas.fa", "utrs.fa"), (*example_records(), utrs), strict=True
    ):
        fasta.write_fasta(folder / file, records)
        print(f"wrote {len(records)} sequences to {folder / file}")


if __name__ == "__main__":
    cli.run(main, define_flags)
