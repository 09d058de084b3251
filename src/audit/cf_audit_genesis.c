/* Entry 0 and what follows from it; the deployment entry. */
#include "audit/cf_audit_state.h"

static void check_vkey(cf_audit_t *a) {
  cf_who_t  who = CF_WHO(CF_RANK_GENESIS, 0);
  cf_span_t is;
  uint8_t   buf[CF_VKEY_TEXT_MAX + 1];
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  cf_vkey_format(&wr, &a->domain.witnesses.log);
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
  if (cf_domain_open(&a->domain, CF_SPAN(a->genesis_entry, a->genesis_sz), NULL, &err)) {
    cf_audit_fault(a, who, "genesis", cf_next_copy, "%s: %s", err.item, err.text);
    return false;
  }
  a->has_genesis = true;
  if (a->options.domain && !cf_hash_eq(a->options.domain, &a->domain.id)) {
    char is[16], want[16];
    cf_audit_fault(a, who, "genesis", "ask for the domain that you know from elsewhere, not from its own folder",
                   "is of domain %s, not %s", cf_short(is, a->domain.id.b), cf_short(want, a->options.domain->b));
    return false;
  }
  check_vkey(a);
  return !a->failed_io;
}
