/* Input: a byte, then a blob as it is ('b'), or runtime data, which is put into a blob whose report is over it, so that the JSON is
   read (any other).  What opens lies inside, and opens no more when a byte of its runtime data is another. */
#include <assert.h>

#include "crypto/cf_hash.h"
#include "evidence/cf_hcl.h"

#define HEAD_SZ     32
#define REPORT_SZ   1184
#define SNP_DATA_AT 0x50
#define RUNTIME_AT  (HEAD_SZ + REPORT_SZ + 20)

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static size_t honest(uint8_t *blob, cf_span_t runtime) {
  uint32_t const words[] = {(uint32_t)runtime.len + 20, 1, CF_HCL_SNP, 1, (uint32_t)runtime.len};
  cf_hash_t      h = cf_sha256(runtime);
  memset(blob, 0, RUNTIME_AT);
  memcpy(blob, "HCLA", 4);
  memcpy(blob + HEAD_SZ + SNP_DATA_AT, h.b, sizeof h.b);
  for (size_t i = 0; i < 20; i++) blob[HEAD_SZ + REPORT_SZ + i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
  if (runtime.len) memcpy(blob + RUNTIME_AT, runtime.ptr, runtime.len);
  return RUNTIME_AT + runtime.len;
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t blob[1 << 16];
  cf_hcl_t       hcl;
  if (size == 0 || size > sizeof blob - RUNTIME_AT) return 0;
  size_t n = size - 1;
  if (data[0] == 'b') memcpy(blob, data + 1, n);
  else n = honest(blob, CF_SPAN(data + 1, n));
  if (cf_hcl_open(&hcl, CF_SPAN(blob, n), NULL)) return 0;
  assert(hcl.kind == CF_HCL_SNP || hcl.kind == CF_HCL_TDX);
  assert(hcl.report.ptr >= blob && hcl.report.ptr + hcl.report.len <= hcl.runtime.ptr);
  assert(hcl.runtime.len && hcl.runtime.ptr + hcl.runtime.len <= blob + n);
  assert(hcl.ak.kind == CF_KEY_RSA && hcl.ak.sz && hcl.ak.sz <= sizeof hcl.ak.b);
  blob[(size_t)(hcl.runtime.ptr - blob) + data[0] % hcl.runtime.len] ^= 1;
  assert(cf_hcl_open(&hcl, CF_SPAN(blob, n), NULL));
  return 0;
}
