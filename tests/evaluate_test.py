"""`mirjax.evaluate` of generators: every metric is computed again by its definition."""

import functools
import json
import shlex
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags, logging
from equations import random_params

import mirjax
from mirjax import evaluate
from mirjax.alignment.complementarity import score_all
from mirjax.datasets import registry, splits
from mirjax.datasets.simulate import simulate
from mirjax.evaluation.attention_maps import attention_maps
from mirjax.evaluation.baselines.generator import generator_baselines
from mirjax.evaluation.evaluation_set import EvaluationSet, Source
from mirjax.evaluation.results_folder import results_folder
from mirjax.evaluation.score_fusion import fuse_scores
from mirjax.models import make_model
from mirjax.models import trained as exported
from mirjax.reporting.report import describe_source
from mirjax.reporting.table import print_summary
from mirjax.sequences.records import Pairs

MODEL = {
    "name": "seq2seq",
    "conv_features": 4,
    "conv_width": 4,
    "dense_features": 6,
    "lstm_features": 8,
}
DATA = {"name": "simulated", "split": "random", "seed": 3}
NUM_PAIRS = 300  # simulated, of which a tenth are test rows
L2 = 0.01
SYMBOLS = "AUCG^$"  # what the six logits stand for


@functools.cache
def simulate_few(num_pairs, *, seed=0):
    return simulate(min(num_pairs, NUM_PAIRS), seed=seed)


def run(**values) -> dict:
    """Run the command in this process and return what it wrote; greedy by default."""
    if values["model"].suffix != ".h5":
        values = {"decoders": ""} | values
    arguments = [
        f"--{name}={value}" if value is not None else f"--{name}"
        for name, value in values.items()
    ]
    flag_values = flags.FlagValues()
    evaluate.define_flags(flag_values)
    flag_values(["evaluate", *arguments])
    evaluate.main(flag_values)
    return json.loads((values["out"] / "metrics.json").read_text())


@pytest.fixture(autouse=True)
def small_and_tidy(tmp_path, monkeypatch):
    """Keep BLAST databases out of the user's cache, and simulate few pairs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "simulate", simulate_few)


@pytest.fixture(scope="module")
def params():
    """Parameters with which predictions differ, in letters and in length."""
    model, rng = make_model(MODEL), np.random.default_rng(7)
    tokens = np.zeros((1, 29), np.uint8), np.zeros((1, 28), np.uint8)
    shapes = jax.eval_shape(model.init, jax.random.key(0), *tokens)["params"]
    drawn = jax.tree.map(
        lambda leaf: (1.5 * rng.normal(size=leaf.shape)).astype(np.float32), shapes
    )
    drawn["output_dense"]["bias"] = np.float32([0, 0, 0, 0, 0.5, -1])
    return drawn


@pytest.fixture
def workdir(tmp_path, params):
    folder = tmp_path / "run"
    folder.mkdir()
    metadata = {"model": MODEL, "data": DATA, "step": 12}
    exported.save_model(folder / "model.npz", params, metadata)
    (folder / "config.json").write_text(json.dumps({"train": {"l2": L2}}))
    return folder


def tokens_of(sequences, width):
    codes = [["AUCG".index(letter) + 1 for letter in s] for s in sequences]
    return np.uint8([row + [0] * (width - len(row)) for row in codes])


@functools.cache
def applied(method=None):
    model = make_model(MODEL)
    return jax.jit(lambda params, *args: model.apply(params, *args, method=method))


def decode_one(params, target: str) -> str:
    """Decode letter by letter, scoring the whole prefix anew for each letter."""
    previous, prediction = np.zeros((1, 28), np.uint8), ""
    for step in range(28):
        previous[0, step] = SYMBOLS.index(prediction[-1] if prediction else "^") + 1
        logits = applied()({"params": params}, tokens_of([target], 29), previous)
        scores = np.array(logits)[0, step]
        scores[4] = -np.inf  # BOS is never predicted
        if (symbol := SYMBOLS[scores.argmax()]) == "$":
            break
        prediction += symbol
    return prediction


@pytest.fixture(scope="module")
def table(params):
    """Rows whose miRNA is the model's prediction, or similar, or another."""
    simulated = simulate(24, seed=5)
    targets = list(simulated.pairs.targets)
    predictions = {target: decode_one(params, target) for target in targets}
    mirnas = []
    for row, target in enumerate(targets):
        prediction, mirna = predictions[target], simulated.pairs.mirnas[row]
        if row % 3 == 0 and 8 <= len(prediction) <= 27:
            mirna = prediction
        elif row % 3 == 1 and len(prediction) >= 8:
            mirna = (
                "ACGU"["ACGU".index(prediction[0]) - 1] + prediction[1:8] + mirna[8:]
            )
        mirnas.append(mirna)
    # The same targets with other miRNAs, so that some predictions are known, not exact.
    targets, mirnas = targets + targets[:6], mirnas + mirnas[6:12]
    return mirnas, targets, [predictions[target] for target in targets]


def write_csv(path, mirnas, targets, labels=None):
    header = "mirna,target" + (",label" if labels else "")
    columns = [mirnas, targets] + ([labels] if labels else [])
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def edit_distance(a: str, b: str) -> int:
    """Levenshtein by the plain recurrence."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, above = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


@pytest.mark.slow
def test_every_metric_of_the_model(workdir, table, params, tmp_path):
    mirnas, targets, predictions = table
    database = {
        f"m{i}": s for i, s in enumerate(sorted({*mirnas, *predictions[:9]} - {""}))
    }
    database = {name: s for name, s in database.items() if len(s) >= 8}
    fasta = tmp_path / "db.fa"
    fasta.write_text("".join(f">{name}\n{s}\n" for name, s in database.items()))
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets)

    got = run(model=workdir, data=data, db=fasta, out=tmp_path / "out")

    # Teacher-forced metrics, in float64, from the logits.
    previous = np.zeros((len(mirnas), 28), np.uint8)
    for row, mirna in enumerate(mirnas):
        symbols = ("^" + mirna + "$")[:28]
        previous[row, : len(symbols)] = [SYMBOLS.index(x) + 1 for x in symbols]
    logits = np.float64(applied()({"params": params}, tokens_of(targets, 29), previous))
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    losses, hits, keras_hits = [], [], []
    for row, mirna in enumerate(mirnas):
        guesses = [SYMBOLS[index] for index in logits[row].argmax(-1)]
        for index, symbol in enumerate(mirna + "$"):
            chance = chances[row, index, SYMBOLS.index(symbol)]
            losses.append(-np.log(np.clip(chance, 1e-7, 1 - 1e-7)))
            hits.append(guesses[index] == symbol)
        padded = (mirna + "$").ljust(28, "A")  # where Keras finds all zeros
        keras_hits += [a == b for a, b in zip(padded, guesses, strict=True)]
    kernels = [layer["kernel"] for name, layer in params.items() if "_dense" in name]
    assert len(kernels) == 3
    penalty = L2 * sum((np.float64(kernel) ** 2).sum() for kernel in kernels)
    cross_entropy = sum(losses) / (28 * len(mirnas))
    close = functools.partial(pytest.approx, rel=1e-4)
    assert got["cross_entropy"] == close(cross_entropy)
    assert got["loss"] == close(cross_entropy + penalty)
    assert got["token_accuracy_masked"] == close(np.mean(hits))
    assert got["token_accuracy_keras"] == close(np.mean(keras_hits))

    # Free-running metrics.
    n = len(mirnas)
    exact = [a == m for a, m in zip(predictions, mirnas, strict=True)]
    known = [
        predictions[i]
        in [m for m, t in zip(mirnas, targets, strict=True) if t == targets[i]]
        for i in range(n)
    ]
    assert 0 < sum(exact) < sum(known) < n  # or the test would show little
    assert got["n"] == n
    assert got["exact_match"] == close(np.mean(exact))
    assert got["known_match"] == close(np.mean(known))
    seeds = [a[1:8] == m[1:8] for a, m in zip(predictions, mirnas, strict=True)]
    assert sum(seeds) > sum(exact)
    assert got["seed_match"] == close(np.mean(seeds))
    distances = [edit_distance(a, m) for a, m in zip(predictions, mirnas, strict=True)]
    assert got["edit_distance"] == close(np.mean(distances))
    assert got["distinct"] == len(set(predictions)) > 5
    real = np.mean([prediction in database.values() for prediction in predictions])
    assert 0 < real < 1
    assert got["real_share"] == close(real)

    for name, column in (("by_target_length", targets), ("by_mirna_length", mirnas)):
        lengths = sorted({len(letters) for letters in column})
        assert list(got[name]) == [str(length) for length in lengths]
        for length in lengths:
            chosen = [i for i, letters in enumerate(column) if len(letters) == length]
            assert got[name][str(length)] == {
                "n": len(chosen),
                "exact_match": close(np.mean([exact[i] for i in chosen])),
                "seed_match": close(np.mean([seeds[i] for i in chosen])),
            }

    check_blast(got, predictions, mirnas, database, tmp_path)
    assert got["model"] == str(workdir)
    assert (got["data"], got["split"], got["l2"]) == (str(data), "all", L2)
    assert got["baselines_fitted_on"] == "simulated (train, random split)"


def check_blast(got, predictions, mirnas, database, folder):
    """Compare with blastn run by hand, with the published options alone."""
    queries = folder / "queries.fa"
    asked = [i for i, prediction in enumerate(predictions) if prediction]
    queries.write_text("".join(f">{i}\n{predictions[i]}\n" for i in asked))
    make = ["makeblastdb", "-in", folder / "db.fa", "-dbtype", "nucl"]
    subprocess.run([*make, "-out", folder / "by_hand"], check=True, capture_output=True)
    options = "-word_size 7 -gapopen 5 -gapextend 2 -evalue 0.1 -strand both"
    fields = "6 qseqid sseqid nident length evalue bitscore"
    command = ["blastn", "-db", folder / "by_hand", "-query", queries, *options.split()]
    table = subprocess.run(
        [*command, "-outfmt", fields], check=True, capture_output=True, text=True
    ).stdout
    order = list(database)
    best: dict[int, tuple] = {}
    for line in table.splitlines():
        query, subject, identical, length, evalue, bits = line.split("\t")
        key = (float(evalue), -float(bits), order.index(subject))
        hit = (*key, int(identical), int(length))
        best[int(query)] = min(best.get(int(query), hit), hit)
    n = len(predictions)
    assert 0 < len(best) < n
    close = functools.partial(pytest.approx, abs=1e-4)  # blastn rounds percents
    assert got["blast_hit_share"] == close(len(best) / n)
    for threshold in (0.01, 0.005, 0.001):
        reached = sum(hit[0] <= threshold for hit in best.values())
        assert got[f"blast_hit_share_{threshold}"] == close(reached / n)
    assert got["blast_identity"] == close(np.mean([h[3] / h[4] for h in best.values()]))
    full = [hit[3] / len(predictions[i]) for i, hit in best.items()]
    assert got["blast_identity_full"] == close(np.mean(full))
    named = [database[order[hit[2]]] == mirnas[i] for i, hit in best.items()]
    assert got["blast_name_match"] == close(sum(named) / n)


@pytest.mark.slow
def test_every_decoder_finds_what_scoring_one_by_one_finds(
    workdir, table, params, tmp_path
):
    mirnas, targets, _ = table
    simulated = simulate(NUM_PAIRS)
    split = splits.random_split(NUM_PAIRS, seed=DATA["seed"])
    trained_on = sorted(set(simulated.pairs.take(split.train).mirnas))
    mirnas = [*trained_on[:12], *mirnas[12:]]  # of the others most are no candidates
    database = sorted({mirna for mirna in mirnas if len(mirna) >= 8})
    assert len(trained_on) > 20 and len(database) > 20
    fasta = tmp_path / "db.fa"
    fasta.write_text("".join(f">m{i}\n{s}\n" for i, s in enumerate(database)))
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets)
    got = run(
        model=workdir,
        data=data,
        db=fasta,
        out=tmp_path / "out",
        noblast=None,
        decoders="constrained,database,combined",
        beam_width=len(database),
    )
    names = {"constrained", "ranking_combined", "ranking_database"}
    assert set(got["decoders"]) == names
    for found, candidates in (
        (got, trained_on),
        (got["decoders"]["ranking_database"], database),
    ):
        scores = np.stack(
            [score_mirna(params, mirna, targets) for mirna in candidates], axis=1
        )
        ranks = [
            1 + np.sum(row > row[candidates.index(mirna)])
            if mirna in candidates
            else np.inf
            for row, mirna in zip(scores, mirnas, strict=True)
        ]
        for depth in (1, 5, 10):
            share = np.mean(np.array(ranks) <= depth)
            assert found[f"top_{depth}"] == pytest.approx(share)
        assert found["mrr"] == pytest.approx(np.mean(1 / np.array(ranks)))
    check_combined(got, mirnas, targets, trained_on, params)
    again = run(
        model=workdir,
        data=data,
        db=fasta,
        out=tmp_path / "again",
        noblast=None,
        decoders="ranking",
    )
    for metric in ("top_1", "top_5", "top_10", "mrr", "top_1_known", "top_1_seed"):
        assert again[metric] == pytest.approx(got[metric])
    # A beam as wide as the database gives what is ranked first.
    first = [database[column] for column in scores.argmax(axis=1)]
    constrained = got["decoders"]["constrained"]
    right = [
        prediction == mirna for prediction, mirna in zip(first, mirnas, strict=True)
    ]
    assert constrained["exact_match"] == pytest.approx(np.mean(right))
    assert constrained["real_share"] == 1
    assert constrained["distinct"] == len(set(first))


def check_combined(got, mirnas, targets, candidates, params):
    """Weigh log P and complementarity by weights that fit the other half of targets."""
    kinds = np.stack(
        [
            np.stack([score_mirna(params, m, targets) for m in candidates], axis=1),
            score_all(targets, candidates),
            score_all(targets, candidates, anchored=True),
        ]
    )
    true = [candidates.index(m) if m in candidates else -1 for m in mirnas]
    combined = fuse_scores(kinds, true, targets)
    ranks = [
        1 + np.sum(row > row[index]) if index >= 0 else np.inf
        for row, index in zip(combined, true, strict=True)
    ]
    found = got["decoders"]["ranking_combined"]
    assert found["mrr"] == pytest.approx(np.mean(1 / np.array(ranks)), abs=1e-4)
    assert found["mrr"] != pytest.approx(got["mrr"], abs=1e-3)


@pytest.mark.slow
def test_targets_of_training_pairs_are_not_new(workdir, table, tmp_path):
    mirnas, targets, predictions = table
    simulated = simulate(NUM_PAIRS)
    trained = simulated.pairs.take(
        splits.random_split(NUM_PAIRS, seed=DATA["seed"]).train
    )
    seen = [trained.targets[0], trained.targets[1]]
    data = write_csv(tmp_path / "p.csv", mirnas + trained.mirnas[:2], targets + seen)
    got = run(
        model=workdir, data=data, db="simulated", out=tmp_path / "o", noblast=None
    )
    exact = [a == m for a, m in zip(predictions, mirnas, strict=True)]
    assert sum(exact) > 0
    assert got["n"] == len(mirnas) + 2
    assert got["new_targets"]["n"] == len(mirnas)
    assert got["new_targets"]["exact_match"] == pytest.approx(np.mean(exact))
    expected = baselines_of(trained, Pairs(mirnas, targets), simulated.mirnas)
    assert got["new_targets_baselines"] == expected


def baselines_of(train, held_out, mirnas):
    """Baselines of all rows, by the same function, on sets made by hand."""
    source = Source("pairs.csv", "all", "", len(held_out), 0, "other pairs", False)
    measured = generator_baselines(
        EvaluationSet(
            held_out,
            train,
            source,
            mirnas,
            max_target_length=29,
            max_mirna_length=27,
        )
    )
    return {
        name: {key: value for key, value in metrics.items() if key != "new_targets"}
        for name, metrics in measured.items()
    }


def score_mirna(params, mirna, targets):
    """Return log P(miRNA and its end | target) for each target, in float64."""
    symbols = [SYMBOLS.index(x) for x in "^" + mirna + "$"]
    previous = np.zeros((len(targets), 28), np.uint8)
    previous[:, : len(symbols) - 1] = np.array(symbols[:-1]) + 1
    logits = np.float64(applied()({"params": params}, tokens_of(targets, 29), previous))
    log_chances = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return sum(log_chances[:, index, x] for index, x in enumerate(symbols[1:]))


@pytest.mark.slow
def test_split_of_the_training_and_baselines(workdir, tmp_path, capsys):
    got = run(
        model=workdir,
        data="simulated",
        rows=20,
        seed=5,
        out=tmp_path / "out",
        noblast=None,
    )

    simulated = simulate(NUM_PAIRS)
    split = splits.random_split(NUM_PAIRS, seed=DATA["seed"])
    drawn = np.random.default_rng(5).choice(len(split.test), 20, replace=False)
    expected = baselines_of(
        simulated.pairs.take(split.train),
        simulated.pairs.take(split.test[np.sort(drawn)]),
        simulated.mirnas,
    )
    assert got["baselines"] == expected
    assert (got["split"], got["n"], got["rows_in_split"]) == ("test", 20, 30)
    assert not any(name.startswith("blast") for name in got)
    printed = capsys.readouterr().out
    assert "(random split), a random sample of 20 of 30 (seed 5)" in printed
    retrieval = 100 * expected["complementarity"]["exact_match"]
    assert f"{retrieval:.1f}%" in printed


@pytest.mark.slow
@pytest.mark.parametrize(("part", "found"), [("test", 0.0), ("train", 1.0)])
def test_baselines_never_see_rows_that_are_held_out(
    workdir, tmp_path, monkeypatch, part, found
):
    # The most frequent miRNA binds only the targets of one part.
    rng = np.random.default_rng(0)
    split = splits.random_split(100, seed=DATA["seed"])
    mirnas = ["".join(rng.permutation(list("AUCG" * 5))) for _ in range(100)]
    for row in getattr(split, part):
        mirnas[row] = "GGGGAAAACCCCUUUUGGGG"
    pairs = Pairs(mirnas, ["".join(rng.choice(list("AUCG"), 20)) for _ in range(100)])
    monkeypatch.setattr(registry, "load_pairs", lambda name, **_: pairs)
    got = run(
        model=workdir, data="simulated", split=part, out=tmp_path / "o", noblast=None
    )
    assert got["n"] == len(getattr(split, part))
    assert got["baselines"]["most_frequent"]["exact_match"] == found


@pytest.mark.slow
def test_negative_rows_are_dropped_and_counted(
    workdir, table, tmp_path, caplog, monkeypatch
):
    mirnas, targets, predictions = table
    labels = [
        int(prediction == mirna)
        for prediction, mirna in zip(predictions, mirnas, strict=True)
    ]
    data = write_csv(tmp_path / "labelled.csv", mirnas, targets, labels)
    monkeypatch.setattr(logging.get_absl_logger(), "propagate", True)
    with caplog.at_level("INFO"):
        got = run(
            model=workdir, data=data, db="simulated", out=tmp_path / "o", noblast=None
        )
    assert got["exact_match"] == 1
    assert got["n"] == sum(labels)
    assert got["rows_labelled_0_left_out"] == len(labels) - sum(labels)
    left_out = f"{len(labels) - sum(labels)} of {len(labels)} rows labelled 0"
    assert left_out in caplog.text


@pytest.mark.slow
def test_pictures_and_default_folder(workdir, table, tmp_path):
    mirnas, targets, _ = table
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets)
    history = [{"step": 1, "epoch": 0.5, "train/loss": 1.0, "val/loss": 0.9}]
    (workdir / "metrics.jsonl").write_text(json.dumps(history[0]) + "\n")
    flag_values = flags.FlagValues()
    evaluate.define_flags(flag_values)
    flag_values(
        ["", f"--model={workdir}", f"--data={data}", "--db=simulated", "--decoders="]
    )
    evaluate.main(flag_values)
    folder = workdir / "evaluation" / "pairs-all"
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["curves.png", "lengths.png", "metrics.json", "predictions.png"]


@pytest.mark.slow
def test_a_transformer_is_measured_and_its_attention_drawn(tmp_path):
    config = {
        "name": "transformer",
        "encoder_layers": 1,
        "decoder_layers": 2,
        "features": 8,
        "heads": 2,
        "hidden_features": 8,
    }
    params = random_params(make_model(config), seed=0)
    path = tmp_path / "model.npz"
    exported.save_model(path, params, {"model": config, "data": DATA})
    got = run(model=path, data="simulated", rows=5, out=tmp_path / "o", noblast=None)
    assert got["n"] == 5 and 0 <= got["token_accuracy_masked"] < 1
    written = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert written == [
        "attention.png",
        "lengths.png",
        "metrics.json",
        "predictions.png",
    ]


@pytest.mark.slow
def test_attention_maps_are_those_of_the_predictions(tmp_path):
    sizes = {"encoder_layers": 1, "decoder_layers": 2, "features": 16, "heads": 4}
    model = make_model({"name": "transformer", "hidden_features": 16, **sizes})
    params = random_params(model, seed=1)
    params["output_dense"]["bias"][SYMBOLS.index("$")] -= 8  # no empty predictions
    weights_of = jax.jit(functools.partial(model.apply, method="attention_weights"))
    trained = exported.TrainedModel(model, params, {})
    pairs = Pairs(["ACGU", "GAUC"], ["ACGUACGUGGAUUACA", "GGAUC"])
    for row, each in enumerate(attention_maps(trained, pairs)):
        target, prediction, weights = each.target, each.prediction, each.weights
        assert (each.true, target) == (pairs.mirnas[row], pairs.targets[row])
        assert weights.shape == (len(prediction), len(target)) and prediction
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)
        previous = np.zeros((1, 28), np.uint8)
        symbols = "^" + prediction[:-1]
        previous[0, : len(symbols)] = [SYMBOLS.index(x) + 1 for x in symbols]
        expected = weights_of({"params": params}, tokens_of([target], 29), previous)
        expected = expected[:, 0].mean(axis=(0, 1))[: len(prediction), : len(target)]
        np.testing.assert_allclose(weights, expected, atol=1e-5)


@pytest.mark.slow
def test_a_model_that_does_not_name_its_data(workdir, params, table, tmp_path, capsys):
    mirnas, targets, _ = table
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets)
    model = tmp_path / "alone.npz"
    exported.save_model(model, params, {"model": MODEL})
    values = {"model": model, "data": data, "out": tmp_path / "o", "db": "simulated"}
    decoders = "ranking,combined,database"
    got = run(**values, noblast=None, decoders=decoders)
    assert got["baselines"] == {} and got["baselines_fitted_on"] is None
    assert list(got["decoders"]) == ["ranking_database"]
    assert "new_targets" not in got and "top_1" not in got
    assert "baselines that need them are left out" in capsys.readouterr().out
    alone = got["exact_match"]
    got = run(**values, train_data="simulated", noblast=None)
    assert got["baselines_fitted_on"] == "simulated (train, published split)"
    assert got["loss"] == got["cross_entropy"]
    assert got["exact_match"] == alone and "new_targets" in got


def test_the_table_fits_80_columns(capsys):
    """With every decoder and baseline."""
    metrics = dict.fromkeys(
        (
            "exact_match",
            "known_match",
            "seed_match",
            "edit_distance",
            "token_accuracy_masked",
            "top_1",
        ),
        0.999,
    )
    names = ["model", "ranking_combined", "complementarity_anchored"]
    rows = {name: metrics | {"edit_distance": 12.345} for name in names}
    print_summary(rows, title="t")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and "…" not in "".join(lines)
    assert sum(line.count("99.9%") for line in lines) == 15


def test_evaluations_do_not_overwrite_each_other(tmp_path):
    def source(data, part, path=""):
        return Source(data, part, "", 1, 0, "", False, path=path)

    def write(model, source):
        folder = results_folder(None, model, source)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(json.dumps(describe_source(source)))
        return str(folder.relative_to(model / "evaluation"))

    sources = {
        "hejret2023-test": source("hejret2023", "test"),
        "hejret2023-validation": source("hejret2023", "validation"),
        "mitar2021-deepmirtar-test": source("mitar2021/deepmirtar", "test"),
        "pairs-all": source("pairs.csv", "all", "/a/pairs.csv"),
        "pairs-all-2": source("pairs.csv", "all", "/b/pairs.csv"),
        "pairs-all-3": source("pairs.tsv.gz", "all", "/b/pairs.tsv.gz"),
    }
    for _ in range(2):  # an evaluation again has its own folder
        for name, each in sources.items():
            assert write(tmp_path, each) == name
    assert results_folder("there", tmp_path, sources["pairs-all"]).name == "there"
    with pytest.raises(ValueError, match="--model=.*is not the folder of a run: name"):
        results_folder(None, tmp_path / "m.npz", sources["pairs-all"])


def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    workdir, tmp_path, monkeypatch
):
    monkeypatch.setattr(evaluate.options, "DECODERS", ())
    (workdir / "evaluation").write_text("a file")
    values = {"model": workdir, "data": "simulated"}
    arguments = [f"--{name}={value}" for name, value in values.items()]
    flag_values = flags.FlagValues()
    evaluate.define_flags(flag_values)
    flag_values(["evaluate", *arguments])
    monkeypatch.setattr(jax, "jit", lambda *_, **__: pytest.fail("the work began"))
    with pytest.raises(ValueError, match="simulated-test cannot be written .Not a dir"):
        evaluate.main(flag_values)


def test_a_loss_that_is_nan(params, tmp_path):
    model = tmp_path / "nan.npz"
    # Finite as numbers, but not what is computed from them.
    damaged = jax.tree.map(lambda leaf: leaf * jnp.float32(1e30), params)
    exported.save_model(model, damaged, {"model": MODEL, "data": DATA})
    with pytest.raises(FloatingPointError, match="loss is nan"):
        run(model=model, data="simulated", rows=5, out=tmp_path / "o", noblast=None)
    assert not (tmp_path / "o" / "metrics.json").exists()


def long_site(folder):
    return write_csv(folder / "long.csv", ["ACGU" * 5] * 2, ["ACGU" * 5, "A" * 30])


BAD = {
    "no model": (lambda f: {"model": f / "none"}, "none"),
    "no data": (lambda f: {"data": "simulatd"}, "'simulatd' is neither a file nor"),
    "fasta": (lambda f: {"data": "mirbase/hsa"}, "'mirbase/hsa' is fasta, not pairs"),
    "no part": (
        lambda f: {"data": "hejret2023/test", "split": "train"},
        "hejret2023/test has no train rows",
    ),
    "format": (
        lambda f: {"data": long_site(f), "data_format": "mitar2021"},
        r"long.csv: .*line 1: 1 columns, expected 5",
    ),
    "format of a dataset": (
        lambda f: {"data_format": "csv"},
        "--data_format=csv is for other files",
    ),
    "split of a file": (
        lambda f: {"data": long_site(f), "split": "test"},
        "--split=test is for datasets",
    ),
    "column": (
        lambda f: {"data": (f / "a.csv", (f / "a.csv").write_text("mirna\nACGU\n"))[0]},
        "a.csv line 1: the header lacks the column 'target'",
    ),
    "long": (
        lambda f: {"data": long_site(f)},
        "long.csv: 1 of 2 .*line 3: target of 30 nt, the model takes 4 to 29",
    ),
    "short": (
        lambda f: {"data": write_csv(f / "s.csv", ["ACGU"], ["AUC"])},
        "s.csv: 1 of 1 .*line 2: target of 3 nt",
    ),
    "long miRNA": (
        lambda f: {"data": write_csv(f / "m.csv", ["A" * 28], ["AUCGAUCG"])},
        "m.csv: 1 of 1 .*line 2: miRNA of 28 nt, the model takes 1 to 27",
    ),
    "no positives": (
        lambda f: {"data": write_csv(f / "n.csv", ["ACGU"], ["AUCGA"], [0])},
        "n.csv .*every row is labelled 0",
    ),
    "database": (lambda f: {"db": f / "no.fa"}, "no.fa"),
    "rows": (lambda f: {"rows": -1}, "--rows=-1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(case, workdir, tmp_path, data_dir):
    change, culprit = BAD[case]
    values = {"model": workdir, "data": "simulated", "out": tmp_path / "out"}
    with pytest.raises((ValueError, OSError), match=culprit) as caught:
        run(**values | change(tmp_path))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 0.4),
        ("negatives", "random"),
        ("calibrated", "true"),
        ("below", 0.2),
        ("between", "drop"),
    ],
)
def test_flags_of_classifiers_are_refused(workdir, tmp_path, name, value):
    values = {"model": workdir, "data": "simulated", "out": tmp_path / "out"}
    with pytest.raises(ValueError, match=f"--{name} is not for .*holds a Seq2Seq"):
        run(**values, **{name: value})
    assert not (tmp_path / "out").exists()


def test_an_unknown_decoder_is_refused(workdir, tmp_path):
    with pytest.raises(ValueError, match="'best' is not one of beam, constrained, ran"):
        run(model=workdir, data="simulated", out=tmp_path / "o", decoders="beam,best")


@pytest.mark.slow
def test_targets_that_do_not_fit_name_their_row(workdir, tmp_path, data_dir):
    # The row is that of the dataset, not of the part nor of the rows left after labels.
    pairs, split = registry.load_split("mitar2021")
    row = next(
        row for row in split.test if pairs.labels[row] and len(pairs.targets[row]) > 29
    )
    with pytest.raises(ValueError, match=f"mitar2021: .*: row {row + 1}: target of"):
        run(model=workdir, data="mitar2021", out=tmp_path / "out")


@pytest.mark.slow
def test_command_line(workdir, tmp_path):
    """Of the process: exit codes, and one line of error."""
    (workdir / "model.npz").write_bytes(b"PK\x03\x04 cut off")
    command = [sys.executable, "-m", "mirjax.evaluate", "--data=simulated"]
    ended = subprocess.run(
        [*command, f"--model={workdir}"], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("error: ") and "model.npz" in ended.stderr
    assert not (workdir / "evaluation").exists()


def test_metrics_json_names_its_command_and_version(workdir, tmp_path):
    out = tmp_path / "with space"
    got = run(model=workdir, data="simulated", rows=5, out=out, noblast=None)
    assert got["version"] == mirjax.__version__
    words = shlex.split(got["command"])
    assert words[:3] == ["python", "-m", "mirjax.evaluate"]
    # The command gives the same options again, and names no default.
    flag_values = flags.FlagValues()
    evaluate.define_flags(flag_values)
    flag_values(words[2:])
    present = {
        flag_values[name].name for name in flag_values if flag_values[name].present
    }
    assert present == {"model", "data", "rows", "out", "blast", "decoders"}
    assert flag_values.out == str(out)
    assert (flag_values.rows, flag_values.blast, flag_values.decoders) == (5, False, [])


HEAVY = "Bio flax h5py jax matplotlib numpy rich scipy sklearn tensorboardX"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--help"], "--data: "),
        (["--data=simulated"], "--model"),
        (["--model=W", "--data=D", "--split=tset"], "--split=tset"),
        (["--model=W", "--data=D", "--decoders=best"], "'best' is not one of"),
        (["--model=W", "--data=D", "--rows=-1"], "--rows=-1"),
        (["--model=W", "--data=D", "--below=0.9"], "--below=0.9 is more than"),
    ],
)
def test_help_and_wrong_flags_import_nothing_heavy(arguments, shown):
    code = (
        "import atexit, runpy, sys\n"
        f"atexit.register(lambda: print('heavy', *set({HEAVY!r}.split()) & "
        "set(sys.modules)))\n"
        "sys.argv[0] = 'evaluate'\n"
        "runpy.run_module('mirjax.evaluate', run_name='__main__', alter_sys=True)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True
    )
    assert shown in ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1].split() == ["heavy"]


def test_missing_blastn_is_found_before_the_work(workdir, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="blastn is not on PATH"):
        run(model=workdir, data="simulated", rows=5, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
