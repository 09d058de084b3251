#!/bin/sh
# libcounterfoil as others have it: installed into a folder, found by pkg-config alone, the examples built from there in C17 and C++17,
# shared and static, and run on our vectors; and exactly what it exports.
set -eu
. tests/e2e/helpers
[ -f "$bin/../libcounterfoil.a" ] || { echo "libcounterfoil is not built"; exit 77; }
cc=${CC:-gcc} cxx=
for name in g++ clang++-14 clang++; do [ -n "$cxx" ] || cxx=$(command -v $name || true); done

# ---- installed: anywhere, and under a staging folder ----

build=$(dirname "$bin")
cmake --install "$build" --prefix "$dir/inst" >/dev/null
DESTDIR=$dir/staged cmake --install "$build" --prefix /usr/local >/dev/null
for file in bin/counterfoil include/counterfoil/evidence.h include/counterfoil/policy.h include/counterfoil/bundle.h lib/libcounterfoil.so \
  lib/libcounterfoil.so.1 lib/libcounterfoil.a lib/pkgconfig/libcounterfoil.pc share/man/man1/counterfoil.1 share/man/man3/libcounterfoil.3; do
  [ -f "inst/$file" ] || die "$file is not installed"
  cmp -s "inst/$file" "staged/usr/local/$file" || die "$file is not what is staged"
done
[ "$(find inst -type f -o -type l | sed 's,^inst/,,' | grep -vcE '^(bin/counterfoil(-enclave|-launch)?|include/counterfoil/[a-z]+\.h|lib/libcounterfoil\.(a|so(\.1(\.0\.0)?)?)|lib/pkgconfig/libcounterfoil\.pc|share/man/man[13]/(lib)?counterfoil\.[13])$')" = 0 ] ||
  { find inst -type f; die "more is installed than is public"; }

# ---- what it exports: the names in the headers, under the version that they came with, and nothing else ----

nm -D --defined-only inst/lib/libcounterfoil.so | awk '$2 != "A" { print $3 }' | sort >exported
sed 's/$/@@COUNTERFOIL_1/' "$root/tests/e2e/library.symbols" >expected
diff expected exported || die "other symbols than tests/e2e/library.symbols has: what was released stays, what is new comes under a new version"
nm -g --defined-only inst/lib/libcounterfoil.a | awk 'NF == 3 { print $3 }' | sort | diff "$root/tests/e2e/library.symbols" - ||
  die "the static library shows other names"
cat inst/include/counterfoil/*.h | "$cc" -fpreprocessed -dD -E -P - 2>/dev/null | tr '\n' ' ' |
  grep -oE 'COUNTERFOIL_API [^;(]*\(' | grep -oE 'counterfoil_[a-z_]+ *\($' | tr -d ' (' | sort | diff "$root/tests/e2e/library.symbols" - ||
  die "the headers declare other names"
readelf -d inst/lib/libcounterfoil.so | grep -q 'SONAME.*\[libcounterfoil\.so\.1\]' || die "its name is another"
for lib in $(readelf -d inst/lib/libcounterfoil.so | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'); do
  case $lib in libcrypto.so.*|libc.so.*|ld-linux*) ;; *) die "it needs $lib" ;; esac
done

# ---- the examples ----

export PKG_CONFIG_PATH="$dir/inst/lib/pkgconfig"
strict="-O1 -Wall -Wextra -Wpedantic -Werror"
mkdir run
for example in verify_quote appraise recheck; do
  file=$root/examples/$example.c
  # shellcheck disable=SC2046,SC2086
  {
    "$cc" -std=c17 $strict -o run/$example.c-shared "$file" $(pkg-config --cflags --libs libcounterfoil) "-Wl,-rpath,$dir/inst/lib"
    "$cxx" -std=c++17 $strict -x c++ -o run/$example.c++-shared "$file" $(pkg-config --cflags --libs libcounterfoil) "-Wl,-rpath,$dir/inst/lib"
    static="$dir/inst/lib/libcounterfoil.a $(pkg-config --static --libs libcounterfoil | sed 's/-lcounterfoil//')"
    "$cc" -std=c17 $strict -o run/$example.c-static "$file" $(pkg-config --cflags libcounterfoil) $static
    "$cxx" -std=c++17 $strict -x c++ -o run/$example.c++-static "$file" -x none $(pkg-config --cflags libcounterfoil) $static
  }
done
for program in run/*-shared; do readelf -d "$program" | grep -q 'NEEDED.*\[libcounterfoil\.so\.1\]' || die "$program is not linked to it"; done
for program in run/*-static; do ! readelf -d "$program" | grep -q libcounterfoil || die "$program is linked to the shared library"; done

# ---- and run ----

node "$root/tests/e2e/vectors.mjs" "$root/tests/vectors/evidence/quotes.json" "SGX, version 3" q >q.env
. ./q.env # at, words: ROLE=F..., and the root's digest
pairs=$(echo "$words" | tr '=' ' ')
# shellcheck disable=SC2086
set -- $pairs
"$cf" verify --policy default --show --json >default.json
node -e '
  const p = JSON.parse(require("fs").readFileSync("default.json"));
  Object.assign(p, { name: "mine", class: "test", any_program: "yes", roots: [{ platform: "sgx", class: "owner-controlled", root: process.argv[1] }] });
  delete p.maker_roots;
  require("fs").writeFileSync("mine.json", JSON.stringify(p));
  p.programs = []; p.debug = "perhaps";
  require("fs").writeFileSync("broken.json", JSON.stringify(p));' "$digest"
with=$(for word in $words; do echo "--with $word"; done)
# shellcheck disable=SC2086
"$cf" bundle make $with --at "$at" --policy mine.json -o q.bundle >/dev/null
cp q.bundle flipped.bundle
printf '\377' | dd of=flipped.bundle bs=1 seek=700 conv=notrunc 2>/dev/null

for how in c-shared c++-shared c-static c++-static; do
  expect 0 "" run/verify_quote.$how "$at" "$@"
  grep -q '^ok  sgx until' out || die "$how: what it says of a good quote"
  # The report is what the command says, to the byte.
  # shellcheck disable=SC2086
  "$cf" verify evidence $with --at "$at" --json | diff - out >diff || true
  [ "$(grep -c '^[<>]' diff)" = 1 ] || { cat diff; die "$how: another report than the command's"; }
  expect 1 "" run/verify_quote.$how 4102444800 "$@"
  grep -q '^expired  ' out || die "$how: a quote of long ago"
  expect 2 "" run/verify_quote.$how "$at" quota q/quote
  expect 0 "" run/appraise.$how mine.json "$at" "$@"
  grep -q '^accepted  sgx until' out && grep -q 'pck_crl *ends' out || { cat out; die "$how: what it says of what it accepts"; }
  expect 1 "" run/appraise.$how default "$at" "$@"
  grep -q '(authentic, and refused)' out || die "$how: the policy of production on a test root"
  expect 2 "" run/appraise.$how broken.json "$at" "$@"
  expect 0 "" run/recheck.$how q.bundle
  expect 0 "" run/recheck.$how q.bundle mine.json
  expect 1 "" run/recheck.$how q.bundle default.json
  grep -q '^holds, and is refused' out || die "$how: the reader's own policy"
  expect 1 "" run/recheck.$how flipped.bundle
  grep -q '^does not hold' out || die "$how: a flipped byte"
done
# ---- a guest: after a quote, whose signatures are P-256, the process's libcrypto is as it was ----

cat >guest.c <<'END'
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "read_file.h"

int main(int argc, char **argv) {
  RAND_METHOD const *generator = RAND_get_rand_method();
  counterfoil_item_t items[COUNTERFOIL_ITEMS_MAX];
  counterfoil_ask_t  ask = COUNTERFOIL_ASK;
  counterfoil_t     *c = counterfoil_new();
  for (int i = 2; i + 1 < argc && ask.item_cnt < COUNTERFOIL_ITEMS_MAX; i += 2) {
    items[ask.item_cnt].role = argv[i];
    items[ask.item_cnt++].bytes = read_file(argv[i + 1], COUNTERFOIL_ITEM_MAX);
  }
  ask.items = items, ask.at_s = strtoll(argv[1], NULL, 10);
  if (!c || counterfoil_verify(c, &ask) != COUNTERFOIL_OK) return puts("no verdict"), 1;
  counterfoil_free(c);
  if (RAND_get_rand_method() != generator) return puts("another generator"), 1;
  return CRYPTO_secure_malloc_initialized() ? puts("a heap was locked"), 1 : 0;
}
END
# shellcheck disable=SC2046,SC2086
"$cc" -std=c17 $strict -I "$root/examples" -o run/guest guest.c $(pkg-config --cflags --libs libcounterfoil) -lcrypto "-Wl,-rpath,$dir/inst/lib"
run/guest "$at" "$@" || die "the library is no guest"

echo "$(wc -l <expected) symbols; 3 examples, each in C17 and C++17, shared and static"
