/* Input: which, then what a host answers an attester: an NSM's response, or an SNP host's table of certificates.  What is taken
   lies inside of the input; a document's answer, written again, is the input unless its maps had no length. */
#include <assert.h>
#include <string.h>

#include "codec/cf_cbor.h"
#include "platform/cf_certtable.h"
#include "platform/cf_nsm.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void inside(cf_span_t part, cf_span_t in) {
  if (part.len) assert(part.ptr >= in.ptr && part.len <= in.len && (size_t)(part.ptr - in.ptr) <= in.len - part.len);
}

static void nsm(cf_span_t in) {
  static uint8_t buf[1 << 20];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_span_t      document = CF_SPAN(NULL, 0);
  if (cf_nsm_document(&document, in, NULL)) {
    assert(!document.ptr);
    return;
  }
  assert(document.len);
  inside(document, in);
  cf_cbor_w_map(&wr, 1);
  cf_cbor_w_str(&wr, "Attestation");
  cf_cbor_w_map(&wr, 1);
  cf_cbor_w_str(&wr, "document");
  cf_cbor_w_bstr(&wr, document);
  assert(!wr.bad && wr.len <= in.len);
  if (in.len == wr.len) assert(!memcmp(in.ptr, buf, wr.len));
  else assert(in.ptr[in.len - 1] == 0xff && in.len - wr.len <= 2);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  if (!size || size > 1 << 19) return 0;
  cf_span_t in = CF_SPAN(data + 1, size - 1);
  if (data[0] & 1) nsm(in);
  else {
    cf_certtable_t t;
    cf_status_t    st = cf_certtable_decode(&t, in, NULL);
    for (size_t i = 0; i < CF_CERTTABLE_CNT; i++) st ? assert(!t.part[i].ptr) : inside(t.part[i], in);
  }
  return 0;
}
