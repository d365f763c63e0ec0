"""Inputs for scripts/fuzz.py: small valid files, and mutations of them.

A case is determined by its kind, the seed and its number alone.
"""

import functools
import io
import json
import pathlib
import random
import zipfile
from collections.abc import Callable

import fuzz_commands

_FASTA = (
    b">hsa-let-7a-5p MIMAT0000062 Homo sapiens\nUGAGGUAGUAGGUUGUAUAGUU\n"
    b">t1\nACGTACGTNNACGT\nACGT\n",
    b">a\r\nacgu\r\n\r\n>b c\r\nGG GG\r\n",
    b"\xef\xbb\xbf>x\nACGT",
)
_MITAR = b"miRNA ID\tmiRNA Seq (3'-->5')\tmRNA\tTarget Site\tlabel\n"
_TABLES = (
    b"mirna,target,label\nUGAGGUAG,CUACCUCA,1\nUGAGG,ACGTA,0\n",
    b'"mirna","target"\n"UGAGGUAG","CUACCUCA"\n',
    b"mirna\ttarget\tlabel\tsplit\nUGAG\tCUCA\t1\ttrain\nUGAG\tCUCC\t0\ttest\n",
    b"mirna_name\tmirna\tgene\ttarget\tlabel\nlet-7\tUGAG\tg1\tCUCA\t1\n",
    _MITAR + b"let-7\tGAUGGAGU\tg1\tCUACCUCA\t1\nmir-2\tACCC\tg2\tUUTG\t0\n",
    b"gene\tnoncodingRNA\tgene_cluster_ID\tlabel\nACGT\tTTGA\t7\t0\n",
    b"AACC,GGUA\r\nCCCA,UUUG\r\n",
)
_ROWS = (
    b"100.000\t22\t0\t0\t1\t22\t1\t22\t5.25e-08\t44.1",
    b"95.455\t22\t1\t0\t1\t22\t22\t1\t0.003\t36.2",
)
_COMMENTS = b"# BLASTN 2.12.0+\n# Query: q%d\n# Database: db\n"
_HITS = b"# Fields: query acc.ver, subject acc.ver, %% identity\n# %d hits found\n"
_BLAST_TABLES = (
    _COMMENTS % 0
    + _HITS % 2
    + b"q0\ts0\t%s\nq0\ts1\t%s\n" % _ROWS
    + _COMMENTS % 1
    + b"# 0 hits found\n"
    + _COMMENTS % 2
    + _HITS % 1
    + b"q2\ts1\t%s\n" % _ROWS[0]
    + b"# BLAST processed 3 queries\n",
)
# Text that means something to a reader, by kind.
_TOKENS = {
    "fasta": (b">", b"\n>", b"\r\n", b"\t", b" ", b"\0", b"\xa0", b"N", b"-", b">a\n"),
    "tables": (b",", b"\t", b'"', b"\n", b"\r", b"\0", b"label", b"mirna", b"1", b"2"),
    "blast_rows": (b"\t", b"nan", b"inf", b"-1", b"1e999", b"9" * 30, b"0x1", b"1_0"),
    "blast_tables": (b"\t", b"\n", b"# ", b"# Query: q1\n", b"9" * 19, b"q0", b"1e9"),
    "npz": (b"PK\3\4", b"\x93NUMPY", b"(", b"|O", b"<U9", b"999999999", b"'shape'"),
    "h5": (b"\x89HDF\r\n\x1a\n", b"TREE", b"HEAP", b"SNOD", b"\xff" * 8, b"\0" * 8),
}
_STRANGE = (
    None,
    -1,
    0,
    1e999,
    10**9,
    "",
    "x" * 300,
    "a\nb",
    [],
    {},
    [[]],
    True,
    "mitar",
)

_KERAS_FILE = (
    pathlib.Path(__file__).parents[1] / "tests" / "testdata" / "keras_seq2seq.h5"
)


def make_input(kind: str, seed: int, number: int) -> bytes:
    """Return the input of one case."""
    rng = random.Random(f"{kind} {seed} {number}")
    if kind == "fasta":
        content = rng.choice(_FASTA)
    elif kind == "tables":
        content = rng.choice(_TABLES)
    elif kind == "blast_rows":
        content = rng.choice(_ROWS)
    elif kind == "blast_tables":
        content = rng.choice(_BLAST_TABLES)
    elif kind == "npz":
        return _archive(rng)
    elif kind == "commands":
        return json.dumps(fuzz_commands.make_command_line(rng, _flag_kinds())).encode()
    else:
        content = _keras(rng)
    return _mutated(rng, content, _TOKENS[kind])


@functools.cache
def _flag_kinds() -> dict[str, dict[str, bool]]:
    return {name: fuzz_commands.flag_kinds(name) for name in fuzz_commands.COMMANDS}


def classifier() -> bytes:
    """Return a valid model file."""
    model = _MODEL["model"] | {"length": 60}
    return _pack(_MODEL | {"model": model})


def _mutated(rng: random.Random, content: bytes, tokens: tuple[bytes, ...]) -> bytes:
    """Change a few places of an input."""
    changed = bytearray(content)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
        start = rng.randrange(len(changed) + 1)
        end = min(len(changed), start + int(rng.expovariate(0.2)))
        change = rng.randrange(7)
        if change == 0 and start < len(changed):
            changed[start] ^= 1 << rng.randrange(8)
        elif change == 1:
            changed[start:end] = rng.randbytes(end - start)
        elif change == 2:
            del changed[start:end]
        elif change == 3:
            changed[start:start] = changed[start:end] * rng.choice((1, 2, 50))
        elif change == 4:
            del changed[start:]
        else:
            token = rng.choice(tokens)
            changed[start : start + rng.choice((0, len(token)))] = token
    return bytes(changed)


def _changed_json(rng: random.Random, value: object) -> object:
    """Put strange values in a few places of a JSON value."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        return value | {key: _changed_json(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        changed = _changed_json(rng, value[place])
        return [*value[:place], changed, *value[place + 1 :]]
    return rng.choice(_STRANGE)


def _archive(rng: random.Random) -> bytes:
    """Return a model file: members are changed before or after they are packed."""
    way = rng.randrange(4)
    metadata = _changed_json(rng, _MODEL) if way == 0 else _MODEL

    def change(content: bytes) -> bytes:
        is_changed = way == 1 and rng.random() < 0.1
        return _mutated(rng, content, _TOKENS["npz"]) if is_changed else content

    content = _pack(metadata, change, rng)
    return _mutated(rng, content, _TOKENS["npz"]) if way > 1 else content


def _pack(
    metadata: object,
    change: Callable[[bytes], bytes] = bytes,
    rng: random.Random | None = None,
) -> bytes:
    """Return a model file of a small miTAR; some members are compressed by chance."""
    import numpy as np

    rng = rng or random.Random(0)
    arrays = {f"params/{name}": np.ones(shape, "f4") for name, shape in _SHAPES.items()}
    members = arrays | {"metadata": np.array(json.dumps(metadata))}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, array in members.items():
            member = io.BytesIO()
            np.save(member, array, allow_pickle=False)
            content = change(member.getvalue())
            method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            file.writestr(f"{name}.npy", content, compress_type=method)
    return packed.getvalue()


_MODEL = {
    "model": {
        "name": "mitar",
        "length": 30,
        "conv_width": 2,
        "conv_features": 2,
        "lstm_features": 1,
        "dense_features": 1,
        "embedding_features": 1,
    },
    "data": {"name": "simulated"},
    "step": 3,
}
_LSTM = {"kernel": (2, 4), "recurrent_kernel": (1, 4), "bias": (4,)}
_SHAPES = {
    "embedding": (5, 1),
    "conv/kernel": (2, 1, 2),
    "conv/bias": (2,),
    **{f"forward_lstm/{name}": shape for name, shape in _LSTM.items()},
    **{f"backward_lstm/{name}": shape for name, shape in _LSTM.items()},
    "hidden_dense/kernel": (2, 1),
    "hidden_dense/bias": (1,),
    "output_dense/kernel": (1, 1),
    "output_dense/bias": (1,),
}


def _keras(rng: random.Random) -> bytes:
    """Return a Keras file, in one of three cases with another config."""
    if rng.randrange(3):
        return _KERAS_FILE.read_bytes()
    import h5py

    content = io.BytesIO(_KERAS_FILE.read_bytes())
    with h5py.File(content, "a") as file:
        config = _changed_json(rng, json.loads(file.attrs["model_config"]))
        file.attrs["model_config"] = json.dumps(config)
    return content.getvalue()
