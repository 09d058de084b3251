/*
 * Witnesses: four of them, one of which lies.   (docs/protocol/log.md, "Witness sets" and "The witness")
 *
 *   spin -a witness.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *
 * The log forks behind size 1 and signs whatever it likes; its host carries every request, to any witness, in any order, twice, never.
 * A head is 1 (size 1), 2 and 3 (size 2 on either branch), 4 and 5 (size 3 on either branch); 0 is "never cosigned". An honest witness
 * compares and keeps in one step, makes the head durable, then answers; it crashes at any step and goes on with what is durable. A
 * liar's cosignature is there whenever somebody counts, on anything.
 *
 * Properties, asserted
 *   FORK      no two heads that contradict each other are both under a quorum
 *   BACK      no honest witness answers for a head that does not extend each one that it answered for before
 *   LIVE      (with -DLIVE: the log is honest, the liar silent, answers get lost) when the faults stop, the newest head is under a quorum
 *
 * Without any define the model is what is built. Rules (define to change)
 *   -DK=2            two of four are a quorum
 *   -DK=4            four of four are
 *   -DLIARS=2        two of the four lie (f is what the quorum was made for, not a wish)
 *   -DANSWER_FIRST   the answer leaves before the head is durable
 *   -DNO_COMPARE     compare and keep are two steps, and two requests may be between them
 *   -DNO_PROOF       a head that is larger is taken without a consistency proof
 *   -DSAME_SIZE      of one size any root is taken
 *   -DFORGET         a witness whose file is gone begins anew
 *   -DNO_SIZE        (with -DLIVE) a 409 does not say the size, or the publisher does not listen
 *   -DNO_AGAIN       (with -DLIVE) a head that it cosigned already is refused
 */
#ifndef K
#define K 3
#endif
#ifndef LIARS
#define LIARS 1
#endif
#define HW      (4 - LIARS)             /* honest witnesses */
#ifdef NO_COMPARE
#define JOBS 2
#else
#define JOBS 1
#endif

#define SIZE(h)         ((h) < 2 -> (h) : (h) / 2 + 1)
/* h extends g */
#define EXTENDS(g, h)   ((g) == (h) || ((g) < 2 && (h) > (g)) || ((g) >= 2 && (h) == (g) + 2))
#if defined(NO_PROOF)
#define TAKES(g, h)     ((g) == (h) || SIZE(h) > SIZE(g))
#elif defined(SAME_SIZE)
#define TAKES(g, h)     (EXTENDS(g, h) || SIZE(g) == SIZE(h))
#else
#define TAKES(g, h)     EXTENDS(g, h)
#endif

byte mem[HW], disk[HW];                 /* the head that it cosigned last, as it knows and as it will know after a crash */
byte job[HW * JOBS], at[HW * JOBS];     /* a head under way; 1 compared, 2 one of durable and answered */
byte said[HW * 6];                      /* it answered for this head */
byte i, n;

#define HONEST(h)       (said[h] + said[6 + (h)] + (HW > 2) * said[12 * (HW > 2) + (h)])
#define QUORUM(h)       (LIARS + HONEST(h) >= K)

inline answer(w, h) {
  i = 1;
  do :: i < 6 -> assert(!said[(w) * 6 + i] || EXTENDS(i, h)); i++ :: else -> break od;                        /* BACK */
  said[(w) * 6 + (h)] = 1;
  i = 0;
  printf("witness %d: answers for head %d\n", w, h);
  assert(!(QUORUM(2) && (QUORUM(3) || QUORUM(5))) && !(QUORUM(4) && (QUORUM(3) || QUORUM(5))))                /* FORK */
}

inline keep(w, h) { mem[w] = h; disk[w] = h; printf("witness %d: head %d is durable\n", w, h) }

#ifndef LIVE

#define REQUEST(w, s, h) :: d_step { at[(w) * JOBS + s] == 0 && TAKES(mem[w], h) -> job[(w) * JOBS + s] = h; at[(w) * JOBS + s] = 1; COMPARED(w, h) }
#ifdef NO_COMPARE
#define COMPARED(w, h)  skip
#else
#define COMPARED(w, h)  mem[w] = h
#endif
#ifdef ANSWER_FIRST
#define FIRST  answer
#define SECOND keep
#else
#define FIRST  keep
#define SECOND answer
#endif
#ifdef FORGET
#define LOST(w)  :: d_step { disk[w] != 0 -> mem[w] = 0; disk[w] = 0; job[w] = 0; at[w] = 0; printf("witness %d: begins anew\n", w) }
#else
#define LOST(w)
#endif

active [HW] proctype Witness() {
  byte s;
end:
  do
  REQUEST(_pid, s, 1)
  REQUEST(_pid, s, 2)
  REQUEST(_pid, s, 3)
  REQUEST(_pid, s, 4)
  REQUEST(_pid, s, 5)
  :: d_step { at[_pid * JOBS + s] == 1 -> FIRST(_pid, job[_pid * JOBS + s]); at[_pid * JOBS + s] = 2 }
  :: d_step { at[_pid * JOBS + s] == 2 -> SECOND(_pid, job[_pid * JOBS + s]); at[_pid * JOBS + s] = 0; job[_pid * JOBS + s] = 0 }
  :: d_step { JOBS > 1 -> s = 1 - s }
  :: d_step { mem[_pid] != disk[_pid] || at[_pid * JOBS] != 0 || at[_pid * JOBS + JOBS - 1] != 0 ->
       mem[_pid] = disk[_pid]; at[_pid * JOBS] = 0; job[_pid * JOBS] = 0; at[_pid * JOBS + JOBS - 1] = 0; job[_pid * JOBS + JOBS - 1] = 0;
       printf("witness %d: crashes\n", _pid) }
  LOST(_pid)
  od
}

#else

/* One publisher of an honest log: heads 1, 2, 4, each under a quorum before the next. It asks again when what it would say is new. */
#ifndef LOSSES
#define LOSSES 3
#endif
#define NONE 9
byte target = 1, lost;
byte known[HW], told[HW] = NONE;        /* what it believes that a witness cosigned last; what it said last, for this target */

inline next() {
  if
  :: HONEST(target) >= K && target != 4 ->
       target = (target == 1 -> 2 : 4);
       n = 0;
       do :: n < HW -> told[n] = NONE; n++ :: else -> break od;
       n = 0
  :: else
  fi
}

#ifdef NO_AGAIN
#define WRONG(w)  (known[w] != mem[w] || mem[w] == target)
#else
#define WRONG(w)  (known[w] != mem[w])
#endif
#ifdef NO_SIZE
#define LEARN(w)  skip
#else
#define LEARN(w)  known[w] = mem[w]
#endif

active [HW] proctype Asked() {
end:
  do
  :: d_step { !said[_pid * 6 + target] && told[_pid] != known[_pid] ->
       told[_pid] = known[_pid];
       if
       :: WRONG(_pid) -> LEARN(_pid); printf("witness %d: 409, is at %d\n", _pid, mem[_pid])
       :: else -> keep(_pid, target); known[_pid] = target; answer(_pid, target); next()
       fi }
  :: d_step { !said[_pid * 6 + target] && told[_pid] != known[_pid] && !(WRONG(_pid)) && lost < LOSSES ->
       lost++; keep(_pid, target); printf("witness %d: its answer gets lost\n", _pid);
       told[_pid] = NONE }                                                                                   /* the old state is assumed */
  od
}

active proctype Watch() { timeout -> assert(HONEST(4) >= K) }                     /* LIVE */

#endif
