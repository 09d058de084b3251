/*
 * Lease and revocation.
 *
 *   spin -a lease.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *
 * The host owns the enclave's clock (it stands still: no lease ever ends by time), carries every message, withholds what it
 * likes and keeps old statements for later. Blocks become final one by one; at some block the guardians revoke. Observers
 * sign "block b is final, the registry says ..." for the newest final block; the host keeps every statement it ever saw.
 * A heartbeat of the enclave enters the log when the host likes; `hblk` is the newest final block at that moment.
 *
 * The enclave executes batches against its lease: N per lease. `after` counts batches executed when the revocation is final.
 * On the ledger two keys matter: the one in use, and the next epoch's, whose registration the verifiers signed before the
 * revocation and which the host may submit at any time. `late` counts settlements executed after the revocation is final.
 *
 * Properties    after <= BOUND (default N, one lease);    late == 0
 *
 * Rules (define to change)
 *   -DNO_COUNT     a lease is bounded by time only
 *   -DANY_BLOCK    any final block will do for the registry's state
 *   -DNEWER_BLOCK  ... any block newer than the one shown last
 *                  (neither: the statement was made after the heartbeat was in the log)
 *   -DFROM_SHOWN   a lease's counts start when it is shown back, not when its heartbeat left
 *   -DBEATS=n      heartbeats that may be outstanding at once (default 1)
 *   -DTWINS        a second copy of the enclave with a lease of its own
 *   -DKEY_ONLY     a revocation names a key, not the instance
 *   -DTIP          `late` counts from the moment that the revocation is in a block, final or not
 */
#ifndef N
#define N 2
#endif
#ifndef BOUND
#define BOUND N
#endif
#ifndef BEATS
#define BEATS 1
#endif
#define MAXB 5                          /* final blocks */
#ifdef TWINS
#define NE 2
#else
#define NE 1
#endif
#define CAP (3 * N + 2)                 /* where the count of executed batches stops mattering */

byte blk = 1, revb;                     /* newest final block; block of the revocation (0: not yet) */
byte left[NE] = N, lastb[NE] = 1;       /* lease of each copy; newest block shown */
bit stopped[NE];
byte beats[NE];                         /* heartbeats out (emitted, not shown back) */
byte used[NE];                          /* batches since the oldest of them left */
byte hblk[NE * 2];                      /* block when heartbeat entered the log; 0: not in the log. First in, first out */
byte after, late, renew;
/* ledger: keys 0 (in use) and 1 (next epoch, registration already signed) */
bit r0 = 1, r1, revtip, revoked;        /* revtip: in a block that is not final yet */
byte reorgs = 1;

#define REVOKED(b)  (revb != 0 && (b) >= revb)
#ifdef ANY_BLOCK
#define FRESH(x, b) true
#else
#ifdef NEWER_BLOCK
#define FRESH(x, b) ((b) > lastb[x])
#else
#define FRESH(x, b) ((b) >= hblk[(x) * 2])
#endif
#endif

#define EXECUTE(x) \
  :: d_step { !stopped[x] && left[x] > 0 && after < CAP -> \
       left[x] = left[x] - LESS; if :: beats[x] > 0 && used[x] < N -> used[x]++ :: else fi; \
       if :: revb != 0 -> after++; printf("enclave %d: executes after the revocation: %d\n", x, after) \
          :: else -> printf("enclave %d: executes, %d left\n", x, left[x]) fi; \
       assert(after <= BOUND) }
#ifdef NO_COUNT
#define LESS 0
#else
#define LESS 1
#endif
#ifdef FROM_SHOWN
#define GRANT(x) N
#else
#define GRANT(x) (N - used[x])
#endif

#define BEAT(x) \
  :: d_step { !stopped[x] && beats[x] < BEATS -> \
       if :: beats[x] == 0 -> used[x] = 0 :: else fi; beats[x]++; printf("enclave %d: heartbeat\n", x) } \
  :: d_step { beats[x] > 0 && hblk[x * 2] == 0 -> hblk[x * 2] = blk; printf("log: heartbeat of %d; block %d is final\n", x, blk) } \
  :: d_step { beats[x] > 1 && hblk[x * 2] != 0 && hblk[x * 2 + 1] == 0 -> hblk[x * 2 + 1] = blk; printf("log: 2nd heartbeat of %d\n", x) }

/* shows the oldest heartbeat back under a witnessed checkpoint, with the registry at block b */
#define SHOW(x, b) \
  :: d_step { !stopped[x] && beats[x] > 0 && hblk[x * 2] != 0 && b <= blk && FRESH(x, b) && renew < 6 -> \
       printf("enclave %d: shown its heartbeat and block %d\n", x, b); \
       if :: REVOKED(b) -> stopped[x] = 1; left[x] = 0 \
          :: else -> left[x] = GRANT(x); renew++; if :: b > lastb[x] -> lastb[x] = b :: else fi fi; \
       beats[x]--; used[x] = 0; hblk[x * 2] = hblk[x * 2 + 1]; hblk[x * 2 + 1] = 0 }

active proctype Host() {
end:
  do
  EXECUTE(0) BEAT(0) SHOW(0, 1) SHOW(0, 2) SHOW(0, 3) SHOW(0, 4) SHOW(0, 5)
#ifdef TWINS
  EXECUTE(1) BEAT(1) SHOW(1, 1) SHOW(1, 2) SHOW(1, 3) SHOW(1, 4) SHOW(1, 5)
#endif
  od
}

#ifdef KEY_ONLY
#define ADMIT   true
#define ACTIVE1 r1
#else
#define ADMIT   !revtip
#define ACTIVE1 (r1 && !revtip)
#endif
#define ACTIVE0 (r0 && !revtip)
#ifdef TIP
#define LATEX   || revtip
#else
#define LATEX
#endif

active proctype Ledger() {
end:
  do
  :: d_step { blk < MAXB -> blk++; if :: revtip && revb == 0 -> revb = blk; printf("ledger: REVOKED in final block %d\n", blk) :: else fi }
  :: d_step { !revtip -> revtip = 1; printf("ledger: revocation in a block\n") }
  :: d_step { revtip && revb == 0 && reorgs > 0 -> reorgs--; revtip = 0; printf("ledger: reorganisation takes it out again\n") }
  :: d_step { !r1 && ADMIT -> r1 = 1; printf("ledger: the next epoch's key is registered\n") }
  :: d_step { (ACTIVE0 || ACTIVE1) && late == 0 && (revb != 0 LATEX) -> late = 1; printf("ledger: settlement after revocation\n"); assert(false) }
  od
}
