/* Chains of custody: envelope, receipt, evidence, policy, checkpoint, settlement, block. */
#include <stdio.h>

#include "audit/cf_audit_state.h"

static void follow(cf_audit_t const *a, cf_receipt_row_t const *r, cf_audit_custody_t *out) {
  cf_epoch_row_t const   *e = cf_audit_epoch(a, r->epoch);
  cf_kept_note_t const   *n = cf_audit_note_covering(a, r->index);
  cf_content_row_t const *c = r->content == CF_NO_ROW ? NULL : cf_vec_at(&a->contents, r->content);
  *out = (cf_audit_custody_t){.receipt = r->sequence, .entry = r->index, .epoch = r->epoch, .policy = a->domain.policy.version};
  if (e) out->evidence = e->evidence;
  if (n) out->checkpoint = n->size;
  if (!c) return;
  out->settlement = c->number;
  out->digest = c->digest;
  out->settled = c->executed;
  out->block = c->block;
}

cf_status_t cf_audit_envelope(cf_audit_t const *a, cf_span_t prefix, cf_audit_custody_t *out) {
  uint64_t found = UINT64_MAX;
  if (prefix.len < 4 || prefix.len > 32) return CF_ERR_FORMAT;
  for (uint64_t i = 0; i < a->ids.cnt; i++) {
    if (memcmp(((cf_hash_t const *)cf_vec_at(&a->ids, i))->b, prefix.ptr, prefix.len)) continue;
    if (found != UINT64_MAX) return CF_ERR_BOUND;
    found = i;
  }
  for (uint64_t s = a->counting.cnt; found != UINT64_MAX && s > 0; s--) { /* the last whose first is not beyond it */
    cf_receipt_row_t const *r = cf_audit_counting(a, s);
    if (!r->inputs || r->first_id > found || found - r->first_id >= r->inputs) continue;
    follow(a, r, out);
    out->input = found - r->first_id;
    return CF_OK;
  }
  return CF_ERR_FORMAT;
}

cf_status_t cf_audit_settlement(cf_audit_t const *a, uint64_t n, cf_audit_custody_t *out) {
  if (n < 1 || n > a->order_cnt) return CF_ERR_FORMAT;
  cf_content_row_t const *c = cf_vec_at(&a->contents, a->order[n - 1]);
  cf_receipt_row_t const *r = cf_audit_counting(a, c->doc.last);
  if (!r) return CF_ERR_FORMAT;
  follow(a, r, out);
  out->settlement = n;
  out->digest = c->digest;
  out->settled = c->executed;
  out->block = c->block;
  return CF_OK;
}

void cf_audit_custody_line(cf_audit_custody_t const *c, char out[200]) {
  char hex[16], checkpoint[32] = "not yet witnessed", settled[64] = "not yet settled";
  if (c->checkpoint) snprintf(checkpoint, sizeof checkpoint, "checkpoint %llu", (ull_t)c->checkpoint);
  if (c->settlement && c->settled)
    snprintf(settled, sizeof settled, "settlement %llu \xe2\x86\x92 block %llu", (ull_t)c->settlement, (ull_t)c->block);
  else if (c->settlement) snprintf(settled, sizeof settled, "settlement %llu, not final", (ull_t)c->settlement);
  snprintf(out, 200, "receipt %llu \xe2\x86\x92 evidence %s \xe2\x86\x92 policy %llu \xe2\x86\x92 %s \xe2\x86\x92 %s",
           (ull_t)c->receipt, cf_short(hex, c->evidence.b), (ull_t)c->policy, checkpoint, settled);
}
