#!/bin/sh
# Processes are killed, and the power is cut, at points of a domain's life that differ from run to run, and at those that failed once; "make
# kill-matrix" and "make power-cut" take all of them.  First, that the tool finds what was not made durable.
set -eu
. tests/e2e/helpers
killer=$root/build/release/tests/cf-kill
"$killer" true || { echo "processes cannot be traced here"; exit 77; }

# One folder, four syncs: of a, of its name, of b, of a again.  A member of a council is whose disk it is.
at_fourth() { # ACT: runs the four, with the power cut at the last
  rm -rf disk
  mkdir -p disk/d/roles/sync disk/p disk/out
  "$killer" --root disk --seed 5 --at "sync:4:$1" sh -c '
    cd disk/d/roles/sync && echo one >a && sync a && sync . && echo two >>a && echo b >b && sync b && echo three >>a && sync a' || true
}
at_fourth after
[ "$(cat disk/d/roles/sync/*)" = "$(printf 'one\ntwo\nthree\nb')" ] || die "killed after the call: $(head disk/d/roles/sync/*)"
at_fourth drop
[ "$(head disk/d/roles/sync/*)" = "one" ] || die "what was not synced is there: $(head disk/d/roles/sync/*)"
at_fourth torn
grep -q '^two$' disk/d/roles/sync/a && ! grep -q '^three$' disk/d/roles/sync/a || die "the last write is not torn: $(cat disk/d/roles/sync/a)"

# A file of synchronous writes, in a folder of its own.
at_second_write() { # ACT
  rm -rf disk
  mkdir -p disk/d/roles/dd disk/p disk/out
  printf %s -------- >disk/d/roles/dd/f
  printf %s aaaabbbb | "$killer" --root disk --seed 5 --at "dd:2:$1" dd of=disk/d/roles/dd/f bs=4 oflag=dsync conv=notrunc 2>/dev/null || true
  cat disk/d/roles/dd/f
}
[ "$(at_second_write before)" = aaaa---- ] || die "killed before the second write: $(cat disk/d/roles/dd/f)"
[ "$(at_second_write after)" = aaaabbbb ] || die "killed after the second write: $(cat disk/d/roles/dd/f)"
[ "$(at_second_write drop)" = aaaa---- ] || die "the second write is not dropped: $(cat disk/d/roles/dd/f)"
case $(at_second_write torn) in
  aaaa---- | aaaab--- | aaaabb-- | aaaabbb-) ;;
  *) die "the second write is not torn: $(cat disk/d/roles/dd/f)" ;;
esac

cd "$root"
PICK=${CF_KILLS:-8} sh tests/kill/matrix.sh kill-matrix
PICK=${CF_CUTS:-8} sh tests/kill/matrix.sh power-cut
