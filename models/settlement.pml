/*
 * Settlement release: journal, log, witness, sign, submit, finalise.
 *
 *   spin -a settlement.pml && gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m100000
 *
 * Who can do what
 *   inputs    NIN inputs, one per batch. The gateway submits them in order, crashes, forgets, submits again.
 *   enclave   executes, journals, answers; signs contents; crashes at any step and replays its journal. Its keys die with it:
 *             instance i signs with key i. Memory is lost, the journal is not (rollback is the other model, boot-fence.pml).
 *   log       receipts enter in order. Three witnesses, one of which cosigns anything; WK cosignatures are a quorum.
 *   ledger    a final prefix (f...) and a tentative tip (t...). Any content ever released may execute whenever its head,
 *             deadline and key fit; a reorganisation throws the tip away; time is block time. A head is 1 + the number of the
 *             content that made it (0 is genesis): that is what a hash chain gives.
 *   host      shows the enclave the final state, now or an older saved one, in any order.
 *
 * Faults are bounded (crashes, gateway crashes, lost releases, reorganisations, ticks), so every run ends. Where it ends,
 * Watch asks whether everything accepted is settled in the final chain: "no deadlock once faults stop".
 *
 * Properties, asserted
 *   ONCE      every journaled input is settled at most once, also on a branch that is lost later
 *   WITNESS   no settlement signature before an honest witness has cosigned a log with its receipts
 *   DEAD      what the enclave declares dead (deadline passed, head did not move) has not executed and never will
 *   LIVE      when the faults stop, everything accepted is settled in the final chain (Watch)
 *   ONE_LIVE  (with -DONE_LIVE) never two contents for one head that can both still execute
 * "At most one content executes per head" holds by the hash chain alone and needs no assertion.
 *
 * Without any define the model is the rule set that holds. Rules (define to change):
 *   -DNO_JOURNAL_SIG  the content is not journaled before its signature leaves; this is
 *                     also what a rollback of the journal between receipt and settlement looks like
 *   -DKNOWN_ONLY      an enclave advances only along contents that it remembers signing
 *   -DTRUST_HEAD      an enclave takes a proven head that it cannot explain, and goes on with what it thinks is unsettled
 *                     (neither: it is shown the contents between its head and the proven one; their hashes explain it)
 *   -DSPLIT_PROOF     "deadline passed" and "head did not move" may come from two different final blocks
 *   -DNO_DEADLINE     another content for the same head is signed without waiting
 *   -DTIP_PROOF       the proof is taken from the tip instead of the final block
 *   -DNO_WITNESS      the signature is released without witnessed inclusion
 *   -DNO_DEDUPE       a repeated input is executed again
 *   -DLATE_JOURNAL    the receipt leaves before its batch is journaled
 *   -DFENCED          the ledger accepts only the newest registered key, and an instance signs only on a head that it was
 *                     shown in a final block in which its own key is the newest
 *   -DLAX             running out of contents (NR) is not held against a rule set
 */
#ifndef NIN
#define NIN 2                   /* inputs */
#endif
#define NB (NIN + 1)            /* batches (one spare, for -DNO_DEDUPE) */
#ifndef NR
#define NR 4                    /* different contents ever signed */
#endif
#ifndef MAXT
#define MAXT 2                  /* block time runs 0..MAXT; at MAXT nothing expires any more: the faults have stopped */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef REORGS
#define REORGS 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef GWCRASHES
#define GWCRASHES 1
#endif
#ifndef WK
#define WK 2
#endif
#define NONE 255

/* journal (survives) */
byte jin[NB];                   /* input of each journaled batch */
byte jb;                        /* batches journaled */
byte jsig[NR + 1] = NONE;       /* content signed for a head, as journaled */
byte jhead, jset;               /* last final head shown, and what it settles */
byte jnow;                      /* its time */
/* enclave memory */
byte inst;                      /* instance = key number */
byte ex;                        /* input executed, not yet journaled (0: none) */
byte sig[NR + 1] = NONE;
byte chead, cset, know;
bit fenced;
/* contents */
byte nrec, rH[NR], rA[NR], rB[NR], rT[NR], rK[NR];      /* prevHead, receipts a..b-1, validUntil, keys whose signature left */
/* gateway, log, witnesses */
byte gnext = 1, lg, w0, w1;
bit lateack;
/* ledger */
byte tHead, tNow, tCnt[NIN + 1], tReg = 1;
byte fHead, fNow, fCnt[NIN + 1], fReg = 1;
/* host's saved proof */
byte saved; byte pHead, pNow, pReg;             /* 0 nothing, 1 kept, 2 used */
byte sHead = NONE, sNow, sInst, sReg;           /* what was shown last, and to whom: showing it again changes nothing */
/* budgets */
byte crashes = CRASHES, reorgs = REORGS, losses = LOSSES, gwcrashes = GWCRASHES;

hidden byte i, j, x, t, ok;
byte h, b, hd;                  /* scratch of the signer, 0 between steps */

#define HONEST(s)   ((w0 >= (s)) + (w1 >= (s)))
#define QUORUM(s)   (HONEST(s) + 1 >= WK)               /* the third witness lies: it signs whatever it is shown */
#define NEWEST(r)   ((r) >= 4 -> 2 : ((r) >= 2 -> 1 : 0))
#ifdef FENCED
#define KEYOK(k, reg)   (((k) >> NEWEST(reg)) & 1)
#define MAYSIGN         fenced
#define COULD(k)        ((k) >> NEWEST(fReg))           /* a key that is, or can still become, the newest */
#else
#define KEYOK(k, reg)   ((k) & (reg))
#define MAYSIGN         true
#define COULD(k)        (k)
#endif
#if NIN == 3
#define ALLSET  (fCnt[1] == 1 && fCnt[2] == 1 && fCnt[3] == 1)
#else
#define ALLSET  (fCnt[1] == 1 && fCnt[2] == 1)
#endif

inline journaled(n) { x = 0; j = 0; do :: j < jb -> if :: jin[j] == n -> x = 1 :: else fi; j++ :: else -> break od }

/* A final block (head H, time T, registry R) is shown to the enclave. */
inline learn(H, T, R) {
  if
  :: T >= know ->
       ok = (H == chead); printf("enclave %d: is shown final head %d, time %d\n", inst, H, T);
#ifdef KNOWN_ONLY
       if :: !ok -> i = chead; do :: i != H && sig[i] != NONE -> i = sig[i] + 1 :: else -> break od; ok = (i == H) :: else fi;
       if :: ok && H != chead -> cset = rB[H - 1]; chead = H :: else fi;
#else
#ifdef TRUST_HEAD
       if :: !ok -> i = chead; do :: i != H && sig[i] != NONE -> i = sig[i] + 1 :: else -> break od;
                    if :: i == H -> cset = rB[H - 1] :: else fi;
                    if :: H != 0 -> chead = H; ok = 1 :: else fi :: else fi;
#else
       /* the contents between the head it knows and H are shown with it: their hashes make H */
       if :: !ok -> i = H; do :: i != chead && i != 0 -> i = rH[i - 1] :: else -> break od; ok = (i == chead) :: else fi;
       if :: ok && H != chead -> cset = rB[H - 1]; chead = H :: else fi;
#endif
#endif
       if :: ok -> know = T; jnow = T; jhead = chead; jset = cset;
                   if :: NEWEST(R) == inst -> fenced = 1 :: else fi;
                   if :: sig[chead] != NONE && T > rT[sig[chead]] ->
                        printf("enclave %d: content %d is dead\n", inst, sig[chead]);
                        i = fHead;                                         /* DEAD */
                        do :: i != 0 -> assert(i - 1 != sig[chead]); i = rH[i - 1] :: else -> break od;
                        assert(fNow > rT[sig[chead]]);
                        sig[chead] = NONE; jsig[chead] = NONE :: else fi
          :: else fi
  :: else
  fi
}

#ifdef NO_WITNESS
#define READY(s)    ((s) < jb)
#else
#define READY(s)    ((s) < jb && QUORUM((s) + 1))
#endif

/* Signs a content for head hd over receipts b.. up to any batch that is ready. */
inline sign() {
  h = b; b++;
  do :: READY(b) -> b++ :: break od;
  d_step {
    assert(HONEST(b) >= 1);                                                /* WITNESS */
    t = (know + 1 < MAXT -> know + 1 : MAXT);
    i = 0; do :: i < nrec && !(rH[i] == hd && rA[i] == h && rB[i] == b && rT[i] == t) -> i++ :: else -> break od;
    if :: i == nrec -> rH[i] = hd; rA[i] = h; rB[i] = b; rT[i] = t; nrec++ :: else fi;
    sig[hd] = i;
#ifndef NO_JOURNAL_SIG
    jsig[hd] = i;
#endif
#ifdef ONE_LIVE
    j = 0; do :: j < nrec -> assert(!(j != i && rH[j] == hd && rK[j] != 0 && rT[j] >= fNow && COULD(rK[j]))); j++
              :: else -> break od;                                         /* ONE_LIVE */
#endif
    printf("enclave %d: signs content %d for head %d: receipts %d..%d, validUntil %d\n", inst, sig[hd], hd, h, b - 1, rT[sig[hd]]);
    h = 0; b = 0; hd = 0 }
}

active proctype Gateway() {
end:
  do
  :: d_step { gnext <= NIN && ex == 0 ->                                   /* submit, or ask again */
#ifdef NO_DEDUPE
       if :: jb < NB -> ex = gnext :: else -> gnext++ fi; printf("gateway: submits input %d\n", ex) }
#else
       journaled(gnext); if :: x -> gnext++ :: else -> ex = gnext; printf("gateway: submits input %d; executed, not journaled\n", ex) fi }     /* what is journaled is answered from there */
#endif
  :: d_step { gwcrashes > 0 && gnext > 1 -> gwcrashes--; gnext = 1; printf("gateway: crash, asks for everything again\n") }      /* forgets what was answered; asks for all again */
  :: d_step { lg < jb -> lg++; printf("log: receipt %d\n", lg - 1) }                                            /* receipt into the log */
  od
}

active proctype Witness() {
end:
  do
  :: d_step { w0 < lg -> w0 = lg; printf("witness 0 cosigns size %d\n", lg) }
  :: d_step { w1 < lg -> w1 = lg; printf("witness 1 cosigns size %d\n", lg) }
  od
}

active proctype Enclave() {
end:
  do
#ifdef LATE_JOURNAL
  :: d_step { ex != 0 && !lateack -> gnext++; lateack = 1 }
  :: d_step { ex != 0 && lateack && jb < NB -> jin[jb] = ex; jb++; ex = 0; lateack = 0 }
#else
  :: d_step { ex != 0 && jb < NB -> jin[jb] = ex; jb++; if :: ex == gnext -> gnext++ :: else fi; printf("enclave: journals input %d as batch %d\n", ex, jb - 1); ex = 0 }
#endif
  /* sign: for the final head, or ahead, for the head that the own unsettled content will make */
  :: atomic { MAYSIGN && nrec < NR && sig[chead] == NONE && READY(cset) ->
       hd = chead; b = cset; sign() }
  :: atomic { MAYSIGN && nrec < NR && sig[chead] != NONE && sig[sig[chead] + 1] == NONE && READY(rB[sig[chead]]) ->
       hd = sig[chead] + 1; b = rB[sig[chead]]; sign() }
#ifdef NO_DEADLINE
  :: d_step { sig[chead] != NONE && nrec < NR -> sig[chead] = NONE; jsig[chead] = NONE; printf("enclave %d: forgets its content for head %d\n", inst, chead) }
#endif
  /* release (again) the signature of a content that it stands by; it may be lost on the way */
  :: atomic { MAYSIGN && sig[chead] != NONE && !((rK[sig[chead]] >> inst) & 1) ->
       if :: rK[sig[chead]] = rK[sig[chead]] | (1 << inst); printf("enclave %d: signature on content %d leaves\n", inst, sig[chead])
          :: losses > 0 -> losses--; printf("enclave %d: signature on content %d lost\n", inst, sig[chead])
       fi }
  :: atomic { MAYSIGN && sig[chead] != NONE && sig[sig[chead] + 1] != NONE && !((rK[sig[sig[chead] + 1]] >> inst) & 1) ->
       rK[sig[sig[chead] + 1]] = rK[sig[sig[chead] + 1]] | (1 << inst); printf("enclave %d: signature on content %d leaves\n", inst, sig[sig[chead] + 1]) }
  /* crash: memory is gone; replay gives back what the journal holds, under a new key */
  :: d_step { crashes > 0 -> crashes--; inst++; ex = 0; fenced = 0; lateack = 0;
       chead = jhead; cset = jset; know = jnow;
       i = 0; do :: i <= NR -> sig[i] = jsig[i]; i++ :: else -> break od; printf("enclave: CRASH; instance %d replays: final head %d\n", inst, chead) }
  od
}

#define FRESH(H, T, R)  (!(sHead == H && sNow == T && sInst == inst && sReg == R))
#define SHOW(H, T, R)   sHead = H; sNow = T; sInst = inst; sReg = R; learn(H, T, R)

active proctype Host() {
end:
  do
#ifdef TIP_PROOF
  :: d_step { FRESH(tHead, tNow, fReg) -> SHOW(tHead, tNow, fReg) }
#else
  :: d_step { FRESH(fHead, fNow, fReg) -> SHOW(fHead, fNow, fReg) }
#endif
  :: d_step { saved == 0 -> saved = 1; pHead = fHead; pNow = fNow; pReg = fReg; printf("host: keeps the proof of head %d, time %d\n", pHead, pNow) }
  :: d_step { saved == 1 -> saved = 2;
#ifdef SPLIT_PROOF
       learn(pHead, fNow, fReg);
#else
       learn(pHead, pNow, pReg);
#endif
       pHead = 0; pNow = 0; pReg = 0 }
  od
}

#define EXEC(n) \
  :: d_step { n < nrec && rH[n] == tHead && tNow <= rT[n] && KEYOK(rK[n], tReg) -> \
       tHead = n + 1; j = rA[n]; \
       do :: j < rB[n] -> tCnt[jin[j]]++; assert(tCnt[jin[j]] <= 1) /* ONCE */; j++ :: else -> break od; printf("ledger: content %d executes on head %d at time %d\n", n, rH[n], tNow) }

active proctype Ledger() {
end:
  do
  EXEC(0) EXEC(1) EXEC(2) EXEC(3)
#if NR > 4
  EXEC(4)
#endif
#if NR > 5
  EXEC(5)
#endif
  :: d_step { tHead != fHead || tNow != fNow || tReg != fReg ->            /* the tip becomes final */
       fHead = tHead; fNow = tNow; fReg = tReg;
       i = 0; do :: i <= NIN -> fCnt[i] = tCnt[i]; i++ :: else -> break od; printf("ledger: final: head %d, time %d, keys %d\n", fHead, fNow, fReg) }
  :: d_step { reorgs > 0 && (tHead != fHead || tReg != fReg) ->            /* the tip is lost; its time may go back too */
       reorgs--; tHead = fHead; tReg = fReg; tNow = fNow;
       i = 0; do :: i <= NIN -> tCnt[i] = fCnt[i]; i++ :: else -> break od; printf("ledger: REORGANISATION back to head %d, time %d\n", tHead, tNow) }
  :: d_step { tNow < MAXT -> tNow++; printf("ledger: time %d\n", tNow) }
  :: d_step { !((tReg >> inst) & 1) -> tReg = tReg | (1 << inst); printf("ledger: key %d registered\n", inst) }
  od
}

#ifdef LAX
active proctype Watch() { timeout -> assert(ALLSET || nrec == NR) }         /* the bound on contents is not held against it */
#else
active proctype Watch() { timeout -> assert(ALLSET) }
#endif
