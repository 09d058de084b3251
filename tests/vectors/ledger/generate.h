/* Makes ledger.jsonl: the ledger's rules as lines that another implementation can run (docs/protocol/ledger.md,
   "Vectors").  Included by tests/unit/ledger/test_ledger_vectors.c, which compares with the file, or with CF_REGENERATE set in
   the environment writes it. */
#ifndef VECTORS_LEDGER_GENERATE_H
#define VECTORS_LEDGER_GENERATE_H

#include "../../unit/ledger/ledger_model.h"

#include "codec/cf_json.h"
#include "ledger/cf_call.h"

enum { VECTOR_CALLS = 700, VECTOR_EACH = 5, VECTOR_MAX = 4 << 20 };

/* A refusal is written at most VECTOR_EACH times a ledger: refused calls change nothing, so the others are not missed. */
typedef struct {
  cf_wr_t  wr;
  unsigned refused[CF_REFUSALS];
  unsigned accepted[CF_OP_ACT + 1];
} vectors_t;

static void vector_slots(cf_jw_t *j, char const *name, cf_slot_write_t const *at, size_t n) {
  cf_jw_arr(j, name);
  for (size_t i = 0; i < n; i++) {
    cf_jw_arr(j, NULL);
    cf_jw_hex(j, NULL, CF_SPAN_OF(at[i].key.b));
    cf_jw_hex(j, NULL, CF_SPAN_OF(at[i].value.b));
    cf_jw_end(j, ']');
  }
  cf_jw_end(j, ']');
}

/* {"genesis", "config", "changed"}: what the constructor writes; calls that follow go on from there. */
static void vector_genesis(vectors_t *v, world_t *w) {
  static uint8_t            bytes[CF_GENESIS_BYTES_MAX];
  size_t                    cnt;
  cf_wr_t                   wr  = cf_wr_init(bytes, sizeof bytes);
  cf_jw_t                   j   = cf_jw_init(&v->wr);
  cf_ledger_config_t const *cfg = &w->g.config;
  cf_ledger_genesis_write(&wr, &w->g);
  assert_int_equal(cf_ledger_genesis(&w->g, w->writes, CF_LEDGER_WRITES_MAX, &cnt, NULL), CF_OK);
  cf_jw_obj(&j, NULL);
  cf_jw_hex(&j, "genesis", cf_wr_out(&wr));
  cf_jw_obj(&j, "config");
  cf_jw_bool(&j, "embedded", cfg->embedded);
  cf_jw_u64(&j, "chain", cfg->chain_id);
  cf_jw_hex(&j, "contract", CF_SPAN_OF(cfg->contract.b));
  cf_jw_hex(&j, "domain", CF_SPAN_OF(cfg->domain.b));
  cf_jw_hex(&j, "separator", CF_SPAN_OF(cfg->separator.b));
  cf_jw_u64(&j, "mode", cfg->mode);
  cf_jw_u64(&j, "maxValidity", cfg->max_validity_s);
  cf_jw_u64(&j, "maxPause", cfg->max_pause_s);
  cf_jw_u64(&j, "exitDelay", cfg->exit_delay_s);
  cf_jw_u64(&j, "notice", cfg->notice_s);
  cf_jw_u64(&j, "deadAfter", cfg->dead_after_s);
  cf_jw_u64(&j, "keyDelay", cfg->key_delay_s);
  cf_jw_end(&j, '}');
  vector_slots(&j, "changed", w->writes, cnt);
  cf_jw_end(&j, '}');
  cf_wr_u8(&v->wr, '\n');
}

static void vector_transfer(cf_jw_t *j, char const *name, cf_ledger_transfer_t const *t) {
  if (!t->due) return;
  cf_jw_obj(j, name);
  cf_jw_u64(j, "asset", t->asset);
  cf_jw_hex(j, "token", CF_SPAN_OF(t->token.b));
  cf_jw_hex(j, "party", CF_SPAN_OF(t->party.b));
  cf_jw_dec(j, "units", (int64_t)t->units);
  cf_jw_end(j, '}');
}

/* {"env", "op", "refusal", "facts", "head", "inbox", "changed", ...}; head and inbox are those after the call. */
static void vector_call(vectors_t *v, world_t *w, cf_op_t const *op, cf_addr_t const *sender) {
  static uint8_t  bytes[CF_OP_MAX];
  cf_wr_t         wr  = cf_wr_init(bytes, sizeof bytes);
  cf_ledger_env_t env = world_env(w, op, sender);
  cf_op_write(&wr, op);
  (void)apply(w, op, sender);
  if (w->no.code && v->refused[w->no.code]++ >= VECTOR_EACH) return;
  if (!w->no.code) v->accepted[op->kind]++;
  cf_hash_t head = head_of(w), inbox = inbox_of(w);
  cf_jw_t   j = cf_jw_init(&v->wr);
  cf_jw_obj(&j, NULL);
  cf_jw_obj(&j, "env");
  cf_jw_u64(&j, "time", env.time_s);
  cf_jw_hex(&j, "sender", CF_SPAN_OF(env.sender.b));
  cf_jw_u64(&j, "chain", env.chain_id);
  cf_jw_dec(&j, "held", (int64_t)env.held);
  cf_jw_end(&j, '}');
  cf_jw_hex(&j, "op", cf_wr_out(&wr));
  cf_jw_str(&j, "refusal", cf_refusal_name(w->no.code));
  if (w->no.code) {
    cf_jw_arr(&j, "facts");
    for (size_t i = 0; i < 2; i++) cf_jw_u64(&j, NULL, w->no.fact[i]);
    cf_jw_end(&j, ']');
  }
  cf_jw_hex(&j, "head", CF_SPAN_OF(head.b));
  cf_jw_hex(&j, "inbox", CF_SPAN_OF(inbox.b));
  vector_slots(&j, "changed", w->fx.writes, w->fx.writes_cnt);
  if (w->fx.message.len) cf_jw_hex(&j, "message", w->fx.message);
  vector_transfer(&j, "pull", &w->fx.pull);
  vector_transfer(&j, "pay", &w->fx.pay);
  cf_jw_end(&j, '}');
  cf_wr_u8(&v->wr, '\n');
}

/* One ledger's life: random calls, in its last third without settlements, so that it dies. */
static void vector_life(vectors_t *v, world_t *w, uint64_t from_seed) {
  seed = from_seed;
  model_start(w);
  memset(v->refused, 0, sizeof v->refused);
  vector_genesis(v, w);
  for (unsigned i = 0; i < VECTOR_CALLS; i++) {
    quiet = i > VECTOR_CALLS * 2 / 3;
    m.now += (chance(70) ? 0 : rnd(chance(95) ? 20 : 600)) + (quiet ? rnd(40) : 0);
    w->now = m.now;
    mcall_t   c;
    cf_op_t   op     = make_call(w, &c);
    cf_addr_t sender = sender_of(w, &c);
    w->chain_id = w->g.config.chain_id + (op.kind == CF_OP_SETTLE && chance(3)); /* a split: the model knows no other chain */
    if (w->chain_id == w->g.config.chain_id) (void)m_apply(&m, &c);
    vector_call(v, w, &op, &sender);
  }
}

/* What chance seldom brings. */
static void vector_rare(vectors_t *v, world_t *w) {
  uint8_t buf[CF_ACT_BODY_MAX];
  actor_t key = actor("settlement key", 1);
  w->g        = world_genesis(w);
  world_found(w);
  memset(v->refused, 0, sizeof v->refused);
  vector_genesis(v, w);
  cf_op_t op = op_open(actor("owner", 1).addr);
  vector_call(v, w, &op, NULL);
  op = op_deposit(0, 1, 100000);
  vector_call(v, w, &op, &w->issuer.addr);
  for (unsigned i = 0; i < 4; i++) { /* Delay, Epoch, Fence, and one that is good */
    cf_registration_terms_t t = good_terms(w, i == 1 ? 0 : 5, i == 2 ? 2 : 1);
    if (i == 0) t.not_after_s = w->now + w->g.config.key_delay_s;
    op = op_register(w, &key, "instance 1", t);
    vector_call(v, w, &op, NULL);
  }
  vector_call(v, w, &op, NULL); /* KeyKnown */
  w->now += w->g.config.key_delay_s;
  op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -86401 }, { 1, 0, 1, 86401 }));
  vector_call(v, w, &op, NULL); /* Cap */
  cf_act_t act = { .kind     = CF_ACT_SCHEDULE_POLICY,
                   .policy   = 2,
                   .hash     = hash_of("policy 2"),
                   .tcb_mask = cf_word_u64(1),
                   .from_s   = w->now + w->g.config.notice_s };
  act.from_s--;
  op = op_act(w, &act, 1, buf);
  vector_call(v, w, &op, NULL); /* Notice */
  act.from_s++;
  op = op_act(w, &act, 1, buf);
  vector_call(v, w, &op, NULL);
  for (uint8_t member = 2; member > 0; member--) { /* the second time Seats */
    cf_act_t remove = { .kind = CF_ACT_REMOVE_MEMBER, .council = CF_LEDGER_GUARDIANS, .version = 1, .member = member };
    op = op_act(w, &remove, 4u - member, buf);
    vector_call(v, w, &op, NULL);
  }
  w->now = act.from_s;
  act    = (cf_act_t){ .kind = CF_ACT_RAISE_KEY_POLICY, .policy = 2 };
  op     = op_act(w, &act, 9, buf);
  vector_call(v, w, &op, NULL);
  cf_registration_terms_t terms = good_terms(w, 6, 1);
  terms.policy = 1;
  op = op_register(w, &w->nobody, "instance 1", terms);
  vector_call(v, w, &op, NULL); /* KeyPolicy */
}

UNUSED static void vectors_make(vectors_t *v) {
  world_t *w = world_new();
  vector_life(v, w, 4242);
  w->g.config.embedded = false;
  w->g.config.chain_id = 31337;
  vector_life(v, w, 777);
  vector_rare(v, w);
  assert_false(v->wr.bad);
  world_free(w);
}

#endif
