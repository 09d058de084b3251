/* Entry 0 and what follows from it; the deployment entry. */
#include "audit/cf_audit_state.h"

cf_status_t cf_audit_open(cf_audit_t *a, cf_span_t entry, cf_error_t *err) {
  cf_sign1_t       s;
  cf_council_doc_t doc;
  cf_p256_pub_t    log;
  cf_status_t      st = cf_sign1_decode(&s, entry, cf_genesis_table.typ, err);
  if (!st) st = cf_council_doc_decode(&doc, s.payload, err);
  if (!st) st = cf_table_decode(&a->genesis, &cf_genesis_table, doc.body, err);
  if (!st) st = cf_genesis_check(&a->genesis, &a->policy, err);
  if (st) return st;
  memcpy(log.b, a->genesis.log.es256, sizeof log.b);
  cf_hash_t kid = cf_p256_thumbprint(&log);
  if (!cf_span_eq(s.hdr.kid, CF_SPAN_OF(kid.b)) || cf_sign1_verify(&s, &log))
    return cf_error_set(err, CF_ERR_AUTH, "genesis", 0, "not wrapped by the log's ES256 key");
  a->domain = cf_domain(doc.body);
  a->policy_hash = cf_policy_hash(a->genesis.policy);
  a->ledger_id = cf_genesis_identity(&a->genesis, &a->domain);
  a->observers = cf_genesis_seats(cf_genesis_council(&a->genesis, CF_OBSERVERS));
  /* What governors signed at the birth of a domain does not lapse with it. */
  st = cf_council_doc_verify(&doc, cf_genesis_council(&a->genesis, CF_GOVERNORS), &a->ledger_id.separator, a->genesis.created,
                             err);
  if (!st) st = cf_genesis_witnesses(&a->witnesses, &a->genesis, err);
  if (!st) st = cf_ledger_genesis_of(&a->block0, &a->genesis, &a->policy, &a->domain, err);
  return st;
}

static void check_vkey(cf_audit_t *a) {
  cf_who_t  who = CF_WHO(CF_RANK_GENESIS, 0);
  cf_span_t is;
  uint8_t   buf[CF_VKEY_TEXT_MAX + 1];
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  cf_vkey_format(&wr, &a->witnesses.log);
  cf_wr_u8(&wr, '\n');
  if (cf_audit_read(a, &is, "log.vkey", sizeof buf, who, "every domain serves its log's key") && !cf_span_eq(is, cf_wr_out(&wr)))
    cf_audit_fault(a, who, "log.vkey", cf_next_copy, "is not the one line of genesis' log key");
}

bool cf_audit_genesis(cf_audit_t *a) {
  cf_who_t   who = CF_WHO(CF_RANK_GENESIS, 0);
  cf_error_t err = {0};
  cf_span_t  bytes;
  if (!cf_audit_read(a, &bytes, "genesis", CF_ENTRY_MAX, who, "every domain begins with it")) return false;
  bytes = cf_audit_keep(a, bytes);
  a->genesis_entry = cf_mem_take(&a->mem, bytes.len + 1);
  a->genesis_sz = bytes.len;
  memcpy(a->genesis_entry, bytes.ptr, bytes.len);
  if (cf_audit_open(a, CF_SPAN(a->genesis_entry, a->genesis_sz), &err)) {
    cf_audit_fault(a, who, "genesis", cf_next_copy, "%s: %s", err.item, err.text);
    return false;
  }
  a->has_genesis = true;
  if (a->options.domain && !cf_hash_eq(a->options.domain, &a->domain)) {
    char is[16], want[16];
    cf_audit_fault(a, who, "genesis", "ask for the domain that you know from elsewhere, not from its own folder",
                   "is of domain %s, not %s", cf_short(is, a->domain.b), cf_short(want, a->options.domain->b));
    return false;
  }
  check_vkey(a);
  return !a->failed_io;
}
