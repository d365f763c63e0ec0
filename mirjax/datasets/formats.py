"""Formats of tables of miRNA-target pairs. Costs little to import, for flags.

chakraborty2019  Chakraborty & Hasija 2019, IEEE/ACM TCBB, document 8807144: positive
pairs without labels.
mitar2021        Gu et al. 2021, BMC Bioinformatics, doi 10.1186/s12859-021-04026-6:
some files have a header, whose last column is "label". The published
reader drops the first row of the others too, and so does `registry`.
mirbench         Sammut et al. 2025, miRBench; Hejret et al. 2023, doi
10.1038/s41598-023-49757-z. Columns are found by their names.
helwak2013       Helwak et al. 2013, doi 10.1016/j.cell.2013.03.043, with miRNAs cut
to 20 letters.
csv, tsv         one's own pairs; columns are found by their names.
"""

import dataclasses
from collections.abc import Mapping

CHAKRABORTY, MITAR, MIRBENCH, HELWAK, CSV, TSV = FORMATS = (
    "chakraborty2019",
    "mitar2021",
    "mirbench",
    "helwak2013",
    "csv",
    "tsv",
)


@dataclasses.dataclass(frozen=True)
class Format:
    """The layout of a table of pairs.

    Attributes:
      delimiter: between two columns.
      columns: column → its names in the header; without a header, the columns of the
        file in order.
      required: number of the first of `columns` that a header must have.
      headed: whether a header names the columns.
      quoted: whether a field may stand in double quotes.
      reversed_strand: the column that the file holds 3'→5', if any.
      cut_mirnas: letters that the file keeps of a miRNA; 0 for all.
      strands: orientation of the sequences in the file, in words.
    """

    delimiter: str
    columns: Mapping[str, tuple[str, ...]]
    required: int = 0
    headed: bool = True
    quoted: bool = True
    reversed_strand: str = ""
    cut_mirnas: int = 0
    strands: str = "miRNA and target 5'→3'"


# The first line of those published tables of miTAR that have a header.
MITAR_HEADER = (
    "miRNA ID",
    "miRNA Seq (3'-->5')",
    "mRNA Accession Number",
    "Target Site",
    "label",
)

_OWN = {
    "mirna": ("mirna",),
    "target": ("target",),
    "label": ("label",),
    "split": ("split",),
    "mirna_name": ("mirna_name",),
    "gene": ("gene", "target_name"),
}

LAYOUTS = {
    CHAKRABORTY: Format(
        ",",
        {"mirna": (), "target": ()},
        headed=False,
        reversed_strand="target",
        strands="miRNA 5'→3'; target 3'→5', reversed on reading",
    ),
    MITAR: Format(
        "\t",
        {"mirna_name": (), "mirna": (), "gene": (), "target": (), "label": ()},
        headed=False,
        quoted=False,
        reversed_strand="mirna",
        strands="miRNA 3'→5', reversed on reading; target 5'→3'",
    ),
    MIRBENCH: Format(
        "\t",
        {
            "mirna": ("noncodingRNA",),
            "target": ("gene",),
            "label": ("label",),
            "mirna_name": ("noncodingRNA_name",),
            "cluster": ("gene_cluster_ID",),
        },
        required=3,
        quoted=False,
    ),
    HELWAK: Format(
        "\t",
        {"mirna": ("miRNA",), "target": ("gene",), "label": ("label",)},
        required=3,
        quoted=False,
        cut_mirnas=20,
        strands="miRNA, cut to 20 letters and completed on reading, and target 5'→3'",
    ),
    CSV: Format(",", _OWN, required=2),
    TSV: Format("\t", _OWN, required=2),
}
