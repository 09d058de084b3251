/* The host between gateway and enclave, hostile: what it slips in must change nothing.  And a thief who has a settlement key:
   what he signs must not move value. */
#include <assert.h>
#include <stdlib.h>

#include "cf_forger.h"
#include "enclave/cf_enclave_state.h"

static void keep(cf_kept_bytes_t *k, cf_span_t s) {
  free(k->bytes);
  k->bytes = malloc(s.len + 1);
  assert(k->bytes);
  if (s.len) memcpy(k->bytes, s.ptr, s.len);
  k->len = s.len;
}

static cf_span_t kept(cf_kept_bytes_t const *k) { return CF_SPAN(k->bytes, k->len); }

static cf_message_type_t type_of(cf_span_t frame) {
  return frame.len < 2 ? (cf_message_type_t)0 : (cf_message_type_t)frame.ptr[1];
}

/* ---- k - 1 ---- */

/* A note over a log's first size entries with one cosignature too few. */
static void early_note(cf_town_t *t, cf_wr_t *out, uint64_t size, cf_hash_t const *root) {
  cf_witness_set_t const *set = &t->domain->witnesses;
  uint8_t                 text_buf[512], note_buf[1024], sig[64];
  cf_wr_t                 text = cf_wr_init(text_buf, sizeof text_buf), note = cf_wr_init(note_buf, sizeof note_buf);
  cf_cosig_t              cosig[CF_WITNESSES_MAX] = {{0}};
  cf_checkpoint_t         cp;
  cf_note_t               parsed;
  cf_checkpoint_format(&text, cf_vkey_name(&set->log), size, root);
  cf_checkpoint_sign(&note, &set->log, t->keys.log, size, root);
  cf_status_t st = cf_checkpoint_open(&cp, &parsed, sig, cf_wr_out(&note), &set->log, NULL);
  assert(!st);
  (void)st;
  for (unsigned i = 0; i + 1 < set->k; i++) {
    cf_cosig_make(&cosig[i], t->keys.member[CF_WITNESSES][i].es256, t->world.now_ms / 1000, cf_wr_out(&text));
    cosig[i].have = true;
  }
  cf_checkpoint_compose(out, cf_wr_out(&text), set, sig, cosig);
}

typedef struct {
  cf_wr_t   wr;
  uint64_t  from;
  cf_hash_t leaf[CF_CHECK_LOG_MAX];
} early_t;

static void early_entry(void *ctx, uint64_t index, cf_span_t entry) {
  early_t *e = ctx;
  e->leaf[index] = cf_tree_leaf(entry);
  if (index < e->from) return;
  cf_wr_u16(&e->wr, (uint16_t)entry.len);
  cf_wr_span(&e->wr, entry);
}

/* What the log on d has from where the enclave read to size, under a note; none: k - 1 stand behind it. */
static bool show(cf_town_t *t, cf_machine_t *m, cf_disk_t const *d, uint64_t size, cf_span_t under) {
  uint64_t from = m->enclave->ahead_any ? m->enclave->ahead.frontier.size : m->enclave->feed.frontier.size;
  size_t   max = 1 << 20;
  if (size <= from || size > CF_CHECK_LOG_MAX) return false;
  early_t *e = malloc(sizeof *e);
  uint8_t *buf = malloc(max), note_buf[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t  note = cf_wr_init(note_buf, sizeof note_buf);
  bool     asked = false;
  assert(e && buf);
  e->wr = cf_wr_init(buf, max);
  e->from = from;
  cf_wr_u8(&e->wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&e->wr, CF_MSG_SHOW_LOG);
  cf_wr_u64(&e->wr, from);
  cf_wr_u32(&e->wr, (uint32_t)(size - from));
  if (cf_read_log(d, size, early_entry, e)) {
    cf_hash_t root = cf_tree_root_of(e->leaf, size);
    if (under.len) cf_wr_span(&note, under);
    else early_note(t, &note, size, &root);
    cf_wr_u32(&e->wr, (uint32_t)note.len);
    cf_wr_span(&e->wr, cf_wr_out(&note));
    asked = !e->wr.bad;
    if (asked) (void)cf_machine_ask(m, cf_wr_out(&e->wr));
  }
  free(buf);
  free(e);
  return asked;
}

static void show_early(cf_town_t *t, cf_machine_t *m) {
  cf_disk_t const *d = &t->world.disk[t->world.node[m->node].host];
  uint64_t         size = cf_log_size(d);
  if (size > m->enclave->feed.frontier.size && size <= CF_CHECK_LOG_MAX && cf_world_chance(&t->world, CF_FAULT_EARLY))
    (void)show(t, m, d, size, CF_SPAN(NULL, 0));
}

#define NOTES_DIR "public/checkpoints/"

static uint64_t note_size(cf_disk_file_t const *f) { return strtoull(f->name + sizeof NOTES_DIR - 1, NULL, 10); }

/* The newest cosigned note of a size above from and below to. */
static cf_disk_file_t const *note_between(cf_disk_t const *d, uint64_t from, uint64_t to) {
  cf_disk_file_t const *best = NULL;
  for (size_t i = 0; i < d->files; i++) {
    cf_disk_file_t const *f = &d->file[i];
    if (strncmp(f->name, NOTES_DIR, sizeof NOTES_DIR - 1) || note_size(f) <= from || note_size(f) >= to) continue;
    if (!best || note_size(f) > note_size(best)) best = f;
  }
  return best;
}

bool cf_host_show(cf_town_t *t, cf_machine_t *m, cf_disk_t const *d, bool withheld) {
  uint64_t              from = m->enclave->feed.frontier.size;
  cf_disk_file_t const *f = note_between(d, from, UINT64_MAX);
  if (f && withheld) f = note_between(d, from, note_size(f));
  return f && show(t, m, d, note_size(f), cf_disk_bytes(f));
}

/* ---- old envelopes ---- */

static void keep_envelopes(cf_hostile_t *h, cf_span_t request) {
  cf_rd_t rd = cf_rd_span(request);
  (void)cf_rd_u16(&rd);
  for (uint16_t n = cf_rd_u16(&rd); n > 0 && !rd.bad; n--) {
    uint32_t  len = cf_rd_u32(&rd);
    cf_span_t s = cf_rd_take_span(&rd, len);
    if (s.len) keep(&h->envelope[h->envelopes++ % CF_HOSTILE_ENVELOPES], s);
  }
}

/* An envelope that is in a receipt that counts. */
static cf_span_t old_envelope(cf_town_t *t) {
  cf_hostile_t *h = &t->hostile;
  size_t        n = h->envelopes < CF_HOSTILE_ENVELOPES ? h->envelopes : CF_HOSTILE_ENVELOPES;
  if (!n) return CF_SPAN(NULL, 0);
  cf_span_t e = kept(&h->envelope[cf_prng_below(&t->world.dice, n)]);
  cf_hash_t id = cf_sha256(e);
  for (size_t k = 0; k < t->check.receipts; k++)
    for (uint32_t i = 0; t->check.receipt[k].counts_at && i < t->check.receipt[k].inputs; i++)
      if (cf_hash_eq(&t->check.receipt[k].id[i], &id)) return e;
  return CF_SPAN(NULL, 0);
}

static cf_span_t add_old(cf_town_t *t, cf_span_t request) {
  cf_hostile_t *h = &t->hostile;
  cf_span_t     e = old_envelope(t);
  uint16_t      n = (uint16_t)(request.ptr[2] << 8 | request.ptr[3]);
  if (!e.len || n >= 16 || !cf_world_chance(&t->world, CF_FAULT_REPLAY)) return request;
  uint8_t *buf = malloc(request.len + 4 + e.len);
  cf_wr_t  wr = cf_wr_init(buf, request.len + 4 + e.len);
  assert(buf);
  cf_wr_span(&wr, request);
  cf_wr_u32(&wr, (uint32_t)e.len);
  cf_wr_span(&wr, e);
  buf[2] = (uint8_t)((n + 1) >> 8);
  buf[3] = (uint8_t)(n + 1);
  keep(&h->request, cf_wr_out(&wr));
  free(buf);
  h->added = true;
  h->added_at = n;
  return kept(&h->request);
}

/* ---- views ---- */

/* Where a view's finality proof ends: what follows proves slots against the block before it. */
static size_t view_head(cf_span_t request) {
  size_t proof = 6 + 1 + CF_BLOCK_HEADER_SZ + 20;
  return proof + 2 <= request.len ? proof + 2 + (size_t)(request.ptr[proof] << 8 | request.ptr[proof + 1]) : SIZE_MAX;
}

/* Block and finality of one view, slots and messages of another: the newer's time with the older's head, or the other way round. */
static void mix_views(cf_town_t *t, cf_machine_t *m) {
  cf_hostile_t *h = &t->hostile;
  cf_span_t     a = kept(&h->view), b = kept(&h->view_newest);
  if (!a.len || !b.len || cf_span_eq(a, b) || !cf_world_chance(&t->world, CF_FAULT_MIXED_VIEW)) return;
  if (cf_prng_chance(&t->world.dice, 50000)) {
    cf_span_t c = a;
    a = b;
    b = c;
  }
  size_t head = view_head(a), rest = view_head(b);
  if (head > a.len || rest > b.len) return;
  uint8_t *mixed = malloc(head + b.len - rest);
  assert(mixed);
  memcpy(mixed, a.ptr, head);
  memcpy(mixed + head, b.ptr + rest, b.len - rest);
  cf_wr_t len = cf_wr_init(mixed + 2, 4);
  cf_wr_u32(&len, (uint32_t)(head + b.len - rest - 6));
  (void)cf_machine_ask(m, CF_SPAN(mixed, head + b.len - rest));
  free(mixed);
}

/* ---- both ways ---- */

cf_span_t cf_host_tamper(void *town, cf_machine_t *m, cf_span_t request) {
  cf_town_t        *t = town;
  cf_hostile_t     *h = &t->hostile;
  cf_message_type_t type = type_of(request);
  h->added = false;
  if (!t->world.faults.on || request.len < 4) return request;
  if (t->zombie.enclave) cf_zombie_prod(t, &t->world.disk[t->world.node[m->node].host]);
  if (cf_enclave_phase(m->enclave) == CF_PHASE_SERVING) {
    show_early(t, m);
    if (h->view.len && cf_world_chance(&t->world, CF_FAULT_STALE_VIEW)) (void)cf_machine_ask(m, kept(&h->view));
    mix_views(t, m);
    cf_forger_view(t, m);
  }
  if (type == CF_MSG_SHOW_LEDGER) keep(&h->view_newest, request);
  if (type == CF_MSG_SHOW_LEDGER && (!h->view.len || cf_prng_chance(&t->world.dice, 10000))) keep(&h->view, request);
  if (type != CF_MSG_BATCH) return request;
  keep_envelopes(h, request);
  return add_old(t, request);
}

/* The gateway did not ask for the envelope that was added, and need not know. */
cf_span_t cf_host_restore(void *town, cf_machine_t *m, cf_span_t answer) {
  cf_hostile_t *h = &((cf_town_t *)town)->hostile;
  (void)m;
  if (!h->added || answer.len < 5 || answer.ptr[2]) return answer;
  uint16_t n = (uint16_t)(answer.ptr[3] << 8 | answer.ptr[4]);
  if (!n) return answer;
  size_t at = 5 + 3 * (size_t)(n - 1u);
  if ((answer.ptr[at] << 8 | answer.ptr[at + 1]) != h->added_at) return answer;
  keep(&h->answer, answer);
  h->answer.bytes[3] = (uint8_t)((n - 1u) >> 8);
  h->answer.bytes[4] = (uint8_t)(n - 1u);
  memmove(h->answer.bytes + at, h->answer.bytes + at + 3, h->answer.len - at - 3);
  h->answer.len -= 3;
  return kept(&h->answer);
}

void cf_host_fini(cf_hostile_t *h) {
  for (size_t i = 0; i < CF_HOSTILE_ENVELOPES; i++) free(h->envelope[i].bytes);
  free(h->view.bytes);
  free(h->view_newest.bytes);
  free(h->request.bytes);
  free(h->answer.bytes);
}

/* ---- the thief ---- */

/* One unit out of nothing, under the key of the epoch that is registered. */
void cf_host_forge(cf_town_t *t, cf_machine_t *m, cf_span_t request, cf_span_t answer) {
  cf_enclave_t const *e = m->enclave;
  (void)answer;
  if (type_of(request) != CF_MSG_BATCH || e->phase != CF_PHASE_SERVING || !t->ledger || !t->ledger->ready || !t->bank.done)
    return;
  if (!cf_world_chance(&t->world, CF_FAULT_FORGED)) return;
  uint8_t body_buf[64], op_buf[512], call_buf[1024];
  cf_wr_t body = cf_wr_init(body_buf, sizeof body_buf), ow = cf_wr_init(op_buf, sizeof op_buf),
          cw = cf_wr_init(call_buf, sizeof call_buf);
  uint64_t             now_s = t->ledger->chain.head.time_s;
  cf_hash_t            key = cf_slot_plain(CF_SLOT_HEAD), digest;
  cf_settlement_meta_t meta = {.sequence = e->sequence + 1,
                               .as_of_s = now_s,
                               .valid_until_s = now_s + t->domain->genesis.ledger.max_validity_s,
                               .policy = 1,
                               .mode = CF_MODE_NET};
  cf_section_write(&body, CF_SECTION_POSITIONS, (uint32_t)cf_prng_below(&t->world.dice, t->assets), 1);
  cf_entry_write(&body, 1, 1);
  cf_op_t         op = {.kind = CF_OP_SETTLE, .meta = cf_settlement_meta_pack(&meta), .body = cf_wr_out(&body)};
  cf_settlement_t s = {op.meta, cf_ledger_state_get(t->ledger->chain.state, &key), op.state_root, cf_settlement_entries(op.body),
                       op.receipts};
  digest = cf_settlement_digest(&t->domain->ledger.separator, &s);
  if (cf_k256_sign(op.sig, e->own.settlement, &digest)) return;
  cf_op_write(&ow, &op);
  cf_call_t call = {.deadline_s = now_s + 1000, .nonce = e->sequence, .op = cf_wr_out(&ow)};
  cf_wr_u32(&cw, 0);
  cf_call_write(&cw, &call);
  assert(!cw.bad && !ow.bad);
  cf_wr_t head = cf_wr_init(call_buf, 4);
  cf_wr_u32(&head, (uint32_t)(cw.len - 4));
  cf_world_send(&t->world, t->bank_node,
                &(cf_effect_t){.kind = CF_FX_ASK,
                               .peer = CF_PEER_LEDGER,
                               .id = 999,
                               .timeout_ms = 1000,
                               .name = CF_SPAN_LIT("POST /ledger/acts"),
                               .body = cf_wr_out(&cw)});
}
