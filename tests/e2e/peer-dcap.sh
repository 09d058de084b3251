#!/bin/sh
# Quotes judged by another hand: an npm verifier of SGX and TDX quotes says the same of our vectors, and of the shared ones where they are,
# but for what tests/peer/dcap/check.mjs lists with its reasons. It is pinned by hash in package-lock.json, and no install script is run.
set -eu
. tests/e2e/helpers

peer dcap "the DCAP peer"

node "$peer/check.mjs" "$root/tests/vectors" "$root/../shared/vectors"
