#!/bin/sh
# What is inside the enclave, from its link map and the build's dependency log:
# lines of ours in the objects and headers that went in, libraries by the bytes
# taken from them, symbols that it exports.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C
build=build/release
program=$build/bin/counterfoil-enclave
map=$build/counterfoil-enclave.map
[ -f "$program" ] && [ -f "$map" ] || { echo "tcb: this tree has no program counterfoil-enclave yet"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Bytes that each input of the link gave to the loaded sections; a long section name stands on a line of its own.
awk '
  /^Linker script and memory map/ { in_map = 1; next }
  !in_map { next }
  /^\.(comment|debug|symtab|strtab|shstrtab|note\.GNU-stack)/ || /^ \.(comment|debug)/ { loaded = 0 }
  /^\.(text|rodata|data|bss|init|fini|plt|got|eh_frame|gcc_except_table|tdata|tbss|init_array|fini_array|data\.rel\.ro|__libc)/ { loaded = 1 }
  /^\/DISCARD\// { loaded = 0 }
  /^ [.*A-Z][^ ]*$/ { name = $1; getline; $0 = " " name " " $0 }
  loaded && /^ [.A-Z]/ && $2 ~ /^0x/ && $3 ~ /^0x/ && NF >= 4 {
    input = $4
    for (i = 5; i <= NF; i++) input = input " " $i
    print $3, input
  }' "$map" >"$work/inputs"

# Objects of ours: libcf_ROOM.a(cf_x.c.o), or the program'"'"'s own CMakeFiles/counterfoil-enclave.dir/src/....c.o.
sed -nE 's,^.* (.*/)?libcf_([a-z]+)\.a\(([a-z0-9_]+\.c)\.o\)$,src/\2/\3,p; s,^.* .*counterfoil-enclave\.dir/(src/.*\.c)\.o$,\1,p' \
  "$work/inputs" | sort -u >"$work/sources"
# Headers of ours that those objects were compiled with.
ninja -C $build -t deps 2>/dev/null | awk -v root="$PWD/" '
  NR == FNR { ours[$1] = 1; next }
  /^[^ ].*: #deps/ {
    object = $1
    take = 0
    for (source in ours) if (index(object, "/" source ".o")) take = 1
    next
  }
  take && /^ / {
    name = $1
    sub(/^\.\.\/\.\.\//, "", name)
    if (index(name, root) == 1) name = substr(name, length(root) + 1)
    if (name ~ /^(src|include)\/.*\.h$/) print name
  }' "$work/sources" - | sort -u >"$work/headers"

# Lines that hold code: neither empty nor comment.
code_lines() {
  xargs -r cat <"$1" | awk '
    { line = $0; out = "" }
    {
      while (line != "") {
        if (inside) { at = index(line, "*/"); if (!at) break; line = substr(line, at + 2); inside = 0 }
        else if (match(line, /\/\*|\/\//)) {
          out = out substr(line, 1, RSTART - 1)
          if (substr(line, RSTART, 2) == "//") break
          line = substr(line, RSTART + 2); inside = 1
        } else { out = out line; break }
      }
      if (out ~ /[^ \t]/) n++
    }
    END { print n + 0 }'
}

echo "counterfoil-enclave: what is inside"
echo
printf '%-28s %8s %8s\n' "ours, by room" files lines
for room in $(cat "$work/sources" "$work/headers" | awk -F/ '{ print $1 "/" $2 }' | sort -u); do
  cat "$work/sources" "$work/headers" | awk -v r="$room/" 'index($0, r) == 1' >"$work/room"
  printf '  %-26s %8d %8d\n' "$room" "$(wc -l <"$work/room")" "$(code_lines "$work/room")"
done
cat "$work/sources" "$work/headers" >"$work/all"
printf '  %-26s %8d %8d\n\n' total "$(wc -l <"$work/all")" "$(code_lines "$work/all")"

printf '%-28s %8s %8s\n' "linked in" objects bytes
awk '
  function hex(s,    i, v) {
    v = 0
    s = tolower(substr(s, 3))
    for (i = 1; i <= length(s); i++) v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
    return v
  }
  {
    bytes = hex($1)
    name = $2
    for (i = 3; i <= NF; i++) name = name " " $i
    object = name
    sub(/\([^(]*\)$/, "", name)
    sub(/.*\//, "", name)
    if (name ~ /^libcf_/ || object ~ /counterfoil-enclave\.dir/) name = "ours"
    else if (name ~ /^crt.*\.o$/) name = "crt*.o"
    size[name] += bytes
    if (!((name, object) in seen)) { seen[name, object] = 1; objects[name]++ }
  }
  END { for (name in size) if (size[name]) printf "  %-26s %8d %8d\n", name, objects[name], size[name] }
' "$work/inputs" | sort -k3,3nr

echo
if readelf -d "$program" | grep -q NEEDED; then
  echo "shared libraries, which the measurement does NOT cover:"
  readelf -d "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/  \1/p'
else
  echo "statically linked: no shared library, no interpreter"
fi
printf 'exported (dynamic) symbols: %d\n' "$(nm -D --defined-only "$program" 2>/dev/null | wc -l)"
printf 'file size without symbols and debug information: %d bytes\n' \
  "$(strip -o "$work/stripped" "$program" && wc -c <"$work/stripped")"
