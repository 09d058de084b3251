/*
 * Mediator: one transfer, two domains, two ledgers.
 *
 *   spin -a mediator.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *
 * Each enclave locks its leg and emits a prepared receipt; the mediator logs one decision in its own witnessed log and tells;
 * each enclave applies it and its ledger executes. The hosts of the domains withhold and delay everything; the mediator
 * crashes (forgetting all but its log), or lies (-DLIES): it logs what it likes, in two branches of its log, signs any token.
 * Three witnesses of the mediator's log, one of which cosigns anything; WK make a quorum; T is the deadline, `clk` the time.
 *
 * Properties    never one leg executed and the other released, gone or never locked;
 *               no leg locked for ever once the faults stop (Watch; not with a lying mediator)
 *
 * The rules that hold: a leg is escrowed on its ledger before its prepared receipt leaves; the decision is the FIRST entry for
 * the transfer in the mediator's witnessed log, whenever it is shown; a commit counts only with both prepared receipts; an
 * abort is an entry too (the mediator's after the deadline, or its successor's by the governors if it is dead).
 *
 *   -DLOCAL_DEADLINE  "no decision by the deadline is an abort", judged by each enclave on what it has been shown
 *   -DTOKEN_EXPIRES   the ledger refuses a commit token after its deadline
 *   -DTOKEN_ONLY      a signed token is believed without its place in the log
 *   -DANY_ENTRY       any logged decision is believed, not only the first
 *   -DTELL_FIRST      the mediator tells before it logs (with its crash)
 *   -DNO_PREPARED     the enclave does not check that the other leg is prepared (with -DLIES)
 *   -DBOOK_LOCK       the leg is locked in the book only: its owner can leave through the ledger's exit
 *   -DDIES            the mediator never comes back;  -DSUCCESSOR the governors may then log the abort
 *   -DSILENCE         abort also by proof of silence: WK cosignatures later than T over a log without a decision; and
 *                     a commit needs WK cosignatures not later than T over a log with it
 *   -DNO_LIAR         all three witnesses are honest (with -DSILENCE)
 *   -DWK=3            quorum 3 of 3;  -DATOMIC_ONLY  ask for atomicity only, not for an end
 */
#ifndef WK
#define WK 2
#endif
#define T 1
#define MAXT 3

#define IDLE     0
#define LOCKED   1
#define COMMIT   2
#define ABORT    3

#define DONE     1      /* leg executed */
#define FREE     2      /* leg released */
#define GONE     3      /* leg left through the exit */

byte clk;
byte es[2];                             /* what each enclave holds */
byte leg[2];                            /* what its ledger did */
/* mediator's log: two branches (a liar's), the first decision and all decisions in each; wit: it is under a quorum */
byte first[2], all[2];
bit wit[2];
byte tie[2];                            /* honest witness's branch, 0 none yet */
byte view[2];                           /* branch an enclave follows, 0 none yet */
bit tokC, tokA;                         /* tokens that exist */
byte mem;                               /* what the mediator remembers that it decided */
bit crashed; byte mcrash = 1;

#define BOTH    (es[0] != IDLE && es[1] != IDLE)

#ifdef TOKEN_ONLY
#define SEES(i, d)  ((d == COMMIT && tokC) || (d == ABORT && tokA))
#else
#ifdef ANY_ENTRY
#define INB(b, d)   (wit[b] && ((all[b] >> d) & 1))
#else
#define INB(b, d)   (wit[b] && first[b] == d)
#endif
#define SEES(i, d)  ((view[i] != 2 && INB(0, d)) || (view[i] != 1 && INB(1, d)))
#endif
#ifdef NO_PREPARED
#define PREPARED(i) true
#else
#define PREPARED(i) (es[1 - i] != IDLE)
#endif

#ifdef SILENCE
/* per honest witness: its own clock is past T; cosigned the decision in time; cosigned its absence after T */
#ifdef NO_LIAR
#define NW 3
#define LIE 0
#else
#define NW 2
#define LIE 1
#endif
bit past[NW], has[NW], early[NW], mute[NW];
#if NW == 3
#define SUM(a)  (a[0] + a[1] + a[2])
#else
#define SUM(a)  (a[0] + a[1])
#endif
#define INTIME  (SUM(early) + LIE >= WK)
#define SILENT  (SUM(mute) + LIE >= WK)
#define W(w) \
  :: d_step { !past[w] -> past[w] = 1; printf("witness %d: past the deadline\n", w) } \
  :: d_step { first[0] != 0 && !has[w] -> has[w] = 1; early[w] = !past[w]; printf("witness %d: cosigns the decision, %d\n", w, past[w]) } \
  :: d_step { past[w] && !has[w] && !mute[w] -> mute[w] = 1; printf("witness %d: cosigns that there is none\n", w) }
active proctype Witness() {
end:
  do
  W(0) W(1)
#if NW == 3
  W(2)
#endif
  od
}
#else
#define INTIME  true
#define SILENT  false
#endif

#ifdef TOKEN_EXPIRES
#define VALID   (clk <= T + 1)
#else
#define VALID   true
#endif

inline follow(i, d) {
#ifndef TOKEN_ONLY
  if :: view[i] == 0 && first[1] != 0 -> if :: INB(0, d) -> view[i] = 1 :: else -> view[i] = 2 fi :: else fi
#else
  skip
#endif
}

#define ENCLAVE(i) \
  :: d_step { es[i] == IDLE && clk <= T -> es[i] = LOCKED; printf("enclave %d: locks its leg, prepared receipt\n", i) } \
  :: d_step { es[i] == LOCKED && SEES(i, COMMIT) && PREPARED(i) && INTIME -> follow(i, COMMIT); es[i] = COMMIT; printf("enclave %d: COMMIT\n", i) } \
  :: d_step { es[i] == LOCKED && SEES(i, ABORT) -> follow(i, ABORT); es[i] = ABORT; printf("enclave %d: ABORT\n", i) } \
  :: d_step { es[i] == LOCKED && SILENT -> es[i] = ABORT; printf("enclave %d: ABORT, silence is proven\n", i) } \
  LOCAL(i)
#ifdef LOCAL_DEADLINE
#define LOCAL(i) :: d_step { es[i] == LOCKED && clk > T -> es[i] = ABORT; printf("enclave %d: ABORT, nothing seen by the deadline\n", i) }
#else
#define LOCAL(i)
#endif

#define HALF(i) (leg[i] == DONE && (leg[1 - i] >= FREE || es[1 - i] == IDLE))
#define CHECK   assert(!HALF(0) && !HALF(1))

#define LEDGER(i) \
  :: d_step { es[i] == COMMIT && leg[i] == 0 && VALID -> leg[i] = DONE; printf("ledger %d: leg executed at %d\n", i, clk); CHECK } \
  :: d_step { es[i] == ABORT && leg[i] == 0 -> leg[i] = FREE; printf("ledger %d: leg released\n", i); CHECK } \
  EXIT(i)
#ifdef BOOK_LOCK
#define EXIT(i) :: d_step { es[i] != IDLE && leg[i] == 0 && clk == MAXT -> leg[i] = GONE; printf("ledger %d: the payer has left\n", i); CHECK }
#else
#define EXIT(i)
#endif

active proctype Domains() {
end:
  do
  ENCLAVE(0) ENCLAVE(1) LEDGER(0) LEDGER(1)
  :: d_step { clk < MAXT -> clk++; printf("time %d\n", clk) }
  od
}

#define LOG(b, d)   all[b] = all[b] | (1 << d); if :: first[b] == 0 -> first[b] = d :: else fi; printf("mediator: logs %d in branch %d\n", d, b)

/* branch b gets a quorum: the liar and WK - 1 honest ones that are not tied to the other branch */
inline cosign(b) {
  if
  :: WK == 2 -> if :: tie[0] == b + 1 || tie[1] == b + 1 :: else -> if :: tie[0] == 0 -> tie[0] = b + 1 :: else -> tie[1] = b + 1 fi fi
  :: else -> tie[0] = b + 1; tie[1] = b + 1
  fi;
  wit[b] = 1; printf("witnesses: quorum on branch %d\n", b)
}
#define CANSIGN(b)  (WK == 2 -> (tie[0] == 0 || tie[0] == b + 1 || tie[1] == 0 || tie[1] == b + 1) \
                              : ((tie[0] == 0 || tie[0] == b + 1) && (tie[1] == 0 || tie[1] == b + 1)))

active proctype Mediator() {
end:
  do
#ifdef LIES
  :: d_step { !((all[0] >> COMMIT) & 1) -> LOG(0, COMMIT); tokC = 1 }
  :: d_step { !((all[0] >> ABORT) & 1) -> LOG(0, ABORT); tokA = 1 }
  :: d_step { !((all[1] >> COMMIT) & 1) -> LOG(1, COMMIT); tokC = 1 }
  :: d_step { !((all[1] >> ABORT) & 1) -> LOG(1, ABORT); tokA = 1 }
  :: d_step { first[1] != 0 && !wit[1] && CANSIGN(1) -> cosign(1) }
#else
  /* decides once both legs are prepared and the deadline has not passed, or after it */
  :: d_step { !crashed && mem == 0 && first[0] == 0 && BOTH && clk <= T -> mem = COMMIT; printf("mediator: decides commit\n") }
  :: d_step { !crashed && mem == 0 && first[0] == 0 && clk > T -> mem = ABORT; printf("mediator: decides abort\n") }
  :: d_step { !crashed && mem != 0 && first[0] == 0 -> LOG(0, mem) }
#ifdef TELL_FIRST
  :: d_step { !crashed && mem == COMMIT && !tokC -> tokC = 1; printf("mediator: commit token\n") }
  :: d_step { !crashed && mem == ABORT && !tokA -> tokA = 1; printf("mediator: abort token\n") }
#else
  :: d_step { !crashed && first[0] == COMMIT && wit[0] && !tokC -> tokC = 1; printf("mediator: commit token\n") }
  :: d_step { !crashed && first[0] == ABORT && wit[0] && !tokA -> tokA = 1; printf("mediator: abort token\n") }
#endif
  :: d_step { !crashed && mcrash > 0 -> mcrash--; crashed = 1; mem = 0; printf("mediator: CRASH\n") }
#ifndef DIES
  :: d_step { crashed -> crashed = 0; mem = first[0]; printf("mediator: is back, reads its log\n") }
#else
#ifdef SUCCESSOR
  :: d_step { crashed && first[0] == 0 && clk > T -> LOG(0, ABORT) }
#endif
#endif
#endif
  :: d_step { first[0] != 0 && !wit[0] && CANSIGN(0) -> cosign(0) }
  od
}

#if !defined(LIES) && !defined(ATOMIC_ONLY)     /* a lying mediator can keep legs locked: not claimed */
active proctype Watch() {
  timeout -> assert(es[0] != LOCKED && es[1] != LOCKED && !(es[0] == COMMIT && leg[0] != DONE) && !(es[1] == COMMIT && leg[1] != DONE))
}
#endif
