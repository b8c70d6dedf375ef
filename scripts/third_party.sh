#!/bin/sh
# Makes two environments of other people's servers below .third-party, and reviews tiny random models
# behind them. Some 6 GB and a quarter of an hour the first time; no weights but those made here.
set -eu
cd "$(dirname "$0")/.."
here=.third-party
install() {
    place=$here/$1
    shift
    [ -e "$place/made" ] && return
    rm -rf "$place"
    python3.11 -m venv "$place"
    "$place/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"
    touch "$place/made"
}
# TORCH=... names another wheel, such as one for processors alone.
install transformers "${TORCH:-torch==2.14.1}" "transformers[serving]==5.24.0"
install llama xllamacpp==2026.10.11549 gguf==0.19.0
exec .venv/bin/python -u scripts/third_party/run_reviews.py "$here" "${OUT:-$here/out}"
