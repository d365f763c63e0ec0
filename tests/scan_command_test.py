"""The command scan, as a shell sees it, on input as users have it."""

import gzip
import importlib
import io
import os
import re
import sys
import threading
import types

import numpy as np
import pandas as pd
import pytest
from absl import flags
from equations import random_params

from mirjax.models.mitar import Mitar
from mirjax.models.trained import save_model
from mirjax.scanning.repression.gene_table import predict_table
from mirjax.scanning.repression.head_file import PRETRAINED, find_model, read_model
from mirjax.sequences.fasta import read_fasta
from mirjax.sequences.records import SequenceRecord

# The attribute of this name is the function of the Python interface.
scan = importlib.import_module("mirjax.scan")
MODEL = Mitar(conv_features=4, lstm_features=3, dense_features=3)
MIRNAS = {"m15": "UGAGGUAGUAGGUUG", "m22": "UAGCUUAUCAGACUGAUGUUGA"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.npz"
    sizes = ("conv_features", "lstm_features", "dense_features")
    config = {"name": "mitar"} | {name: getattr(MODEL, name) for name in sizes}
    save_model(path, random_params(MODEL, 0, scale=0.3), {"model": config})
    return str(path)


@pytest.fixture
def mirnas(tmp_path):
    path = tmp_path / "mirnas.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in MIRNAS.items()))
    return str(path)


def run(**given):
    """Run the command in this process; return its table."""
    values = flags.FlagValues()
    scan.define_flags(values)
    given = {"mode": "windows"} | given
    values(["scan", *(f"--{name}={value}" for name, value in given.items())])
    scan.main(values)


def read(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False)


def letters(number, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), number))


@pytest.mark.slow
def test_input_as_users_have_it_gives_one_table(tmp_path, model, mirnas, monkeypatch):
    """T or U, lower case, wrapped lines, Windows line ends, gzip, a pipe."""
    first, second = letters(200), letters(70, 1)
    wrapped = "\n".join(first[n : n + 60] for n in range(0, 200, 60))
    text = f">t1 gene=X\n{wrapped}\n>t2\n{second}\n"
    common = {"model": model, "mirnas": mirnas, "threshold": 0, "step": 10}
    tables = []
    for number, content in enumerate(
        (
            text.encode(),
            text.lower().encode(),
            text.replace("\n", "\r\n").encode(),
            f">t1\n{first.replace('T', 'U')}\n\n>t2\n{second}".encode(),
            gzip.compress(text.encode()),
        )
    ):
        path = tmp_path / f"targets{number}"
        path.write_bytes(content)
        out = tmp_path / f"out{number}.tsv"
        run(targets=path, out=out, **common)
        tables.append(out.read_bytes())
    stream = types.SimpleNamespace(buffer=io.BytesIO(text.encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    run(targets="-", out=tmp_path / "piped.tsv.gz", **common)
    tables.append(gzip.decompress((tmp_path / "piped.tsv.gz").read_bytes()))
    assert len(set(tables)) == 1
    table = read(io.BytesIO(tables[0]))
    assert table.columns.tolist() == [
        *("mirna", "target", "start", "end", "window", "score", "sites")
    ]
    assert table.target.tolist() == ["t1"] * 32 + ["t2"] * 6
    assert (
        table.mirna.tolist() == ["m15"] * 16 + ["m22"] * 16 + ["m15"] * 3 + ["m22"] * 3
    )
    assert table.start[:16].tolist() == [*range(0, 150, 10), 147]


@pytest.mark.parametrize(
    ("targets", "part"),
    [
        (">a\nACGU\n>a\nACGU\n", "1 of 2 records cannot be read: a: a second record"),
        (">a\nACGU\n>b\n>c\nAC\n", "b: empty sequence; mend or remove them, or leave"),
        (">a\nACXU\n", "a: letter 'X' at position 3 is not a nucleotide"),
        ("", "the file is empty"),
    ],
)
def test_bad_transcripts_are_refused_and_nothing_is_written(
    tmp_path, model, mirnas, targets, part
):
    path, out = tmp_path / "targets.fa", tmp_path / "out.tsv"
    path.write_text(targets)
    with pytest.raises(ValueError, match=part):
        run(model=model, mirnas=mirnas, targets=path, out=out)
    assert not out.exists()


@pytest.mark.slow
def test_bad_records_are_left_out_and_listed(tmp_path, model, mirnas):
    path, out = tmp_path / "targets.fa", tmp_path / "out.tsv"
    path.write_text(">a\nACGUNNNN\n>b\n>a\nACGU\n>c\nGG\n")
    with open(mirnas, "a") as file:
        file.write(f">m30\n{'A' * 30}\n")
    given = {"model": model, "targets": path, "out": out, "threshold": 0}
    with pytest.raises(ValueError, match="m30: 30 nt, the model takes 1 to 26"):
        run(mirnas=mirnas, **given)
    run(mirnas=mirnas, on_bad_record="skip", **given)
    assert read(out).target.tolist() == ["a", "a", "c", "c"]
    skipped = read(f"{out}.skipped.tsv")
    assert skipped.record.tolist() == ["m30", "b", "a"]


@pytest.mark.slow
def test_names_with_quotes_and_a_table_without_rows(tmp_path, model, mirnas):
    path, out = tmp_path / "targets.fa", tmp_path / "out.tsv"
    path.write_text('>5"UTR,a\nACGUACGU\n')
    common = {"model": model, "mirnas": mirnas, "targets": path, "out": out}
    run(threshold=0, **common)
    assert out.read_text().count('\t5"UTR,a\t0\t8\t0\t') == 2
    run(threshold=1, **common)
    assert out.read_text() == "mirna\ttarget\tstart\tend\twindow\tscore\tsites\n"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"step": 54}, "--step=54"),
        ({"step": 0}, "--step=0"),
        ({"mirnas": "-", "targets": "-"}, "standard input is read once"),
        ({"mirnas": "absent.fa"}, "--mirnas=absent.fa is neither"),
        ({"targets": "absent.fa"}, "absent.fa: cannot be read"),
    ],
)
def test_wrong_flags(tmp_path, model, mirnas, given, part):
    path = tmp_path / "targets.fa"
    path.write_text(">a\nACGU\n")
    common = {"model": model, "mirnas": mirnas, "targets": path}
    with pytest.raises(ValueError, match=part):
        run(out=tmp_path / "out.tsv", **(common | given))


# ---- The other modes, and all that a scan writes. ----


@pytest.fixture
def targets(tmp_path):
    """Transcripts with a perfect site of m22 in the second."""
    site = "UCAACAUCAGUCUGAUAAGCUA"
    path = tmp_path / "targets.fa"
    texts = [letters(2000, 3), letters(900, 4) + site + letters(900, 5), "ACGU"]
    path.write_text("".join(f">t{n}\n{text}\n" for n, text in enumerate(texts)))
    return path


def test_seed_mode_lists_canonical_sites_without_a_model(tmp_path, mirnas, targets):
    out = tmp_path / "seed.tsv"
    run(mode="seed", mirnas=mirnas, targets=targets, out=out, genes=tmp_path / "g.tsv")
    found = read(out)
    sequence = read_fasta(targets)[1].sequence
    word = "GAUAAGC"[1:]  # opposite letters 2-7 of m22
    starts = [m.start() for m in re.finditer(f"(?={word})", sequence)]
    rows = found[(found.mirna == "m22") & (found.target == "t1")]
    assert len(rows) == len(starts) >= 1
    assert "8mer" in set(rows.site_type)
    genes = read(tmp_path / "g.tsv")
    assert genes.sites.sum() == len(found)
    row = genes[(genes.mirna == "m22") & (genes.target == "t1")].iloc[0]
    expected = predict_table(
        read_model(find_model(PRETRAINED)),
        [SequenceRecord("m22", MIRNAS["m22"])],
        [SequenceRecord("t1", sequence)],
        fold=False,
    ).to_pylist()[0]
    for name in ("repression", "repression_low", "repression_high"):
        np.testing.assert_allclose(float(row[name]), expected[name], rtol=1e-4)
    assert float(row.repression) < -0.05


def test_explain_says_that_seed_mode_has_no_engine(
    tmp_path, mirnas, targets, monkeypatch
):
    lines = []
    monkeypatch.setattr(
        "absl.logging.info", lambda line, *values: lines.append(line % values)
    )
    out = str(tmp_path / "seeds.tsv")
    run(mode="seed", mirnas=mirnas, targets=targets, out=out, explain=True)
    assert "engine: none" in lines


def test_genes_of_a_transcript_with_several_mirnas_read_it_once(tmp_path):
    """The transcripts are read along with the genes, each once."""
    mirnas, targets = tmp_path / "m.fa", tmp_path / "t.fa"
    names = [f"m{number}" for number in range(3)]
    mirnas.write_text("".join(f">{name}\n{MIRNAS['m22']}\n" for name in names))
    site = letters(60) + "UAAGCUA" + letters(60, 1)
    targets.write_text(f">a\n{site}\n>none\nACGU\n>b\n{site}\n")
    common = {"mode": "seed", "mirnas": mirnas, "targets": targets}
    run(**common, out=tmp_path / "s.tsv", genes=tmp_path / "g.tsv")
    genes = read(tmp_path / "g.tsv")
    found = list(zip(genes.target, genes.mirna, strict=True))
    assert found == [(target, name) for target in "ab" for name in names]
    assert genes.repression.nunique() == 1 and "." not in set(genes.repression)


def test_sites_mode_finds_the_perfect_site_first(tmp_path, mirnas, targets):
    names = ("sites.parquet", "genes.tsv", "duplexes.txt", "report.html")
    out, genes, duplexes, report = (tmp_path / name for name in names)
    run(
        mode="sites",
        model="alignment",
        **{"mirnas": mirnas, "targets": targets, "out": out, "genes": genes},
        **{"duplexes": duplexes, "report": report, "background_nt": 20_000},
    )
    found = pd.read_parquet(out)
    best = found.sort_values("pvalue").iloc[0]
    assert (best.mirna, best.target, best.start, best.end) == ("m22", "t1", 900, 922)
    assert best.site_type == "8mer" and best.score == best.alignment_score
    np.testing.assert_allclose(found.evalue, found.pvalue * (2000 + 1822 + 4))
    assert "m22 t1:900-922 8mer" in duplexes.read_text()
    assert "3&#39; AGUUGUAGUCAGACUAUUCGAU 5&#39;" in report.read_text()
    assert "t1" in report.read_text() and set(read(genes).target) <= {"t0", "t1"}

    again = tmp_path / "again.tsv"
    run(**{"from": out, "out": again, "min_score": best.score, "top_k": 1})
    assert [tuple(row) for row in read(again)[["target", "start"]].values] == [
        ("t1", 900)
    ]


def test_shards_and_a_merge_give_the_table_of_one_run(tmp_path, mirnas, targets):
    common = {"mode": "seed", "mirnas": mirnas, "targets": targets}
    run(**common, out=tmp_path / "one.tsv")
    for number in (1, 2):
        run(**common, out=tmp_path / "two.tsv", shard=f"{number}/2")
    run(merge=True, out=tmp_path / "two.tsv")
    assert (tmp_path / "two.tsv").read_bytes() == (tmp_path / "one.tsv").read_bytes()


def test_a_name_that_is_too_long_for_a_shard_is_found_before_the_work(tmp_path):
    """Beside a shard lies the folder of its parts."""
    common = {"mode": "seed", "mirnas": "absent.fa", "targets": "absent.fa"}
    longest = tmp_path / ("x" * 230)
    with pytest.raises(ValueError, match="absent.fa"):
        run(**common, out=longest, shard="1/2")
    with pytest.raises(ValueError, match="^--out: .*-1-of-2 cannot be written .File n"):
        run(**common, out=f"{longest}xxxxxxxxxx", shard="1/2")


def test_transcripts_without_a_site_give_an_empty_table(tmp_path, mirnas):
    path = tmp_path / "short.fa"
    path.write_text(">a\nACGU\n")
    out = tmp_path / "sites.tsv"
    run(
        **{"mode": "sites", "model": "alignment", "mirnas": mirnas, "targets": path},
        **{"out": out, "background_nt": 10_000},
    )
    assert not len(read(out))


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"mode": "seed", "duplexes": "d.txt"}, "finds no duplexes"),
        ({"mode": "windows", "genes": "g.tsv"}, "has windows, not sites"),
        ({"mode": "windows", "model": "alignment"}, "needs a classifier"),
        ({"genes": "{out}"}, "two outputs are named"),
        ({"genes": "{out.parent}/../{out.parent.name}/sites.tsv"}, "two outputs are"),
        ({"regions": "{targets}.bed", "out": "{targets}.bed"}, "is an input"),
        ({"targets_list": "{out}", "targets": ""}, "is an input"),
        ({"model": "{out}"}, "is an input"),
        ({"genes": "none/g.tsv"}, "^--genes: folder none cannot be written"),
        ({"report": "{out.parent}", "mode": "seed"}, "^--report: .* is not a file"),
        ({"duplexes": "{targets}"}, "^--duplexes: .* is an input"),
        ({"targets": ""}, "--targets is missing"),
        ({"targets": "/dev/stdin", "mirnas": "-"}, "/dev/stdin and - are the same in"),
        (
            {"regions": "{pipe}", "targets": "{pipe}"},
            "pipe.bed is given for two inputs",
        ),
        ({"from": "{pipe}"}, "a Parquet table is read at any position: give a file"),
        ({"regions": "x.txt", "model": "alignment"}, "must end in .gtf"),
        ({"from": "{targets}"}, "is not a whole Parquet table"),
    ],
)
def test_flags_that_cannot_go_together(tmp_path, mirnas, targets, given, part):
    out = tmp_path / "sites.tsv"
    before = b"an input may not be replaced"
    out.write_bytes(before)
    targets.with_name("targets.fa.bed").write_bytes(before)
    pipe = tmp_path / "pipe.bed"
    os.mkfifo(pipe)
    places = {"out": out, "targets": targets, "pipe": pipe}
    given = {name: value.format(**places) for name, value in given.items()}
    common = {"mode": "sites", "mirnas": mirnas, "targets": targets, "out": out}
    with pytest.raises(ValueError, match=part):
        run(**(common | given))
    assert out.read_bytes() == before


def test_transcripts_of_a_pipe_are_read_once(tmp_path, mirnas, targets):
    """What would open the pipe again is left out, or refused."""
    pipe, out, genes = (tmp_path / name for name in ("pipe", "s.tsv", "g.tsv"))
    os.mkfifo(pipe)
    common = {"mirnas": mirnas, "targets": pipe, "out": out}
    with pytest.raises(ValueError, match="give a file, not .*pipe"):
        run(mode="sites", duplexes=tmp_path / "d.txt", **common)
    content = targets.read_bytes()
    writer = threading.Thread(target=lambda: pipe.write_bytes(content), daemon=True)
    writer.start()
    run(mode="seed", genes=genes, report=tmp_path / "r.html", **common)
    writer.join(timeout=20)
    assert read(genes).sites.sum() == len(read(out)) > 0
    assert "repression" not in read(genes).columns


def test_a_name_that_fasta_would_cut_is_refused(tmp_path, mirnas, targets):
    """Of a BED file: the target would be called by its first word."""
    bed = tmp_path / "regions.bed"
    common = {"mode": "seed", "mirnas": mirnas, "targets": targets, "regions": bed}
    for name, reason in (
        ("my gene", "a space in the name 'my gene'; replace it, such as by _"),
        ("", "no name"),
        ("a\x00b", "a control character in the name"),
    ):
        bed.write_text(f"t0\t0\t900\t{name}\n")
        with pytest.raises(
            ValueError, match=f"regions.bed: 1 .* line 1: {reason}; men"
        ):
            run(out=tmp_path / "s.tsv", **common)
    bed.write_text("t1\t0\t1800\tmy_gene\n")
    run(out=tmp_path / "s.tsv", **common)
    assert set(read(tmp_path / "s.tsv").target) == {"my_gene"}


def test_wrong_regions_are_left_out_and_listed(tmp_path, mirnas, targets):
    bed, out = tmp_path / "regions.bed", tmp_path / "s.tsv"
    bed.write_text("t1\t0\t1800\tgood\nt1\t9\t5\tbad\nt9\t0\t5\tnone\n")
    common = {"mode": "seed", "mirnas": mirnas, "targets": targets, "regions": bed}
    with pytest.raises(ValueError, match="2 of 3 lines .*line 2: .*; line 3: "):
        run(out=out, **common)
    run(out=out, on_bad_record="skip", **common)
    assert set(read(out).target) == {"good"}
    assert read(f"{out}.skipped.tsv").record.tolist() == ["line 2", "line 3"]
