#!/bin/sh
# Each header stands alone: those of src/ as C17, the public ones of
# include/counterfoil as C17 and as C++17, under strict warnings.
set -eu
cd "$(dirname "$0")/.."
warnings="-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -Isrc -Iinclude"
cxx=
for name in g++ clang++-14 clang++; do
  [ -n "$cxx" ] || cxx=$(command -v $name || true)
done

find src include -name '*.h' 2>/dev/null | sort | xargs -n 1 -P "$(nproc)" \
  "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -Wno-unused-function $warnings -x c
# A header that a user of the library includes needs nothing of src/, and no define.
public=$(find include -name '*.h' 2>/dev/null | sort)
for header in $public; do
  "${CC:-gcc}" -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -x c "$header"
  "$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -x c++ "$header"
done
echo "$(find src include -name '*.h' 2>/dev/null | wc -l) headers stand alone, $(echo $public | wc -w) of them public"
