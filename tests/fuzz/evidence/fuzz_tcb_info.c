/* Input: the value of tcbInfo, which is put into its signed frame; or, after an 'r', a whole document.  What is read is in its
   bounds, levels are found that are reached, and with a byte of the value changed the signature does not fit. */
#include <assert.h>

#include "evidence/cf_tcb.h"
#include "signed.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void check_module(cf_tdx_module_t const *m) {
  assert(m->level_cnt <= CF_TCB_MODULE_LEVELS_MAX);
  for (size_t i = 0; i < m->level_cnt; i++) {
    cf_tcb_status_t s = m->level[i].status;
    assert(s == CF_TCB_UP_TO_DATE || s == CF_TCB_OUT_OF_DATE || s == CF_TCB_REVOKED);
    assert(cf_svn_level_find(m->level, m->level_cnt, m->level[i].isvsvn) == &m->level[i]); /* falling */
  }
}

static void check_levels(cf_tcb_info_t const *info, uint8_t const tee[16]) {
  cf_pck_t               pck = {.pcesvn = 13};
  char                   why[96];
  static cf_advisories_t set;
  memcpy(pck.svn, tee, sizeof pck.svn);
  cf_tcb_level_t const *level = cf_tcb_level_find(info, &pck, info->td ? tee : NULL, why);
  set.cnt = 0;
  if (!level) {
    assert(why[0]);
    return;
  }
  for (int i = 0; i < CF_SVN_CNT; i++) assert(pck.svn[i] >= level->sgx[i]);
  assert(pck.pcesvn >= level->pcesvn && level->status != CF_TCB_NONE && cf_tcb_status_name(level->status));
  if (!cf_advisories_add(&set, level->advisories))
    for (size_t i = 1; i < set.cnt; i++) assert(!cf_span_eq(set.id[i - 1], set.id[i]));
  cf_tcb_status_t status = cf_tcb_converge(level->status, CF_TCB_OUT_OF_DATE);
  if (!cf_tcb_relaunch(&status, info, level->status, CF_TCB_OUT_OF_DATE, CF_TCB_UP_TO_DATE, tee))
    assert(cf_tcb_status_name(status));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t       doc[CF_TCB_INFO_MAX + 1024];
  static cf_tcb_info_t info;
  static uint8_t const svns[3][16] = {{5, 1, 6, 3, 255, 1}, {3, 3, 4}, {255, 0, 255, 255}};
  cf_error_t           err = {0};
  if (size == 0 || size > CF_TCB_INFO_MAX) return 0;
  bool      bare = data[0] == 'r';
  cf_span_t in = signed_document(doc, sizeof doc, "tcbInfo", CF_SPAN(data, size));
  if (bare) in = CF_SPAN(data + 1, size - 1);
  if (cf_tcb_info_read(&info, in, signer.b, &err)) {
    assert(err.status && err.item[0] && err.text[0]);
    return 0;
  }
  assert(info.level_cnt <= CF_TCB_LEVELS_MAX && info.identity_cnt <= CF_TCB_MODULES_MAX);
  for (size_t i = 0; i < info.identity_cnt; i++) {
    check_module(&info.identity[i]);
    assert(cf_tdx_module_find(&info, info.identity[i].major) == &info.identity[i]);
  }
  for (size_t i = 0; i < 3; i++) check_levels(&info, svns[i]);
  if (bare) return 0;
  doc[11 + size / 2] ^= 1;
  assert(cf_tcb_info_read(&info, in, signer.b, NULL));
  return 0;
}
