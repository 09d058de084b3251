/* Input: a credential statement.  One value, one encoding of its payload; and it counts only for a signature that verifies. */
#include <assert.h>

#include "evidence/cf_statement.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t      again[CF_STATEMENT_MAX];
  static cf_council_t council = {.k = 1, .members_cnt = 1}; /* a key that signed nothing */
  cf_statement_t      st;
  cf_sign1_t          sign1;
  cf_error_t          err = {0};
  if (cf_document_open(&st, &sign1, &cf_statement_table, CF_SPAN(data, size), &err)) {
    assert(err.status);
    return 0;
  }
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_table_encode(&wr, &cf_statement_table, &st);
  assert(cf_span_eq(cf_wr_out(&wr), sign1.payload));
  cf_hash_t ek, domain;
  memcpy(ek.b, st.ek_certificate, 32);
  memcpy(domain.b, st.domain, 32);
  cf_statement_want_t want = {st.ak_name, st.ak_attributes, &ek, &domain, &council, (int64_t)st.time, 100, 5};
  size_t              member;
  int64_t             until;
  assert(cf_statement_check(&member, &until, &want, CF_SPAN(data, size), NULL) == CF_ERR_AUTH);
  return 0;
}
