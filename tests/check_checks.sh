#!/bin/sh
# The checks find what they are there for: each fault is planted alone in a small
# tree and must be named, and the tree without faults must pass.
set -eu
cd "$(dirname "$0")/.."
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cases=0

fresh() {
  rm -rf "$tree" && mkdir -p "$tree/src/base" "$tree/src/codec" "$tree/src/crypto" "$tree/src/gateway" "$tree/tests" "$tree/.ci"
  cp tests/floors.txt "$tree/tests/"
  cp demo test "$tree/" && cp .ci/run "$tree/.ci/"
  printf '#ifndef A\n#define A\n#include <stdint.h>\n#endif\n' >"$tree/src/base/cf_a.h"
  printf '#include "base/cf_a.h"\n\n#include <string.h>\n/* malloc(1) */\nchar const *a = "malloc(1) // no";\n' >"$tree/src/base/cf_a.c"
  printf '#include "codec/cf_b.h"\n\n#include "base/cf_a.h"\nint b(x_t *x) { return x->time(1) + my_malloc(2); }\n' >"$tree/src/codec/cf_b.c"
  printf '#include "base/cf_a.h"\n' >"$tree/src/codec/cf_b.h"
}

# finds CHECK TEXT: the check fails on the tree and says TEXT.
finds() {
  cases=$((cases + 1))
  if out=$(sh "tests/check_$1.sh" "$tree" 2>&1); then
    echo "check_$1 passed a tree with: $2"
    exit 1
  fi
  case $out in
    *"$2"*) ;;
    *) printf 'check_%s did not say "%s" but:\n%s\n' "$1" "$2" "$out" && exit 1 ;;
  esac
  fresh
}

fresh
sh tests/check_floors.sh "$tree" >/dev/null
sh tests/check_tree.sh "$tree" >/dev/null

plant() { printf '%b\n' "$2" >>"$tree/$1"; }
plant src/base/cf_a.c '#include "codec/cf_b.h"' && finds floors 'room base may not include codec/cf_b.h'
plant src/gateway/cf_c.c '#include "session/cf_s.h"' && finds floors 'room gateway may not include session/cf_s.h'
plant src/gateway/cf_c.c '#include "evidence/cf_e.h"' && finds floors 'room gateway may not include evidence/cf_e.h'
plant src/base/cf_a.c '#include "cf_a.h"' && finds floors 'are written from src/'
plant src/base/cf_a.c '  #  include <openssl/evp.h>' && finds floors '<openssl/evp.h> is not allowed here'
plant src/codec/cf_b.c '#include <secp256k1_recovery.h>' && finds floors '<secp256k1_recovery.h> is not allowed here'
plant src/codec/cf_b.c 'void *m(void) { return malloc (4); }' && finds floors 'malloc() is not allowed here'
plant src/codec/cf_b.c '/* one */ int n = /* two\n */ time(0);' && finds floors 'time() is not allowed here'
plant src/gateway/cf_c.c 'long n = "a\\"" "/*" ? clock_gettime(1) : 0;' && finds floors 'clock_gettime() is not allowed here'
plant src/base/cf_d.h '' && plant src/base/cf_d.c '#include <string.h>\n#include "base/cf_d.h"' && finds floors 'the first include is string.h'
mkdir "$tree/src/attic" && plant src/attic/cf_x.c 'int x;' && finds floors 'room attic is not in'
mkdir "$tree/sim" && plant sim/world.c '#include "io/cf_host.h"' && finds floors 'room sim may not include io/cf_host.h'
plant tests/floors.txt 'floor base: all' && finds floors 'floor base: all'
rm -r "$tree/src" && mkdir "$tree/src" && finds floors 'no files'

plant notes.md "see /wor""k/main for it" && finds tree 'a path of some machine'
plant src/base/cf_a.c '/* TO''DO: later */' && finds tree 'unfinished'
mkdir -p "$tree/tests/fuzz/base" && plant tests/fuzz/base/fuzz_a.c 'int x;' && finds tree 'has no seeds'
head -c 2200000 /dev/zero >"$tree/src/left" && finds tree 'src/left   <- over 2 MiB'
mkdir "$tree/docs" && plant docs/dependencies.md '| `libssl-dev` | build | x |' && plant src/base/cf_a.c '#include <openssl/evp.h>' && finds tree 'does not list libc6-dev'
chmod -x "$tree/demo" && finds tree 'demo cannot be executed'
plant test 'if true; then' && finds tree 'test is not a script for sh'
controls() { # a page of one row, and a model that calls upon it
  mkdir -p "$tree/docs" "$tree/tests/unit/a" && printf '| can | because [%s] |\n' "${2:-one}" >"$tree/docs/threat-model.md"
  printf 'static void test_a(void **s) {}\nint main(void) { cmocka_unit_test(test_a); }\nvoid b(void) {}\n' >"$tree/tests/unit/a/test_a.c"
  printf '| control | objective | how | code | fails |\n|---|---|---|---|---|\n| one | o | h | %s |\n' "$1" >"$tree/docs/controls.md"
}
good='`src/base/cf_a.c:malloc` | `tests/unit/a/test_a.c:test_a`'
controls "$good" && sh tests/check_controls.sh "$tree" >/dev/null && fresh
controls '`src/base/cf_gone.c` | `tests/unit/a/test_a.c:test_a`' && finds controls 'src/base/cf_gone.c is not there'
controls '`src/base/cf_a.c:gone` | `tests/unit/a/test_a.c:test_a`' && finds controls 'nothing is called gone'
controls '`src/base/cf_a.c:malloc` | `tests/unit/a/test_a.c:b`' && finds controls 'b is not a test that'
controls '`src/base/cf_a.c:malloc` | none yet' && finds controls 'names no code, or no test'
controls "$good" && mkdir "$tree/tests/mutants" && printf -- '--- a/test\n+++ b/test\n@@ -1 +1 @@\n-no such line\n+x\n' >"$tree/tests/mutants/one.patch" &&
  finds controls 'tests/mutants/one.patch does not apply'
controls "$good" two && finds controls 'calls upon two'
echo "$cases planted faults found"
