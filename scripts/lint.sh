#!/bin/sh
# The floors, the headers, the tree, and what cppcheck finds; clang-format must be
# able to read its configuration.
set -eu
cd "$(dirname "$0")/.."
failed=0
for check in floors headers tree public_types; do
  sh "tests/check_$check.sh" || failed=1
done
if command -v clang-format-14 >/dev/null 2>&1; then
  clang-format-14 --dump-config >/dev/null || failed=1
else
  echo "lint: no clang-format-14 here; format not looked at" >&2
fi
if command -v cppcheck >/dev/null 2>&1; then
  cppcheck --quiet --std=c11 --language=c --enable=warning,portability --inline-suppr --error-exitcode=1 -j "$(nproc)" \
    --suppress=missingIncludeSystem -D__GNUC__=12 -D_GNU_SOURCE -Isrc -Iinclude src || failed=1
else
  echo "lint: no cppcheck here; sh scripts/deps.sh dev installs it" >&2
fi
exit "$failed"
