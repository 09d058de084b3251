/* A town with its ledger on a chain, and what tests ask about it. */
#ifndef CF_TEST_GATEWAY_CHAIN_TOWN_H
#define CF_TEST_GATEWAY_CHAIN_TOWN_H

#include "party.h"

#include "gateway/cf_chainside.h"

static inline town_t *
chain_town(uint64_t seed, unsigned nodes, party_t *p, size_t n) {
  town_nodes = nodes;
  town_t *t  = town_new(seed, true);
  for (uint32_t i = 0; i < n; i++) party_init(t, &p[i], i + 1);
  if (n) fund(t, p, n, 1000);
  return t;
}

static inline town_t *
serving(uint64_t seed, unsigned nodes, party_t *p, size_t n) {
  town_t *t = chain_town(seed, nodes, p, n);
  if (!town_serves(t, 60000)) fail_msg("missing: %s", town_missing(t));
  town_run(t, 6000);
  return t;
}

static inline void
deposit(town_t *t, party_t *p, uint64_t units) {
  cf_addr_t     from;
  cf_op_t const dep = { .kind = CF_OP_DEPOSIT, .id = p->account, .units = units };
  assert_int_equal(cf_k256_addr(&from, p->scalar), CF_OK);
  chain_call(t->chain, &from, &dep);
}

static inline void
deposits(town_t *t, party_t *p, unsigned n) {
  while (n--) deposit(t, p, 1);
}

/* after which 1 has 1200 and 2 has 800 */
static inline void
pay_each_other(town_t *t, party_t *p) {
  cf_span_t env[2] = { pay(t, &p[0], 2, 300), pay(t, &p[1], 1, 500) };
  answer_t *a      = post_and_wait(t, env, 2);
  assert_int_equal(a->at[0].kind, 1);
  assert_int_equal(a->at[1].kind, 1);
}

/* What stands on the chain of that kind: executed by us, by others, refused. */
typedef struct {
  unsigned ours, others, refused, nothing;
} made_t;
static inline made_t
made(town_t *t, cf_op_kind_t kind) {
  made_t m = { 0 };
  for (size_t i = 0; i < t->chain->items; i++) {
    item_t const *it = t->chain->item[i];
    cf_op_t       op;
    if (!it->block) continue;
    m.nothing += it->ours && !it->data.len;
    if (cf_evm_call_decode(&op, it->data) || op.kind != kind) continue;
    m.refused += !it->ok;
    m.ours += it->ok && it->ours;
    m.others += it->ok && !it->ours;
  }
  return m;
}

static inline bool
settled(town_t *t, uint64_t cnt, uint64_t within_ms) {
  for (uint64_t end = t->now_ms + within_ms; t->now_ms < end && !t->dead && cf_gateway_status(t->g).settled < cnt;) town_run(t, 10);
  return !t->dead && cf_gateway_status(t->g).settled >= cnt;
}

#define assert_settled(t, cnt)                                                                                                              \
  do {                                                                                                                                      \
    if (!settled(t, cnt, 200000)) fail_msg("settled %llu of %llu", (unsigned long long)cf_gateway_status(t->g).settled, (unsigned long long)cf_gateway_status(t->g).settlements); \
  } while (0)

/* Nothing is left to do for the account, and each call of the sender's was made once. */
static inline void
assert_at_rest(town_t *t) {
  town_run(t, 12000);
  cf_sender_status_t s = cf_sender_status(&t->g->evm->sender);
  assert_int_equal(s.halt, CF_SENDER_RUNNING);
  assert_int_equal(s.live + s.queued, 0);
  assert_true(s.total_wei == t->chain->spent_wei);
}

static inline char const *
status(town_t *t) {
  static char text[8192];
  reply_t    *r = town_ask(t, "GET /v1/status", "", CF_SPAN(NULL, 0));
  snprintf(text, sizeof text, "%.*s", (int)r->body.len, (char const *)r->body.ptr);
  return text;
}

#define assert_says(t, words)                                                                                                               \
  do {                                                                                                                                      \
    if (!strstr(status(t), words)) fail_msg("%s", status(t));                                                                               \
  } while (0)

/* The newest call of that kind that was sent. */
static inline item_t const *
sent(town_t *t, cf_op_kind_t kind) {
  cf_op_t op;
  for (size_t i = t->chain->items; i-- > 0;)
    if (t->chain->item[i]->ours && !cf_evm_call_decode(&op, t->chain->item[i]->data) && op.kind == kind) return t->chain->item[i];
  return NULL;
}

/* Whoever wants to may bring it to the chain. */
static inline void
relay(town_t *t, item_t const *it) {
  cf_addr_t const somebody = { { 9, 9, 9 } };
  cf_op_t         op;
  assert_int_equal(cf_evm_call_decode(&op, it->data), CF_OK);
  chain_call(t->chain, &somebody, &op);
}

#endif
