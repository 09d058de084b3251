#!/bin/sh
# docs/confinement.md's table against a running domain: each process has the filter, the capabilities, the limits and the descriptors that stand
# there, and no other; and a name that is not there is found.
set -eu
page=$PWD/docs/confinement.md
. tests/e2e/helpers

"$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 >domain 2>/dev/null
start d
"$cf" attest "$url" --domain "$(cat domain)" -o d.bundle >/dev/null # all have spoken to all

row() { # COLUMN of the row at hand
  printf '%s\n' "$line" | cut -d'|' -f"$1" | sed 's/^ *//; s/ *$//; s/`//g'
}
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }

# The processes of this domain: the supervisor, and what descends from it.
family() {
  echo "$1"
  for child in $(pgrep -P "$1"); do family "$child"; done
}
family "$up_pid" >pids
sed -n '/^<!-- table: processes/,/^<!-- end/p' "$page" | grep '^| [a-z]' | grep -v '^| process ' >rows
: >seen

may_hold() { # KIND DESCRIPTORS: is it one of them?
  set -f
  for pattern in $2; do
    case $1 in $pattern) set +f && return 0 ;; esac
  done
  set +f
  return 1
}

kind_of() { # PID FD: what it is, as the table has it
  to=$(readlink "/proc/$1/fd/$2") || return 0
  case $to in
    socket:*) echo socket ;;
    pipe:*) echo pipe ;;
    anon_inode:*) echo "$to" | sed 's/^anon_inode:/\\/; s/]$/\\]/' ;;
    *) echo "$to" ;;
  esac
}

check() { # PID: against the row at hand
  name=$(row 2)
  [ "$(status_of "$1" NoNewPrivs)" = 1 ] || die "$name: may get new privileges"
  case $(row 4) in yes) want=2 ;; *) want=0 ;; esac
  [ "$(status_of "$1" Seccomp)" = $want ] || die "$name: filter $(status_of "$1" Seccomp), not $want"
  [ "$(row 5)" != none ] || [ "$(status_of "$1" CapEff)$(status_of "$1" CapPrm)" = 00000000000000000000000000000000 ] || die "$name: has capabilities"
  [ "$(row 6)" = none ] && grep -q '^Max core file size *0 *0 ' "/proc/$1/limits" || die "$name: may leave core files"
  [ $((0$(status_of "$1" Umask) & 022)) = $((022)) ] || die "$name: umask $(status_of "$1" Umask)"
  holds=$(row 7 | sed "s,DIR,$dir/d,g; s,\[,\\\\[,g; s,\],\\\\],g")
  [ "$holds" = any ] && return
  for fd in "/proc/$1/fd/"*; do
    kind=$(kind_of "$1" "${fd##*/}")
    [ -z "$kind" ] || may_hold "$(printf %s "$kind" | tr -d '\\')" "$holds" || die "$name: holds $kind (descriptor ${fd##*/})"
  done
}

while read -r pid; do
  command=$(tr '\0' ' ' <"/proc/$pid/cmdline")
  found=
  while IFS= read -r line; do
    printf '%s\n' "$command" | grep -q -e "$(row 3 | sed "s,DIR,$dir/d,")" || continue
    found=yes
    check "$pid"
    row 2 >>seen
  done <rows
  [ -n "$found" ] || die "no row for: $command"
done <pids
cut -d'|' -f2 rows | tr -d ' ' | sort >want
sort -u seen | cmp -s - want || die "not running: $(sort -u seen | comm -13 - want | tr '\n' ' ')"

# What the kernel did not grant is said, and what it did.
"$cf" status d | grep -q '^enclave  *system call filter' || die "status does not say what confines the enclave"
grep -q '^confined: system call filter' d/logs/enclave.log || die "the launcher's log does not say it"
! grep -q 'NOT' d/enclave/confinement || echo "this kernel does not grant all: $(cat d/enclave/confinement)"

# The check can fail: a descriptor that the table does not name.
line='| supervisor | x | no | its own | none | socket |'
if (check "$up_pid") >/dev/null 2>&1; then die "a descriptor of no row was not found"; fi
stop
echo "$(wc -l <pids) processes are confined as docs/confinement.md says"
