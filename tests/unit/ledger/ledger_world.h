/* A ledger to play with: actors with keys, a genesis, a state, and calls made and signed in one line. */
#ifndef TEST_LEDGER_WORLD_H
#define TEST_LEDGER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/cf_hash.h"
#include "ledger/cf_blocks.h"

#define UNUSED __attribute__((unused))

#define T0 1700000000u

typedef struct {
  uint8_t   scalar[32];
  cf_addr_t addr;
} actor_t;

UNUSED static actor_t actor(char const *label, unsigned i) {
  char    text[64];
  actor_t a;
  int     n = snprintf(text, sizeof text, "%s %u", label, i);
  cf_hash_t h = cf_sha256(CF_SPAN(text, (size_t)n));
  memcpy(a.scalar, h.b, 32);
  assert_int_equal(cf_k256_addr(&a.addr, a.scalar), CF_OK);
  return a;
}

/* The address of actor("owner", i), good for the statement it stands in. */
UNUSED static cf_addr_t const *owner_of(unsigned i) {
  static cf_addr_t at;
  at = actor("owner", i).addr;
  return &at;
}

UNUSED static cf_hash_t hash_of(char const *text) { return cf_sha256(CF_SPAN(text, strlen(text))); }

typedef struct {
  cf_ledger_genesis_t g;
  cf_ledger_state_t  *st;
  uint64_t            now;
  uint64_t            chain_id; /* what env says */
  actor_t             block_key, issuer, governor[3], guardian[3], verifier[5], nobody;
  cf_slot_write_t     writes[CF_LEDGER_WRITES_MAX];
  cf_ledger_effects_t fx;
  cf_refusal_t        no;
  uint8_t             body[CF_SETTLEMENT_BODY_MAX];
  bool                sealed;     /* mode root: what it publishes */
  cf_hash_t           state_root; /* of settlements; zero: just some */
} world_t;

enum { ALL_TCB = 0xff };
#define MEASUREMENT hash_of("measurement 1")

UNUSED static cf_seats_t seats(actor_t const *a, uint8_t k, uint8_t n) {
  cf_seats_t s = { .k = k, .f = 1, .n = n };
  for (uint8_t i = 0; i < n; i++) s.member[i] = a[i].addr;
  return s;
}

UNUSED static cf_ledger_genesis_t world_genesis(world_t const *w) {
  cf_ledger_genesis_t g = {
    .config = { .embedded = true, .chain_id = CF_LEDGER_CHAIN_MIN + 7, .contract = w->block_key.addr, .domain = hash_of("domain"),
                .mode = CF_MODE_NET, .max_validity_s = 7200, .max_pause_s = 86400, .exit_delay_s = 172800, .notice_s = 345600,
                .dead_after_s = 604800, .overlap_s = 7200, .key_delay_s = 1800 },
    .time_s = T0, .policy = 1, .policy_hash = hash_of("policy 1"), .tcb_mask = cf_word_u64(0x3), .measurements_cnt = 1,
    .council_version = 1, .assets_cnt = 2,
  };
  g.measurements[0] = (cf_genesis_measurement_t){ MEASUREMENT, T0 + 300 * 86400 };
  g.councils[0]     = seats(w->governor, 2, 3);
  g.councils[1]     = seats(w->guardian, 2, 3);
  g.councils[2]     = seats(w->verifier, 3, 5);
  g.assets[0]       = (cf_genesis_listing_t){ w->issuer.addr, 2, 86400 };
  g.assets[1]       = (cf_genesis_listing_t){ w->issuer.addr, 6, 1000000 };
  return g;
}

/* Starts, or starts over, with the genesis in w->g. */
UNUSED static void world_found(world_t *w) {
  size_t cnt;
  cf_ledger_state_free(w->st);
  w->st       = cf_ledger_state_new();
  w->now      = w->g.time_s;
  w->chain_id = w->g.config.chain_id;
  assert_int_equal(cf_ledger_genesis(&w->g, w->writes, CF_LEDGER_WRITES_MAX, &cnt, NULL), CF_OK);
  for (size_t i = 0; i < cnt; i++) cf_ledger_state_put(w->st, &w->writes[i].key, &w->writes[i].value);
}

UNUSED static world_t *world_new(void) {
  world_t *w   = calloc(1, sizeof *w);
  w->block_key = actor("block", 0);
  w->issuer    = actor("issuer", 0);
  w->nobody    = actor("stranger", 0);
  for (unsigned i = 0; i < 3; i++) w->governor[i] = actor("governor", i);
  for (unsigned i = 0; i < 3; i++) w->guardian[i] = actor("guardian", i);
  for (unsigned i = 0; i < 5; i++) w->verifier[i] = actor("verifier", i);
  w->g = world_genesis(w);
  world_found(w);
  return w;
}

UNUSED static void world_free(world_t *w) {
  cf_ledger_state_free(w->st);
  free(w);
}

UNUSED static cf_ledger_env_t world_env(world_t const *w, cf_op_t const *op, cf_addr_t const *sender) {
  return (cf_ledger_env_t){ .time_s = w->now, .sender = sender ? *sender : (cf_addr_t){ { 0 } }, .chain_id = w->chain_id,
                            .contract = w->g.config.contract, .held = cf_ledger_state_held(w->st, op->asset) };
}

/* Runs op; when it is accepted the state has it.  w->fx and w->no tell more. */
UNUSED static cf_refusal_code_t apply(world_t *w, cf_op_t const *op, cf_addr_t const *sender) {
  cf_ledger_env_t env = world_env(w, op, sender);
  w->fx               = (cf_ledger_effects_t){ .writes = w->writes, .writes_max = CF_LEDGER_WRITES_MAX };
  w->no               = cf_ledger_apply(&w->g.config, cf_ledger_state_reader(w->st), &env, op, &w->fx);
  if (w->no.code) {
    assert_int_equal(w->fx.writes_cnt, 0); /* a refusal leaves nothing */
    assert_int_equal(w->fx.message.len, 0);
    assert_false(w->fx.pay.due || w->fx.pull.due || w->fx.settled.due);
    return w->no.code;
  }
  for (size_t i = 0; i < w->fx.writes_cnt; i++) cf_ledger_state_put(w->st, &w->fx.writes[i].key, &w->fx.writes[i].value);
  if (w->fx.message.len) cf_ledger_state_add_message(w->st, w->fx.message);
  cf_ledger_state_move(w->st, &w->fx);
  return CF_REFUSAL_NONE;
}

/* ---- what the state says ---- */

UNUSED static cf_hash_t slot_at(world_t const *w, cf_hash_t key) { return cf_ledger_state_get(w->st, &key); }
UNUSED static cf_hash_t head_of(world_t const *w) { return slot_at(w, cf_slot_plain(CF_SLOT_HEAD)); }
UNUSED static cf_hash_t inbox_of(world_t const *w) { return slot_at(w, cf_slot_plain(CF_SLOT_INBOX)); }

UNUSED static cf_ledger_status_t status_of(world_t const *w) {
  cf_hash_t word = slot_at(w, cf_slot_plain(CF_SLOT_STATUS));
  return cf_ledger_status_unpack(&word);
}

UNUSED static uint64_t lane_at(world_t const *w, cf_hash_t lanes, uint32_t id) {
  cf_hash_t word = slot_at(w, cf_slot_add(&lanes, id >> 2));
  return cf_word_get(&word, cf_lane_bit(id), 64);
}
UNUSED static uint64_t lane_of(world_t const *w, uint32_t asset, uint32_t id) { return lane_at(w, cf_slot_lanes(asset), id); }
UNUSED static cf_ledger_root_t root_of(world_t const *w, uint32_t asset, uint32_t id) {
  cf_hash_t word = slot_at(w, cf_slot_root(asset, id));
  return cf_ledger_root_unpack(&word);
}
UNUSED static uint64_t free_of(world_t const *w, uint32_t asset, uint32_t id) {
  return lane_at(w, cf_slot_free_lanes(asset), id);
}

UNUSED static cf_ledger_account_t account_of(world_t const *w, uint32_t id) {
  cf_hash_t word = slot_at(w, cf_slot_account(id));
  return cf_ledger_account_unpack(&word);
}

/* ---- calls ---- */

UNUSED static cf_op_t op_open(cf_addr_t owner) { return (cf_op_t){ .kind = CF_OP_OPEN, .addr = owner }; }
UNUSED static cf_op_t op_lane(uint32_t asset, uint32_t id) {
  return (cf_op_t){ .kind = CF_OP_OPEN_LANE, .asset = asset, .id = id };
}
UNUSED static cf_op_t op_deposit(uint32_t asset, uint32_t id, uint64_t units) {
  return (cf_op_t){ .kind = CF_OP_DEPOSIT, .asset = asset, .id = id, .units = units };
}
UNUSED static cf_op_t op_withdraw(uint32_t asset, uint32_t id, uint64_t units, cf_addr_t to) {
  return (cf_op_t){ .kind = CF_OP_WITHDRAW, .asset = asset, .id = id, .units = units, .addr = to };
}
UNUSED static cf_op_t op_exit(uint32_t id) { return (cf_op_t){ .kind = CF_OP_REQUEST_EXIT, .id = id }; }
UNUSED static cf_op_t op_finalize(uint32_t asset, uint32_t id) {
  return (cf_op_t){ .kind = CF_OP_FINALIZE_EXIT, .asset = asset, .id = id };
}
/* A path of zeros; of the right length. */
UNUSED static uint8_t const no_path[CF_ROOT_PATH_SZ];
UNUSED static cf_op_t op_root_exit(uint32_t asset, uint32_t id) {
  return (cf_op_t){ .kind = CF_OP_ROOT_EXIT, .asset = asset, .id = id, .body = CF_SPAN_OF(no_path) };
}
UNUSED static cf_op_t op_plain(cf_op_kind_t kind) { return (cf_op_t){ .kind = kind }; }

UNUSED static void sign_by(uint8_t sig[64], actor_t const *a, cf_hash_t digest) {
  assert_int_equal(cf_k256_sign(sig, a->scalar, &digest), CF_OK);
}

UNUSED static void member_sigs(cf_member_sigs_t *sigs, actor_t const *members, uint8_t k, cf_hash_t digest) {
  sigs->cnt = k;
  for (uint8_t i = 0; i < k; i++) {
    sigs->at[i].member = i;
    sign_by(sigs->at[i].sig, &members[i], digest);
  }
}

/* The terms of a key that would be accepted now. */
UNUSED static cf_registration_terms_t good_terms(world_t const *w, uint64_t epoch, uint8_t fence) {
  return (cf_registration_terms_t){ .epoch        = epoch,
                                    .policy       = status_of(w).policy_b,
                                    .not_before_s = w->now,
                                    .not_after_s  = w->now + 86400,
                                    .tcb          = 0,
                                    .fence        = fence,
                                    .log_index    = epoch + 3,
                                    .council      = 1 };
}

UNUSED static void sign_registration(world_t const *w, cf_op_t *op, actor_t const *key) {
  cf_hash_t digest = cf_registration_digest(&w->g.config.separator, &w->g.config.domain, &op->registration);
  member_sigs(&op->sigs, w->verifier, 3, digest);
  sign_by(op->sig, key, cf_possession_digest(&w->g.config.separator, &digest));
}

UNUSED static cf_op_t op_register(world_t const *w, actor_t const *key, char const *instance, cf_registration_terms_t terms) {
  cf_op_t op = { .kind = CF_OP_REGISTER };
  op.registration = (cf_registration_t){ .key         = key->addr,
                                         .terms       = cf_registration_terms_pack(&terms),
                                         .instance    = hash_of(instance),
                                         .certificate = hash_of("certificate"),
                                         .measurement = MEASUREMENT,
                                         .evidence    = hash_of("evidence") };
  sign_registration(w, &op, key);
  return op;
}

/* Act of council by its members, signed; body lives in the caller's buf of CF_ACT_BODY_MAX. */
UNUSED static cf_op_t op_act(world_t const *w, cf_act_t const *act, uint64_t number, uint8_t *buf) {
  cf_wr_t wr = cf_wr_init(buf, CF_ACT_BODY_MAX);
  cf_act_write(&wr, act);
  cf_op_t op = { .kind = CF_OP_ACT, .council = (uint8_t)cf_act_council(act->kind), .version = 1, .number = number,
                 .not_after_s = w->now + 60, .body = cf_wr_out(&wr) };
  cf_hash_t body = cf_keccak256(op.body);
  actor_t const *members = op.council == CF_LEDGER_GUARDIANS ? w->guardian : w->governor;
  member_sigs(&op.sigs, members, 2, cf_act_digest(&w->g.config.separator, op.council, op.version, number, op.not_after_s, &body));
  return op;
}

/* A settlement of body, valid now, signed by key over the present head. */
UNUSED static cf_settlement_meta_t good_meta(world_t const *w) {
  return (cf_settlement_meta_t){
    .sequence = 9, .valid_until_s = w->now + 3600, .as_of_s = w->now, .policy = status_of(w).policy_b, .mode = w->g.config.mode
  };
}

UNUSED static cf_op_t op_settle_word(world_t const *w, actor_t const *key, cf_hash_t meta, cf_span_t body) {
  cf_op_t op = { .kind       = CF_OP_SETTLE,
                 .meta       = meta,
                 .state_root = cf_word_is_zero(&w->state_root) ? hash_of("state") : w->state_root,
                 .receipts   = hash_of("receipts"),
                 .body       = body };
  cf_settlement_t s = { op.meta, head_of(w), op.state_root, cf_settlement_entries(body), op.receipts };
  sign_by(op.sig, key, cf_settlement_digest(&w->g.config.separator, &s));
  return op;
}

UNUSED static cf_op_t op_settle(world_t const *w, actor_t const *key, cf_settlement_meta_t meta, cf_span_t body) {
  return op_settle_word(w, key, cf_settlement_meta_pack(&meta), body);
}

/* A body from rows {kind, asset, id, amount}, consecutive rows of one kind and asset in one section. */
typedef struct {
  uint8_t  kind;
  uint32_t asset, id;
  int64_t  amount;
} row_t;

UNUSED static cf_span_t body_of(world_t *w, row_t const *rows, size_t n) {
  cf_wr_t wr = cf_wr_init(w->body, sizeof w->body);
  for (size_t i = 0; i < n;) {
    size_t end = i;
    while (end < n && rows[end].kind == rows[i].kind && rows[end].asset == rows[i].asset) end++;
    cf_section_write(&wr, (cf_section_kind_t)rows[i].kind, rows[i].asset, (uint16_t)(end - i));
    for (; i < end; i++) cf_entry_write(&wr, rows[i].id, rows[i].amount);
  }
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}
#define BODY(w, ...) body_of((w), (row_t const[]){ __VA_ARGS__ }, sizeof((row_t const[]){ __VA_ARGS__ }) / sizeof(row_t))
#define EMPTY_BODY CF_SPAN(NULL, 0)

/* Opens account n (1, 2, ...) for actor("owner", n) with units in asset 0, and registers a first key, waiting out its delay. */
UNUSED static void populate(world_t *w, uint32_t accounts, uint64_t units) {
  for (uint32_t i = 1; i <= accounts; i++) {
    cf_op_t op = op_open(actor("owner", i).addr);
    assert_int_equal(apply(w, &op, NULL), CF_REFUSAL_NONE);
    if (units == 0) continue;
    op = op_deposit(0, i, units);
    assert_int_equal(apply(w, &op, &w->issuer.addr), CF_REFUSAL_NONE);
  }
}

UNUSED static actor_t with_key(world_t *w) {
  actor_t key = actor("settlement key", 1);
  cf_op_t op  = op_register(w, &key, "instance 1", good_terms(w, 5, 1));
  assert_int_equal(apply(w, &op, NULL), CF_REFUSAL_NONE);
  w->now += w->g.config.key_delay_s;
  return key;
}

#endif
