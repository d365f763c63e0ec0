"""Tests of mirjax.datasets.registry, catalogue and download."""

import csv
import hashlib
import http.server
import pathlib
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
from absl import flags
from sklearn.model_selection import train_test_split

from mirjax import confirm, predict
from mirjax.datasets import (
    catalogue,
    download,
    gene_names,
    published_files,
    registry,
    transfection,
)
from mirjax.datasets.simulate import simulate
from mirjax.sequences.fasta import read_fasta

_CONTENT = b">tiny\nACGU\n"
_DATASET = "mirbase/hsa"


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file and cuts another one short."""

    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path not in ("/tiny.fa", "/cut.fa"):
            self.send_error(404)
            return
        missing = 7 if self.path == "/cut.fa" else 0
        self.send_response(200)
        self.send_header("Content-Length", str(len(_CONTENT)))
        self.end_headers()
        self.wfile.write(_CONTENT[: len(_CONTENT) - missing])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.requests = []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A data folder and a cache folder, neither of which exists yet."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("MIRJAX_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: str(cache))
    return tmp_path / "data", cache


def _offer(monkeypatch, server, page="tiny.fa", content=_CONTENT):
    """Replace a published file by one of the local server."""
    offered = published_files.DataFile(
        file="mirbase/tiny.fa",
        url=f"http://127.0.0.1:{server.server_port}/{page}",
        sha256=hashlib.sha256(content).hexdigest(),
        data_format="fasta",
    )
    monkeypatch.setitem(catalogue.FILES, _DATASET, offered)
    monkeypatch.setattr(download, "SCHEMES", ("http",))
    return offered


def _put(folder, offered, content=_CONTENT):
    path = folder / offered.file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def _files_under(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_absent_file_is_downloaded_into_the_cache_once(monkeypatch, server, folders):
    data, cache = folders
    offered = _offer(monkeypatch, server)
    found = registry.path(_DATASET)
    assert found == cache / offered.file
    assert found.read_bytes() == _CONTENT
    assert registry.load_fasta(_DATASET)[0].sequence == "ACGU"
    assert server.requests == ["/tiny.fa"]
    assert _files_under(cache) == [found]
    assert not data.exists()


def test_data_folder_comes_before_the_cache(monkeypatch, server, folders):
    data, cache = folders
    offered = _offer(monkeypatch, server)
    in_cache = _put(cache, offered)
    assert registry.path(_DATASET) == in_cache
    in_data = _put(data, offered)
    assert registry.path(_DATASET) == in_data
    monkeypatch.delenv("MIRJAX_DATA_DIR")
    assert registry.path(_DATASET) == in_cache
    assert server.requests == []


@pytest.mark.parametrize("place", [0, 1])
def test_damaged_file_is_refused(monkeypatch, server, folders, place):
    offered = _offer(monkeypatch, server)
    damaged = _put(folders[place], offered, b"other")
    with pytest.raises(ValueError, match=re.escape(str(damaged))) as caught:
        registry.path(_DATASET)
    message = str(caught.value)
    for part in (
        hashlib.sha256(b"other").hexdigest(),
        offered.sha256,
        offered.url,
        "delete it",
    ):
        assert part in message
    assert "\n" not in message
    assert server.requests == []


@pytest.mark.parametrize(
    ("page", "content", "part"),
    [
        ("tiny.fa", b"published", "now has sha256"),
        ("cut.fa", _CONTENT, "now has sha256|cannot be downloaded"),
        ("gone.fa", _CONTENT, "cannot be downloaded.*404"),
    ],
)
def test_bad_download_leaves_nothing(monkeypatch, server, folders, page, content, part):
    _offer(monkeypatch, server, page, content)
    with pytest.raises(ValueError, match=part):
        registry.path(_DATASET)
    assert server.requests == [f"/{page}"]
    assert _files_under(folders[1]) == []


def test_only_https_is_followed(monkeypatch, server, folders):
    _offer(monkeypatch, server)
    monkeypatch.setattr(download, "SCHEMES", ("https",))
    with pytest.raises(ValueError, match="is not https"):
        registry.path(_DATASET)
    assert server.requests == []


def test_offline_error_names_every_remedy(monkeypatch, folders):
    def offline(url, timeout):
        assert 0 < timeout <= 60
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    with pytest.raises(ValueError, match="mitar2021") as caught:
        registry.load_pairs("mitar2021")
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "Name or service not known",
        "https://raw.githubusercontent.com/tjgu/miTAR/",
        "mitar2021/data_DeepMirTar_miRAW_noRepeats_3folds.txt",
        "MIRJAX_DATA_DIR",
        "--config=configs/seq2seq.py:simulated",
        "--data=simulated",
    ):
        assert part in message
    assert _files_under(folders[1]) == []


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: registry.path("mitar"), "no dataset 'mitar'.*hejret2023.*simulated"),
        (lambda: registry.path("hejret2023"), "hejret2023/train, hejret2023/test"),
        (lambda: registry.path("simulated"), "has no file"),
        (lambda: registry.load_pairs("mirbase/hsa"), "is fasta, not pairs.*mitar2021"),
        (lambda: registry.load_fasta("mitar2021"), "is pairs, not fasta.*mirbase/all"),
        (
            lambda: registry.load_split("simulated", "gene"),
            "protocol='gene'.*published",
        ),
    ],
)
def test_an_error_about_a_wrong_name_lists_the_right_ones(folders, call, part):
    with pytest.raises(ValueError, match=part):
        call()


def test_every_file_has_a_public_address_and_a_sum():
    for name, file in catalogue.FILES.items():
        assert file.url.startswith("https://raw.githubusercontent.com/"), name
        assert re.fullmatch("[0-9a-f]{64}", file.sha256), name
        assert not pathlib.PurePath(file.file).is_absolute(), name
    joined = {"hejret2023", "helwak2013", "manakov2022/sample"}
    names = set(catalogue.FILES) | joined | {"simulated"}
    assert names == set(catalogue.NAMES)
    weights = {name for name in names if "/weights" in name}
    assert weights == set(catalogue.PUBLISHED.values())
    pairs, sequences = set(catalogue.PAIR_DATASETS), set(catalogue.FASTA_DATASETS)
    assert pairs & sequences == {"simulated"}
    genes = {*transfection.NAMES, gene_names.GENE_TABLE}
    assert pairs | sequences == names - weights - genes


def test_names_are_listed_without_heavy_imports():
    code = (
        "import sys\n"
        "from mirjax.datasets import catalogue\n"
        "assert 'numpy' not in sys.modules\n"
        "from mirjax.datasets import registry\n"
        "for heavy in ('jax', 'scipy', 'rich', 'Bio', 'urllib.request'):\n"
        "    assert heavy not in sys.modules, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_name_of_a_dataset_has_precedence_over_a_file(
    monkeypatch, server, folders, tmp_path
):
    monkeypatch.chdir(tmp_path)
    offered = _offer(monkeypatch, server)
    in_data = _put(folders[0], offered)
    own = pathlib.Path(_DATASET)
    own.parent.mkdir()
    own.write_text(">own\nGG\n")
    assert registry.fasta_path(_DATASET) == in_data
    assert registry.fasta_path(f"./{_DATASET}") == own
    assert registry.load_fasta(_DATASET)[0].name == "tiny"
    assert registry.load_fasta(f"./{_DATASET}")[0].name == "own"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("no/file.fa", "--mirnas=no/file.fa is neither a file nor a dataset"),
        ("", "--mirnas= is neither a file nor a dataset"),
        ("hejret2023", "--mirnas: dataset 'hejret2023' is pairs, not fasta"),
        ("mitar2021", "--mirnas: dataset 'mitar2021' is pairs, not fasta"),
        ("mitar2021/weights/miTAR", "is weights, not fasta"),
    ],
)
def test_what_is_no_fasta_is_refused_by_the_flag(folders, name, part):
    for call in (registry.fasta_path, registry.load_fasta):
        with pytest.raises(ValueError, match=re.escape(part)) as caught:
            call(name, flag="--mirnas")
        message = str(caught.value)
        assert "\n" not in message
        assert all(other in message for other in catalogue.FASTA_DATASETS)


def test_simulated_mirnas_are_written_once_and_repaired(folders):
    file = registry.fasta_path("simulated")
    assert _files_under(folders[1]) == [file]
    assert read_fasta(file) == registry.load_fasta("simulated")
    content, written = file.read_bytes(), file.stat().st_mtime_ns
    assert registry.fasta_path("simulated") == file
    assert file.stat().st_mtime_ns == written
    file.write_bytes(content[:-9])
    assert registry.fasta_path("simulated").read_bytes() == content
    assert _files_under(folders[1]) == [file]


def test_simulated_needs_no_file(monkeypatch, folders):
    pairs, split = registry.load_split("simulated")
    assert len(pairs) == registry.SIMULATED_SIZE
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(pairs)))
    names = {
        record.name: record.sequence for record in registry.load_fasta("simulated")
    }
    assert all(
        names[name] == mirna
        for name, mirna in zip(pairs.mirna_names, pairs.mirnas, strict=True)
    )
    small = simulate(50, seed=3).pairs
    again, _ = registry.load_split("simulated", "family", pairs=small)
    assert again is small


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "num_rows", "sizes"),
    [
        ("chakraborty2019", 19_230, (15_200, 3_800, 0)),
        ("mitar2021", 27_719, (17_740, 4_435, 5_544)),
        ("mitar2021/deepmirtar", 7_758, (4_964, 1_242, 1_552)),
        ("mitar2021/deepmirtar_test", 48, (0, 0, 48)),
        ("mitar2021/deepmirtar_indtest", 827, (0, 0, 827)),
        ("mitar2021/miraw_indtest", 41_862, (0, 0, 41_862)),
        ("mitar2021/miraw_test", 1_999, (0, 0, 1_999)),
        ("hejret2023", 9_158, (7_374, 819, 965)),
        ("hejret2023/train", 8_193, (7_374, 819, 0)),
        ("hejret2023/test", 965, (0, 0, 965)),
        ("helwak2013", 18_392, (15_392, 1_000, 2_000)),
        ("helwak2013/evaluation", 2_000, (0, 2_000, 0)),
        ("manakov2022/sample", 4_715, (4_244, 471, 0)),
        ("manakov2022/conservation", 999, (899, 100, 0)),
    ],
)
def test_named_datasets_have_the_published_sizes(data_dir, name, num_rows, sizes):
    pairs, split = registry.load_split(name)
    assert len(pairs) == num_rows
    assert (len(split.train), len(split.validation), len(split.test)) == sizes


def _distinct_rows(*files, mirna, label="label"):
    """Return the distinct positive (miRNA, target) of TSV files, in their letters."""
    rows = []
    for file in files:
        with open(file) as lines:
            table = csv.DictReader(lines, delimiter="\t")
            rows += [(r[mirna], r["gene"]) for r in table if r[label] == "1"]
    return list(dict.fromkeys(rows))


@pytest.mark.slow
def test_helwak_is_its_positives_with_whole_mirnas(data_dir, caplog):
    caplog.set_level("INFO")
    folder = data_dir / "helwak2013"
    files = [
        folder / f"{part}_set_1_1_CLASH2013_paper.tsv"
        for part in ("train", "evaluation", "test")
    ]
    expected = _distinct_rows(*files, mirna="miRNA")
    found = registry.load_pairs("helwak2013")
    assert found.labels.all()
    human = [r.sequence for r in read_fasta(data_dir / "mirbase/hsa_mature_r22.fa")]
    whole = 0
    for mirna, target, (cut, dna) in zip(
        found.mirnas, found.targets, expected, strict=True
    ):
        assert target == dna.replace("T", "U")
        rna = cut.replace("T", "U")
        whole += mirna != rna
        assert mirna == rna or mirna.startswith(rna) and mirna in human
    assert whole > 16_000
    assert "3753 completed; 93 unchanged since several" in caplog.text


def test_the_sample_of_manakov_is_the_distinct_positives_of_both_files(data_dir):
    folder = data_dir / "manakov2022"
    files = (folder / "filtered_positives.tsv", folder / "with_conservation_999.tsv")
    expected = _distinct_rows(*files, mirna="noncodingRNA")
    found = registry.load_pairs("manakov2022/sample")
    dna = [
        tuple(sequence.replace("U", "T") for sequence in pair)
        for pair in zip(found.mirnas, found.targets, strict=True)
    ]
    assert dna == expected
    _, split = registry.load_split("manakov2022/sample")
    train, validation = (
        {found.targets[row] for row in rows} for rows in (split.train, split.validation)
    )
    assert not train & validation


@pytest.mark.parametrize("command", [predict, confirm])
def test_human_mirnas_are_the_database_by_default(command):
    flag_values = flags.FlagValues()
    command.define_flags(flag_values)
    assert flag_values["db"].value == "mirbase/hsa"


def test_human_mirnas_come_with_the_package(monkeypatch, folders):
    def offline(*_, **__):
        raise AssertionError("the network is used")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    assert len(registry.load_fasta("mirbase/hsa")) == 2_656
    assert registry.fasta_path("mirbase/hsa").is_relative_to(published_files.SHIPPED)
    assert _files_under(folders[1]) == []


def test_named_fasta_and_weights_load(data_dir):
    assert len(registry.load_fasta("mirbase/hsa")) == 2_656
    assert len(registry.load_fasta("mirbase/all")) == 48_885
    assert len(registry.load_fasta("mitar2021/fasta_mirna")) == 7
    assert len(registry.load_fasta("mitar2021/fasta_mrna")) == 7
    for name in ("mitar2021/weights/miTAR", "mitar2021/weights/miTAR1"):
        assert registry.path(name).read_bytes()[:4] == b"\x89HDF"


def test_mitar_split_is_the_published_one_row_for_row(data_dir):
    """Read and split the file as the published code does, without our reader."""
    file = data_dir / "mitar2021/data_DeepMirTar_miRAW_noRepeats_3folds.txt"
    rows = []
    with open(file) as lines:
        next(lines)  # the published reader takes it for a header
        for line in lines:
            _, mirna, _, target, label = line.rstrip("\r\n").split("\t")
            rows.append((mirna[::-1], target.upper().replace("T", "U"), int(label)))
    rest, test = train_test_split(rows, test_size=0.2, random_state=1122)
    train, validation = train_test_split(rest, test_size=0.2, random_state=1122)
    pairs, split = registry.load_split("mitar2021")
    for expected, found in (
        (train, split.train),
        (validation, split.validation),
        (test, split.test),
    ):
        part = pairs.take(found)
        columns = zip(part.mirnas, part.targets, part.labels.tolist(), strict=True)
        assert list(columns) == expected


def test_chakraborty_split_is_the_published_one_row_for_row(data_dir):
    with open(data_dir / "chakraborty2019/pairs.csv", newline="") as file:
        rows = [(mirna, target[::-1]) for mirna, target in csv.reader(file)][:19_000]
    pairs, split = registry.load_split("chakraborty2019")
    found = list(zip(pairs.mirnas, pairs.targets, strict=True))
    assert [found[row] for row in split.train] == rows[:15_200]
    assert [found[row] for row in split.validation] == rows[15_200:]


def test_hejret_is_train_then_test(data_dir):
    pairs, split = registry.load_split("hejret2023")
    with open(data_dir / "hejret2023/test.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    test = pairs.take(split.test)
    assert [t.replace("U", "T") for t in test.targets] == [row["gene"] for row in rows]
    assert test.labels.tolist() == [int(row["label"]) for row in rows]
    assert test.clusters == [row["gene_cluster_ID"] for row in rows]


def test_known_clusters_of_hejret_are_kept_whole(data_dir):
    pairs, split = registry.load_split("hejret2023", "cluster", seed=1)
    clusters = [
        set(pairs.take(rows).clusters)
        for rows in (split.train, split.validation, split.test)
    ]
    assert not clusters[0] & clusters[1]
    assert not (clusters[0] | clusters[1]) & clusters[2]
    assert len(split.test) == pytest.approx(916, abs=40)


@pytest.mark.slow
def test_joined_datasets_keep_their_rows_and_parts(data_dir):
    names = ("chakraborty2019", "hejret2023/train", "mitar2021")
    pairs, split = registry.load_split("+".join(names))
    start = 0
    for name in names:
        own, own_split = registry.load_split(name)
        rows = range(start, start + len(own))
        assert [pairs.mirnas[row] for row in rows] == list(own.mirnas)
        assert [pairs.targets[row] for row in rows] == list(own.targets)
        labels = np.ones(len(own)) if own.labels is None else own.labels
        np.testing.assert_array_equal(pairs.labels[start : rows.stop], labels)
        for part in ("train", "validation", "test"):
            found = getattr(split, part)
            found = found[(found >= rows.start) & (found < rows.stop)]
            np.testing.assert_array_equal(found - start, getattr(own_split, part))
        start = rows.stop
    assert start == len(pairs)
    assert pairs.genes is None  # one of them has none


@pytest.mark.slow
def test_joined_datasets_are_divided_as_one_by_other_protocols():
    pairs, split = registry.load_split("simulated+simulated", "family", seed=1)
    assert len(pairs) == 2 * registry.SIMULATED_SIZE
    families = [
        {pairs.mirnas[row][1:8] for row in rows}
        for rows in (split.train, split.validation, split.test)
    ]
    assert not families[0] & families[1] | families[0] & families[2]


def test_an_unknown_name_among_joined_ones_is_named():
    with pytest.raises(ValueError, match="no dataset 'none'"):
        registry.load_split("simulated+none")
