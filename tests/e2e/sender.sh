#!/bin/sh
# The sender against a model of a chain ("make matrix-model" runs more seeds), and the bugs planted in it, each with the seed that finds it.
set -eu
build/release/tests/sender-sim --seeds 300 || exit 1
sh scripts/sender-mutants.sh
