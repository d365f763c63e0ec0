#!/usr/bin/env bash
# Set up what is missing, then run every check: ruff, mypy, pytest.
#
#   scripts/test.sh [PYTEST ARGUMENT...]
set -euo pipefail

root="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
"$root/scripts/setup.sh" test
python="$root/.venv/bin/python"
cd "$root"

"$python" -m ruff check --quiet
"$python" -m ruff format --quiet --check
"$python" -m mypy mirjax
exec "$python" -m pytest "$@"
