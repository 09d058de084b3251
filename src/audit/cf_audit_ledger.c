/* The embedded ledger, replayed by its rules from block 0; finality proofs against it; conservation per asset. */
#include <stdio.h>

#include "audit/cf_audit_state.h"
#include "base/cf_math.h"

/* ---- what calls do ---- */

static void add(cf_asset_row_t *x, uint64_t *sum, uint64_t units) {
  if (!cf_add_u64(sum, *sum, units)) x->over = true;
}

void cf_audit_body(cf_audit_t *a, cf_span_t body) {
  cf_section_t s;
  cf_entry_t   e;
  uint32_t     last = UINT32_MAX;
  for (cf_rd_t rd = cf_rd_span(body); cf_section_next(&rd, &s);) {
    if (s.asset >= CF_GENESIS_ASSETS_MAX) continue;
    cf_asset_row_t *x = &a->assets[s.asset];
    if (s.asset != last) x->settlements++;
    last = s.asset;
    while (s.kind == CF_SECTION_POSITIONS && cf_entry_next(&s, &e))
      if (e.amount > 0) add(x, &x->net, (uint64_t)e.amount);
  }
}

static void on_settled(cf_audit_t *a, cf_op_t const *op, cf_ledger_effects_t const *fx) {
  *(cf_move_row_t *)cf_vec_add(&a->moves, &a->mem) = (cf_move_row_t){a->block_now, fx->settled.head, fx->settled.settlement};
  cf_audit_body(a, op->body);
}

static void on_call(void *ctx, cf_call_t const *call, cf_op_t const *op, cf_ledger_effects_t const *fx) {
  cf_audit_t     *a = ctx;
  cf_asset_row_t *x = op->asset < CF_GENESIS_ASSETS_MAX ? &a->assets[op->asset] : NULL;
  a->n.calls++;
  if (fx->settled.due) on_settled(a, op, fx);
  if (op->kind == CF_OP_REGISTER)
    *(cf_registration_row_t *)cf_vec_add(&a->registrations, &a->mem) = (cf_registration_row_t){a->block_now, true, op->registration};
  if (op->kind == CF_OP_DEPOSIT && x) add(x, &x->deposited, op->units);
  if (fx->pay.due && fx->pay.asset < CF_GENESIS_ASSETS_MAX)
    add(&a->assets[fx->pay.asset], &a->assets[fx->pay.asset].paid, fx->pay.units);
}

/* ---- blocks ---- */

static bool replay(cf_audit_t *a, uint64_t number, char const *name, cf_span_t bytes) {
  cf_who_t    who = CF_WHO(CF_RANK_LEDGER, 10);
  cf_error_t  err = {0};
  cf_status_t st;
  a->block_now = number;
  if (number == 0) {
    uint8_t *body = cf_mem_take(&a->mem, CF_GENESIS_BYTES_MAX);
    cf_wr_t  wr = cf_wr_init(body, CF_GENESIS_BYTES_MAX);
    cf_ledger_genesis_write(&wr, &a->domain.block0);
    cf_span_t expect = cf_wr_out(&wr);
    st = cf_chain_start(&a->chain, bytes, &expect, &err);
  } else {
    st = cf_chain_replay(&a->chain, bytes, &err);
  }
  if (st) {
    bool fault_of_key = st == CF_ERR_POLICY;
    cf_audit_fault(a, who, name, fault_of_key ? cf_next_keep : cf_next_copy, "%s: %s", cf_status_name(st),
                   err.text[0] ? err.text : "not a block");
    return false;
  }
  cf_hash_t head = cf_slot_plain(CF_SLOT_HEAD);
  *(cf_block_row_t *)cf_vec_add(&a->blocks, &a->mem) =
      (cf_block_row_t){a->chain.hash, cf_ledger_state_get(a->chain.state, &head), a->chain.head.time_s};
  return true;
}

static bool is_block(uint64_t *number, char const *name) {
  uint64_t v = 0;
  char     again[48];
  if (strlen(name) != 34 || strncmp(name, "ledger/blocks/", 14)) return false;
  for (size_t i = 14; i < 34; i++) {
    unsigned d = (unsigned)(unsigned char)name[i] - '0';
    if (d > 9 || v > (UINT64_MAX - d) / 10) return false;
    v = v * 10 + d;
  }
  *number = v;
  snprintf(again, sizeof again, "ledger/blocks/%020llu", (ull_t)v);
  return !strcmp(again, name);
}

static cf_read_t read_block(cf_audit_t *a, cf_span_t *bytes, char name[48], uint64_t number) {
  snprintf(name, 48, "ledger/blocks/%020llu", (ull_t)number);
  return cf_audit_try(a, bytes, name, CF_BLOCK_MAX);
}

static bool has_block(cf_audit_t *a, uint64_t number) {
  char      name[48];
  cf_span_t bytes;
  cf_read_t r = read_block(a, &bytes, name, number);
  return r == CF_READ_OK || r == CF_READ_LARGE;
}

/* The ledger's extent is taken before the log's: a settlement is in the log before it executes, so each that these blocks executed
   is in the log that is read after them.  Where the tree cannot be listed it is searched for. */
bool cf_audit_blocks(cf_audit_t *a) {
  uint64_t number, step = 1;
  for (uint64_t i = 0; i < a->names.cnt; i++)
    if (is_block(&number, ((cf_name_t *)cf_vec_at(&a->names, i))->name) && number >= a->blocks_there) a->blocks_there = number + 1;
  if (a->listed || !has_block(a, 0)) return !a->failed_io;
  for (number = 0; has_block(a, number + step); step *= 2) number += step;
  for (; step; step /= 2)
    if (has_block(a, number + step)) number += step;
  a->blocks_there = number + 1;
  return !a->failed_io;
}

/* Blocks to replay: those that were there, and those that receipts name since. */
static uint64_t extent(cf_audit_t const *a) {
  uint64_t n = a->blocks_there;
  for (uint64_t i = 0; i < a->receipts.cnt; i++) {
    cf_receipt_row_t const *r = cf_vec_at(&a->receipts, i);
    if (r->view.number >= n && r->view.number < UINT64_MAX) n = r->view.number + 1;
  }
  return n;
}

/* Blocks behind one that failed are not judged; they are not strangers for that. */
static bool account_blocks(cf_audit_t *a) {
  bool later = a->blocks.cnt < a->blocks_there;
  for (uint64_t i = 0; i < a->names.cnt; i++) {
    cf_name_t *n = cf_vec_at(&a->names, i);
    uint64_t   number;
    if (!is_block(&number, n->name) || number < a->blocks.cnt) continue;
    n->accounted = true;
  }
  return later;
}

static void replay_all(cf_audit_t *a) {
  uint64_t cnt = extent(a);
  a->ledger_whole = true;
  for (uint64_t number = 0; (!number || number < cnt) && !a->failed_io; number++) {
    char      name[48];
    cf_span_t bytes;
    cf_read_t r = read_block(a, &bytes, name, number);
    if (r == CF_READ_ABSENT) {
      bool later = account_blocks(a);
      a->ledger_whole = number > 0 && !later;
      if (number == 0 || later)
        cf_audit_fault(a, CF_WHO(CF_RANK_LEDGER, 10), name, cf_next_copy,
                       later ? "missing; later blocks are there" : "missing; every ledger has block 0");
      return;
    }
    if (r == CF_READ_LARGE) cf_audit_fault(a, CF_WHO(CF_RANK_LEDGER, 10), name, cf_next_copy, "larger than any block");
    if (r != CF_READ_OK || !replay(a, number, name, bytes)) {
      a->ledger_whole = false;
      (void)account_blocks(a);
      return;
    }
  }
}

/* ---- conservation ---- */

static uint64_t sum_lanes(cf_audit_t const *a, cf_asset_row_t *x, cf_hash_t const *lanes, uint32_t accounts) {
  uint64_t sum = 0;
  for (uint32_t slot = 0; slot <= accounts / 4; slot++) {
    cf_hash_t key = cf_slot_add(lanes, slot), word = cf_ledger_state_get(a->chain.state, &key);
    for (uint32_t i = 0; i < 4; i++) add(x, &sum, cf_word_get(&word, 64 * i, 64) & CF_LANE_MAX);
  }
  return sum;
}

static void conserve(cf_audit_t *a) {
  cf_hash_t            key = cf_slot_plain(CF_SLOT_COUNTERS), word = cf_ledger_state_get(a->chain.state, &key);
  cf_ledger_counters_t c = cf_ledger_counters_unpack(&word);
  for (uint32_t asset = 0; asset < c.next_asset && asset < CF_GENESIS_ASSETS_MAX; asset++) {
    cf_asset_row_t *x = &a->assets[asset];
    cf_hash_t       lanes = cf_slot_lanes(asset), free_lanes = cf_slot_free_lanes(asset);
    uint64_t        left = 0, there = 0;
    x->lanes = sum_lanes(a, x, &lanes, c.next_account);
    x->free_lanes = sum_lanes(a, x, &free_lanes, c.next_account);
    bool holds =
        !x->over && cf_add_u64(&there, x->lanes, x->free_lanes) && cf_add_u64(&left, there, x->paid) && left == x->deposited;
    if (!holds)
      cf_audit_fault(a, CF_WHO(CF_RANK_LEDGER, 10), "ledger/blocks", cf_next_keep,
                     "asset %u is not conserved: %llu in lanes, %llu free, %llu paid out, %llu deposited", asset, (ull_t)x->lanes,
                     (ull_t)x->free_lanes, (ull_t)x->paid, (ull_t)x->deposited);
  }
}

/* ---- what others ask of it ---- */

cf_block_there_t cf_audit_block(cf_audit_t const *a, cf_audit_block_t *out, uint64_t number) {
  if (a->on_chain) return cf_audit_chain_block(a, out, number);
  if (number >= a->blocks.cnt) return a->ledger_whole ? CF_BLOCK_MISSING : CF_BLOCK_UNKNOWN;
  cf_block_row_t const *b = cf_vec_at(&a->blocks, number);
  *out = (cf_audit_block_t){number, b->hash, b->time_s};
  return CF_BLOCK_THERE;
}

bool cf_audit_head_at(cf_audit_t const *a, cf_hash_t *head, uint64_t number) {
  if (a->on_chain) return cf_audit_chain_head_at(a, head, number);
  if (number >= a->blocks.cnt) return false;
  *head = ((cf_block_row_t *)cf_vec_at(&a->blocks, number))->head;
  return true;
}

char const *cf_audit_at(cf_audit_t const *a, char file[48], char word[40], uint64_t block) {
  *word = 0;
  if (a->on_chain) snprintf(word, 40, "block %llu ", (ull_t)block);
  else snprintf(file, 48, "ledger/blocks/%020llu", (ull_t)block);
  return a->on_chain ? NULL : file;
}

bool cf_audit_ledger(cf_audit_t *a) {
  cf_who_t who = CF_WHO(CF_RANK_LEDGER, 10);
  if (a->on_chain) return cf_audit_chain(a);
  a->chain.hook = on_call;
  a->chain.hook_ctx = a;
  replay_all(a);
  if (a->failed_io) return false;
  if (!a->ledger_whole) {
    a->unread = true;
    return true;
  }
  cf_hash_t const *block0 = &((cf_block_row_t *)cf_vec_at(&a->blocks, 0))->hash;
  if (a->has_deployment && !cf_hash_eq(block0, &a->deployed))
    cf_audit_fault(a, who, "ledger/blocks/00000000000000000000", cf_next_keep,
                   "is not the block that the deployment entry names");
  if (!a->has_deployment && a->good > 1)
    cf_audit_fault(a, (cf_who_t){CF_RANK_GENESIS, 0, 0, 1, CF_ABOUT_OTHER}, NULL, cf_next_keep,
                   "the log's entry 1 is no deployment: nobody vouches for this ledger");
  conserve(a);
  return true;
}
