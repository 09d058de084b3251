#!/bin/sh
# Checks a log directory with the Go peer: run.sh LOG-DIR VKEY-FILE.  Exits 0 when it agrees, 1 when not; without Go or its
# library (golang-go, golang-golang-x-mod-dev) it says "skip" and exits 0.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
gopath=/usr/share/gocode
if ! command -v go >/dev/null 2>&1 || [ ! -d "$gopath/src/golang.org/x/mod/sumdb/tlog" ]; then
  echo "skip: tlog peer needs golang-go and golang-golang-x-mod-dev"
  exit 0
fi
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}
GO111MODULE=off GOPATH=$gopath GOFLAGS= GOCACHE=${GOCACHE:-$cache/go-build} go run "$here/main.go" "$1" "$2"
