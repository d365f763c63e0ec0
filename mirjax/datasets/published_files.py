"""The published files: path, address, SHA-256 and format of each.

Addresses name a commit, so that their content cannot change; that of mirbase/all names
a branch, and only its SHA-256 fixes its content.
"""

import dataclasses
import pathlib

# Files in the package, in the layout of the data folder.
SHIPPED = pathlib.Path(__file__).resolve().parents[1] / "data"

OTHER_KINDS = ("fasta", "weights", "genes")  # of files that hold no pairs

_GITHUB = "https://raw.githubusercontent.com"
_CHAKRABORTY = f"{_GITHUB}/rajkumar1501/sequence-prediction-using-CNN-and-LSTMs"
_HELWAK = (
    f"{_GITHUB}/ML-Bioinfo-CEITEC/miRBind/b00af549013e2bd73434119aa69429017597712a"
    "/Datasets"
)
_MIRBENCH = f"{_GITHUB}/BioGeMT/miRBench_paper"
_HEJRET = (
    f"{_MIRBENCH}/83f5ce346fd8f838f2dd4ace872144ebb9eab035"
    "/code/miraw_analysis/example_input"
)
_MITAR = f"{_GITHUB}/tjgu/miTAR"
_TRANSFECTION = (
    f"{_GITHUB}/ETHZ-INS/scanMiR_paper/8c29de04b64aada7e207fdcc05f7f01599df4d10"
    "/Parameter_Optimization/data/McGeary_2019_raw"
)
_TRANSFECTION_SUFFIX = "_transfection_logtpm_batchnormalized.txt"
_MITAR_DATA = f"{_MITAR}/1458e24b6e5e23c4a71c7dd5e50072721e92c5a7/scripts_data_models"


@dataclasses.dataclass(frozen=True)
class DataFile:
    """One published file.

    Attributes:
      file: path under the data folder.
      url: public address.
      sha256: SHA-256 of the content, in hexadecimal.
      size: of the content, in bytes; a download that sends more is stopped. 0 if it is
        unknown.
      data_format: one of `formats.FORMATS`, or one of `OTHER_KINDS`.
      first_row: the first row that is used, 0 or 1. It is 1 for a file without a header
        whose published reader takes the first row for a header; published splits and
        metrics are of the other rows.
      published: the published split of pairs: "chakraborty", "mitar" or "hejret", see
        `splits`; or "train", "validation" or "test" if every row is of that part; or
        "cluster" if there is none, and rows are split by their targets.
    """

    file: str
    url: str
    sha256: str
    data_format: str
    size: int = 0
    first_row: int = 0
    published: str = ""

    @property
    def kind(self) -> str:
        """Kind of content: "pairs", or one of `OTHER_KINDS`."""
        return self.data_format if self.data_format in OTHER_KINDS else "pairs"


FILES = {
    "chakraborty2019": DataFile(
        file="chakraborty2019/pairs.csv",
        url=f"{_CHAKRABORTY}/2bb24c3a95c9d47a8b5eefef304b62f2dbae5682"
        "/Training/clean_data_suffeled.csv",
        sha256="1e28280dd92d589b1aa790b43a21b209812c5dfadfc85704f7583099b3d3e960",
        size=927_985,
        data_format="chakraborty2019",
        published="chakraborty",
    ),
    "mitar2021": DataFile(
        file="mitar2021/data_DeepMirTar_miRAW_noRepeats_3folds.txt",
        url=f"{_MITAR_DATA}/data/data_DeepMirTar_miRAW_noRepeats_3folds.txt",
        sha256="0240d58e4d82a37a525702ad157fb64422a31bef9d09d548e0aa01681ba50d39",
        size=2_516_446,
        data_format="mitar2021",
        first_row=1,
        published="mitar",
    ),
    "mitar2021/deepmirtar": DataFile(
        file="mitar2021/data_DeepMirTar_removeMisMissing_remained_seed1122.txt",
        url=f"{_MITAR}/7adaf3e264de20268489835df57c81efdb37c6f0"
        "/data/data_DeepMirTar_removeMisMissing_remained_seed1122.txt",
        sha256="e119be730fad64a2f7055ea38143791fc7f79cb85a36b69cab72d52193e53712",
        size=567_327,
        data_format="mitar2021",
        published="mitar",
    ),
    "mitar2021/deepmirtar_test": DataFile(
        file="mitar2021/data_DeepMirTar_test.txt",
        url=f"{_MITAR}/7b62a592f62f4c17ed115365168a6771fd18e949"
        "/data/data_DeepMirTar_test.txt",
        sha256="288a8f8ec6dda4dd2b869f649336ad028f5c24fa6998bc359091bd046696617e",
        size=3_624,
        data_format="mitar2021",
        published="test",
    ),
    "mitar2021/deepmirtar_indtest": DataFile(
        file="mitar2021/data_DeepMirTar_IndTest_noRepeats_3folds.txt",
        url=f"{_MITAR_DATA}/data/data_DeepMirTar_IndTest_noRepeats_3folds.txt",
        sha256="f5ea1381f90fe468c90061186a70a0b2577954bdfe7933e3a2ac6942d7ac2f26",
        size=60_437,
        data_format="mitar2021",
        first_row=1,
        published="test",
    ),
    "mitar2021/miraw_indtest": DataFile(
        file="mitar2021/data_miRaw_IndTest_noRepeats_3folds.txt",
        url=f"{_MITAR_DATA}/data/data_miRaw_IndTest_noRepeats_3folds.txt",
        sha256="af2649ee354c2fc0a99c22f91717684f34c4b6b80be29db7dba7e808151b0cfc",
        size=4_047_883,
        data_format="mitar2021",
        first_row=1,
        published="test",
    ),
    "mitar2021/miraw_test": DataFile(
        file="mitar2021/data_miRaw_noL_noMisMissing_indTest_seed1122.txt",
        url=f"{_MITAR_DATA}/data/data_miRaw_noL_noMisMissing_indTest_seed1122.txt",
        sha256="ccd5077dd7dbbe11bd08b73d379d0bf6dbb6b8acaf71c19a9a616a1d8debd8d9",
        size=193_366,
        data_format="mitar2021",
        first_row=1,
        published="test",
    ),
    "mitar2021/fasta_mirna": DataFile(
        file="mitar2021/fasta/mirna_multiple.fa",
        url=f"{_MITAR_DATA}/data/tests/mirna_multiple.fa",
        sha256="614846dca9cd860d302809f293b90ab0c2a1724c5cc82776c32edafbf5f9d29c",
        size=272,
        data_format="fasta",
    ),
    "mitar2021/fasta_mrna": DataFile(
        file="mitar2021/fasta/mrna_multiple_mixedLongShort.fa",
        url=f"{_MITAR_DATA}/data/tests/mrna_multiple_mixedLongShort.fa",
        sha256="e2de0f01f91d76663113a838eefa4f174640f02e95308584d550f60259dcf4ea",
        size=1_222,
        data_format="fasta",
    ),
    "mitar2021/weights/miTAR": DataFile(
        file="mitar2021/weights/miTAR_CNN_BiRNN_b100_lr0.005_dout0.2.h5",
        url=f"{_MITAR}/f38a5f75e5b143f7ce772e5cf3a2d3c98ed098b7"
        "/results/miTAR_CNN_BiRNN_b100_lr0.005_dout0.2.h5",
        sha256="3bb5c1d2603008a099fa7a1b2fa444eff1f97dd691552c2dee2b2c033a0e46e4",
        size=1_386_972,
        data_format="weights",
    ),
    "mitar2021/weights/miTAR1": DataFile(
        file="mitar2021/weights/miTAR1_CNN_BiRNN_b30_lr0.005_dout0.2.h5",
        url=f"{_MITAR}/72274f6d7550d753a9eaf60aee12b913748e3bc5"
        "/results/miTAR1_CNN_BiRNN_b30_lr0.005_dout0.2.h5",
        sha256="ae6c098b72f84b44c4bc97089a1e29cf956ccee9e84c0df7d535df5251d6ab92",
        size=1_387_012,
        data_format="weights",
    ),
    "hejret2023/train": DataFile(
        file="hejret2023/train.tsv",
        url=f"{_HEJRET}/AGO2_CLASH_Hejret2023_train.tsv",
        sha256="45f31a0277fe5f9fb7dfbfc5e705f6f8814a08cfa2a03f34016c1314151579ac",
        size=1_111_884,
        data_format="mirbench",
        published="hejret",
    ),
    "hejret2023/test": DataFile(
        file="hejret2023/test.tsv",
        url=f"{_HEJRET}/AGO2_CLASH_Hejret2023_test.tsv",
        sha256="ee9543c676067540ce9444fe9fb3653b14be97abcfa9a3f10063fb6d13a9b5c5",
        size=131_544,
        data_format="mirbench",
        published="test",
    ),
    "helwak2013/train": DataFile(
        file="helwak2013/train_set_1_1_CLASH2013_paper.tsv",
        url=f"{_HELWAK}/train_set_1_1_CLASH2013_paper.tsv",
        sha256="febe4d564dadf254977fb08659018264529b08bdd1b3472a4823e6d7ef7ee6fd",
        size=2_276_853,
        data_format="helwak2013",
        published="train",
    ),
    "helwak2013/evaluation": DataFile(
        file="helwak2013/evaluation_set_1_1_CLASH2013_paper.tsv",
        url=f"{_HELWAK}/evaluation_set_1_1_CLASH2013_paper.tsv",
        sha256="f0bb44f64fc3a01fed8a9b54954cfe236c0c9fc2837da6d777f78104d3c4f9dd",
        size=147_946,
        data_format="helwak2013",
        published="validation",
    ),
    "helwak2013/test": DataFile(
        file="helwak2013/test_set_1_1_CLASH2013_paper.tsv",
        url=f"{_HELWAK}/test_set_1_1_CLASH2013_paper.tsv",
        sha256="07e484df7ff62777050483613a5acfde88bc33083b86285ef6d3a4b08740c3b9",
        size=295_866,
        data_format="helwak2013",
        published="test",
    ),
    "manakov2022/filtered": DataFile(
        file="manakov2022/filtered_positives.tsv",
        url=f"{_MIRBENCH}/be73c398f23bb88d6aeed61f6145551c1119cffb"
        "/code/filtering/filtering_example_output/filtered_positives.tsv",
        sha256="f0584a6ad81d93bf3c8f4846626f9cb9b6e85e40856b7c92b56597fe5e6ec9cc",
        size=580_486,
        data_format="mirbench",
        published="cluster",
    ),
    "manakov2022/conservation": DataFile(
        file="manakov2022/with_conservation_999.tsv",
        url=f"{_MIRBENCH}/9e66dc09336f99142d8d4b10a64039dbca37308e"
        "/code/conservation/sample_output.tsv",
        sha256="b8e02c1f4ad867b293fd77d53986b3698d00c66b91603e7f68b4dde70e7e7843",
        size=1_802_512,
        data_format="mirbench",
        published="cluster",
    ),
    "mirbind2/weights": DataFile(
        file="mirbind2/pairwise_onehot_model_20260105_200141.pt",
        url=f"{_GITHUB}/BioGeMT/miRBind_2.0/a0d0b12696e6638b222d0a935fba82d0ebd3a659"
        "/models/pairwise_onehot_model_20260105_200141.pt",
        sha256="d02aa734a1f612e5c07f2a4f9164d5401119b698075842fe859b64e3eef1a070",
        size=1_800_523,
        data_format="weights",
    ),
    "mirbase/hsa": DataFile(
        file="mirbase/hsa_mature_r22.fa",
        url=f"{_CHAKRABORTY}/e6b8b86fc69c3e84f9e259362511bf426a9d4adb"
        "/Package/human_mature_mirna.fasta",
        sha256="ed456cc34c33e74cad0100058f600750127834520a2b667a287db91cbf3058a2",
        size=200_367,
        data_format="fasta",
    ),
    "mirbase/all": DataFile(
        file="mirbase/mature_r22.1.fa",
        url=f"{_GITHUB}/BioGeMT/FuNmiRBench/main/data/resources/mirbase/mature.fa",
        sha256="3c521fc9bea3c7993e71cf188b11caf73e2d40ac83454e32876455317cc6d342",
        size=3_866_196,
        data_format="fasta",
    ),
    "transfection/hela": DataFile(
        file=f"transfection/GSE140217_HeLa{_TRANSFECTION_SUFFIX}",
        url=f"{_TRANSFECTION}/GSE140217_HeLa{_TRANSFECTION_SUFFIX}",
        sha256="0e12adfaba070dca6c3befdfcaaa246a87930d36f952a22006df6b3072570843",
        size=1_373_481,
        data_format="genes",
    ),
    "transfection/hek293ft": DataFile(
        file=f"transfection/GSE140218_HEK293FT{_TRANSFECTION_SUFFIX}",
        url=f"{_TRANSFECTION}/GSE140218_HEK293FT{_TRANSFECTION_SUFFIX}",
        sha256="ff8caae4fa8d59d9c2d8be769b23824f48a33f9a7522a05d9fb5944e700707e5",
        size=857_082,
        data_format="genes",
    ),
    "targetscan/genes": DataFile(
        file="targetscan/Gene_info_ts8.txt",
        url=f"{_GITHUB}/ML-Bioinfo-CEITEC/miRNA/0948ace176f935db5435ec1fa149086f5cab9e91"
        "/data/target_scan_8/Gene_info.txt",
        sha256="b3799cd420b291c1c9012f29c1124c3a46f503e95acf2268b6ab3523fe7d1d87",
        size=3_409_364,
        data_format="genes",
    ),
}
