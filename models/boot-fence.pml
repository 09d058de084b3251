/*
 * Boot fence: rollback, twins, a withheld or forked log.
 *
 *   spin -a boot-fence.pml && gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m100000
 *
 * Instance 0 runs from the start (its boot and epoch entries are in the log). The host owns the disk, the log and the network:
 * it boots NI - 1 more instances, each from any prefix of any instance's journal (rollback, copy), lets old ones live on,
 * writes into the log what exists (boot entries, epoch certificates, receipts) in any order, never or later, and forks the
 * log once. Four witnesses, one of which cosigns anything; WK make a quorum. An honest witness follows one branch for ever.
 *
 * Every instance executes, at one sequence number, something else than its twin: the content of a batch is its executor.
 *
 * An auditor walks the log in order (see `audit`): a boot entry silences all older instances; the boot's epoch certificate
 * names the tip it continues (etip) and so adopts what its hash chain holds up to there; receipts count once, in sequence.
 *
 * Properties, asserted after every step
 *   FORK      two auditors shown different branches never accept different receipts for a sequence number
 *   ACTS      what an enclave acted upon (released results, signed a settlement) is what the auditor accepts
 *   LEDGER    what the ledger executed is what the auditor accepts
 *   EPOCHS    no two running instances have one epoch number
 *   BEHIND    no enclave executes a sequence number that the log held before that enclave's boot entry
 *   SERVES    the newest instance can get all that it holds accepted (see `serves`): it is never wedged
 *   RELEASED  (only with -DRELEASED) no receipt that left an enclave is contradicted by an accepted one
 *
 * Rules (define to change)
 *   -DWK=2          two of four are a quorum
 *   -DNFORK         the host cannot fork (to see the other rules alone)
 *   -DNO_FENCE      a boot does not look for receipts beyond its tip
 *   -DNO_STREAM     an enclave acts on an inclusion proof alone, without having read the entries up to it
 *   -DNO_SILENCE    a boot entry does not silence older instances, neither for the enclave nor for the auditor: first in
 *                   the log wins
 *   -DNO_ADOPT      the epoch certificate does not name the tip: after a boot, receipts of older epochs are void
 *   -DEPOCH_NEXT    epoch = 1 + the highest epoch certificate seen, instead of the boot entry's index in the log
 *   -DNEWEST        the ledger accepts only the newest registered epoch
 *   -DLEDGER_ONLY   check FORK and LEDGER only
 *   -DLATE          receipts leave only when the enclave may act on them (with -DRELEASED)
 */
#ifndef WK
#define WK 3
#endif
#define HW 3                    /* honest witnesses */
#ifndef NI
#define NI 3                    /* instances: one that runs, and two boots */
#endif
#ifndef NS
#define NS 2                    /* sequence numbers */
#endif
#ifndef NL
#define NL 8                    /* length of the log */
#endif
#define NONE 255

mtype = { boot, epoch, receipt };
#define BOOT    1
#define EPOCH   2
#define RCPT    3
#define ENTRY(t, a, s)  ((t) * 16 + (a) * 4 + (s))
#define kind(t)         ((t) == BOOT -> boot : ((t) == EPOCH -> epoch : receipt))
#define TYPE(e)         ((e) / 16)
#define WHO(e)          (((e) / 4) % 4)
#define SEQ(e)          ((e) % 4)

/* the log: two branches, the same up to the fork */
byte lg[2 * NL], sz[2], q[2];          /* q: longest prefix under a quorum */
bit forked;
byte tie[HW];                           /* branch that honest witness follows after the fork: 0 any, 1 or 2 */
/* enclaves */
#define OFF     0
#define BOOTED  1                       /* has its keys and its random value; its boot entry may be in the log */
#define RUNS    2
#define STOPPED 3
byte st[NI], tip[NI], etip[NI], ep[NI], auth[NI];
byte jr[NI * NS];                       /* journal: content + 1 at each sequence number */
byte br[NI];                            /* branch it has been shown: 0 any, 1 or 2 */
/* ledger */
byte led[NS], lh;
byte reg;

hidden byte i, j, s, e, n, cur, pend, seen[NI], acc[NS], acc1[NS], bi, mx, nx, p0, p1, pe, late;

/* the receipt of x at sequence 1 names what the auditor accepted at sequence 0 (previous hash) */
#define prevok(x, c)    ((c) == 0 || jr[(x) * NS] == acc[0])

/* What an auditor accepts from the first n entries of branch B: acc[s] = content + 1. */
inline audit(B, N) {
  cur = NONE; pend = NONE; n = 0; nx = 0; i = 0; do :: i < NS -> acc[i] = 0; i++ :: else -> break od; i = 0;
  do :: i < NI -> seen[i] = 0; i++ :: else -> break od;
  do
  :: n < N ->
       e = lg[(B) * NL + n];
       if
#ifdef NO_SILENCE
       :: TYPE(e) == RCPT ->
            seen[WHO(e)] = seen[WHO(e)] | (1 << SEQ(e));
            if :: SEQ(e) == nx && (nx == 0 || prevok(WHO(e), nx)) -> acc[nx] = WHO(e) + 1; nx++ :: else fi
       :: else
#else
       :: TYPE(e) == BOOT -> pend = WHO(e); cur = NONE
       :: TYPE(e) == EPOCH && WHO(e) == pend ->
            cur = pend;
#ifndef NO_ADOPT
            do :: nx < etip[cur] && ((seen[jr[cur * NS + nx] - 1] >> nx) & 1) -> acc[nx] = jr[cur * NS + nx]; nx++
               :: else -> break od
#endif
       :: TYPE(e) == RCPT ->
            seen[WHO(e)] = seen[WHO(e)] | (1 << SEQ(e));
            if
            :: SEQ(e) == nx && cur == WHO(e) && jr[cur * NS + nx] == cur + 1 && prevok(cur, nx) -> acc[nx] = cur + 1; nx++
#ifndef NO_ADOPT
            :: SEQ(e) == nx && cur != NONE && cur != WHO(e) && nx < etip[cur] && jr[cur * NS + nx] == WHO(e) + 1 ->
                 acc[nx] = WHO(e) + 1; nx++
#endif
            :: else
            fi
       :: else
#endif
       fi;
       n++
  :: else -> break
  od
}

/*
 * SERVES: j runs, its epoch certificate is in the log and no newer boot is. Then no accepted receipt contradicts what it
 * holds; and where all it holds is in the log too, in order, all of it is accepted.
 */
inline serves(x) {
  if
  :: st[x] == RUNS ->
       mx = (br[x] == 2 -> 1 : 0);
       n = 0; p0 = NONE; p1 = NONE; pe = NONE; late = 0;
       do
       :: n < sz[mx] ->
            e = lg[mx * NL + n];
            if
            :: e == ENTRY(EPOCH, x, 0) -> pe = n
            :: e == ENTRY(BOOT, x, 0) -> late = 0
            :: TYPE(e) == BOOT && WHO(e) != x -> late = 1
            :: tip[x] > 0 && e == ENTRY(RCPT, (jr[x * NS] - 1), 0) -> p0 = n
            :: tip[x] > 1 && e == ENTRY(RCPT, (jr[x * NS + (NS > 1)] - 1), 1) -> p1 = n
            :: else
            fi;
            n++
       :: else -> break
       od;
       if
       :: pe != NONE && !late ->
            audit(mx, sz[mx]);
            s = 0;
            do :: s < tip[x] -> assert(acc[s] == 0 || acc[s] == jr[x * NS + s]); s++ :: else -> break od;
            if :: tip[x] > 0 && p0 != NONE && (jr[x * NS] != x + 1 || p0 > pe) ->
                    assert(acc[0] == jr[x * NS]);
                    if :: tip[x] > 1 && p1 != NONE && p1 > p0 && (jr[x * NS + (NS > 1)] != x + 1 || p1 > pe) ->
                            assert(acc[NS > 1] == jr[x * NS + (NS > 1)])
                       :: else fi
               :: else fi
       :: else
       fi
  :: else
  fi
}

inline check() {
  d_step {
    audit(0, q[0]);
    s = 0;
    do :: s < NS -> acc1[s] = acc[s];
                    assert(!(acc[s] && led[s] && acc[s] != led[s]));                                       /* LEDGER */
                    s++
       :: else -> break od;
    if
    :: forked ->
         audit(1, q[1]);
         s = 0;
         do :: s < NS -> assert(!(acc[s] && acc1[s] && acc[s] != acc1[s]));                                /* FORK */
                         assert(!(acc[s] && led[s] && acc[s] != led[s]));                                  /* LEDGER */
                         s++
            :: else -> break od
    :: else
    fi;
    j = 0;
#ifndef LEDGER_ONLY
    do
    :: j < NI ->
         bi = (br[j] == 2 -> 1 : 0);
         audit(bi, q[bi]);
         s = 0;
         do :: s < NS ->
                 assert(!(s < auth[j] && acc[s] != jr[j * NS + s]));                                       /* ACTS */
#ifdef RELEASED
#ifndef LATE
                 assert(!(s < tip[j] && acc[s] && jr[j * NS + s] == j + 1 && acc[s] != j + 1));            /* RELEASED */
#endif
#endif
                 s++
            :: else -> break od;
         i = 0;
         do :: i < j -> assert(!(st[i] >= RUNS && st[j] >= RUNS && ep[i] != 0 && ep[i] == ep[j])); i++ :: else -> break od; /* EPOCHS */
         serves(j);
         j++
    :: else -> break
    od;
#endif
    i = 0
  }
}

/* Is entry X in the first N of branch B? bi = its place, or NONE. */
inline find(B, N, X) { n = 0; bi = NONE; do :: n < N -> if :: lg[(B) * NL + n] == (X) -> bi = n :: else fi; n++ :: else -> break od }

#define SHOWN(x, B)     (br[x] == 0 || br[x] == (B) + 1)

inline append(B, X) {
  d_step { find(B, sz[B], X); if :: bi == NONE && sz[B] < NL -> lg[(B) * NL + sz[B]] = X; sz[B]++; printf("log %d[%d]: %e of %d (seq %d)\n", B, sz[B] - 1, kind(TYPE(X)), WHO(X), SEQ(X)) :: else fi; i = 0 }
}

inline quorum(B) {
  d_step {
    /* the liar signs; WK - 1 honest ones are needed that are not tied to the other branch */
    if
    :: !forked -> q[B] = sz[B]; printf("witnesses: quorum on log 0, size %d\n", q[B])
    :: else ->
         i = 0; nx = 0;
         do :: i < HW && nx < WK - 1 -> if :: tie[i] == 0 || tie[i] == (B) + 1 -> nx++ :: else fi; i++ :: else -> break od;
         if
         :: nx >= WK - 1 ->
              i = 0; nx = 0;
              /* use those already tied first */
              do :: i < HW -> if :: tie[i] == (B) + 1 -> nx++ :: else fi; i++ :: else -> break od;
              i = 0;
              do :: i < HW && nx < WK - 1 -> if :: tie[i] == 0 -> tie[i] = (B) + 1; nx++ :: else fi; i++ :: else -> break od;
              q[B] = sz[B]; printf("witnesses: quorum on log %d, size %d\n", B, q[B])
         :: else
         fi
    fi;
    i = 0
  }
}

/* x is shown branch B up to its quorum: it follows what it reads. */
inline fence(x, B) {
  d_step {
    find(B, q[B], ENTRY(BOOT, x, 0));
    if
    :: bi != NONE ->
         if :: forked -> br[x] = (B) + 1 :: else fi;
         mx = bi;
         audit(B, mx);
         s = 0; nx = 1;
         do :: s < NS ->
#ifndef NO_FENCE
                 if :: acc[s] && (s >= tip[x] || jr[x * NS + s] != acc[s]) -> nx = 0 :: else fi;
#endif
                 s++
            :: else -> break od;
         if
         :: nx -> st[x] = RUNS; etip[x] = tip[x]; printf("enclave %d: passes the fence on branch %d with tip %d\n", x, B, tip[x]);
#ifdef EPOCH_NEXT
              ep[x] = 1; n = 0;
              do :: n < mx -> e = lg[(B) * NL + n];
                              if :: TYPE(e) == EPOCH && ep[WHO(e)] >= ep[x] -> ep[x] = ep[WHO(e)] + 1 :: else fi; n++
                 :: else -> break od
#else
              ep[x] = mx + 1
#endif
         :: else -> st[x] = STOPPED; printf("enclave %d: was rolled back, refuses\n", x)  /* rolled back: refuses */
         fi
    :: else
    fi;
    i = 0
  }
}

/* x is shown branch B up to its quorum, and may act on its next receipt (settlement signature, results). */
inline act(x, B) {
  d_step {
    if :: forked -> br[x] = (B) + 1 :: else fi;
#ifdef NO_STREAM
    s = auth[x];
    find(B, q[B], ENTRY(RCPT, (jr[x * NS + s] - 1), s));
    if :: bi != NONE -> auth[x]++; printf("enclave %d: acts on receipts ..%d\n", x, auth[x] - 1) :: else fi;
#else
#ifndef NO_SILENCE
    /* a boot entry after its own: it is not the newest any more; nothing behind that entry counts for it */
    find(B, q[B], ENTRY(BOOT, x, 0));
    mx = q[B]; n = bi + 1;
    do :: n < q[B] && mx == q[B] -> if :: TYPE(lg[(B) * NL + n]) == BOOT -> mx = n; st[x] = STOPPED; printf("enclave %d: sees a newer boot, stops\n", x) :: else fi; n++
       :: else -> break od;
#else
    mx = q[B];
#endif
    audit(B, mx);
    s = auth[x];
    do :: s < tip[x] && acc[s] == jr[x * NS + s] -> s++ :: else -> break od;
    if :: s > auth[x] -> printf("enclave %d: acts on receipts ..%d\n", x, s - 1) :: else fi;
    auth[x] = s;
#endif
    i = 0
  }
}

/* BEHIND: x is about to execute a sequence number that the log held before x's own boot entry */
inline behind(x) {
  d_step {
    mx = (br[x] == 2 -> 1 : 0);
    find(mx, sz[mx], ENTRY(BOOT, x, 0));
    s = bi;
    audit(mx, s);
    assert(acc[tip[x]] == 0); i = 0
  }
}

#define NEW(X)          (st[X] == OFF && st[X - 1] != OFF)
#define ROOM(B)         (sz[B] < NL && (B == 0 || forked))
#define SHOWABLE(X, B)  ((B == 0 || forked) && SHOWN(X, B))

/* boot X from the first P batches of Y's journal */
#define START(X, Y, P) \
  :: atomic { NEW(X) && st[Y] != OFF && tip[Y] >= P -> \
       d_step { st[X] = BOOTED; tip[X] = P; i = 0; \
                do :: i < P -> jr[X * NS + i] = jr[Y * NS + i]; i++ :: else -> break od; printf("host: boots %d with %d batches of %d's journal\n", X, P, Y) }; check() }
#if NS > 1
#define STARTS(X, Y)    START(X, Y, 0) START(X, Y, 1) START(X, Y, 2)
#else
#define STARTS(X, Y)    START(X, Y, 0) START(X, Y, 1)
#endif

/* entries of X into branch B */
#define ENTRIES(X, B) \
  :: atomic { X > 0 && ROOM(B) && st[X] >= BOOTED -> append(B, ENTRY(BOOT, X, 0)); check() } \
  :: atomic { X > 0 && ROOM(B) && ep[X] > 0 -> append(B, ENTRY(EPOCH, X, 0)); check() } \
  :: atomic { ROOM(B) && jr[X * NS] == X + 1 -> append(B, ENTRY(RCPT, X, 0)); check() } \
  :: atomic { NS > 1 && ROOM(B) && jr[X * NS + (NS > 1)] == X + 1 -> append(B, ENTRY(RCPT, X, 1)); check() }

/* what X does when the host shows it branch B */
#define SHOW(X, B) \
  :: atomic { st[X] == BOOTED && SHOWABLE(X, B) -> fence(X, B); check() } \
  :: atomic { st[X] == RUNS && auth[X] < tip[X] && SHOWABLE(X, B) -> act(X, B); check() }

#ifdef NEWEST
#define KEYOK(X)        (((reg >> X) & 1) && !newer(X, 0) && !newer(X, 1) && !newer(X, 2))
#define newer(X, Y)     (Y < NI && ((reg >> (Y % NI)) & 1) && ep[Y % NI] > ep[X])
#else
#define KEYOK(X)        ((reg >> X) & 1)
#endif

#define RUN(X) \
  :: atomic { st[X] == RUNS && tip[X] < NS -> behind(X); d_step { jr[X * NS + tip[X]] = X + 1; tip[X]++; printf("enclave %d: executes and journals seq %d; the receipt leaves\n", X, tip[X] - 1) }; check() } \
  :: atomic { ep[X] > 0 && !((reg >> X) & 1) -> reg = reg | (1 << X) } \
  :: atomic { lh < auth[X] && KEYOK(X) && (lh == 0 || led[0] == jr[X * NS]) -> \
       d_step { led[lh] = jr[X * NS + lh]; lh++; printf("ledger: settlement of %d, seq %d, executor %d\n", X, lh - 1, led[lh - 1] - 1) }; check() }

active proctype Host() {
  d_step { st[0] = RUNS; ep[0] = 1; lg[0] = ENTRY(BOOT, 0, 0); lg[1] = ENTRY(EPOCH, 0, 0); sz[0] = 2; q[0] = 2 };
end:
  do
  STARTS(1, 0)
  ENTRIES(0, 0) ENTRIES(1, 0) SHOW(0, 0) SHOW(1, 0) RUN(0) RUN(1)
#if NI > 2
  STARTS(2, 0) STARTS(2, 1)
  ENTRIES(2, 0) SHOW(2, 0) RUN(2)
#endif
  :: atomic { q[0] != sz[0] -> quorum(0); check() }
#ifndef NFORK
  :: atomic { !forked ->
       d_step { forked = 1; sz[1] = sz[0]; q[1] = q[0]; i = 0;
                do :: i < sz[0] -> lg[NL + i] = lg[i]; i++ :: else -> break od; printf("host: forks the log at size %d\n", sz[0]) }; check() }
  ENTRIES(0, 1) ENTRIES(1, 1) SHOW(0, 1) SHOW(1, 1)
#if NI > 2
  ENTRIES(2, 1) SHOW(2, 1)
#endif
  :: atomic { forked && q[1] != sz[1] -> quorum(1); check() }
#endif
  od
}
