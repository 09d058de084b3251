/* A town around a gateway core: a real enclave, real witnesses and a real ledger process behind its peers; verifiers, observers and launcher
   are hands of the test that sign what they are asked.  Effects are performed in order on a disk and a store in memory, and
   every one of them is kept, so that a test can say what must come before what, and end the process at any of them. */
#ifndef CF_TEST_GATEWAY_TOWN_H
#define CF_TEST_GATEWAY_TOWN_H

#include "../enclave/world.h"

#include "base/cf_store.h"
#include "codec/cf_cbor.h"
#include "gateway/cf_gateway.h"
#include "ledger/cf_ledgerd.h"
#include "translog/cf_witness.h"

#include "node.h"

/* Set before town_new: the ledger is on a chain, of which so many nodes tell; 0: it is embedded. */
static unsigned town_nodes;
/* wei that the gateway may spend in a day */
static cf_wei_t town_budget = (cf_wei_t)1000000000000000000u;

#define NODES_MAX 3
enum {
  PEER_ENCLAVE,
  PEER_LAUNCHER,
  PEER_LEDGER,
  PEER_VERIFIER,
  PEER_OBSERVER,
  PEER_WITNESS,
  PEER_NODE = PEER_WITNESS + WITNESS_CNT,
  PEERS     = PEER_NODE + NODES_MAX
};
#define FILES_MAX  8192
#define EVENTS_MAX 4096
#define TRACE_MAX  65536
#define ROWS_MAX   4096
#define SIDE_MAX   4096

typedef struct {
  char     name[160];
  uint8_t *bytes;
  size_t   len;
} file_t;
typedef struct {
  file_t at[FILES_MAX];
  size_t cnt;
} folder_t;
typedef struct {
  cf_store_kind_t kind;
  cf_span_t       key, value; /* kept */
} row_t;
typedef struct {
  cf_effect_kind_t kind;
  unsigned         peer, code;
  uint64_t         id;
  char             name[96];
  size_t           len;
} trace_t;
typedef struct {
  uint64_t  id;
  unsigned  code;
  cf_span_t body; /* kept */
} reply_t;

typedef struct town {
  world_t      *w;
  cf_gateway_t *g;
  void         *mem;
  uint8_t       deployment[8192];
  size_t        deployment_sz;
  cf_ledgerd_t *ledger;
  cf_ledger_genesis_t ledger_genesis;
  node_chain_t *chain; /* instead of it */
  node_t        node[NODES_MAX];
  unsigned      nodes;
  uint8_t       sender[32];
  uint64_t      fee_max_wei;
  bool          no_blocks;
  unsigned      named[NODES_MAX]; /* how often a line said that this node lied */
  unsigned      malformed[NODES_MAX]; /* ... that what it answered was malformed */
  unsigned      halts;            /* ... that the sender halted */
  void        (*on_send)(struct town *t); /* before a node gets a transaction */
  struct { uint64_t at_ms, id; } late[256]; /* questions that nobody answers */
  size_t        late_cnt;
  cf_witness_t  witness[WITNESS_CNT];
  folder_t      disk, ledger_disk, witness_disk[WITNESS_CNT];
  row_t         row[ROWS_MAX];
  size_t        rows;
  uint64_t      fence;
  uint64_t      now_ms, epoch_ms; /* epoch: wall at now_ms 0 */
  cf_effects_t  fx, peer_fx;
  cf_event_t    queue[EVENTS_MAX];
  size_t        queue_cnt;
  uint64_t      wake_ms;
  cf_effect_t   side[SIDE_MAX]; /* the side lane, its bytes kept */
  size_t        side_cnt;
  trace_t      *trace;
  size_t        trace_cnt;
  reply_t       reply[4096];
  size_t        replies;
  uint64_t      requests;
  bool          dead, exited;
  unsigned      exit_code;
  char          said[512]; /* the last line of the log */
  /* what goes wrong */
  size_t        durable_left; /* durable effects until the process dies; SIZE_MAX: never */
  bool          torn;         /* the last one is half there */
  bool          side_late;    /* of the side lane one effect is performed in 10 ms */
  bool          side_stuck;   /* none is */
  bool          down[PEERS];
  bool          dies_at_view, dies_after_view, viewed; /* with the answer to a SHOW_LEDGER, or to the first batch behind it */
  unsigned      lose_reply;   /* of that peer, + 1: the next answer is lost after it was acted on */
  bool          snapshot_busy; /* refused before the enclave sees it, as with 16 MiB of results that wait */
  bool          observer_lies, observer_refuses;
  bool          verifier_refuses;
  void        (*verifier_lies)(cf_ear_t *ear); /* NULL: it does not */
  unsigned      verifier_asks;
  uint64_t      cosigned_s;   /* when a witness signed last */
  unsigned      statements;
  cf_span_t     statement;    /* the verifier's newest */
  unsigned      snapshots;
  bool          batched;      /* this enclave, once */
  uint64_t      watching;     /* the POST of envelopes whose reply is looked at */
} town_t;

/* ---- disks ---- */

static inline file_t *
file_find(folder_t *d, cf_span_t name) {
  for (size_t i = 0; i < d->cnt; i++)
    if (strlen(d->at[i].name) == name.len && !memcmp(d->at[i].name, name.ptr, name.len)) return &d->at[i];
  return NULL;
}

static inline file_t *
file_make(folder_t *d, cf_span_t name) {
  file_t *f = file_find(d, name);
  if (f) return f;
  assert_true(d->cnt < FILES_MAX && name.len < sizeof f->name);
  f = &d->at[d->cnt++];
  memset(f, 0, sizeof *f);
  memcpy(f->name, name.ptr, name.len);
  return f;
}

static inline void
file_put(folder_t *d, cf_span_t name, cf_span_t body, bool append) {
  file_t *f   = file_make(d, name);
  size_t  old = append ? f->len : 0;
  f->bytes    = realloc(f->bytes, old + body.len + 1);
  if (body.len) memcpy(f->bytes + old, body.ptr, body.len);
  f->len = old + body.len;
}

static inline void
file_remove(folder_t *d, cf_span_t name) {
  file_t *f = file_find(d, name);
  if (!f) return;
  free(f->bytes);
  *f = d->at[--d->cnt];
}

static int
by_name(void const *a, void const *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline cf_span_t
file_list(folder_t *d, cf_span_t name) {
  static uint8_t buf[1 << 20];
  static char const *names[FILES_MAX];
  cf_wr_t wr  = cf_wr_init(buf, sizeof buf);
  size_t  cnt = 0;
  for (size_t i = 0; i < d->cnt; i++) {
    char const *n = d->at[i].name;
    if (strncmp(n, (char const *)name.ptr, name.len) || n[name.len] != '/' || strchr(n + name.len + 1, '/')) continue;
    names[cnt++] = n + name.len + 1;
  }
  qsort(names, cnt, sizeof *names, by_name);
  for (size_t i = 0; i < cnt; i++) cf_wr_bytes(&wr, names[i], strlen(names[i]) + 1);
  return cf_wr_out(&wr);
}

static inline void
folder_free(folder_t *d) {
  for (size_t i = 0; i < d->cnt; i++) free(d->at[i].bytes);
  d->cnt = 0;
}

/* ---- the store ---- */

static inline bool
store_commit(town_t *t, cf_span_t body) {
  cf_rd_t          rd;
  cf_store_write_t w;
  uint64_t         fence;
  assert_int_equal(cf_store_open(&rd, &fence, body), CF_OK);
  if (fence < t->fence) return false;
  t->fence = fence;
  while (cf_store_next(&rd, &w)) {
    size_t i = 0;
    while (i < t->rows && !(t->row[i].kind == w.kind && cf_span_eq(t->row[i].key, w.key))) i++;
    if (!w.put) {
      if (i < t->rows) t->row[i] = t->row[--t->rows];
      continue;
    }
    assert_true(i < ROWS_MAX);
    t->row[i] = (row_t){ w.kind, keep(w.key), keep(w.value) };
    if (i == t->rows) t->rows++;
  }
  assert_true(cf_rd_done(&rd));
  return true;
}

static inline int
by_key(void const *a, void const *b) {
  cf_span_t x = ((row_t const *)a)->key, y = ((row_t const *)b)->key;
  int       c = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
  return c ? c : (x.len > y.len) - (x.len < y.len);
}

/* By rising keys, as the store has them. */
static inline cf_span_t
store_scan(town_t *t, cf_store_kind_t kind) {
  static uint8_t buf[16 << 20];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  static row_t   row[ROWS_MAX];
  memcpy(row, t->row, t->rows * sizeof *row);
  qsort(row, t->rows, sizeof *row, by_key);
  cf_store_begin(&wr, t->fence);
  for (size_t i = 0; i < t->rows; i++)
    if (row[i].kind == kind) cf_store_put(&wr, kind, row[i].key, row[i].value);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static inline size_t
store_rows(town_t const *t, cf_store_kind_t kind) {
  size_t n = 0;
  for (size_t i = 0; i < t->rows; i++) n += t->row[i].kind == kind;
  return n;
}

/* ---- peers ---- */

static inline cf_now_t
town_now(town_t const *t) {
  return (cf_now_t){ t->now_ms, t->epoch_ms + t->now_ms };
}

/* A peer's core takes a request; its reply is kept. */
typedef void step_fn_t(void *core, cf_effects_t *fx, cf_event_t const *ev);
static void step_ledger(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_ledgerd_step(core, fx, ev); }
/* Each request is a burst of its own. */
static void
step_witness(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  cf_witness_step(core, fx, ev);
  if (ev->kind == CF_EV_REQUEST) cf_witness_step(core, fx, &(cf_event_t){ .kind = CF_EV_TICK, .now = ev->now });
}

static inline bool
core_ask(town_t *t, folder_t *disk, step_fn_t *step, void *core, cf_event_kind_t kind, cf_span_t name, cf_span_t body, unsigned *code, cf_span_t *answer) {
  cf_event_t     ev[16] = { { .kind = kind, .now = town_now(t), .id = 1, .path = name, .body = body } };
  size_t         cnt    = 1;
  bool           got    = false;
  uint8_t const *q      = name.len ? memchr(name.ptr, '?', name.len) : NULL;
  if (q) {
    ev[0].path  = CF_SPAN(name.ptr, q - name.ptr);
    ev[0].query = CF_SPAN(q + 1, name.ptr + name.len - q - 1);
  }
  while (cnt) {
    cf_event_t one = ev[0];
    memmove(ev, ev + 1, --cnt * sizeof *ev);
    t->peer_fx.cnt = t->peer_fx.scratch_len = 0;
    step(core, &t->peer_fx, &one);
    for (size_t i = 0; i < t->peer_fx.cnt; i++) {
      cf_effect_t const *e = &t->peer_fx.at[i];
      if (e->kind == CF_FX_PUT || e->kind == CF_FX_APPEND) file_put(disk, e->name, e->body, e->kind == CF_FX_APPEND);
      if (e->kind == CF_FX_GET || e->kind == CF_FX_LIST) {
        file_t *f = e->kind == CF_FX_GET ? file_find(disk, e->name) : NULL;
        assert_true(cnt < 16);
        ev[cnt++] = (cf_event_t){ .kind = CF_EV_DONE, .now = town_now(t), .id = e->id, .code = e->kind == CF_FX_LIST || f ? 200 : 404,
                                  .body = e->kind == CF_FX_LIST ? keep(file_list(disk, e->name)) : f ? keep(CF_SPAN(f->bytes, f->len)) : CF_SPAN(NULL, 0) };
      }
      if (e->kind == CF_FX_REPLY && e->id == 1) {
        *code   = e->code;
        *answer = keep(e->body);
        got     = true;
      }
    }
  }
  return got;
}

static inline bool
ask_ledger(town_t *t, cf_span_t name, cf_span_t body, unsigned *code, cf_span_t *answer) {
  if (core_ask(t, &t->ledger_disk, step_ledger, t->ledger, CF_EV_REQUEST, name, body, code, answer)) return true;
  t->now_ms += 1; /* the block's interval */
  return core_ask(t, &t->ledger_disk, step_ledger, t->ledger, CF_EV_TICK, CF_SPAN(NULL, 0), CF_SPAN(NULL, 0), code, answer);
}

static inline void
ask_observer(town_t *t, unsigned *code, cf_span_t *answer) {
  if (t->observer_refuses) {
    *code   = 403;
    *answer = CF_SPAN_LIT("{\"type\":\"urn:counterfoil:observer:fork\",\"status\":403}");
    return;
  }
  uint8_t                 buf[1 + CF_FINALITY_STATEMENT_SZ];
  cf_wr_t                 wr = cf_wr_init(buf, sizeof buf);
  cf_finality_statement_t s;
  cf_finality_t           f  = { .log_size = 1 };
  if (t->chain) {
    node_block_t const *b = &t->chain->block[t->chain->final];
    f                     = (cf_finality_t){ .number = b->h.number, .block_hash = b->hash, .time_s = b->h.time_s, .log_size = 1 };
  } else {
    cf_chain_t const *c = &t->ledger->chain;
    f                   = (cf_finality_t){ .number = c->head.number, .block_hash = c->hash, .time_s = c->head.time_s, .log_size = 1 };
  }
  if (t->observer_lies) f.block_hash.b[0] ^= 1;
  assert_int_equal(cf_finality_sign(&s, &t->w->ledger_id, &f, 0, t->w->observer), CF_OK);
  cf_wr_u8(&wr, 0);
  cf_finality_statement_write(&wr, &s);
  *code   = 200;
  *answer = keep(cf_wr_out(&wr));
}

/* DER in form: the certificate of a root. */
static cf_span_t const town_root = { (uint8_t const *)"\x30\x05\x30\x03\xa0\x01\x02", 7 };

/* Another one each time, under the verifier's key: what it relies on from now on. */
static inline void
new_statement(town_t *t) {
  uint8_t       buf[512], payload[8];
  cf_wr_t       wr = cf_wr_init(buf, sizeof buf), pw = cf_wr_init(payload, sizeof payload);
  cf_cose_hdr_t hdr = { .typ = CF_SPAN_LIT("application/counterfoil-credential+cose") };
  cf_wr_u64(&pw, ++t->statements);
  cf_sign1_encode(&wr, t->w->ear_key, &hdr, CF_SPAN_OF(payload));
  assert_false(wr.bad);
  t->statement = keep(cf_wr_out(&wr));
}

static inline void
ask_launcher(town_t *t, cf_span_t body, cf_span_t *answer) {
  uint8_t buf[16384];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(body.ptr[0], 1);
  cf_wr_u8(&wr, 1);
  cf_wr_u8(&wr, body.ptr[1]);
  cf_wr_u8(&wr, 0);
  switch (body.ptr[1]) {
  case 1: /* EVIDENCE: the binding and the certificate stand for it */
    cf_wr_u32(&wr, (uint32_t)(32 + t->w->quoted.len));
    cf_wr_bytes(&wr, body.ptr + 2, 32);
    cf_wr_span(&wr, t->w->quoted);
    w_span(&wr, town_root);
    break;
  case 2: w_span(&wr, CF_SPAN_LIT("chain")), w_span(&wr, CF_SPAN_LIT("ak")); break;
  case 3: cf_wr_bytes(&wr, "01234567890123456789012345678901", 32); break;
  default: fail_msg("launcher asked %u", body.ptr[1]);
  }
  *answer = keep(cf_wr_out(&wr));
}

static inline void
verifier_result(town_t *t, cf_span_t body, cf_wr_t *wr) {
  uint8_t   ear_buf[2048];
  cf_wr_t   ew       = cf_wr_init(ear_buf, sizeof ear_buf);
  cf_rd_t   rd       = cf_rd_span(body);
  cf_span_t evidence = r_span(&rd), collateral = r_span(&rd);
  cf_hash_t terms    = cf_rd_hash(&rd);
  (void)cf_rd_u64(&rd);
  assert_true(cf_rd_done(&rd) && collateral.len);
  cf_sign1_t s;
  cf_epoch_t cert;
  assert_int_equal(cf_document_open(&cert, &s, &cf_epoch_table, CF_SPAN(evidence.ptr + 32, evidence.len - 32), NULL), CF_OK);
  cf_hash_t hash = cf_document_hash(s.protected_hdr, s.payload), ev = cf_sha256(evidence);
  cf_ear_t  ear  = { .time = town_now(t).wall_ms / 1000, .status = CF_EAR_AFFIRMING, .verdict = CF_SPAN_LIT("ok"), .platform = 1, .class = 4,
                     .until = town_now(t).wall_ms / 1000 + 600 };
  memcpy(ear.domain, t->w->domain.b, 32);
  memcpy(ear.certificate, hash.b, 32);
  memcpy(ear.evidence, ev.b, 32);
  memcpy(ear.measurement, t->w->policy.measurements[0].measurement, 32);
  memcpy(ear.policy, t->w->policy_hash.b, 32);
  uint8_t   set_buf[128];
  cf_wr_t   set        = cf_wr_init(set_buf, sizeof set_buf);
  cf_hash_t members[2] = { cf_sha256(t->statement), cf_sha256(collateral) };
  cf_cbor_w_array(&set, 2);
  for (unsigned i = 0; i < 2; i++) cf_cbor_w_array(&set, 2), cf_cbor_w_uint(&set, 3 + i), cf_cbor_w_hash(&set, &members[i]);
  cf_hash_t set_hash = cf_sha256(cf_wr_out(&set));
  memcpy(ear.collateral, set_hash.b, 32);
  if (t->verifier_lies) t->verifier_lies(&ear);
  cf_ear_seal(&ew, &ear, t->w->ear_key, "v");
  cf_registration_t r = { .terms = terms, .certificate = hash, .evidence = ev };
  memcpy(r.key.b, cert.settlement, 20);
  memcpy(r.instance.b, cert.instance, 32);
  memcpy(r.measurement.b, t->w->policy.measurements[0].measurement, 32);
  cf_hash_t digest = cf_registration_digest(&t->w->ledger_id.separator, &t->w->domain, &r);
  uint8_t   sig[64];
  assert_int_equal(cf_k256_sign(sig, t->w->verifier, &digest), CF_OK);
  w_span(wr, cf_wr_out(&ew));
  cf_wr_bytes(wr, sig, 64);
  cf_wr_u8(wr, 0);
}

static inline void
ask_verifier(town_t *t, cf_span_t name, cf_span_t body, unsigned *code, cf_span_t *answer) {
  uint8_t buf[4096];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  *code      = 200;
  t->verifier_asks++;
  if (t->verifier_refuses) {
    *code   = 403;
    *answer = CF_SPAN_LIT("{\"type\":\"urn:counterfoil:verdict:measurement\",\"status\":403}");
    return;
  }
  if (cf_span_eq(name, CF_SPAN_LIT("POST /v1/nonce"))) {
    uint8_t nonce[32];
    cf_entropy_fill(&t->w->entropy, nonce, 32);
    cf_wr_bytes(&wr, nonce, 32);
  } else if (cf_span_eq(name, CF_SPAN_LIT("POST /v1/challenge"))) {
    cf_wr_u64(&wr, 77);
    w_span(&wr, CF_SPAN_LIT("challenge"));
  } else if (cf_span_eq(name, CF_SPAN_LIT("POST /v1/activate"))) {
    assert_int_equal(body.len, 40);
    new_statement(t);
    w_span(&wr, t->statement);
  } else {
    assert_true(cf_span_eq(name, CF_SPAN_LIT("POST /v1/attest")));
    if (town_now(t).wall_ms / 1000 > t->cosigned_s + t->w->policy.attest_max_age_s) {
      *code   = 409;
      *answer = CF_SPAN_LIT("{\"type\":\"urn:counterfoil:log:stale\",\"status\":409}");
      return;
    }
    verifier_result(t, body, &wr);
  }
  *answer = keep(cf_wr_out(&wr));
}

/* What must hold whenever the enclave is asked: a note that it is shown has its quorum and is on the disk already, byte for byte; and
   before a snapshot, everything that it executed is in the log. */
static inline void
watch_crossing(town_t *t, cf_span_t m) {
  cf_rd_t rd = cf_rd_init(m.ptr + 2, m.len - 2);
  if (m.ptr[1] == CF_MSG_SHOW_LOG) {
    cf_cosigned_t c;
    char          name[64];
    (void)cf_rd_u64(&rd);
    for (uint32_t n = cf_rd_u32(&rd); n; n--) (void)cf_rd_take(&rd, cf_rd_u16(&rd));
    cf_span_t note = r_span(&rd);
    assert_true(cf_rd_done(&rd));
    if (!note.len) return;
    assert_int_equal(cf_checkpoint_verify_canonical(&c, note, &t->w->witnesses, NULL), CF_OK);
    snprintf(name, sizeof name, "public/checkpoints/%020llu", (unsigned long long)c.size);
    file_t *f = file_find(&t->disk, CF_SPAN(name, strlen(name)));
    assert_true(f && cf_span_eq(note, CF_SPAN(f->bytes, f->len)));
  }
  if (m.ptr[1] == CF_MSG_BATCH && !t->batched) { /* an epoch's first batch is empty, and comes before anybody is shown evidence */
    t->batched = true;
    assert_string_equal(cf_gateway_status(t->g).missing, "first-batch");
    assert_int_equal(cf_rd_u16(&rd), 0);
  }
  if (m.ptr[1] == CF_MSG_BATCH || m.ptr[1] == CF_MSG_SNAPSHOT) /* either may make the enclave forget what it let out */
    for (size_t i = 0; i < t->side_cnt; i++) assert_false(t->side[i].kind == CF_FX_PUT && !strncmp((char const *)t->side[i].name.ptr, "gateway/", 8));
  if (m.ptr[1] == CF_MSG_SNAPSHOT) {
    cf_gateway_status_t s = cf_gateway_status(t->g);
    assert_int_equal(s.logged, s.sequence);
    t->snapshots++;
  }
}

static inline cf_status_t
ask_peer(town_t *t, cf_effect_t const *e, unsigned *code, cf_span_t *answer) {
  *code = 200;
  if (e->peer >= PEERS || t->down[e->peer]) return CF_ERR_IO;
  switch (e->peer) {
  case PEER_ENCLAVE: {
    if (!t->w->e) return CF_ERR_IO;
    watch_crossing(t, e->body);
    if (t->snapshot_busy && e->body.ptr[1] == CF_MSG_SNAPSHOT) {
      static uint8_t const busy[] = { CF_BOUNDARY_VERSION, CF_MSG_SNAPSHOT, CF_REFUSE_BUSY };
      *answer                     = CF_SPAN_OF(busy);
      break;
    }
    cf_wr_t wr = cf_wr_init(t->w->answer, CF_FRAME_MAX);
    uint8_t *copy = malloc(e->body.len + 1); /* the enclave uses it up */
    memcpy(copy, e->body.ptr, e->body.len);
    cf_enclave_ask(t->w->e, copy, e->body.len, &wr);
    free(copy);
    *answer = keep(cf_wr_out(&wr));
    if (e->body.ptr[1] == CF_MSG_SHOW_LEDGER) t->viewed = true, t->dead = t->dead || t->dies_at_view;
    if (e->body.ptr[1] == CF_MSG_BATCH && t->viewed && t->dies_after_view) t->dead = true; /* and the answer with it */
    break;
  }
  case PEER_LAUNCHER: ask_launcher(t, e->body, answer); break;
  case PEER_LEDGER:
    if (!ask_ledger(t, e->name, e->body, code, answer)) return CF_ERR_IO;
    break;
  case PEER_VERIFIER: ask_verifier(t, e->name, e->body, code, answer); break;
  case PEER_OBSERVER: ask_observer(t, code, answer); break;
  default:
    if (e->peer >= PEER_NODE) {
      if (t->on_send && memmem(e->body.ptr, e->body.len, "eth_sendRaw", 11)) t->on_send(t);
      *answer = node_answer(&t->node[e->peer - PEER_NODE], e->body);
      break;
    }
    if (!core_ask(t, &t->witness_disk[e->peer - PEER_WITNESS], step_witness, &t->witness[e->peer - PEER_WITNESS], CF_EV_REQUEST, e->name, e->body, code, answer))
      return CF_ERR_IO;
    if (*code == 200) t->cosigned_s = town_now(t).wall_ms / 1000;
  }
  if (t->lose_reply == e->peer + 1) {
    t->lose_reply = 0;
    return CF_ERR_IO;
  }
  return CF_OK;
}

/* ---- the gateway ---- */

static inline void
trace_add(town_t *t, cf_effect_t const *e) {
  assert_true(t->trace_cnt < TRACE_MAX);
  trace_t *r = &t->trace[t->trace_cnt++];
  *r         = (trace_t){ .kind = e->kind, .peer = e->peer, .code = e->code, .id = e->id, .len = e->body.len };
  snprintf(r->name, sizeof r->name, "%.*s", (int)(e->name.len < 90 ? e->name.len : 90), e->name.ptr ? (char const *)e->name.ptr : "");
  if (e->kind == CF_FX_ASK && e->peer == PEER_ENCLAVE) snprintf(r->name, sizeof r->name, "enclave %u", e->body.ptr[1]);
}

static inline void
done(town_t *t, uint64_t id, cf_status_t st, unsigned code, cf_span_t body) {
  assert_true(t->queue_cnt < EVENTS_MAX);
  t->queue[t->queue_cnt++] = (cf_event_t){ .kind = CF_EV_DONE, .id = id, .status = st, .code = code, .body = keep(body) };
}

/* A receipt that leaves is in the journal. */
static inline void
watch_reply(town_t *t, cf_effect_t const *e) {
  if (e->code != 200 || e->body.len < 2 || e->body.ptr[0] != 1 || e->body.ptr[1] == 0 || e->body.ptr[1] > 16 || t->watching != e->id) return;
  cf_rd_t rd = cf_rd_init(e->body.ptr + 2, e->body.len - 2);
  for (unsigned i = 0; i < e->body.ptr[1]; i++) {
    cf_span_t receipt = r_span(&rd);
    bool      found   = false;
    for (size_t f = 0; f < t->disk.cnt; f++)
      found = found || (strncmp(t->disk.at[f].name, "enclave/journal-", 16) == 0 && memmem(t->disk.at[f].bytes, t->disk.at[f].len, receipt.ptr, receipt.len)) ||
              (strncmp(t->disk.at[f].name, "public/log/tile/entries", 23) == 0 && memmem(t->disk.at[f].bytes, t->disk.at[f].len, receipt.ptr, receipt.len));
    assert_true(found);
  }
}

/* A durable effect; false when the process dies at it. */
static inline bool
durable(town_t *t, cf_effect_t const *e) {
  bool dies = t->durable_left == 0;
  if (!dies && t->durable_left != SIZE_MAX) t->durable_left--;
  if (dies && t->torn && e->kind == CF_FX_APPEND) { /* one sector of it did not arrive, and the file was written ahead */
    static uint8_t const zeros[4096];
    file_put(&t->disk, e->name, e->body, true);
    file_put(&t->disk, e->name, CF_SPAN_OF(zeros), true);
    file_t *f    = file_find(&t->disk, e->name);
    size_t  from = f->len - sizeof zeros - e->body.len, at = from + e->body.len / 2;
    size_t  to   = at / 512 * 512 + 512;
    at           = at / 512 * 512 < from ? from : at / 512 * 512;
    memset(f->bytes + at, 0, to - at);
  }
  if (dies) return false;
  switch ((int)e->kind) {
  case CF_FX_PUT: file_put(&t->disk, e->name, e->body, false); return true;
  case CF_FX_APPEND: file_put(&t->disk, e->name, e->body, true); return true;
  case CF_FX_REMOVE: file_remove(&t->disk, e->name); return true;
  default: return store_commit(t, e->body);
  }
}

static inline void side_go(town_t *t, size_t max);

static inline void
perform_one(town_t *t, cf_effect_t const *e) {
  unsigned  code   = 200;
  cf_span_t answer = CF_SPAN(NULL, 0);
  trace_add(t, e);
  if (getenv("TOWN_TRACE")) printf("%8llu  %2d %s peer %u len %zu\n", (unsigned long long)t->now_ms, e->kind, t->trace[t->trace_cnt - 1].name, e->peer, e->body.len);
  switch (e->kind) {
  case CF_FX_PUT:
  case CF_FX_APPEND:
  case CF_FX_REMOVE:
  case CF_FX_STORE:
    t->dead = !durable(t, e);
    if (!t->dead && e->id) done(t, e->id, CF_OK, 0, CF_SPAN(NULL, 0));
    break;
  case CF_FX_GET: {
    file_t *f = file_find(&t->disk, e->name);
    done(t, e->id, CF_OK, f ? 200 : 404, f ? CF_SPAN(f->bytes, f->len) : CF_SPAN(NULL, 0));
    break;
  }
  case CF_FX_LIST: done(t, e->id, CF_OK, 200, file_list(&t->disk, e->name)); break;
  case CF_FX_SCAN: done(t, e->id, CF_OK, 200, store_scan(t, (cf_store_kind_t)e->name.ptr[0])); break;
  case CF_FX_ASK: {
    if (e->peer >= PEER_NODE && t->node[e->peer - PEER_NODE].lies & LIE_SILENT) {
      assert_true(t->late_cnt < 256);
      t->late[t->late_cnt].at_ms  = t->now_ms + e->timeout_ms;
      t->late[t->late_cnt++].id = e->id;
      break;
    }
    cf_status_t st = ask_peer(t, e, &code, &answer);
    done(t, e->id, st, st ? 0 : code, st ? CF_SPAN(NULL, 0) : answer);
    break;
  }
  case CF_FX_REPLY:
    assert_true(t->replies < 4096);
    watch_reply(t, e);
    t->reply[t->replies++] = (reply_t){ e->id, e->code, keep(e->body) };
    break;
  case CF_FX_WAKE:
    if (e->id < t->wake_ms) t->wake_ms = e->id;
    break;
  case CF_FX_LOG:
    snprintf(t->said, sizeof t->said, "%.*s", (int)e->body.len, (char const *)e->body.ptr);
    t->halts += strstr(t->said, "\"sender-halted\"") != NULL;
    if (strstr(t->said, "\"node-lied\"")) t->named[strtoul(strstr(t->said, "\"count\":") + 8, NULL, 10)]++;
    if (strstr(t->said, "\"node-malformed\"")) t->malformed[strtoul(strstr(t->said, "\"count\":") + 8, NULL, 10)]++;
    if (getenv("TOWN_LOG")) printf("%8llu %.*s\n", (unsigned long long)t->now_ms, (int)e->body.len, (char const *)e->body.ptr);
    break;
  case CF_FX_EXIT:
    side_go(t, SIZE_MAX);
    t->exited = t->dead = true;
    t->exit_code = e->code;
    break;
  }
}

/* The oldest effects of the side lane. */
static inline void
side_go(town_t *t, size_t max) {
  while (t->side_cnt && max-- && !t->dead) {
    cf_effect_t e = t->side[0];
    memmove(t->side, t->side + 1, --t->side_cnt * sizeof *t->side);
    perform_one(t, &e);
  }
}

static inline void
perform(town_t *t) {
  for (size_t i = 0; i < t->fx.cnt && !t->dead; i++) {
    cf_effect_t e = t->fx.at[i];
    if (!e.side || (!t->side_late && !t->side_stuck && !t->side_cnt)) {
      perform_one(t, &e);
      continue;
    }
    assert_true(t->side_cnt < SIDE_MAX);
    e.name = keep(e.name);
    e.body = keep(e.body);
    t->side[t->side_cnt++] = e;
  }
}

static inline void
town_step(town_t *t, cf_event_t ev) {
  if (t->dead) return;
  ev.now   = town_now(t);
  t->fx.cnt = t->fx.scratch_len = 0;
  t->w->now_s = ev.now.wall_ms / 1000;
  cf_gateway_step(t->g, &t->fx, &ev);
  perform(t);
}

/* Answers one after the other, until there are none. */
static inline void
town_settle(town_t *t) {
  while (t->queue_cnt && !t->dead) {
    cf_event_t ev = t->queue[0];
    memmove(t->queue, t->queue + 1, --t->queue_cnt * sizeof *t->queue);
    town_step(t, ev);
  }
  if (t->dead) t->queue_cnt = 0;
}

/* A block a second; and time is out for questions that nobody answered. */
static inline void
town_chain(town_t *t) {
  uint64_t now_s = town_now(t).wall_ms / 1000;
  if (!t->no_blocks && now_s > chain_top(t->chain)->h.time_s) chain_mine(t->chain, now_s);
  for (size_t i = 0; i < t->late_cnt; i++) {
    if (t->now_ms < t->late[i].at_ms) continue;
    done(t, t->late[i].id, CF_ERR_IO, 0, CF_SPAN(NULL, 0));
    t->late[i--] = t->late[--t->late_cnt];
  }
}

static inline void
town_run(town_t *t, uint64_t ms) {
  for (uint64_t end = t->now_ms + ms; t->now_ms < end && !t->dead;) {
    t->now_ms += 10;
    if (t->chain) town_chain(t);
    if (!t->side_stuck) side_go(t, t->side_late ? 1 : SIZE_MAX);
    town_settle(t);
    town_step(t, (cf_event_t){ .kind = CF_EV_TICK });
    town_settle(t);
    unsigned  code;
    cf_span_t answer;
    if (!t->chain && t->now_ms % 1000 < 10) core_ask(t, &t->ledger_disk, step_ledger, t->ledger, CF_EV_TICK, CF_SPAN(NULL, 0), CF_SPAN(NULL, 0), &code, &answer);
  }
}

static inline uint64_t
town_request(town_t *t, char const *path, char const *query, cf_span_t body) {
  uint64_t id = ++t->requests;
  if (!strcmp(path, "POST /v1/envelopes")) t->watching = id;
  town_step(t, (cf_event_t){ .kind = CF_EV_REQUEST, .id = id, .path = CF_SPAN(path, strlen(path)), .query = CF_SPAN(query, strlen(query)), .body = keep(body) });
  return id;
}

static inline reply_t *
town_reply(town_t *t, uint64_t id) {
  for (size_t i = 0; i < t->replies; i++)
    if (t->reply[i].id == id) return &t->reply[i];
  return NULL;
}

/* Asks, and runs until the answer is there. */
static inline reply_t *
town_ask(town_t *t, char const *path, char const *query, cf_span_t body) {
  uint64_t id = town_request(t, path, query, body);
  town_settle(t);
  for (int i = 0; i < 1000 && !town_reply(t, id) && !t->dead; i++) town_run(t, 10);
  return town_reply(t, id);
}

static size_t town_inbox_max = CF_GATEWAY_INBOX_MAX;

static inline void
town_boot(town_t *t) {
  cf_gateway_config_t cfg = { .genesis = t->w->genesis_entry, .deployment = CF_SPAN(t->deployment, t->deployment_sz), .log_seed = t->w->log_seed,
                              .key = t->w->gateway, .entropy = t->w->entropy, .batch_max = 64, .envelope_max = 4096, .log_cap = 4096, .index_cap = 1024,
                              .enclave = PEER_ENCLAVE, .launcher = PEER_LAUNCHER, .ledger = PEER_LEDGER, .ledger_url = "http://ledger", .log_url = "http://log" };
  cf_error_t err = { 0 };
  for (unsigned i = 0; i < WITNESS_CNT; i++) cfg.witness[i] = PEER_WITNESS + i;
  cfg.verifier[0] = PEER_VERIFIER;
  cfg.observer[0] = PEER_OBSERVER;
  if (t->chain)
    cfg.evm = (cf_gateway_evm_t){ .nodes = t->nodes, .quorum = t->nodes / 2 + 1, .node = { PEER_NODE, PEER_NODE + 1, PEER_NODE + 2 }, .from_block = NODE_FROM, .inbox_max = town_inbox_max, .scalar = t->sender,
                                  .fee_max_wei = t->fee_max_wei, .budget_wei = town_budget };
  size_t sz       = cf_gateway_sz(&cfg);
  t->mem          = calloc(1, sz + 64); /* most of it is never touched */
  cf_status_t st  = cf_gateway_init(&t->g, (uint8_t *)t->mem + (64 - (uintptr_t)t->mem % 64) % 64, sz, &cfg, &err);
  if (st) fail_msg("%s: %s", err.item, err.text);
  t->dead = t->exited = false;
  t->queue_cnt        = 0;
  t->late_cnt         = 0;
  t->side_cnt         = 0; /* lost */
  t->durable_left     = SIZE_MAX;
  town_step(t, (cf_event_t){ .kind = CF_EV_START });
  town_settle(t);
}

static inline void
town_halt(town_t *t) {
  if (t->g) cf_gateway_fini(t->g);
  free(t->mem);
  t->g   = NULL;
  t->mem = NULL;
}

/* The enclave's process life: what the launcher can unseal is what was sealed. */
static inline void
town_enclave(town_t *t) {
  if (t->w->e) enclave_end(t->w);
  t->batched = false;
  enclave_start(t->w, t->w->sealed_number != 0);
}

static inline void
town_restart(town_t *t, bool enclave_too) {
  town_halt(t);
  if (enclave_too) town_enclave(t);
  town_boot(t);
}

static inline char const *town_missing(town_t *t) { return cf_gateway_status(t->g).missing; }

static inline bool
town_serves(town_t *t, uint64_t within_ms) {
  for (uint64_t end = t->now_ms + within_ms; t->now_ms < end && !t->dead; town_run(t, 10))
    if (!cf_gateway_status(t->g).missing[0]) return true;
  return !t->dead && !cf_gateway_status(t->g).missing[0];
}

static inline void
town_deployment(town_t *t) {
  world_t        *w   = t->w;
  cf_deployment_t doc = { .kind = t->chain ? 2 : 1, .chain_id = w->genesis.ledger.chain_id };
  uint8_t         body_buf[512];
  cf_wr_t         body = cf_wr_init(body_buf, sizeof body_buf), wr = cf_wr_init(t->deployment, sizeof t->deployment);
  memcpy(doc.domain, w->domain.b, 32);
  memcpy(doc.contract, w->genesis.ledger.contract, 20);
  memcpy(doc.code_hash, t->chain ? t->chain->code_hash.b : t->ledger->chain.hash.b, 32);
  cf_table_encode(&body, &cf_deployment_table, &doc);
  cf_council_doc_t act  = { .body = cf_wr_out(&body), .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = 1 };
  cf_hash_t        hash = cf_document_hash(CF_SPAN(NULL, 0), act.body);
  cf_hash_t        dig  = cf_council_doc_digest(&w->ledger_id.separator, act.council, 1, 0, act.not_after, &hash);
  assert_int_equal(cf_k256_sign(act.sig[0], w->governor, &dig), CF_OK);
  cf_council_doc_seal(&wr, cf_deployment_table.typ, &act, w->gateway, "test", "deployment");
  assert_false(wr.bad);
  t->deployment_sz = wr.len;
}

static inline void
town_found(town_t *t) {
  unsigned  code;
  cf_span_t answer;
  if (t->nodes) {
    cf_addr_t account;
    memset(t->sender, 0x5e, sizeof t->sender);
    t->fee_max_wei = 20 * (uint64_t)NODE_BASE_WEI;
    assert_int_equal(cf_k256_addr(&account, t->sender), CF_OK);
    t->chain = chain_new(t->w, &account, 4, t->w->genesis.created - 10); /* the contract is there, and not in a final block yet */
    for (unsigned i = 0; i < t->nodes; i++) t->node[i].chain = t->chain;
    return;
  }
  t->ledger = calloc(1, sizeof *t->ledger);
  cf_ledgerd_init(t->ledger, &(cf_ledgerd_config_t){ .genesis = &t->ledger_genesis, .scalar = t->w->block_key, .interval_ms = 1 });
  core_ask(t, &t->ledger_disk, step_ledger, t->ledger, CF_EV_START, CF_SPAN(NULL, 0), CF_SPAN(NULL, 0), &code, &answer);
}

static inline town_t *
town_new(uint64_t seed, bool one) {
  town_t *t           = calloc(1, sizeof *t);
  world_on_chain      = town_nodes != 0;
  t->nodes            = town_nodes;
  t->w                = world_new(seed, one);
  t->now_ms           = 1000;
  t->epoch_ms         = world_time * 1000;
  t->wake_ms          = UINT64_MAX;
  t->trace            = calloc(TRACE_MAX, sizeof *t->trace);
  t->fx.scratch_max   = t->peer_fx.scratch_max = 8 << 20;
  t->fx.scratch       = malloc(t->fx.scratch_max);
  t->peer_fx.scratch  = malloc(t->peer_fx.scratch_max);
  t->durable_left     = SIZE_MAX;
  cf_error_t err      = { 0 };
  assert_int_equal(cf_ledger_genesis_of(&t->ledger_genesis, &t->w->genesis, &t->w->policy, &t->w->domain, &err), CF_OK);
  unsigned  code;
  cf_span_t answer;
  town_found(t);
  for (size_t i = 0; i < t->w->witnesses.cnt; i++) {
    cf_witness_init(&t->witness[i], &t->w->witnesses.member[i], t->w->witness[i]);
    assert_int_equal(cf_witness_trust(&t->witness[i], &t->w->witnesses.log), CF_OK);
    core_ask(t, &t->witness_disk[i], step_witness, &t->witness[i], CF_EV_START, CF_SPAN(NULL, 0), CF_SPAN(NULL, 0), &code, &answer);
  }
  town_deployment(t);
  town_enclave(t);
  town_boot(t);
  return t;
}

static inline void
town_free(town_t *t) {
  town_halt(t);
  if (t->chain) chain_free(t->chain);
  else cf_ledgerd_fini(t->ledger);
  free(t->ledger);
  folder_free(&t->disk);
  folder_free(&t->ledger_disk);
  for (size_t i = 0; i < WITNESS_CNT; i++) folder_free(&t->witness_disk[i]);
  free(t->trace);
  free(t->fx.scratch);
  free(t->peer_fx.scratch);
  world_free(t->w);
  free(t);
  while (all_kept) {
    kept_t *next = all_kept->next;
    free(all_kept);
    all_kept = next;
  }
}

#endif
