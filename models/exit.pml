/*
 * Exit against settlement.
 *
 *   spin -a exit.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *
 * A payer with one unit owes it to a payee through the enclave's book, and leaves through the ledger. The host decides when
 * the enclave is shown a final block, and whether and when a settlement is submitted. D is the exit delay, V how long a
 * settlement may live.
 *
 * Properties    OVERTAKEN  no exit becomes final while a signed settlement of that account can still execute
 *               WEDGED     where an accepted obligation can not be settled any more, the domain goes on (Watch)
 *
 *   -DFREE_VU      validUntil counts from the time the host names, not from the block in which the funds were shown
 *   -DSHORT        D <= V
 *   -DNO_DEFAULT   no default rule: what was accepted must settle as it is
 */
#define MAXT 6
#define V 2
#ifdef SHORT
#define D 2
#else
#define D 3
#endif
#define NONE 255

byte clk, bal = 1, req = NONE;          /* ledger: time, payer's unit, when the exit was requested */
bit gone, settled;
byte kt, kbal = 1; bit kreq;            /* what the enclave was shown last */
bit owed, defaulted;
byte vu = NONE;                         /* deadline of the signed settlement */

active proctype World() {
end:
  do
  :: d_step { clk < MAXT -> clk++; printf("time %d\n", clk) }
  :: d_step { req == NONE && clk + D < MAXT -> req = clk; printf("ledger: exit requested at %d\n", clk) }
  :: d_step { req != NONE && clk >= req + D && !gone && bal == 1 ->
       gone = 1; bal = 0; printf("ledger: exit final at %d\n", clk);
       assert(!(vu != NONE && clk <= vu && !settled)) }                                                    /* OVERTAKEN */
  :: d_step { kt != clk || kbal != bal -> kt = clk; kbal = bal; kreq = (req != NONE); printf("enclave: shown the ledger at %d: funds %d, exit %d\n", kt, kbal, kreq) }
  :: d_step { !owed && kbal == 1 && !kreq -> owed = 1; printf("enclave: accepts the obligation\n") }
  :: d_step { owed && !settled && !defaulted && kbal == 1 && !kreq && (vu == NONE || kt > vu) ->
#ifdef FREE_VU
       vu = clk + V;
#else
       vu = kt + V;
#endif
       printf("enclave: signs, validUntil %d\n", vu) }
  :: d_step { vu != NONE && clk <= vu && bal == 1 && !settled -> settled = 1; bal = 0; printf("ledger: settled at %d\n", clk) }
#ifndef NO_DEFAULT
  :: d_step { owed && !settled && !defaulted && (vu == NONE || kt > vu) && kreq -> defaulted = 1; printf("enclave: the obligation defaults, by the published rule\n") }
#endif
  od
}

#ifndef FREE_VU                         /* (its deadlines may lie behind MAXT: only OVERTAKEN is asked of it) */
active proctype Watch() { timeout -> assert(!owed || settled || defaulted) }                               /* WEDGED */
#endif
