/* Input: an appraisal policy, as JSON or encoded.  What is read is printed, encoded and read again as the same; and what it says
   of evidence is a verdict, which never reaches further than the policy and its evidence do. */
#include <assert.h>

#include "evidence/cf_evidence.h"

#define AT_S 1748779200

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_hash_t encode(cf_wr_t *wr, uint8_t *buf, size_t max, cf_appraisal_t const *p) {
  *wr = cf_wr_init(buf, max);
  return cf_appraisal_hash(wr, p);
}

static void judge(cf_appraisal_t const *p) {
  static uint8_t const value[48] = {1};
  static cf_facts_t    f;
  cf_verdict_t         v;
  int64_t              until_s = 0;
  f = (cf_facts_t){.platform = CF_PLATFORM_NITRO, .subject = CF_ROLE_DOCUMENT, .valid_until_s = AT_S + 10800, .root = {{1}}};
  f.maker_root = true;
  f.made_s = AT_S - 60;
  for (size_t i = 0; i < CF_NITRO_PCR_CNT; i++) f.of.nitro.document.pcr[i] = CF_SPAN_OF(value);
  cf_verdict_code_t code = cf_appraise_under(&until_s, &f, p, NULL, AT_S, NULL, &v);
  assert(code == v.code && (!code || (v.item[0] && v.text[0] && v.next)));
  assert(code || (until_s >= AT_S && until_s <= f.valid_until_s && until_s <= AT_S + (int64_t)p->result_max_age_s));
  f.cls = CF_CLASS_OWNER;
  f.maker_root = false;
  assert(p->class == CF_APPRAISAL_TEST || cf_appraise_under(&until_s, &f, p, NULL, AT_S, NULL, &v));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_appraisal_t p, again;
  static uint8_t        room[CF_APPRAISAL_MAX], first[CF_APPRAISAL_MAX], second[CF_APPRAISAL_MAX], text[16 * CF_APPRAISAL_MAX];
  cf_error_t            err = {0};
  cf_wr_t               wr = cf_wr_init(room, sizeof room), a, b, out = cf_wr_init(text, sizeof text);
  if (cf_appraisal_open(&p, &wr, CF_SPAN(data, size), &err)) {
    assert(err.status && err.text[0]);
    return 0;
  }
  cf_hash_t hash = encode(&a, first, sizeof first, &p);
  cf_table_print(&out, &cf_appraisal_table, &p);
  assert(!a.bad && !out.bad);
  judge(&p);
  if (p.extra.len) return 0; /* what is kept for later versions has no words */
  wr.len = 0;
  if (cf_appraisal_open(&again, &wr, cf_wr_out(&out), &err)) {
    assert(err.status == CF_ERR_FORMAT || err.status == CF_ERR_BOUND); /* text that JSON must escape, and "extra" of a part */
    return 0;
  }
  cf_hash_t same = encode(&b, second, sizeof second, &again);
  assert(cf_hash_eq(&hash, &same) && cf_span_eq(cf_wr_out(&a), cf_wr_out(&b)));
  return 0;
}
