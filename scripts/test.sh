#!/usr/bin/env bash
# Set up what is missing, then run every check: ruff, mypy, pytest.
#
#   scripts/test.sh [--fast] [PYTEST ARGUMENT...]      --fast leaves out slow tests
set -euo pipefail

if [[ ${1:-} == --fast ]]; then
  shift
  set -- -m 'not slow' "$@"
fi
root="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
"$root/scripts/setup.sh" test
python="$root/.venv/bin/python"
cd "$root"

"$python" -m ruff check --quiet
"$python" -m ruff format --quiet --check
"$python" -m mypy mirjax
PYTHON="$python" "$root/scripts/docs.sh"
# Two processes, since most of the time is compilation, which keeps one core busy. The
# tests of a file run in one process and share fixtures; see tests/conftest.py for the
# order.
exec "$python" -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder "$@"
