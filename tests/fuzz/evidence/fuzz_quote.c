/* Input: an SGX or TDX quote.  What is read lies inside, its parts end where their parents do, and nothing is left over but the
   trailing bytes; its PCK chain is then judged under roots that it brings along itself, so that every check is within reach. */
#include <assert.h>

#include "codec/cf_pem.h"
#include "evidence/cf_evidence.h"

#define AT 1780272000 /* of tests/vectors/evidence/quotes.json */

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static bool inside(cf_span_t in, uint8_t const *at, size_t n) { return at >= in.ptr && n <= in.len && at <= in.ptr + in.len - n; }

static void check_parts(cf_quote_t const *q, cf_span_t in) {
  size_t const sizes[] = {0, CF_ENCLAVE_REPORT_SZ, CF_TD_REPORT_SZ, CF_TD15_REPORT_SZ};
  size_t       body = sizes[q->type], head = q->version == 5 ? 54 : 48, nested = q->version == 3 ? 0 : 6;
  assert(q->covered.ptr == in.ptr && q->covered.len == head + body && q->body == in.ptr + head);
  assert(inside(in, q->signature, 64) && inside(in, q->attest_key, 64) && inside(in, q->qe_report, CF_ENCLAVE_REPORT_SZ));
  assert(q->qe_auth.len <= CF_QUOTE_AUTH_MAX && inside(in, q->qe_auth.ptr, q->qe_auth.len) &&
         inside(in, q->cert.ptr, q->cert.len));
  size_t data = 128 + nested + CF_ENCLAVE_REPORT_SZ + 64 + 2 + q->qe_auth.len + 6 + q->cert.len;
  assert(q->covered.len + 4 + data + q->trailing == in.len);
  assert((q->version == 3) <= (q->type == CF_BODY_ENCLAVE));
}

static void judge_chain(cf_span_t pem) {
  static cf_intel_chain_t chain;
  cf_intel_anchor_t       anchors[CF_INTEL_CHAIN_MAX];
  uint8_t                 der[CF_INTEL_CERT_MAX];
  cf_intel_time_t         w = {.at_s = AT, .in = CF_INTERVAL_ALL, .anchors = anchors};
  cf_verdict_t            v = {0};
  cf_pem_t                block;
  cf_rd_t                 rd = cf_rd_span(pem);
  cf_cert_t               cert;
  for (cf_wr_t wr = cf_wr_init(der, sizeof der); w.anchor_cnt < CF_INTEL_CHAIN_MAX && cf_pem_take_wide(&rd, &block, &wr);
       wr = cf_wr_init(der, sizeof der))
    if (!wr.bad && !cf_cert_decode(&cert, cf_wr_out(&wr), "x", NULL)) anchors[w.anchor_cnt++] = (cf_intel_anchor_t){.key = cert.key};
  if (!w.anchor_cnt || cf_intel_chain(&chain, &w, pem, CF_INTEL_PCK, "pck_chain", &v)) return;
  cf_pck_t             pck;
  cf_cert_ext_t const *sgx = cf_cert_ext(&chain.cert[0], CF_SPAN_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"));
  assert(w.in.from_s <= AT && AT <= w.in.to_s && chain.cnt == 3);
  if (sgx && !cf_pck_decode(&pck, sgx->value)) assert(pck.type <= 2);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_claims_t claims;
  cf_verdict_t       v;
  cf_quote_t         q;
  cf_error_t         err = {0};
  cf_span_t          in = CF_SPAN(data, size);
  bool               read = !cf_quote_decode(&q, in, &err);
  if (read) check_parts(&q, in);
  else assert(err.status && err.item[0] && err.text[0]);
  if (read && q.cert_type == 5) judge_chain(q.cert);
  cf_evidence_item_t item = {CF_ROLE_QUOTE, in};
  cf_evidence_ask_t  ask = {.items = &item, .item_cnt = 1, .at_s = AT};
  cf_verdict_code_t  code = cf_evidence_examine(&claims, &ask, &v); /* without collateral nothing is believed */
  assert(code && code == v.code && v.item[0] && claims.said.of.quote.read == (read && size > 0));
  return 0;
}
