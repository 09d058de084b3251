/* The entries of a log, as a bundle, read as audit reads them once their hashes are right: the first is the genesis of whatever
   domain it founds.  Nothing that an entry says may do more than become a row or a fault. */
#include <assert.h>

#include "audit/cf_audit_state.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_read_t read_bundle(void *ctx, char const *name, size_t max, cf_span_t *out) {
  if (strncmp(name, "log/tile/entries/", 17) != 0) return CF_READ_ABSENT;
  *out = *(cf_span_t *)ctx;
  return CF_READ_OK;
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_span_t          in = CF_SPAN(data, size), entry, first = {0};
  cf_audit_reader_t  reader = {NULL, read_bundle, &in};
  cf_audit_options_t none = {0};
  cf_rd_t            rd = cf_rd_span(in);
  cf_audit_t        *a = cf_audit_new(&reader, &none);
  while (a->size < 255 && cf_bundle_next(&rd, &entry)) {
    cf_hash_t leaf = cf_tree_leaf(entry);
    if (a->size++ == 0) first = entry;
    cf_audit_leaf(a, &leaf);
  }
  a->good = a->size;
  a->genesis_sz = first.len;
  a->genesis_entry = cf_mem_take(&a->mem, first.len + 1);
  if (first.len) memcpy(a->genesis_entry, first.ptr, first.len);
  if (a->size && !cf_domain_open(&a->domain, CF_SPAN(a->genesis_entry, a->genesis_sz), NULL, NULL)) {
    a->has_genesis = true;
    (void)(cf_audit_history(a) && cf_audit_notes(a) && cf_audit_results(a) && cf_audit_ledger(a) && cf_audit_contents(a) &&
           cf_audit_receipts(a));
    assert(a->counting.cnt == a->history.sequence);
    for (uint64_t s = 1; s <= a->counting.cnt; s++) assert(cf_audit_counting(a, s)->sequence == s);
  }
  cf_audit_free(a);
  return 0;
}
