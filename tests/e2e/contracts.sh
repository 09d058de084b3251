#!/bin/sh
# The contracts in short: all their tests, less fuzz. "make test-contracts" is the whole.
set -eu
. tests/e2e/helpers
sh "$root/scripts/contracts.sh" short
