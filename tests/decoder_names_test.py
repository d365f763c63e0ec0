"""Tests of mirjax.inference.decoder_names."""

import subprocess
import sys

from mirjax.inference import decoder_names


def test_names_are_distinct():
    assert decoder_names.NAMES == ("greedy", "beam", "constrained")
    assert decoder_names.BEAM in decoder_names.NAMES


def test_importing_the_names_does_not_import_jax():
    code = (
        "import sys\n"
        "import mirjax.inference.decoder_names\n"
        "print('jax' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stderr, done.stdout) == ("", "False False\n")
