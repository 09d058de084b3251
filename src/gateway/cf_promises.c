/* Promises: while the enclave cannot answer, envelopes are kept, and whoever sent
   them is promised a receipt, inside the grace of the epoch that they name.  Envelope and promise are in the store before
   the promise leaves. */
#include "gateway/cf_gateway_state.h"

#include "gateway/cf_reconcile.h"

cf_promised_t *
cf_promises_find(cf_gateway_t *g, cf_hash_t const *id) {
  for (size_t i = 0; i < g->promised_cnt; i++)
    if (cf_hash_eq(&g->promised[i].id, id)) return &g->promised[i];
  return NULL;
}

/* The epochs that parties seal to: the newest certified; and while nothing was executed under it, the one before. */
static bool
epoch_known(cf_gateway_t const *g, uint64_t epoch) {
  cf_history_boot_t const *c = cf_history_certified(&g->history);
  if (!c) return false;
  return epoch == c->index || (c->index > g->receipt_epoch && g->receipt_epoch && epoch == g->receipt_epoch);
}

static cf_promised_t *
keep(cf_gateway_t *g, cf_hash_t const *id, cf_span_t envelope) {
  if (g->promised_cnt == CF_PROMISES_MAX || envelope.len > CF_PROMISED_BYTES - g->promised_len) return NULL;
  cf_promised_t *p = &g->promised[g->promised_cnt++];
  *p               = (cf_promised_t){ .id = *id, .at = (uint32_t)g->promised_len, .len = (uint32_t)envelope.len };
  memcpy(g->promised_bytes + g->promised_len, envelope.ptr, envelope.len);
  g->promised_len += envelope.len;
  cf_metrics_set(&g->metrics, CF_METRIC_PROMISES, cf_public_u64(g->promised_cnt));
  return p;
}

bool
cf_promises_make(cf_gateway_t *g, cf_hash_t const *id, cf_span_t envelope, cf_span_t *promise, uint8_t *class) {
  cf_post_head_t head;
  cf_promised_t *p = cf_promises_find(g, id);
  *class           = CF_REFUSE_NONE;
  if (!p) {
    if (cf_post_head(&head, envelope)) *class = CF_REFUSE_MALFORMED;
    else if (!cf_hash_eq(&head.domain, &g->domain.id)) *class = CF_REFUSE_DOMAIN;
    else if (!epoch_known(g, head.epoch)) *class = CF_REFUSE_EPOCH;
    else if ((p = keep(g, id, envelope)) == NULL) *class = CF_REFUSE_BUSY;
    if (*class) return false;
    uint64_t     reach = g->domain.policy.promise_max_s < g->domain.policy.grace_s ? g->domain.policy.promise_max_s : g->domain.policy.grace_s;
    uint64_t     skew  = g->domain.policy.clock_skew_s < reach / 2 ? g->domain.policy.clock_skew_s : reach / 2;
    cf_promise_t doc   = { .epoch = head.epoch, .given = cf_now_s(g), .until = cf_now_s(g) + reach - skew };
    memcpy(doc.domain, g->domain.id.b, 32);
    memcpy(doc.envelope, id->b, 32);
    cf_wr_t wr = cf_wr_init(p->promise, sizeof p->promise);
    cf_document_seal(&wr, NULL, &cf_promise_table, &doc, g->cfg.key, g->issuer, "promise");
    p->promise_len = (uint32_t)cf_wr_out(&wr).len;
    cf_store_put(&g->writes, CF_STORE_ENVELOPE, CF_SPAN_OF(id->b), envelope);
    cf_store_put(&g->writes, CF_STORE_PROMISE, CF_SPAN_OF(id->b), cf_wr_out(&wr));
  }
  *promise = CF_SPAN(p->promise, p->promise_len);
  return true;
}

/* Is it a promise for this envelope, by a gateway of policy? */
static bool
is_promise(cf_gateway_t const *g, cf_hash_t const *id, cf_span_t bytes) {
  cf_promise_t doc;
  cf_sign1_t   s;
  if (bytes.len > CF_PROMISE_BYTES || cf_document_open(&doc, &s, &cf_promise_table, bytes, NULL) ||
      memcmp(doc.envelope, id->b, 32))
    return false;
  for (size_t i = 0; i < g->domain.policy.gateway_keys_cnt; i++) {
    cf_p256_pub_t pub;
    memcpy(pub.b, g->domain.policy.gateway_keys[i], sizeof pub.b);
    if (!cf_sign1_verify(&s, &pub)) return true;
  }
  return false;
}

/* From the store, envelopes before promises.  What a receipt has already is forgotten.  False when a row is not what was written. */
bool
cf_promises_load(cf_gateway_t *g, cf_event_t const *ev) {
  cf_rd_t          rd;
  uint64_t         fence;
  cf_store_write_t w;
  if (cf_store_open(&rd, &fence, ev->body)) return false;
  while (cf_store_next(&rd, &w)) {
    cf_hash_t id, is = cf_sha256(w.value);
    if (w.key.len != sizeof id.b) return false;
    memcpy(id.b, w.key.ptr, sizeof id.b);
    if (w.kind == CF_STORE_ENVELOPE && (!cf_hash_eq(&is, &id) || !keep(g, &id, w.value))) return false;
    if (w.kind != CF_STORE_PROMISE) continue;
    cf_promised_t *p = cf_promises_find(g, &id);
    if (!p || !is_promise(g, &id, w.value)) return false;
    memcpy(p->promise, w.value.ptr, p->promise_len = (uint32_t)w.value.len);
  }
  return !rd.bad;
}

/* Each envelope that was kept was promised: both were stored in one commit. */
bool
cf_promises_whole(cf_gateway_t const *g) {
  for (size_t i = 0; i < g->promised_cnt; i++)
    if (!g->promised[i].promise_len) return false;
  return true;
}

void
cf_promises_end(cf_gateway_t *g, cf_hash_t const *id) {
  cf_promised_t *p = cf_promises_find(g, id);
  if (!p) return;
  uint32_t at = p->at, len = p->len;
  cf_store_del(&g->writes, CF_STORE_ENVELOPE, CF_SPAN_OF(id->b));
  cf_store_del(&g->writes, CF_STORE_PROMISE, CF_SPAN_OF(id->b));
  memmove(g->promised_bytes + at, g->promised_bytes + at + len, g->promised_len - at - len);
  g->promised_len -= len;
  *p = g->promised[--g->promised_cnt];
  for (size_t i = 0; i < g->promised_cnt; i++)
    if (g->promised[i].at > at) g->promised[i].at -= len;
  cf_metrics_set(&g->metrics, CF_METRIC_PROMISES, cf_public_u64(g->promised_cnt));
}
