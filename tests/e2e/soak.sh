#!/bin/sh
# Twenty seconds of "make soak".
set -eu
exec "${CF_BIN:-build/bin}/counterfoil-soak" 20
