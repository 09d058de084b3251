/* Whoever else acts on the ledger while the domain runs: depositors, a party that leaves, guardians that pause, strangers that raise the
   alarm.  A core like all others; each act is posted until the ledger has taken it or it has lost its sense.  It holds invariant 11: nothing
   stops an exit, and one that is due is paid. */
#ifndef CF_SIM_CLERK_H
#define CF_SIM_CLERK_H

#include "cf_world.h"
#include "ledger/cf_call.h"

#define CF_CLERK_ACTS_MAX 48

typedef struct {
  cf_op_kind_t   kind;
  uint32_t       account, asset;
  uint64_t       units, due_ms; /* world */
  uint8_t const *sender;        /* scalar; NULL: anybody */
  uint64_t       nonce;         /* of an unsigned call; a signed one's is found when it is posted first */
  bool           posted, done;  /* posted: the same bytes from then on */
} cf_clerk_act_t;

typedef struct cf_town cf_town_t;
typedef struct {
  cf_town_t     *town;
  cf_clerk_act_t act[CF_CLERK_ACTS_MAX];
  size_t         acts, at; /* at: the one under way */
  bool           busy;
  uint64_t       deposits; /* of the treasury, taken */
  uint64_t       pauses, deadline_s;
  uint64_t       serial, retry_ms;
  bool           closing; /* everybody leaves: the domain can go on no more */
} cf_clerk_t;

void cf_clerk_step(void *clerk, cf_effects_t *fx, cf_event_t const *ev);
/* What it will do: drawn by the seed.  cf_clerk_close makes everybody leave by the dead-man's way. */
void cf_clerk_plan(cf_clerk_t *c, cf_town_t *t, uint64_t from_ms, uint64_t until_ms);
void cf_clerk_close(cf_clerk_t *c);
bool cf_clerk_done(cf_clerk_t const *c); /* exits that were begun are paid */
/* The account that asked to leave; 0: none does. */
uint32_t cf_clerk_leaver(cf_clerk_t const *c);

#endif
