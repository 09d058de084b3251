#!/bin/sh
# Alters every file of a domain that really ran, and looks whether it is found.  "alter.sh short" is the form for every day.
#
#   public/   by the audit's core, in memory: every byte of small files, thousands at random of large ones, lengths, removals,
#             strangers, exchanges (tests/alter/alter.c); and by the real command what an operating system adds
#   private   by the program that owns the file: refused by name, or made again (docs/operations.md has the table)
#
# Its last line: "alter: N changes, N found".
set -eu
short=${1:-}
. tests/e2e/helpers
. "$root/tests/alter/domain.sh"
. "$root/tests/alter/public.sh"
. "$root/tests/alter/private.sh"
changes=0 found=0 began=$(date +%s)

# count FOUND WHAT...: one more change.
count() {
  changes=$((changes + 1))
  if [ "$1" = yes ]; then found=$((found + 1)); else shift; echo "not found: $*"; fi
}

live
"$cf" audit d --domain "$domain" >out || { cat out; die "the domain does not hold before anything is changed"; }
echo "domain: $(find d -type f | wc -l) files after $(($(date +%s) - began)) s"
private_files # first: what a party attested does not last
echo "private: $changes changes, $found found after $(($(date +%s) - began)) s"
public_by_core
public_by_command
echo "alter: $changes changes, $found found"
[ "$changes" -eq "$found" ]
