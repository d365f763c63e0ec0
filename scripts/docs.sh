#!/usr/bin/env bash
# Check that the pages are up to date, and build the site; a warning is an error.
#
#   scripts/docs.sh [FOLDER]        the site goes to FOLDER, build/site by default
#
# PYTHON names an interpreter with the docs extra, by default that of .venv.
set -euo pipefail

root="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
python="${PYTHON:-$root/.venv/bin/python}"
out="$root/build/site"
if [[ $# -gt 0 ]]; then
  mkdir -p -- "$1"
  out="$(CDPATH='' cd -- "$1" && pwd)"
fi
cd "$root"

"$python" scripts/render_docs.py --check
"$python" -m mkdocs build --strict --site-dir "$out"
