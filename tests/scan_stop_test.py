"""A scan that is stopped ends at once, whatever its threads are doing."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

LETTERS = 400_000
MIRNAS = 1000
CANDIDATES = {"pretrained/duplex": "fast", "alignment": "all"}


def write_fasta(path, prefix, sequences):
    records = (f">{prefix}{number}\n{one}\n" for number, one in enumerate(sequences))
    path.write_text("".join(records))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["pretrained/duplex", "alignment"])
def test_a_signal_does_not_wait_for_the_slices(model, tmp_path):
    """Each of the slices takes many seconds."""
    rng = np.random.default_rng(0)
    letters = "".join(rng.choice(list("ACGU"), LETTERS))
    starts = range(0, LETTERS, 50_000)
    write_fasta(tmp_path / "t.fa", "t", (letters[i : i + 50_000] for i in starts))
    mirnas = (letters[i : i + 22] for i in range(0, 22 * MIRNAS, 22))
    write_fasta(tmp_path / "m.fa", "m", mirnas)
    command = [sys.executable, "-m", "mirjax.scan", f"--model={model}", "--explain"]
    command += ["--targets=t.fa", "--mirnas=m.fa", "--out=sites.tsv"]
    command += ["--background_nt=10000", f"--candidates={CANDIDATES[model]}"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while "finds 66%" not in process.stderr.readline():
                assert process.poll() is None
            time.sleep(2)  # the slices have begun
            assert process.poll() is None
            stopped = time.monotonic()
            process.terminate()
            _, rest = process.communicate(timeout=60)
        finally:
            process.kill()
    assert time.monotonic() - stopped < 5
    assert process.returncode == 128 + signal.SIGTERM
    assert rest.splitlines()[-1] == "error: stopped by SIGTERM"
    assert not (tmp_path / "sites.tsv").exists()
