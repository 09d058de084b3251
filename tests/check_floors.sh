#!/bin/sh
# Fails on an include, a header or a call that tests/floors.txt does not allow,
# on a room that is not in it, and on a .c file that does not include its own
# header first.  Of sim/, a program of its own, only the rooms it includes are
# looked at.  "check_floors.sh DIR" looks at another tree.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || cd "$1"

find src sim -name '*.[ch]' 2>/dev/null | sort | xargs awk '
  function complain(text) { print FILENAME ":" FNR ": " text; faults++ }
  function allowed(where,    i, n, list) {
    n = split(where, list, " ")
    for (i = 1; i <= n; i++) {
      if (list[i] == room || list[i] == file) return 1
      if (sub(/\*$/, "", list[i]) && index(file, list[i]) == 1) return 1
    }
    return 0
  }
  # Comments, and strings but for those of includes, are not code.
  function code_of(line,    out, at) {
    out = ""
    while (line != "") {
      if (in_comment) {
        at = index(line, "*/")
        if (!at) return out
        line = substr(line, at + 2)
        in_comment = 0
      } else if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/)) {
        out = out substr(line, 1, RSTART - 1)
        at = substr(line, RSTART, 2)
        if (at == "//") return out
        if (at == "/*") in_comment = 1
        else out = out (line ~ /^[ \t]*#[ \t]*include/ ? substr(line, RSTART, RLENGTH) : "\"\"")
        line = substr(line, at == "/*" ? RSTART + 2 : RSTART + RLENGTH)
      } else return out line
    }
    return out
  }
  BEGIN {
    while ((got = getline line < "tests/floors.txt") > 0) {
      sub(/[ \t]*#.*/, "", line)
      if (line == "") continue
      colon = index(line, ":")
      split(substr(line, 1, colon - 1), head, " ")
      where = substr(line, colon + 1)
      if (head[1] == "room") rooms[head[2]] = where
      else if (head[1] == "header") headers[head[2]] = where
      else if (head[1] == "call") calls[head[2]] = where
      else { print "tests/floors.txt: " line; faults++ }
    }
    if (got < 0) { print "tests/floors.txt cannot be read"; faults++ }
  }
  FNR == 1 {
    file = FILENAME
    sub(/^src\//, "", file)
    room = file
    sub(/\/.*/, "", room)
    in_src = FILENAME ~ /^src\//
    in_comment = 0
    includes = 0
    own = ""
    if (in_src && file ~ /\.c$/) {
      own = file
      sub(/\.c$/, ".h", own)
      if ((getline line < ("src/" own)) < 0) own = ""
      close("src/" own)
    }
    if (!(room in rooms) && !(room in unknown)) {
      unknown[room] = 1
      complain("room " room " is not in tests/floors.txt")
    }
    files++
  }
  {
    code = code_of($0)
    if (code ~ /^[ \t]*#[ \t]*include[ \t]*[<"]/) {
      includes++
      quoted = code ~ /include[ \t]*"/
      name = code
      sub(/^[^<"]*[<"]/, "", name)
      sub(/[>"].*/, "", name)
      if (includes == 1 && own != "" && name != own) complain("the first include is " name ", not " own)
      if (quoted) {
        other = name
        sub(/\/.*/, "", other)
        if (name !~ /\//) { if (in_src) complain("\"" name "\": includes are written from src/") }
        else if (other != room && other != "counterfoil" && index(" " rooms[room] " ", " " other " ") == 0)
          complain("room " room " may not include " name)
      } else if (in_src)
        for (prefix in headers)
          if (index(name, prefix) == 1 && !allowed(headers[prefix])) complain("<" name "> is not allowed here")
      next
    }
    rest = in_src ? code : ""
    while (match(rest, /[A-Za-z_][A-Za-z_0-9]*[ \t]*\(/)) {
      before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
      name = substr(rest, RSTART, RLENGTH - 1)
      sub(/[ \t]+$/, "", name)
      if ((name in calls) && before != "." && before != ">" && !allowed(calls[name])) complain(name "() is not allowed here")
      rest = substr(rest, RSTART + RLENGTH)
    }
  }
  END {
    if (!files) { print "no files in src/"; faults++ }
    if (faults) { print faults " faults against tests/floors.txt"; exit 1 }
    print files " files keep to tests/floors.txt"
  }'
