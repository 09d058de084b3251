/* Invariants 3 and 4 on the ledger's own state, and 6: what was submitted is settled, to the unit. */
#include <assert.h>

#include "cf_town.h"
#include "ledger/cf_inbox.h"
#include "ledger/cf_slots.h"
#include "ledger/cf_state.h"

static cf_hash_t slot(cf_town_t const *t, cf_hash_t key) { return cf_ledger_state_get(t->ledger->chain.state, &key); }

static uint64_t units(cf_town_t const *t, cf_hash_t lanes, uint32_t account) {
  cf_hash_t word = slot(t, cf_slot_add(&lanes, account / 4));
  return cf_word_get(&word, cf_lane_bit(account), 64) & CF_LANE_MAX;
}

static uint64_t held(cf_town_t const *t, uint32_t asset, uint32_t account) {
  return units(t, cf_slot_lanes(asset), account) + units(t, cf_slot_free_lanes(asset), account);
}

/* ---- 3: the head moves along contents that were let out, without a gap ---- */

static void moved(cf_check_t *c, cf_hash_t const *head) {
  cf_town_t *t = c->town;
  for (size_t i = 0; i < c->contents; i++) {
    cf_check_content_t *n = &c->content[i];
    if (!cf_hash_eq(&n->digest, head)) continue;
    if (n->executed)
      cf_world_fail(&t->world, 3, "receipts %llu..%llu settled twice", (unsigned long long)n->first, (unsigned long long)n->last);
    n->executed = true;
    t->world.counts.happened[CF_HAPPENED_SETTLED]++;
  }
}

/* Several contents may execute in one block: the chain is walked back from the new head to the one known. */
static void follow_head(cf_check_t *c) {
  cf_town_t *t = c->town;
  cf_hash_t  key = cf_slot_plain(CF_SLOT_HEAD), head = slot(t, key), at = head;
  uint64_t   from = UINT64_MAX, last = 0;
  if (cf_hash_eq(&head, &c->ledger_head)) return;
  bool founding = !c->block;
  while (!founding && !cf_hash_eq(&at, &c->ledger_head)) {
    cf_check_content_t const *n = NULL;
    for (size_t i = 0; i < c->contents; i++)
      if (cf_hash_eq(&c->content[i].digest, &at)) n = &c->content[i];
    if (!n) {
      cf_world_fail(&t->world, 3, "the ledger's head moved to what no enclave let out");
      return;
    }
    if (from != UINT64_MAX && n->last + 1 != from) cf_world_fail(&t->world, 3, "executed ranges overlap, or leave a gap");
    if (from == UINT64_MAX) last = n->last;
    from = n->first;
    moved(c, &at);
    at = n->prev_head;
  }
  if (!founding && from != c->executed_last + 1)
    cf_world_fail(&t->world, 3, "receipts from %llu were settled behind %llu", (unsigned long long)from,
                  (unsigned long long)c->executed_last);
  if (!founding) c->executed_last = last;
  c->ledger_head = head;
}

/* ---- 4: what lies in all lanes is what was deposited, less what was paid ---- */

static void read_inbox(cf_check_t *c) {
  cf_ledger_state_t const *st = c->town->ledger->chain.state;
  while (c->messages < cf_ledger_state_messages(st)) {
    uint64_t       n = 0;
    cf_rd_t        rd = cf_rd_span(cf_ledger_state_message_run(st, c->messages, 1, 4096, &n));
    cf_inbox_msg_t m = cf_inbox_msg_read(&rd);
    assert(n == 1 && !rd.bad);
    c->messages++;
    if (m.kind != CF_INBOX_DEPOSITED && m.kind != CF_INBOX_EXIT_PAID) continue;
    assert(m.asset < 3 && m.id < CF_CHECK_ACCOUNTS_MAX);
    if (m.kind == CF_INBOX_DEPOSITED) c->had[m.asset][m.id] += m.units;
    else c->paid[m.asset][m.id] += m.units + m.free_units;
  }
}

static void conserved(cf_check_t *c) {
  cf_town_t *t = c->town;
  for (uint32_t a = 0; a < t->assets; a++) {
    uint64_t sum = 0, due = 0;
    for (uint32_t i = 1; i <= t->parties; i++) {
      sum += held(t, a, i) + c->paid[a][i];
      due += c->had[a][i];
    }
    if (sum != due)
      cf_world_fail(&t->world, 4, "asset %u: %llu in all lanes or paid, %llu deposited", a, (unsigned long long)sum,
                    (unsigned long long)due);
  }
}

void cf_check_ledger(cf_check_t *c) {
  cf_town_t *t = c->town;
  if (!t->ledger || !t->ledger->ready || !t->ledger->chain.started || t->ledger->chain.head.number + 1 <= c->block) return;
  cf_hash_t key = cf_slot_plain(CF_SLOT_HEAD);
  assert(t->ledger->chain.head.number < CF_CHECK_BLOCKS_MAX);
  c->chain[t->ledger->chain.head.number] =
      (cf_check_block_t){t->ledger->chain.head.time_s, t->ledger->chain.hash, slot(t, key), 0};
  read_inbox(c);
  conserved(c);
  follow_head(c);
  c->block    = t->ledger->chain.head.number + 1;
  c->ledger_s = t->ledger->chain.head.time_s;
}

/* ---- 6 ---- */

typedef struct {
  int64_t low[3][CF_TOWN_PARTIES_MAX + 1], high[3][CF_TOWN_PARTIES_MAX + 1];
} due_t;

/* Its result left the enclave and was lost with a file of the host: nobody can bring it back, and what was decided is in no one's
   hands that could tell. */
static bool result_lost(cf_check_t const *c, cf_party_input_t const *in) {
  for (size_t k = 0; c->lossy && in->state != CF_INPUT_PLANNED && in->state != CF_INPUT_ANSWERED && k < c->receipts; k++)
    for (uint32_t j = 0; c->receipt[k].counts_at && c->receipt[k].released && j < c->receipt[k].inputs; j++)
      if (cf_hash_eq(&c->receipt[k].id[j], &in->id)) return true;
  return false;
}

/* What an obligation means for balances: all of it, or all or nothing. */
static void add_due(due_t *d, unsigned payer, cf_party_input_t const *in, bool certain) {
  int64_t amount = (int64_t)in->amount;
  d->low[in->asset][payer] -= amount;
  d->high[in->asset][in->payee] += amount;
  if (!certain) return;
  d->high[in->asset][payer] -= amount;
  d->low[in->asset][in->payee] += amount;
}

/* An order may have been sealed more than once: one of them was decided, the others are duplicates. */
static bool decided(cf_party_file_t const *f, uint64_t order) {
  for (size_t k = 0; order && k < f->inputs; k++)
    if (f->input[k].order == order && f->input[k].state == CF_INPUT_ANSWERED && f->input[k].class != CF_RESULT_DUPLICATE) return true;
  return false;
}

static bool answered(cf_check_t const *c, due_t *d, unsigned party) {
  cf_party_file_t const *f = &c->town->party[party - 1].file;
  for (size_t k = 0; k < f->inputs; k++) {
    cf_party_input_t const *in = &f->input[k];
    bool                    known = in->state == CF_INPUT_ANSWERED, accepted = known && !in->class;
    bool                    lost = !known && !decided(f, in->order) && result_lost(c, in), any_lost = false;
    for (size_t o = 0; o < f->inputs; o++) any_lost |= f->input[o].order == in->order && result_lost(c, &f->input[o]);
    if (!in->superseded && !lost && !decided(f, in->order) && !any_lost) return false;
    if (in->withdrawal || (!accepted && !lost)) continue;
    uint32_t left = cf_clerk_leaver(&c->town->clerk); /* what hangs on who left may have been dropped */
    add_due(d, party, in, accepted && left != party && left != in->payee);
  }
  return true;
}

bool cf_check_settled(cf_check_t *c, char *why, size_t max) {
  cf_town_t *t = c->town;
  due_t      d = {{{0}}, {{0}}};
  if (!cf_clerk_done(&t->clerk)) return snprintf(why, max, "an exit is not paid"), false;
  if (!t->bank.done || !t->ledger) return snprintf(why, max, "accounts are not funded"), false;
  for (unsigned i = 1; i <= t->parties; i++)
    if (!answered(c, &d, i)) return snprintf(why, max, "party %u waits for answers", i), false;
  for (uint32_t a = 0; a < t->assets; a++)
    for (uint32_t i = 1; i <= t->parties; i++) {
      int64_t had = (int64_t)c->had[a][i], has = (int64_t)(held(t, a, i) + c->paid[a][i]);
      if (has < had + d.low[a][i] || has > had + d.high[a][i])
        return snprintf(why, max, "account %u has %lld of asset %u, due are %lld", i, (long long)has, a,
                        (long long)(had + d.low[a][i])),
               false;
    }
  return true;
}

bool cf_check_all_left(cf_check_t *c, char *why, size_t max) {
  cf_town_t *t = c->town;
  if (!cf_clerk_done(&t->clerk) || !t->ledger) return snprintf(why, max, "not everybody has left"), false;
  for (uint32_t a = 0; a < t->assets; a++)
    for (uint32_t i = 1; i <= t->parties; i++)
      if (held(t, a, i)) return snprintf(why, max, "account %u still has asset %u", i, a), false;
  return true;
}

void cf_check_end(cf_check_t *c) {
  for (size_t i = 0; i < c->givens; i++) {
    cf_check_receipt_t const *in = NULL;
    for (size_t k = 0; k < c->receipts; k++)
      for (uint32_t j = 0; c->receipt[k].counts_at && j < c->receipt[k].inputs; j++)
        if (cf_hash_eq(&c->receipt[k].id[j], &c->given[i].envelope)) in = &c->receipt[k];
    if (!in && !c->lossy)
      cf_world_fail(&c->town->world, 1, "an input accepted by receipt %llu is in no counting receipt",
                    (unsigned long long)c->given[i].sequence);
  }
}
