r"""Train the repression models of the package.

    python scripts/train_repression.py --utrs=refseq_3utr.fa.gz,ensembl_3utr.fa.gz \
        --out=mirjax/pretrained/repression

Writes model.json, trained on HeLa and HEK293FT, and hela.json, trained on HeLa only,
each with a head for every miRNA left out. The same files give the same bytes.
"""

import pathlib

from absl import app, flags

from mirjax.datasets import transfection
from mirjax.evaluation.gene_set import load_experiment
from mirjax.scanning.repression import accessibility
from mirjax.scanning.repression.fitting import FitOptions
from mirjax.scanning.repression.head_file import write_model
from mirjax.training.repression import train_repression

_UTRS = flags.DEFINE_list("utrs", None, "FASTA files of 3'UTRs.", required=True)
_OUT = flags.DEFINE_string("out", None, "Folder for the models.", required=True)


def main(_: list[str]) -> None:
    if not accessibility.is_available():
        raise ValueError("training needs ViennaRNA: pip install 'mirjax[fold]'")
    sets = [load_experiment(name, _UTRS.value) for name in transfection.NAMES]
    folder = pathlib.Path(_OUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    for name, used in (("hela.json", sets[:1]), ("model.json", sets)):
        write_model(folder / name, train_repression(used, FitOptions()))
        print(folder / name)


if __name__ == "__main__":
    app.run(main)
