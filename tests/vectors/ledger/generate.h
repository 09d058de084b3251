/* Makes ledger.jsonl and, of mode root, root.jsonl: the ledger's rules as lines that another implementation can run
   (docs/protocol/ledger.md, "Vectors").  Included by tests/unit/ledger/test_ledger_vectors.c, which compares with the files, or with CF_REGENERATE set in
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

static void as_root_on_chain(world_t *w) {
  w->g.config.mode     = CF_MODE_ROOT;
  w->g.config.embedded = false;
  w->g.config.chain_id = 31337;
}

/* What chance seldom brings. */
static void vector_rare(vectors_t *v, world_t *w, cf_mode_t mode) {
  uint8_t buf[CF_ACT_BODY_MAX];
  actor_t key = actor("settlement key", 1);
  bool    root = mode == CF_MODE_ROOT;
  w->g         = world_genesis(w);
  if (root) as_root_on_chain(w);
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
  op = op_settle(w, &key, good_meta(w), root ? BODY(w, { 1, 0, 1, 86401 }) : BODY(w, { 0, 0, 1, -86401 }, { 1, 0, 1, 86401 }));
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
  act = (cf_act_t){ .kind   = CF_ACT_SCHEDULE_POLICY,
                    .policy = 3,
                    .hash   = hash_of("policy 3"),
                    .from_s = w->now + w->g.config.notice_s };
  op  = op_act(w, &act, 10, buf);
  vector_call(v, w, &op, NULL); /* Pending */
  w->now += w->g.config.overlap_s + 1;
  act.from_s = w->now + w->g.config.notice_s;
  act.policy = 2;
  op         = op_act(w, &act, 10, buf);
  vector_call(v, w, &op, NULL); /* Version */
}

/* ---- mode root ---- */

/* One settlement by key with this body, whose state root is root's. */
static void vector_settle(vectors_t *v, world_t *w, actor_t const *key, cf_span_t body) {
  cf_op_t op = op_settle(w, key, good_meta(w), body);
  vector_call(v, w, &op, NULL);
}

/* A body of rows, then a data section under asset with its da and n bytes. */
static cf_span_t body_with(world_t *w, cf_span_t rows, uint32_t asset, uint8_t da, size_t n) {
  cf_wr_t wr = { .buf = w->body, .max = sizeof w->body, .len = rows.len };
  cf_wr_u8(&wr, CF_SECTION_DATA);
  cf_wr_u24(&wr, asset);
  cf_wr_u8(&wr, da);
  for (size_t i = 0; i < n; i++) cf_wr_u8(&wr, (uint8_t)(i + 1));
  return cf_wr_out(&wr);
}

/* Dies, by alarm and time alone. */
static void vector_die(vectors_t *v, world_t *w) {
  cf_op_t op = op_plain(CF_OP_ALARM);
  vector_call(v, w, &op, NULL);
  w->now += w->g.config.dead_after_s;
  op = op_plain(CF_OP_DECLARE_DEAD);
  vector_call(v, w, &op, NULL);
}

static void vector_found_root(vectors_t *v, world_t *w) {
  w->g = world_genesis(w);
  as_root_on_chain(w);
  world_found(w);
  memset(v->refused, 0, sizeof v->refused);
  vector_genesis(v, w);
  for (unsigned i = 1; i <= 3; i++) {
    cf_op_t op = op_open(actor("owner", i).addr);
    vector_call(v, w, &op, NULL);
    op = op_deposit(i % 2, i, 1000 * i);
    vector_call(v, w, &op, &w->issuer.addr);
  }
}

/* No settlement ever: what was deposited comes back, whatever is shown. */
static void vector_head0(vectors_t *v, world_t *w) {
  uint8_t  buf[CF_ACT_BODY_MAX];
  cf_act_t revoke = { .kind = CF_ACT_REVOKE, .hash = hash_of("instance 9") };
  vector_found_root(v, w);
  cf_op_t op = op_root_exit(1, 1);
  vector_call(v, w, &op, NULL); /* Alive */
  for (unsigned i = 1; i <= 2; i++) { /* the second time Revoked */
    op = op_act(w, &revoke, i, buf);
    vector_call(v, w, &op, NULL);
  }
  op = op_root_exit(1, 1);
  vector_die(v, w);
  vector_call(v, w, &op, NULL);
  vector_call(v, w, &op, NULL); /* Nothing */
  op = op_root_exit(0, 1);
  vector_call(v, w, &op, NULL); /* Leaf: never deposited */
  op = op_root_exit(1, 9);
  vector_call(v, w, &op, NULL); /* Account */
  op = op_root_exit(2, 1);
  vector_call(v, w, &op, NULL); /* Asset */
  op            = op_root_exit(0, 2);
  op.meta.b[31] = 7, op.leaf.balance = 5000, op.leaf.credited_in = 99999;
  vector_call(v, w, &op, NULL);
}

/* One leaf of the tree, which may claim anything, and an exit with it. */
static void vector_claim(vectors_t *v, world_t *w, cf_op_t const *settled, uint32_t asset, uint32_t id, mleaf_t const *leaf,
                         cf_hash_t const *leaves, size_t n) {
  static uint8_t path[CF_ROOT_PATH_SZ];
  cf_op_t        op = op_root_exit(asset, id);
  naive_path(path, leaves, n, root_of(w, asset, id).position);
  op.meta = settled->meta, op.prev_head = cf_settlement_head0(&w->g.config.separator), op.state_root = settled->state_root;
  op.entries = cf_settlement_entries(settled->body), op.receipts = settled->receipts;
  op.leaf = (cf_root_leaf_t){ (cf_u128_t)leaf->balance, (cf_u128_t)leaf->credited, (cf_u128_t)leaf->released, leaf->salt };
  op.body = CF_SPAN_OF(path);
  vector_call(v, w, &op, NULL);
}

/* What an enclave that is not ours might settle: leaves that claim all that can be claimed. */
static void vector_claims(vectors_t *v, world_t *w) {
  wide_t const  two80 = (wide_t)1 << 80, two96 = (wide_t)1 << 96;
  cf_hash_t     salt = hash_of("salt");
  mleaf_t const leaf[] = {
    { 0, 0, 0, { { 0 } } },                           /* empty: all that was deposited */
    { 0, 0, 1, { { 0 } } },                           /* the same, and not empty */
    { 0, 0, 0, salt },                                /* nor this */
    { 500, 400, two80 - 1, salt },                    /* 500 + (deposited - 400) */
    { 0, 1001, 0, salt },                             /* more credited than deposited */
    { 7, two80 - 1, 0, salt },                        /* as much as there can be */
    { (wide_t)INT64_MAX - 1000, 0, 0, salt },         /* all that can be paid */
    { (wide_t)INT64_MAX - 999, 0, 0, salt },          /* one more */
    { ((wide_t)1 << 64) - 1000, 0, 0, salt },         /* 2^64, which is not 0 */
    { two96 - 1, 0, 0, salt },                        /* the largest number there is */
    { 0, 1000, 1000, salt },                          /* nothing left */
  };
  enum { N = sizeof leaf / sizeof *leaf };
  cf_hash_t digest[N + 1] = { hash_of("reserved") };
  actor_t   key           = actor("settlement key", 1);
  w->g                    = world_genesis(w);
  as_root_on_chain(w);
  world_found(w);
  memset(v->refused, 0, sizeof v->refused);
  vector_genesis(v, w);
  cf_op_t op = op_register(w, &key, "instance 1", good_terms(w, 5, 1));
  vector_call(v, w, &op, NULL);
  w->now += w->g.config.key_delay_s;
  for (uint32_t i = 0; i < N; i++) {
    op = op_open(actor("owner", i + 1).addr);
    vector_call(v, w, &op, NULL);
    op = op_deposit(1, i + 1, 1000);
    vector_call(v, w, &op, &w->issuer.addr);
    digest[i + 1] = naive_leaf(1, i + 1, &leaf[i]);
  }
  w->state_root = naive_root(digest, N + 1);
  cf_op_t settled = op_settle(w, &key, good_meta(w), EMPTY_BODY);
  vector_call(v, w, &settled, NULL);
  vector_die(v, w);
  for (uint32_t i = 0; i < N; i++) {
    uint64_t held = cf_ledger_state_held(w->st, 1); /* however much it is that somebody claims, the ledger has it */
    cf_ledger_state_move(w->st, &(cf_ledger_effects_t){ .pull = { .due = true, .asset = 1, .units = INT64_MAX - held } });
    v->refused[CF_REFUSAL_LEAF] = 0;
    vector_claim(v, w, &settled, 1, i + 1, &leaf[i], digest, N + 1);
  }
}

/* Bodies at their edges, and slots that two sections share. */
static void vector_bodies(vectors_t *v, world_t *w) {
  actor_t key = actor("settlement key", 1);
  vector_found_root(v, w);
  w->state_root = hash_of("state");
  cf_op_t op = op_register(w, &key, "instance 1", good_terms(w, 5, 1));
  vector_call(v, w, &op, NULL);
  w->now += w->g.config.key_delay_s;
  for (unsigned id = 1; id <= 2; id++) {
    op = op_exit(id);
    vector_call(v, w, &op, owner_of(id));
  }
  op = op_deposit(1, 1, 5);
  vector_call(v, w, &op, &w->issuer.addr); /* Exiting */
  v->refused[CF_REFUSAL_EXIT_DELAY] = 0;
  vector_settle(v, w, &key, BODY(w, { 2, 0, 1, 5 })); /* ExitDelay */
  vector_settle(v, w, &key, BODY(w, { 2, 0, 3, 5 })); /* ExitDelay(0) */
  vector_settle(v, w, &key, BODY(w, { 2, 0, 99, 5 })); /* of no account */
  w->now += w->g.config.exit_delay_s - w->g.config.key_delay_s - 1;
  key = actor("settlement key", 2); /* the first lasted a day */
  op  = op_register(w, &key, "instance 1", good_terms(w, 6, 1));
  vector_call(v, w, &op, NULL);
  vector_call(v, w, &op, NULL); /* KeyKnown */
  w->now += w->g.config.key_delay_s;
  vector_settle(v, w, &key, BODY(w, { 2, 0, 1, 5 }));
  w->now++;
  vector_settle(v, w, &key, BODY(w, { 2, 0, 1, 5 }));
  vector_settle(v, w, &key, BODY(w, { 1, 0, 1, 1 }, { 1, 0, 3, 2 }, { 1, 0, 8, 4 }, { 2, 0, 1, 8 }, { 2, 0, 2, 16 })); /* one slot twice */
  vector_settle(v, w, &key, BODY(w, { 1, 0, 5, 1 }, { 2, 0, 1, 2 }, { 1, 1, 1, 4 }, { 2, 1, 1, 8 }));
  vector_settle(v, w, &key, BODY(w, { 2, 0, 1, INT64_MAX })); /* Lane */
  vector_settle(v, w, &key, BODY(w, { 1, 0, 1, 86401 }, { 2, 0, 3, 5 })); /* ExitDelay before Cap */
  vector_settle(v, w, &key, BODY(w, { 1, 0, 1, 86401 })); /* Cap */
  vector_settle(v, w, &key, BODY(w, { 2, 0, 1, 86401 })); /* exits have none */
  row_t const rows[] = { { 0, 0, 1, 5 }, { 4, 0, 1, 5 }, { 2, 0xffffff, 1, 5 }, { 2, 0, 0, 5 }, { 2, 0, 1, -5 }, { 2, 0, 1, 0 } };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    v->refused[CF_REFUSAL_ENTRIES] = 0;
    vector_settle(v, w, &key, body_of(w, &rows[i], 1));
  }
  for (unsigned da = 0; da <= 4; da++)
    for (size_t n = 0; n < 3; n++) {
      v->refused[CF_REFUSAL_ENTRIES] = 0;
      vector_settle(v, w, &key, body_with(w, EMPTY_BODY, CF_ASSET_DATA, (uint8_t)da, n));
      vector_settle(v, w, &key, body_with(w, BODY(w, { 1, 0, 1, 1 }, { 2, 1, 1, 1 }), CF_ASSET_DATA, (uint8_t)da, n));
    }
  v->refused[CF_REFUSAL_ENTRIES] = 0;
  vector_settle(v, w, &key, body_with(w, EMPTY_BODY, 0xfffffe, 1, 1));
  cf_span_t whole = body_with(w, BODY(w, { 1, 0, 1, 1 }, { 2, 0, 1, 1 }), CF_ASSET_DATA, 1, 2);
  for (size_t n = 0; n < whole.len; n++) { /* cut short anywhere */
    v->refused[CF_REFUSAL_ENTRIES] = 0;
    vector_settle(v, w, &key, CF_SPAN(whole.ptr, n));
  }
  whole = body_with(w, EMPTY_BODY, CF_ASSET_DATA, 2, 40);
  memset(w->body + 5, 3, 40); /* data that looks like sections is data */
  vector_settle(v, w, &key, whole);
}

UNUSED static void vectors_make_root(vectors_t *v) {
  world_t *w = world_new();
  w->g.config.mode = CF_MODE_ROOT;
  vector_life(v, w, 4243);
  as_root_on_chain(w);
  w->sealed = true;
  vector_life(v, w, 779);
  vector_rare(v, w, CF_MODE_ROOT);
  vector_head0(v, w);
  vector_bodies(v, w);
  vector_claims(v, w);
  assert_false(v->wr.bad);
  world_free(w);
}

UNUSED static void vectors_make(vectors_t *v) {
  world_t *w = world_new();
  vector_life(v, w, 4242);
  w->g.config.embedded = false;
  w->g.config.chain_id = 31337;
  vector_life(v, w, 777);
  vector_rare(v, w, CF_MODE_NET);
  assert_false(v->wr.bad);
  world_free(w);
}

#endif
