/* What stands between a core and those that it asks, and shows it something else: a ledger's endpoint with blocks of yesterday, parts of
   two, blocks that nobody sealed; a log that ended earlier; and for the enclave, blocks that are not final. */
#include "cf_forger.h"

#include <assert.h>
#include <stdlib.h>

#include "enclave/cf_enclave_state.h"
#include "translog/cf_submission.h"

static bool begins(char const *s, char const *with) { return !strncmp(s, with, strlen(with)); }

static void keep(cf_kept_bytes_t *k, cf_span_t s) {
  free(k->bytes);
  k->bytes = malloc(s.len + 1);
  assert(k->bytes);
  if (s.len) memcpy(k->bytes, s.ptr, s.len);
  k->len = s.len;
}

/* ---- answers on their way ---- */

/* An answer to the same kind of question from before, or this one with a part of that one in it. */
static cf_span_t another(cf_town_t *t, cf_kept_bytes_t *old, cf_kept_bytes_t *made, cf_span_t body) {
  uint64_t how = cf_prng_below(&t->world.dice, 3);
  if (how == 0) return CF_SPAN(old->bytes, old->len);
  keep(made, body);
  for (size_t i = 0, n = made->len < old->len ? made->len : old->len; how == 1 && i < n / 2; i++) made->bytes[i] = old->bytes[i];
  if (how == 2 && made->len) made->bytes[cf_prng_below(&t->world.dice, made->len)] ^= 1;
  return CF_SPAN(made->bytes, made->len);
}

static bool is_gateway(cf_town_t const *t, unsigned node) {
  return node == t->site[0].gateway_node || node == t->site[1].gateway_node;
}

cf_span_t cf_forger_answer(void *town, unsigned from, unsigned to, char const *path, unsigned code, cf_span_t body) {
  cf_town_t   *t = town;
  cf_forger_t *f = &t->forger;
  bool         block = from == t->ledger_node && begins(path, "GET /ledger/blocks/");
  bool         acts = from == t->ledger_node && begins(path, "POST /ledger/acts") && is_gateway(t, to);
  bool         note = is_gateway(t, from) && begins(path, "GET /v1/checkpoint");
  if (!t->world.faults.on || code != 200 || !(block || acts || note)) return body;
  cf_kept_bytes_t *old = block ? &f->block : acts ? &f->acts : &f->note;
  if (!old->len || cf_prng_chance(&t->world.dice, 20000)) keep(old, body);
  if (note) return cf_world_chance(&t->world, CF_FAULT_STALE_LOG) ? CF_SPAN(old->bytes, old->len) : body;
  return cf_world_chance(&t->world, CF_FAULT_LYING_LEDGER) ? another(t, old, &f->made, body) : body;
}

/* ---- a view of what is not final ---- */

/* The newest block, or one like it with another time, under the statement of one observer who lies, or of nobody. */
void cf_forger_view(cf_town_t *t, cf_machine_t *m) {
  enum { ROOM = 128 << 10 };
  cf_enclave_t const *e = m->enclave;
  if (!t->ledger || !t->ledger->ready || t->ledger->chain.accepted || !cf_world_chance(&t->world, CF_FAULT_UNFINAL)) return;
  cf_chain_t             *chain = &t->ledger->chain;
  cf_block_header_t const was = chain->head;
  if (cf_prng_chance(&t->world.dice, 50000)) chain->head.time_s += 1 + cf_prng_below(&t->world.dice, 100);
  cf_finality_t           fin = {.number = chain->head.number, .block_hash = cf_block_hash(&chain->head), .time_s = chain->head.time_s};
  cf_finality_statement_t s;
  cf_finality_proof_t     p = {.number = fin.number, .block_hash = fin.block_hash, .time_s = fin.time_s, .cnt = 1};
  uint8_t const          *scalar = t->observer[0].lies ? t->keys.member[CF_OBSERVERS][0].scalar : t->keys.treasury;
  uint8_t                 proof[1024], *buf = malloc(ROOM);
  cf_wr_t                 pw = cf_wr_init(proof, sizeof proof), wr = cf_wr_init(buf, ROOM);
  cf_status_t             st = cf_finality_sign(&s, &t->domain->ledger, &fin, 0, scalar);
  assert(buf && !st);
  (void)st;
  memcpy(p.at[0].sig, s.sig, 64);
  cf_finality_proof_write(&pw, &p);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_SHOW_LEDGER);
  uint8_t *size = cf_wr_room(&wr, 4);
  if (e->view_state.messages <= cf_ledger_state_messages(chain->state) &&
      !cf_view_write(&wr, chain, cf_wr_out(&pw), &e->own.settlement_addr, NULL, 0, e->view_state.messages, NULL)) {
    cf_wr_t len = cf_wr_init(size, 4);
    cf_wr_u32(&len, (uint32_t)(wr.len - 6));
    (void)cf_machine_ask(m, cf_wr_out(&wr));
  }
  chain->head = was;
  free(buf);
}

/* ---- a log forked to a minority ---- */

typedef struct {
  uint64_t  cnt;
  cf_hash_t leaf[CF_CHECK_LOG_MAX];
} leaves_t;

static void take_leaf(void *ctx, uint64_t index, cf_span_t entry) {
  leaves_t *l = ctx;
  l->leaf[index] = cf_tree_leaf(entry);
  l->cnt = index + 1;
}

static cf_status_t read_node(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  leaves_t const *l = ctx;
  if ((index + 1) << level > l->cnt) return CF_ERR_BOUND;
  *out = cf_tree_root_of(l->leaf + (index << level), (uint64_t)1 << level);
  return CF_OK;
}

/* The host signs another entry behind what a witness holds, and shows it to that one alone. */
static bool fork_note(cf_town_t *t, cf_wr_t *body, leaves_t *l, uint64_t size) {
  cf_witness_set_t const *set = &t->domain->witnesses;
  uint8_t                 note[1024];
  cf_wr_t                 wr = cf_wr_init(note, sizeof note);
  cf_submission_t         s = {.old_size = size};
  cf_tree_reader_t        reader = {read_node, l};
  uint64_t                v = cf_prng_next(&t->world.dice);
  take_leaf(l, size, CF_SPAN((uint8_t const *)&v, sizeof v));
  cf_hash_t root = cf_tree_root_of(l->leaf, size + 1);
  if (cf_tree_consistency_prove(s.path, &s.path_cnt, &reader, size, size + 1)) return false;
  cf_checkpoint_sign(&wr, &set->log, t->keys.log, size + 1, &root);
  s.note = cf_wr_out(&wr);
  cf_submission_write(body, &s);
  return !wr.bad && !body->bad;
}

void cf_forger_fork(cf_town_t *t) {
  cf_witness_set_t const *set = &t->domain->witnesses;
  unsigned                w = (unsigned)set->cnt - 1, from = t->site[t->primary].gateway_node, peer = 0;
  if (!set->f || t->forked || t->check.witness[0].faulty) return; /* the f that may lie are spoken for */
  cf_check_head_t h = cf_check_held(&t->check, w);
  leaves_t       *l = calloc(1, sizeof *l);
  uint8_t         buf[6144];
  cf_wr_t         body = cf_wr_init(buf, sizeof buf);
  assert(l);
  while (peer < CF_SIM_PEERS_MAX && t->world.node[from].peer[peer].node != t->witness[w].node) peer++;
  if (peer < CF_SIM_PEERS_MAX && h.size && cf_read_log(cf_town_disk(t, t->primary), h.size, take_leaf, l) &&
      fork_note(t, &body, l, h.size)) {
    t->forked = true;
    t->world.counts.fault[CF_FAULT_FORKED]++;
    cf_world_say(&t->world, "---- the log is forked to one witness ----");
    cf_world_send(&t->world, from,
                  &(cf_effect_t){.kind = CF_FX_ASK,
                                 .peer = peer,
                                 .id = UINT64_MAX,
                                 .timeout_ms = 2000,
                                 .name = CF_SPAN_LIT("POST /add-checkpoint"),
                                 .body = cf_wr_out(&body)});
  }
  free(l);
}

void cf_forger_fini(cf_forger_t *f) {
  free(f->block.bytes);
  free(f->acts.bytes);
  free(f->note.bytes);
  free(f->made.bytes);
}
