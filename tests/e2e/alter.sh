#!/bin/sh
# The short form of "make alter".
set -eu
exec sh tests/alter/alter.sh short
