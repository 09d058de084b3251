/* Input: items, each a role (a byte), a length (two bytes) and bytes; of any platform.  Whatever is asked, the verdict says which
   item, what is reported is JSON, twice the same; and a root is believed that the evidence brings along, so that every check is
   within reach. */
#include <assert.h>

#include "crypto/cf_hash.h"
#include "evidence/cf_judgement.h"

#define AT_S 1748779200 /* of the vectors that the seeds are from */

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_span_t report(char *out, size_t max, cf_facts_t const *f) {
  cf_wr_t wr = cf_wr_init(out, max);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_evidence_report(&j, f);
  cf_jw_end(&j, '}');
  return cf_wr_out(&wr);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static char         first[CF_JUDGEMENT_MAX], second[CF_JUDGEMENT_MAX]; /* whatever comes in, what is said has its bound */
  static cf_claims_t  a, b;
  cf_evidence_item_t  items[CF_ITEMS_MAX];
  cf_root_t           root = {.cls = CF_CLASS_OWNER};
  cf_nitro_document_t doc;
  cf_evidence_ask_t   ask = {.items = items, .roots = &root, .at_s = AT_S};
  cf_rd_t             rd = cf_rd_init(data, size);
  while (cf_rd_left(&rd) && ask.item_cnt < CF_ITEMS_MAX) {
    cf_role_t role = (cf_role_t)cf_rd_u8(&rd);
    cf_span_t bytes = cf_rd_take_span(&rd, cf_rd_u16(&rd));
    if (rd.bad) return 0;
    items[ask.item_cnt++] = (cf_evidence_item_t){role, bytes};
    if (role == CF_ROLE_ARK) root.der = bytes;
    if (role == CF_ROLE_DOCUMENT && !cf_nitro_document_decode(&doc, bytes, NULL)) root.der = doc.bundle[0];
  }
  ask.root_cnt = root.der.len ? 1 : 0;
  cf_verdict_t      v, w;
  cf_verdict_code_t code = cf_evidence_examine(&a, &ask, &v);
  assert(v.code == code && v.next && (code == CF_VERDICT_OK || (v.item[0] && v.text[0])));
  cf_span_t said = report(first, sizeof first, &a.said);
  cf_json_t json;
  assert(said.len && !cf_json_parse(&json, said, NULL));
  assert(cf_evidence_examine(&b, &ask, &w) == code && !strcmp(v.item, w.item) && !strcmp(v.text, w.text));
  assert(cf_span_eq(said, report(second, sizeof second, &b.said)));
  return 0;
}
