"""The published files: where each lies, where it comes from and what it hashes to."""

import dataclasses

SIMULATED = "simulated"
HEJRET = "hejret2023"  # two files: the rows of HEJRET/train, then those of HEJRET/test

_GITHUB = "https://raw.githubusercontent.com"
_CHAKRABORTY = f"{_GITHUB}/rajkumar1501/sequence-prediction-using-CNN-and-LSTMs"
_HEJRET = (
    f"{_GITHUB}/BioGeMT/miRBench_paper/83f5ce346fd8f838f2dd4ace872144ebb9eab035"
    "/code/miraw_analysis/example_input"
)
_MITAR = f"{_GITHUB}/tjgu/miTAR"
_MITAR_DATA = f"{_MITAR}/1458e24b6e5e23c4a71c7dd5e50072721e92c5a7/scripts_data_models"


@dataclasses.dataclass(frozen=True)
class DataFile:
    """One published file.

    Attributes:
      file: where it lies under the data folder.
      url: its public address.
      sha256: what it hashes to, in hexadecimal.
      data_format: one of `formats.FORMATS`, or "fasta" or "weights".
      first_row: 1 where the published reader takes the first row of data for a header
        and so drops it. Without that row too, the published splits and figures follow.
      published: whose split is published with it; "test" where all of it is a test.
    """

    file: str
    url: str
    sha256: str
    data_format: str
    first_row: int = 0
    published: str = ""

    @property
    def kind(self) -> str:
        """What the file holds: "pairs", "fasta" or "weights"."""
        special = self.data_format in ("fasta", "weights")
        return self.data_format if special else "pairs"


FILES = {
    "chakraborty2019": DataFile(
        file="chakraborty2019/pairs.csv",
        url=f"{_CHAKRABORTY}/2bb24c3a95c9d47a8b5eefef304b62f2dbae5682"
        "/Training/clean_data_suffeled.csv",
        sha256="1e28280dd92d589b1aa790b43a21b209812c5dfadfc85704f7583099b3d3e960",
        data_format="chakraborty2019",
        published="chakraborty",
    ),
    "mitar2021": DataFile(
        file="mitar2021/data_DeepMirTar_miRAW_noRepeats_3folds.txt",
        url=f"{_MITAR_DATA}/data/data_DeepMirTar_miRAW_noRepeats_3folds.txt",
        sha256="0240d58e4d82a37a525702ad157fb64422a31bef9d09d548e0aa01681ba50d39",
        data_format="mitar2021",
        first_row=1,
        published="mitar",
    ),
    "mitar2021/deepmirtar": DataFile(
        file="mitar2021/data_DeepMirTar_removeMisMissing_remained_seed1122.txt",
        url=f"{_MITAR}/7adaf3e264de20268489835df57c81efdb37c6f0"
        "/data/data_DeepMirTar_removeMisMissing_remained_seed1122.txt",
        sha256="e119be730fad64a2f7055ea38143791fc7f79cb85a36b69cab72d52193e53712",
        data_format="mitar2021",
        published="mitar",
    ),
    "mitar2021/deepmirtar_test": DataFile(
        file="mitar2021/data_DeepMirTar_test.txt",
        url=f"{_MITAR}/7b62a592f62f4c17ed115365168a6771fd18e949"
        "/data/data_DeepMirTar_test.txt",
        sha256="288a8f8ec6dda4dd2b869f649336ad028f5c24fa6998bc359091bd046696617e",
        data_format="mitar2021",
        published="test",
    ),
    "mitar2021/deepmirtar_indtest": DataFile(
        file="mitar2021/data_DeepMirTar_IndTest_noRepeats_3folds.txt",
        url=f"{_MITAR_DATA}/data/data_DeepMirTar_IndTest_noRepeats_3folds.txt",
        sha256="f5ea1381f90fe468c90061186a70a0b2577954bdfe7933e3a2ac6942d7ac2f26",
        data_format="mitar2021",
        first_row=1,
        published="test",
    ),
    "mitar2021/miraw_indtest": DataFile(
        file="mitar2021/data_miRaw_IndTest_noRepeats_3folds.txt",
        url=f"{_MITAR_DATA}/data/data_miRaw_IndTest_noRepeats_3folds.txt",
        sha256="af2649ee354c2fc0a99c22f91717684f34c4b6b80be29db7dba7e808151b0cfc",
        data_format="mitar2021",
        first_row=1,
        published="test",
    ),
    "mitar2021/miraw_test": DataFile(
        file="mitar2021/data_miRaw_noL_noMisMissing_indTest_seed1122.txt",
        url=f"{_MITAR_DATA}/data/data_miRaw_noL_noMisMissing_indTest_seed1122.txt",
        sha256="ccd5077dd7dbbe11bd08b73d379d0bf6dbb6b8acaf71c19a9a616a1d8debd8d9",
        data_format="mitar2021",
        first_row=1,
        published="test",
    ),
    "mitar2021/fasta_mirna": DataFile(
        file="mitar2021/fasta/mirna_multiple.fa",
        url=f"{_MITAR_DATA}/data/tests/mirna_multiple.fa",
        sha256="614846dca9cd860d302809f293b90ab0c2a1724c5cc82776c32edafbf5f9d29c",
        data_format="fasta",
    ),
    "mitar2021/fasta_mrna": DataFile(
        file="mitar2021/fasta/mrna_multiple_mixedLongShort.fa",
        url=f"{_MITAR_DATA}/data/tests/mrna_multiple_mixedLongShort.fa",
        sha256="e2de0f01f91d76663113a838eefa4f174640f02e95308584d550f60259dcf4ea",
        data_format="fasta",
    ),
    "mitar2021/weights/miTAR": DataFile(
        file="mitar2021/weights/miTAR_CNN_BiRNN_b100_lr0.005_dout0.2.h5",
        url=f"{_MITAR}/f38a5f75e5b143f7ce772e5cf3a2d3c98ed098b7"
        "/results/miTAR_CNN_BiRNN_b100_lr0.005_dout0.2.h5",
        sha256="3bb5c1d2603008a099fa7a1b2fa444eff1f97dd691552c2dee2b2c033a0e46e4",
        data_format="weights",
    ),
    "mitar2021/weights/miTAR1": DataFile(
        file="mitar2021/weights/miTAR1_CNN_BiRNN_b30_lr0.005_dout0.2.h5",
        url=f"{_MITAR}/72274f6d7550d753a9eaf60aee12b913748e3bc5"
        "/results/miTAR1_CNN_BiRNN_b30_lr0.005_dout0.2.h5",
        sha256="ae6c098b72f84b44c4bc97089a1e29cf956ccee9e84c0df7d535df5251d6ab92",
        data_format="weights",
    ),
    "hejret2023/train": DataFile(
        file="hejret2023/train.tsv",
        url=f"{_HEJRET}/AGO2_CLASH_Hejret2023_train.tsv",
        sha256="45f31a0277fe5f9fb7dfbfc5e705f6f8814a08cfa2a03f34016c1314151579ac",
        data_format="mirbench",
        published="hejret",
    ),
    "hejret2023/test": DataFile(
        file="hejret2023/test.tsv",
        url=f"{_HEJRET}/AGO2_CLASH_Hejret2023_test.tsv",
        sha256="ee9543c676067540ce9444fe9fb3653b14be97abcfa9a3f10063fb6d13a9b5c5",
        data_format="mirbench",
        published="test",
    ),
    "mirbase/hsa": DataFile(
        file="mirbase/hsa_mature_r22.fa",
        url=f"{_CHAKRABORTY}/e6b8b86fc69c3e84f9e259362511bf426a9d4adb"
        "/Package/human_mature_mirna.fasta",
        sha256="ed456cc34c33e74cad0100058f600750127834520a2b667a287db91cbf3058a2",
        data_format="fasta",
    ),
    "mirbase/all": DataFile(
        file="mirbase/mature_r22.1.fa",
        url=f"{_GITHUB}/BioGeMT/FuNmiRBench/main/data/resources/mirbase/mature.fa",
        sha256="3c521fc9bea3c7993e71cf188b11caf73e2d40ac83454e32876455317cc6d342",
        data_format="fasta",
    ),
}

NAMES = (*FILES, HEJRET, SIMULATED)
PAIR_DATASETS = tuple(
    name for name in NAMES if name not in FILES or FILES[name].kind == "pairs"
)
