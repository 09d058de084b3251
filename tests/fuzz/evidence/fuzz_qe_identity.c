/* Input: the value of enclaveIdentity, which is put into its signed frame.  Levels fall, statuses are known, and with a byte
   changed the signature does not fit. */
#include <assert.h>

#include "evidence/cf_tcb.h"
#include "signed.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t          doc[1 << 16];
  static cf_qe_identity_t qe;
  cf_error_t              err = {0};
  if (size == 0 || size > sizeof doc - 1024) return 0;
  cf_span_t in = signed_document(doc, sizeof doc, "enclaveIdentity", CF_SPAN(data, size));
  if (cf_qe_identity_read(&qe, in, signer.b, &err)) {
    assert(err.status && err.item[0] && err.text[0]);
    return 0;
  }
  assert(qe.level_cnt <= CF_TCB_MODULE_LEVELS_MAX);
  for (size_t i = 0; i < qe.level_cnt; i++) {
    assert(cf_tcb_status_name(qe.level[i].status));
    assert(cf_svn_level_find(qe.level, qe.level_cnt, qe.level[i].isvsvn) == &qe.level[i]);
  }
  doc[19 + size / 2] ^= 1;
  assert(cf_qe_identity_read(&qe, in, signer.b, NULL));
  return 0;
}
