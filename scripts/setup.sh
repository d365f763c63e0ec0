#!/usr/bin/env bash
# Make .venv with mirjax in it, and install BLAST+; the other scripts call this one.
# The extra test also needs Chromium, which shows the pages that the tests check.
#
#   scripts/setup.sh [EXTRA]        EXTRA is an extra of setup.cfg, such as test
#
# Does nothing if everything is installed. PYTHON=/path/to/python names the interpreter of
# a new .venv.
set -euo pipefail

root="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
extra="${1:-}"
export DEBIAN_FRONTEND=noninteractive
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
unset PYTHONHOME PYTHONPATH

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# Whether this command is a Python that mirjax supports and that can import the named
# modules. It must be run to find out: a version manager's shim may exist and yet fail.
suits() {
  "$1" - "${@:2}" >/dev/null 2>&1 <<'PYTHON'
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON
}

# Install a Debian package without a question, or fail if that is not allowed here.
apt_install() {
  local as_root=()
  command -v apt-get >/dev/null || return 1
  if [[ $EUID -ne 0 ]]; then
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
  fi
  echo "Installing $1 with apt-get" >&2
  # One broken source must not stop it; the install says what is missing.
  "${as_root[@]}" apt-get -qq update >&2 || true
  "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=120 install -y \
    --no-install-recommends "$1" >/dev/null
}

# Print the interpreter to make the environment with.
find_python() {
  local candidate version bare=''
  local candidates=(python3.13 python3.12 python3.11 python3)
  if [[ -n ${PYTHON:-} ]]; then
    candidates=("$PYTHON")
  fi
  for candidate in "${candidates[@]}"; do
    if suits "$candidate" venv ensurepip; then
      echo "$candidate"
      return
    fi
    if [[ -z $bare ]] && suits "$candidate"; then
      bare="$candidate"
    fi
  done
  if [[ -z $bare ]]; then
    fail "None of these is a working Python 3.11, 3.12 or 3.13: ${candidates[*]}." \
      "Install one, for example with" \
      "  sudo apt-get install python3 python3-venv" \
      "or name it: PYTHON=/path/to/python3.12 scripts/quickstart.sh"
  fi
  # Debian and Ubuntu keep the venv module in a package of its own.
  version="$("$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  if apt_install "python$version-venv" && suits "$bare" venv ensurepip; then
    echo "$bare"
    return
  fi
  fail "$bare has no venv module. Install it with" \
    "  sudo apt-get install python$version-venv"
}

# A stamp holds the hash of everything that an install depends on, including the path.
install_package() {
  local name="${extra:-base}" unfinished="$venv/mirjax-unfinished" python wanted
  local stamp="$venv/mirjax-installed-$name"
  cd "$root"
  wanted="$(printf '%s\n' "$root" | cat - setup.cfg pyproject.toml constraints.txt \
    mirjax/__init__.py | cksum)"
  # An install that was cut short, or a Python that is gone: begin again.
  if [[ -e $unfinished ]] || ! suits "$venv/bin/python" pip; then
    python="$(find_python)"
    echo "Creating .venv with $("$python" --version)" >&2
    "$python" -m venv --clear "$venv"
  elif [[ -e $stamp && $(<"$stamp") == "$wanted" ]]; then
    return
  fi
  echo "Installing mirjax${extra:+[$extra]} (some minutes the first time)" >&2
  : >"$unfinished"
  "$venv/bin/python" -m pip install --quiet -c constraints.txt -e ".${extra:+[$extra]}"
  printf '%s\n' "$wanted" | tee "$stamp" >"$venv/mirjax-installed-base"
  rm "$unfinished"
}

has_blast() {
  command -v blastn >/dev/null && command -v makeblastdb >/dev/null
}

install_blast() {
  if ! has_blast && ! { apt_install ncbi-blast+ && has_blast; }; then
    fail "BLAST+ (blastn, makeblastdb) is missing. Install it with one of" \
      "  sudo apt-get install ncbi-blast+" \
      "  conda install -c conda-forge -c bioconda blast" \
      "  brew install blast" \
      "and start again."
  fi
}

has_browser() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
    command -v google-chrome >/dev/null
}

install_browser() {
  if ! has_browser && ! { apt_install chromium && has_browser; }; then
    fail "Chromium, which the tests show pages with, is missing. Install it with one of" \
      "  sudo apt-get install chromium" \
      "  brew install --cask chromium" \
      "and start again."
  fi
}

install_package
install_blast
if [[ $extra == test ]]; then
  install_browser
fi
