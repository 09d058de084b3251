#include "cf_machine.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cf_secret.h"
#include "document/cf_measure.h"

enum { ASK_EVIDENCE = 1, ASK_CHALLENGED = 2, ASK_ACTIVATE = 3 }; /* services.md, "Launcher" */
enum { CLASS_OK = 0, CLASS_MALFORMED = 1, CLASS_UNKNOWN = 2, CLASS_TPM = 3 };
enum { START_MAX = 128 << 10, BLOB_SZ = 8 + 32 };

static void put(cf_wr_t *wr, cf_span_t s) {
  cf_wr_u32(wr, (uint32_t)s.len);
  cf_wr_span(wr, s);
}

static cf_span_t sub(cf_rd_t *rd) {
  uint32_t n = cf_rd_u32(rd);
  return cf_rd_take_span(rd, n);
}

/* ---- what the program asks ---- */

static cf_status_t seal(void *ctx, uint64_t number, uint8_t const root[32]) {
  cf_machine_t *m = ctx;
  char          name[64];
  uint8_t       blob[BLOB_SZ];
  cf_wr_t       wr = cf_wr_init(blob, sizeof blob);
  int           n = snprintf(name, sizeof name, "enclave/root-%llu.blob", (unsigned long long)number);
  cf_wr_u64(&wr, number); /* only this machine reads it: nothing is won by encrypting it here */
  cf_wr_bytes(&wr, root, 32);
  cf_disk_put(&m->world->disk[m->world->node[m->node].host], CF_SPAN(name, (size_t)n), cf_wr_out(&wr));
  return CF_OK;
}

static cf_status_t quote(void *ctx, cf_span_t certificate, cf_hash_t const *nonces, size_t cnt) {
  cf_machine_t       *m = ctx;
  cf_machine_quote_t *q = &m->quote[m->quote_next];
  cf_wr_t             wr = cf_wr_init(q->evidence, sizeof q->evidence);
  cf_span_t           list = CF_SPAN(nonces, cnt * sizeof *nonces);
  if (cf_nonces_check(list)) return CF_ERR_FORMAT;
  m->quote_next = (m->quote_next + 1) % CF_MACHINE_QUOTES;
  cf_softtpm_quote(m->tpm, &wr, &q->binding, certificate, list);
  q->len = wr.bad ? 0 : wr.len;
  return wr.bad ? CF_ERR_BOUND : CF_OK;
}

/* ---- a life ---- */

/* Up to two blobs, as they lie on the disk. */
static void roots(cf_machine_t const *m, cf_wr_t *wr) {
  cf_disk_t const      *d = &m->world->disk[m->world->node[m->node].host];
  cf_disk_file_t const *found[2];
  uint8_t               cnt = 0;
  for (size_t i = 0; i < d->files && cnt < 2; i++)
    if (!strncmp(d->file[i].name, "enclave/root-", 13) && d->file[i].len == BLOB_SZ) found[cnt++] = &d->file[i];
  cf_wr_u8(wr, cnt);
  for (uint8_t i = 0; i < cnt; i++) cf_wr_bytes(wr, found[i]->bytes, BLOB_SZ);
}

static void start(void *ctx) {
  cf_machine_t *m = ctx;
  uint8_t      *buf = malloc(START_MAX);
  cf_wr_t       wr = cf_wr_init(buf, START_MAX);
  cf_error_t    err = {0};
  cf_hash_t     configuration = cf_sha256(m->configuration), measurement;
  assert(buf);
  cf_softtpm_reset(m->tpm, &m->program, &configuration, &m->domain);
  cf_softtpm_measurement(&measurement, &m->program, &configuration);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_START);
  put(&wr, m->configuration);
  put(&wr, m->genesis);
  cf_wr_hash(&wr, &measurement);
  roots(m, &wr);
  m->mem_sz = cf_enclave_sz(cf_wr_out(&wr), &err);
  m->mem = m->mem_sz ? mmap(NULL, m->mem_sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;
  assert(m->mem != MAP_FAILED);
  if (!m->mem ||
      cf_enclave_start(&m->enclave, m->mem, m->mem_sz, cf_wr_out(&wr), m->entropy, (cf_launcher_t){seal, quote, m}, &err)) {
    cf_world_fail(m->world, 0, "the enclave does not start: %s: %s", err.item, err.text);
    m->enclave = NULL;
  } else {
    cf_enclave_identity(m->enclave, &m->identity);
    m->instance = cf_p256_thumbprint(&m->identity);
    cf_softtpm_identify(m->tpm, m->identity.b);
  }
  free(buf);
}

/* The process that should have ended goes on, with nothing but its own memory. */
static void live_on(cf_machine_t *m) {
  cf_machine_t *z = m->zombie;
  cf_machine_end(z);
  z->enclave = m->enclave;
  z->mem = m->mem;
  z->mem_sz = m->mem_sz;
  z->identity = m->identity;
  z->instance = m->instance;
  m->enclave = NULL;
  m->mem = NULL;
}

void cf_machine_end(cf_machine_t *m) {
  if (m->enclave) cf_enclave_end(m->enclave);
  if (m->mem && munmap(m->mem, m->mem_sz)) abort();
  m->enclave = NULL;
  m->mem = NULL;
}

static void end(void *ctx) {
  cf_machine_t *m = ctx;
  if (m->enclave && m->zombie && m->outlives(m->ctx, m)) live_on(m);
  cf_machine_end(m);
  for (size_t i = 0; i < CF_MACHINE_QUOTES; i++) m->quote[i].len = 0;
}

/* ---- what the gateway asks the launcher ---- */

static uint8_t evidence(cf_machine_t const *m, cf_rd_t *rd, cf_wr_t *out) {
  cf_hash_t binding = cf_rd_hash(rd);
  if (!cf_rd_done(rd)) return CLASS_MALFORMED;
  for (size_t i = 0; i < CF_MACHINE_QUOTES; i++) {
    cf_machine_quote_t const *q = &m->quote[i];
    if (!q->len || !cf_hash_eq(&q->binding, &binding)) continue;
    put(out, CF_SPAN(q->evidence, q->len));
    put(out, CF_SPAN(cf_soft_ca()->root, cf_soft_ca()->root_sz));
    return CLASS_OK;
  }
  return CLASS_UNKNOWN;
}

static uint8_t challenged(cf_machine_t const *m, cf_rd_t *rd, cf_wr_t *out) {
  if (!cf_rd_done(rd)) return CLASS_MALFORMED;
  put(out, CF_SPAN(cf_soft_ca()->ek, cf_soft_ca()->ek_sz));
  put(out, CF_SPAN(m->tpm->ak_public, m->tpm->ak_public_sz));
  put(out, CF_SPAN(cf_soft_ca()->root, cf_soft_ca()->root_sz));
  return CLASS_OK;
}

static uint8_t activate(cf_machine_t const *m, cf_rd_t *rd, cf_wr_t *out) {
  cf_span_t challenge = sub(rd);
  uint8_t   secret[32];
  if (!cf_rd_done(rd)) return CLASS_MALFORMED;
  if (cf_softtpm_activate(m->tpm, secret, challenge)) return CLASS_TPM;
  cf_wr_bytes(out, secret, sizeof secret);
  return CLASS_OK;
}

static void launcher(cf_machine_t *m, cf_effects_t *fx, cf_event_t const *ev) {
  size_t  max = 32 << 10;
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, max), max);
  cf_rd_t rd = cf_rd_span(ev->body);
  uint8_t version = cf_rd_u8(&rd), type = cf_rd_u8(&rd), class = CLASS_MALFORMED;
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, type);
  cf_wr_u8(&wr, CLASS_OK);
  if (version == CF_BOUNDARY_VERSION && type == ASK_EVIDENCE) class = evidence(m, &rd, &wr);
  if (version == CF_BOUNDARY_VERSION && type == ASK_CHALLENGED) class = challenged(m, &rd, &wr);
  if (version == CF_BOUNDARY_VERSION && type == ASK_ACTIVATE) class = activate(m, &rd, &wr);
  assert(!wr.bad);
  if (class) wr.len = 3;
  wr.buf[2] = class;
  cf_fx_reply(fx, ev->id, 200, NULL, cf_wr_out(&wr));
}

/* ---- the enclave ---- */

cf_span_t cf_machine_ask(cf_machine_t *m, cf_span_t request) {
  cf_wr_t  wr = cf_wr_init(m->answer, CF_FRAME_MAX);
  uint8_t *copy = malloc(request.len + 1); /* the enclave uses it up; the gateway and the watch still have theirs */
  assert(copy);
  memcpy(copy, request.ptr, request.len);
  if (m->before) m->before(m->ctx, m, request);
  cf_enclave_ask(m->enclave, copy, request.len, &wr);
  free(copy);
  if (m->watch) m->watch(m->ctx, m, request, cf_wr_out(&wr));
  return cf_wr_out(&wr);
}

static void step(void *ctx, cf_effects_t *fx, cf_event_t const *ev) {
  cf_machine_t *m = ctx;
  if (ev->kind != CF_EV_REQUEST) return;
  if (cf_span_eq(ev->path, CF_SPAN_LIT("launcher"))) {
    launcher(m, fx, ev);
    return;
  }
  if (!m->enclave) return;
  cf_span_t request = m->tamper ? m->tamper(m->ctx, m, ev->body) : ev->body;
  cf_span_t answer = cf_machine_ask(m, request);
  if (m->restore) answer = m->restore(m->ctx, m, answer);
  cf_fx_reply(fx, ev->id, 200, NULL, answer);
}

cf_sim_node_t cf_machine_node(cf_machine_t *m, char const *name, unsigned host) {
  cf_sim_node_t n = {.host = host, .ctx = m, .start = start, .end = end, .step = step};
  snprintf(n.name, sizeof n.name, "%s", name);
  if (!m->answer) m->answer = malloc(CF_FRAME_MAX);
  assert(m->answer);
  return n;
}

void cf_machine_fini(cf_machine_t *m) {
  cf_machine_end(m);
  free(m->answer);
  m->answer = NULL;
}
