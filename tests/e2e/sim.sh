#!/bin/sh
# Whole deployments under seeded faults, a few of them ("make sim" runs more); and what happens in a seed follows from the seed alone,
# whatever ran before it or runs beside it.
set -eu
top=$PWD
sim=$PWD/build/release/bin/counterfoil-sim
cd "${CF_TEST_DIR:?}"
"$sim" --seeds 60 --jobs 2 --hash >some || { cat some; exit 1; }
"$sim" --from 45 --seeds 15 --jobs 1 --hash >again || { cat again; exit 1; }
grep -v '^seed' some
grep '^seed' again | sort >want
grep '^seed' some | sort | comm -13 - want >odd
[ "$(wc -l <want)" = 15 ] && [ ! -s odd ] || { echo "seeds that went another way:"; cat odd; exit 1; }

# Other secrets of the same shape: nothing that a host sees differs.
"$sim" --leak --seeds 12 --jobs 2 >leak || { cat leak; exit 1; }

# What the simulator knows, under the names that its page has.
"$sim" --list | sed 's/^[a-z]*: //; s/^\([0-9][0-9]*\) /\1 | /' | while read -r name; do
  grep -qF "| $name |" "$top/docs/simulator.md" || { echo "docs/simulator.md does not have: $name"; exit 1; }
done
# 768: receipts that are void in the log were taken for the enclave's newest, and every answer of it was refused for ever.
"$sim" --seed 768 >found || { cat found; exit 1; }
# 4091: a gateway that began beside an enclave that had replayed does not know how far.
"$sim" --seed 4091 >found || { cat found; exit 1; }
# 12065: a gateway ended with a verifier's new statement, and logged a result that named it: nobody had it.
"$sim" --seed 12065 >found || { cat found; exit 1; }
# 9471: the audit came between the archive and the log, to which both were on their way.
"$sim" --seed 9471 >found || { cat found; exit 1; }
