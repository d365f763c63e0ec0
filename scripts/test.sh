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
# Two processes: most of the time goes into compiling, which keeps one core busy. A file's
# tests stay together, and share what it has made; see tests/conftest.py for their order.
exec "$python" -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder "$@"
