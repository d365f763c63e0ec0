"""Tests of the command predict: its table, and what it says of bad input."""

import os
import pathlib
import shutil
import subprocess
import sys
import types

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags

from mirjax import models, predict
from mirjax.blast import naming
from mirjax.blast.database import build_database
from mirjax.blast.programs import BlastError
from mirjax.blast.search import search_unique
from mirjax.blast.settings import BlastSettings
from mirjax.inference import greedy, ranking, sites
from mirjax.models.trained import save_model
from mirjax.sequences import alphabet, fasta, pairing
from mirjax.sequences.records import SequenceRecord

CONFIG = {
    "name": "seq2seq",
    "conv_features": 8,
    "dense_features": 8,
    "lstm_features": 16,
}
HEADER = "target start end mirna_seq log_prob mirna_id evalue bitscore status"
LENGTHS = (29, 8, 30, 21, 60, 100, 29)
MIRNA = "UGAGGUAGUAGGUUGUAUAGUU"


def random_sequence(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


def write_fasta(path, *sequences):
    """Write records named s0, s1 and so on."""
    records = [SequenceRecord(f"s{n}", s) for n, s in enumerate(sequences)]
    fasta.write_fasta(path, records)


@pytest.fixture(scope="session")
def params():
    """Random parameters, large enough for varied predictions; some are empty."""
    tokens = jnp.ones((1, 29), jnp.uint8)
    init = jax.jit(models.make_model(CONFIG).init)
    return jax.tree.map(
        lambda array: 4 * array, init(jax.random.key(9), tokens, tokens)["params"]
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(tmp_path, monkeypatch, cache, params):
    """Return a folder of a model W, targets.fa and db.fa, and go there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "W", params)
    rng = np.random.default_rng(2)
    write_fasta("targets.fa", *(random_sequence(rng, n) for n in LENGTHS))
    write_fasta("db.fa", *(random_sequence(rng, 22) for _ in range(30)), MIRNA)
    return tmp_path


def save(folder, params):
    folder.mkdir(exist_ok=True)
    save_model(folder / "model.npz", params, {"model": CONFIG})


def run(**changes):
    """Run the command in this process; a flag of value None is left out."""
    given = {"model": "W", "targets": "targets.fa", "db": "db.fa", "out": "out.tsv"}
    arguments = [f"--{k}={v}" for k, v in (given | changes).items() if v is not None]
    values = flags.FlagValues()
    predict.define_flags(values)
    values(["predict", *arguments])
    predict.main(values)


def table(path="out.tsv"):
    """Return the rows of a table, as dictionaries."""
    header, *lines = pathlib.Path(path).read_text().splitlines()
    assert header == HEADER.replace(" ", "\t")
    return [dict(zip(HEADER.split(), x.split("\t"), strict=True)) for x in lines]


def echo(model, params, targets, *, batch_size=512):
    """Decode each target as itself, as a model of known predictions would."""
    del model, params, batch_size
    ends = np.full((len(targets), 1), alphabet.PAD, np.uint8)
    scores = -np.count_nonzero(targets, axis=1).astype(np.float32)
    return greedy.Decoded(np.concatenate([targets, ends], axis=1), scores)


@jax.jit
def _start(params, tokens):
    model = models.make_model(CONFIG)
    return model.apply({"params": params}, tokens, method="encode")


@jax.jit
def _step(params, state, letter):
    model = models.make_model(CONFIG)
    return model.apply({"params": params}, state, letter, method="decode_step")


def decode_alone(params, sequence):
    """Decode one site letter by letter, in Python; return letters and log P."""
    tokens = np.zeros((1, 29), np.uint8)
    tokens[0, : len(sequence)] = ["-AUCG".index(letter) for letter in sequence]
    state, letter = _start(params, tokens), alphabet.BOS
    letters, log_prob = "", 0.0
    for _ in range(28):
        state, logits = _step(params, state, np.full(1, letter, np.uint8))
        scores = np.asarray(logits, np.float64)[0]
        scores -= np.log(np.sum(np.exp(scores)))
        symbol = max((0, 1, 2, 3, 5), key=lambda s: scores[s])  # 4 is BOS
        log_prob += scores[symbol]
        letter = symbol + 1
        if letter == alphabet.EOS:
            break
        letters += "-AUCG"[letter]
    return letters, log_prob


@pytest.mark.slow
def test_rows_are_those_of_decoding_one_window_at_a_time(folder, params):
    targets = fasta.read_fasta("targets.fa")
    expected = []
    for target in targets:
        start, n = 0, len(target.sequence)
        while True:
            # Every 7 nt from the start, the last window flush with the end.
            start = max(0, min(start, n - 29))
            site = target.sequence[start : start + 29]
            span = (target.name, str(start), str(start + len(site)))
            expected.append((span, *decode_alone(params, site)))
            if start + len(site) == n:
                break
            start += 7
    decoded = list(dict.fromkeys(letters for _, letters, _ in expected if letters))
    decoded.sort(key=len, reverse=True)
    assert len(decoded) > 9
    rng = np.random.default_rng(0)
    write_fasta("db.fa", *(random_sequence(rng, 22) for _ in range(9)), *decoded[:2])
    own_name = {decoded[0]: "s9", decoded[1]: "s10"}
    run(stride=7, batch_size=4)
    rows = table()
    assert len(rows) == len(expected)
    mirnas = list({row["mirna_seq"] for row in rows} - {"."})
    settings = BlastSettings(strand="plus", evalue=0.02, dust=False)
    hits = search_unique(mirnas, build_database(pathlib.Path("db.fa")), settings)
    best = dict(zip(mirnas, hits, strict=True))
    for row, (span, letters, log_prob) in zip(rows, expected, strict=True):
        hit = best.get(row["mirna_seq"])
        assert (row["target"], row["start"], row["end"]) == span
        assert row["mirna_seq"] == (letters or ".")
        assert float(row["log_prob"]) == pytest.approx(log_prob, rel=1e-4, abs=2e-4)
        assert row["status"] == ("known" if hit else "novel")
        assert row["mirna_id"] == (hit.subject if hit else ".")
        assert own_name.get(letters, row["mirna_id"]) == row["mirna_id"]
        if hit:
            values = float(row["evalue"]), float(row["bitscore"])
            assert values == (hit.evalue, hit.bitscore)
    assert sum(row["status"] == "known" for row in rows) >= 2
    assert sum(row["status"] == "novel" for row in rows) >= 2


@pytest.mark.slow
def test_a_constrained_decoder_predicts_records_of_the_database_only(folder, params):
    """A beam as wide as the database finds what scoring each of its records finds."""
    mirnas = [record.sequence for record in fasta.read_fasta("db.fa")]
    longer = "ACGUACGUACGUACGUACGUACGUACGUA"  # the model cannot emit it
    write_fasta("db.fa", *mirnas, longer)
    run(stride=29, decoder="constrained", beam_width=40)
    rows = table()
    names = {mirna: f"s{number}" for number, mirna in enumerate(mirnas)}
    model = models.make_model(CONFIG)
    targets = {record.name: record for record in fasta.read_fasta("targets.fa")}
    windows = [
        targets[row["target"]].sequence[int(row["start"]) : int(row["end"])]
        for row in rows
    ]
    scores = ranking.rank(model, params, alphabet.encode(windows, 29), mirnas)
    for row, of_window in zip(rows, scores, strict=True):
        assert row["mirna_seq"] == mirnas[of_window.argmax()]
        assert row["mirna_id"] == names[row["mirna_seq"]]
        assert row["status"] == "known"
        assert float(row["log_prob"]) == pytest.approx(of_window.max(), abs=1e-3)
    assert len({row["mirna_seq"] for row in rows}) > 1


def test_the_table_of_a_model_whose_predictions_are_known(folder, monkeypatch):
    monkeypatch.setattr(greedy, "decode", echo)
    long = "CGCGC" + MIRNA + "CCGG"
    near = MIRNA[:12] + pairing.reverse_complement(MIRNA[12]) + MIRNA[13:]
    pathlib.Path("targets.fa").write_text(
        f">own a title\n{MIRNA.replace('U', 't')}\n>long\n{long}\n>near\n{near}\n"
        f">minus\n{pairing.reverse_complement(MIRNA)}\n>low\n{'UG' * 11}\n"
    )
    pathlib.Path("db.fa").write_text(
        f">first\nAA{MIRNA}AA\n>let-7\n{MIRNA}\n>again\n{MIRNA}\n>low\n{'UG' * 11}\n"
    )
    run(stride=1)
    rows = {(row["target"], row["start"]): row for row in table()}
    assert list(rows) == [
        ("own", "0"),
        *[("long", str(start)) for start in range(3)],
        ("near", "0"),
        ("minus", "0"),
        ("low", "0"),
    ]
    own, near_row = rows["own", "0"], rows["near", "0"]
    assert (own["end"], own["mirna_seq"], own["log_prob"]) == ("22", MIRNA, "-22.0000")
    assert (own["mirna_id"], own["status"]) == ("let-7", "known")
    for start in range(3):
        row = rows["long", str(start)]
        assert row["end"] == str(start + 29)
        assert row["mirna_seq"] == long[start : start + 29]
        assert (row["mirna_id"], row["bitscore"]) == ("first", own["bitscore"])
    assert (near_row["mirna_id"], near_row["status"]) == ("first", "known")
    assert float(near_row["evalue"]) > float(own["evalue"])
    minus = list(rows["minus", "0"].values())
    assert minus[5:] == [".", ".", ".", "novel"]
    assert rows["low", "0"]["mirna_id"] == "low"

    run(stride=1, published_blast=True)
    published = {(row["target"], row["start"]): row for row in table()}
    assert published["minus", "0"]["mirna_id"] == "first"
    assert published["low", "0"]["mirna_id"] == "low"
    limit = float(own["evalue"]) * 1.5
    run(stride=1, evalue=limit, strand="both")
    strict = {(row["target"], row["start"]): row for row in table()}
    assert strict["own", "0"]["status"] == "known"
    assert strict["near", "0"]["status"] == "novel"
    assert strict["minus", "0"]["status"] == "known"


@pytest.mark.slow
def test_the_table_is_ranked_and_cut(folder, monkeypatch):
    run(stride=1)
    whole = table()
    scores = np.array([float(row["log_prob"]) for row in whole])
    cut = float(np.sort(scores)[-40]) - 1e-3
    named = []
    monkeypatch.setattr(
        naming,
        "search_unique",
        lambda sequences, *rest: (
            named.extend(sequences) or search_unique(sequences, *rest)
        ),
    )
    run(stride=1, min_log_prob=cut, out="cut.tsv")
    expected = [row for row, score in zip(whole, scores, strict=True) if score >= cut]
    assert table("cut.tsv") == expected and len(expected) == 40
    # What is cut is not searched by BLAST.
    assert set(named) - {""} == {row["mirna_seq"] for row in expected} - {"."}
    run(stride=1, top=5, out="top.tsv")
    best = [whole[row] for row in np.argsort(-scores, kind="stable")[:5]]
    assert table("top.tsv") == best
    run(stride=1, top=50, min_log_prob=cut, out="both.tsv")
    assert len(table("both.tsv")) == 40
    assert table("both.tsv")[:5] == best


def test_the_default_evalue_calls_few_random_sequences_known(monkeypatch, data_dir):
    """Of random 22-mers, and of human miRNAs with their letters shuffled."""
    human = naming.load_database(data_dir / "mirbase" / "hsa_mature_r22.fa")
    rng = np.random.default_rng(1)
    for sequences in (
        [random_sequence(rng, 22) for _ in range(500)],
        [
            "".join(rng.permutation(list(human.mirnas[row].sequence)))
            for row in rng.integers(0, len(human.mirnas), 500)
        ],
    ):
        names = naming.name_sequences(sequences, human)
        assert sum(name is not None for name in names) <= 25  # 5%


def test_scores_that_are_no_numbers_stop_the_command(folder, params):
    save(folder / "W", jax.tree.map(lambda array: array * jnp.nan, params))
    with pytest.raises((FloatingPointError, ValueError), match="NaN|finite"):
        run()
    assert not pathlib.Path("out.tsv").exists()


def test_an_empty_prediction_is_a_novel_row(folder, params):
    bias = jnp.zeros(6).at[alphabet.EOS - 1].set(1e4)
    output = params["output_dense"] | {"bias": bias}
    save(folder / "W", params | {"output_dense": output})
    run()
    rows = table()
    assert {row["target"] for row in rows} == {f"s{n}" for n in range(len(LENGTHS))}
    for row in rows:
        assert list(row.values())[3:] == [".", "0.0000", ".", ".", ".", "novel"]


@pytest.mark.slow
def test_neither_batches_nor_chunks_change_the_table(folder, monkeypatch):
    run(stride=2)
    whole = table()
    assert len(whole) == 60
    monkeypatch.setattr(sites, "_BATCHES_PER_REPORT", 2)
    run(stride=2, batch_size=4, out="chunks.tsv")
    for row, other in zip(whole, table("chunks.tsv"), strict=True):
        log_probs = float(row.pop("log_prob")), float(other.pop("log_prob"))
        assert log_probs[0] == pytest.approx(log_probs[1], rel=1e-4, abs=2e-4)
        assert row == other


def test_each_distinct_mirna_is_searched_once(folder, monkeypatch):
    searched = []
    monkeypatch.setattr(greedy, "decode", echo)
    monkeypatch.setattr(
        naming,
        "search_unique",
        lambda sequences, *rest: (
            searched.extend(sequences) or search_unique(sequences, *rest)
        ),
    )
    write_fasta("targets.fa", *[MIRNA, "ACGU" * 50] * 3)
    run(stride=1)
    assert len(table()) == 3 * (1 + 172)
    assert sorted(searched) == sorted(
        [MIRNA, *(("ACGU" * 50)[start : start + 29] for start in range(4))]
    )


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _illegal(folder):
    (folder / "targets.fa").write_text(">good\nACGUACGUACGU\n>bad\nACGUNACGUACG\n")


def _empty(folder):
    (folder / "targets.fa").write_text("")


def _short(folder):
    write_fasta(folder / "targets.fa", "ACGUACGU", "ACGUACG")


def _no_fasta(folder):
    (folder / "db.fa").write_text("mirna,target\n")


def _corrupt(folder):
    (folder / "W" / "model.npz").write_text("version https://git-lfs.github.com\n")


def _no_model(folder):
    shutil.rmtree(folder / "W")
    (folder / "W").mkdir()


BAD = {
    "illegal letter": (_illegal, {}, r"targets\.fa: 1 of 2 .* bad: letter 'N'"),
    "empty file": (_empty, {}, r"targets\.fa: the file is empty"),
    "too short": (_short, {}, r"targets\.fa: 1 of 2 .* s1: 7 nt.* at least 8"),
    "no targets": (None, {"targets": "none.fa"}, r"none\.fa: cannot be read"),
    "db not FASTA": (_no_fasta, {}, r"db\.fa: not a FASTA file"),
    "no db": (None, {"db": "none.fa"}, r"--db=none\.fa is neither"),
    "corrupt model": (_corrupt, {}, r"W/model\.npz is a Git LFS pointer"),
    "empty workdir": (_no_model, {}, r"W holds no trained model"),
    "no workdir": (None, {"model": "V"}, r"V does not exist"),
    "no folder": (None, {"out": "no/out.tsv"}, r"folder no cannot be written"),
    "out in file": (None, {"out": "db.fa/o.tsv"}, r"folder db\.fa cannot be written"),
    "out is folder": (None, {"out": "W"}, r"--out: W is not a file"),
    "out is input": (None, {"out": "./db.fa"}, r"--out: db\.fa is an input"),
    "out is model": (None, {"model": "W/model.npz", "out": "W/model.npz"}, "an input"),
    "evalue": (None, {"evalue": 0}, r"evalue=0"),
    "stride": (None, {"stride": 30}, r"--stride=30 .* 29"),
    "batch": (None, {"batch_size": 0}, r"--batch_size=0"),
    "top": (None, {"top": -1}, r"--top=-1: give 0 for all"),
    "log prob": (None, {"min_log_prob": 0.5}, r"--min_log_prob=0.5 must be at most 0"),
    "no targets flag": (None, {"targets": None}, r"--targets is missing: give"),
    "long name": (None, {"out": "x" * 256}, r"--out: x+ cannot be written .File name"),
    "threads": (None, {"num_threads": 0}, r"--num_threads=0"),
    "strand": (None, {"published_blast": True, "strand": "plus"}, r"drop --strand"),
    "pipe": (None, {"targets": "-", "db": "/dev/stdin"}, "/dev/stdin are the same in"),
}


@pytest.mark.parametrize(("spoil", "changes", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_found_before_the_work(
    folder, monkeypatch, spoil, changes, message
):
    def fail(*arguments, **options):
        pytest.fail("decoding began")

    monkeypatch.setattr(greedy, "decode", fail)
    monkeypatch.setattr(jax, "device_put", fail)
    if spoil:
        spoil(folder)
    before = snapshot(folder)
    with pytest.raises(ValueError, match=message) as caught:
        run(**changes)
    assert "\n" not in str(caught.value)
    assert snapshot(folder) == before


def test_bad_records_are_left_out_and_listed(folder):
    texts = {"good": "ACGUACGUACGU", "bad": "ACGUNACGUACG", "short": "ACGU"}
    lines = [f">{name}\n{letters}\n" for name, letters in texts.items()]
    (folder / "targets.fa").write_text("".join(lines))
    run(on_bad_record="skip")
    assert [row["target"] for row in table()] == ["good"]
    _, *skipped = (folder / "out.tsv.skipped.tsv").read_text().splitlines()
    assert [line.split("\t")[:2] for line in skipped] == [
        ["targets.fa", "bad"],
        ["targets.fa", "short"],
    ]


def test_a_missing_blastn_is_found_before_the_work(folder, monkeypatch):
    monkeypatch.setattr(greedy, "decode", lambda *_, **__: pytest.fail("decoding"))
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(BlastError, match="blastn is not on PATH; install"):
        run()
    assert not pathlib.Path("out.tsv").exists()


@pytest.mark.usefixtures("unchecked")
def test_a_model_that_generates_nothing_is_refused(folder, monkeypatch):
    class Classifier(nn.Module):
        """Something that scores pairs."""

        def example_inputs(self):
            return ()

        @nn.compact
        def __call__(self):
            return self.param("bias", nn.initializers.zeros, (1,))

    monkeypatch.setitem(models.MODELS, "classifier", Classifier)
    path = folder / "classifier.npz"
    save_model(path, {"bias": [0.0]}, {"model": {"name": "classifier"}})
    message = r"classifier\.npz holds a Classifier, which generates no miRNA"
    with pytest.raises(ValueError, match=message):
        run(model=path)


def test_a_failure_midway_leaves_the_earlier_table(folder, monkeypatch):
    pathlib.Path("out.tsv").write_text("earlier\n")

    def fail(*arguments, **options):
        raise BlastError("blastn failed (1): no memory")

    before = snapshot(folder)
    with monkeypatch.context() as patch:
        patch.setattr(naming, "search_unique", fail)
        with pytest.raises(BlastError):
            run()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(BlastError):
            run()
    assert snapshot(folder) == before
    run()
    assert len(table()) > len(LENGTHS)


def run_alone(*arguments, **environment):
    command = [sys.executable, "-m", "mirjax.predict", *arguments]
    variables = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    return subprocess.run(
        command, env=variables | environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_the_command_line(folder):
    arguments = ["--model=W/model.npz", "--targets=targets.fa", "--db=db.fa"]
    good = run_alone(*arguments, "--out=out.tsv", JAX_PLATFORMS="cpu")
    assert good.returncode == 0, good.stderr
    assert good.stdout == ""
    assert "decoding sites: " in good.stderr and "\x1b" not in good.stderr
    alone = table()
    run(out="here.tsv")
    for row, other in zip(alone, table("here.tsv"), strict=True):
        assert float(row.pop("log_prob")) == pytest.approx(
            float(other.pop("log_prob")), abs=2e-3
        )
        assert row == other

    # No device: using one would be the error that is printed.
    _short(folder)
    before = snapshot(folder)
    bad = run_alone(*arguments, "--out=new.tsv", JAX_PLATFORMS="none")
    assert bad.returncode == 1
    assert bad.stdout == ""
    (line,) = bad.stderr.splitlines()
    assert line.startswith("error: targets.fa: 1 of 2 records cannot be read: s1: 7 nt")
    assert snapshot(folder) == before


def test_segments_are_decoded_at_every_position(folder, monkeypatch):
    monkeypatch.setattr(greedy, "decode", echo)
    write_fasta("targets.fa", "ACGU" * 8, MIRNA)
    run(segments="21,25")
    found = [(row["target"], int(row["start"]), int(row["end"])) for row in table()]
    expected = [("s0", start, start + n) for n in (21, 25) for start in range(33 - n)]
    assert found == sorted(expected) + [("s1", 0, 21), ("s1", 1, 22)]


def test_sites_without_a_stable_duplex_are_left_out(folder, monkeypatch):
    monkeypatch.setattr(greedy, "decode", echo)
    asked = []

    class Fake:
        @staticmethod
        def duplexfold(mirna, site):
            asked.append((mirna, site))
            return types.SimpleNamespace(energy=-3.0 if site[0] == "A" else -2.9)

    monkeypatch.setitem(sys.modules, "RNA", Fake)
    write_fasta("targets.fa", "ACGU" * 8)
    run(segments="21", max_energy=-3)
    assert [row["start"] for row in table()] == ["0", "4", "8"]
    assert sorted(asked) == [(site, site) for site, _ in sorted(set(asked))]
    run(segments="21", max_energy=-3, min_log_prob=-20)
    assert table() == []


def test_mirnas_of_a_transcript_are_summed_up(folder, monkeypatch):
    monkeypatch.setattr(greedy, "decode", echo)
    other = "CAGUCCGAUCGGAACUUCAGAU"
    records = [SequenceRecord("t", MIRNA + other + MIRNA), SequenceRecord("u", other)]
    fasta.write_fasta("targets.fa", records)
    run(segments="22", evalue="1e-6", by_transcript="transcripts.tsv")
    header, *lines = pathlib.Path("transcripts.tsv").read_text().splitlines()
    rows = [dict(zip(header.split("\t"), x.split("\t"), strict=True)) for x in lines]
    known = rows[0]
    assert (known["target"], known["mirna"], known["status"]) == ("t", "s30", "known")
    of_known = [row for row in table() if row["mirna_id"] == "s30"]
    assert MIRNA in {row["mirna_seq"] for row in of_known}
    assert known["sites"] == str(len(of_known))
    positions = ",".join(f"{row['start']}-{row['end']}" for row in of_known)
    assert known["positions"] == positions
    assert positions.startswith("0-22,")
    assert positions.endswith(",44-66")
    assert set(known["mirna_seqs"].split(",")) == {x["mirna_seq"] for x in of_known}
    best = min(of_known, key=lambda row: float(row["evalue"]))
    assert (known["best_evalue"], known["best_log_prob"]) == (
        best["evalue"],
        "-22.0000",
    )
    novel = [(row["target"], row["positions"]) for row in rows if row["mirna"] == other]
    assert novel == [("t", "22-44"), ("u", "0-22")]
    assert sum(int(row["sites"]) for row in rows) == len(table())
    assert {row["best_evalue"] for row in rows[1:]} == {"."}


@pytest.mark.parametrize(
    ("flags_", "message"),
    [
        ({"segments": "21,x"}, "--segments: 'x' is not a length"),
        ({"segments": "21,21"}, "name each length once"),
        ({"segments": "21,40"}, "--segments: 40 nt, the model takes 8 to 29"),
        ({"segments": "21", "stride": 3}, "drop --stride"),
        ({"max_energy": "nan"}, "--max_energy=nan must be finite"),
        ({"max_energy": -3}, r"--max_energy needs ViennaRNA: pip install 'mirjax\["),
        ({"accessible": True}, "--accessible needs ViennaRNA"),
        ({"by_transcript": "out.tsv"}, "two outputs are named out.tsv"),
        ({"by_transcript": "./out.tsv"}, "two outputs are named by out.tsv and ./out"),
        (
            {"by_transcript": "no/t.tsv"},
            "^--by_transcript: folder no cannot be written",
        ),
    ],
)
def test_wrong_options_of_transcripts_are_refused(folder, monkeypatch, flags_, message):
    monkeypatch.setitem(sys.modules, "RNA", None)
    with pytest.raises(ValueError, match=message):
        run(**flags_)
    assert not pathlib.Path("out.tsv").exists()
