/* Which level is reached, and what several of them come to. */
#include <stdio.h>

#include "evidence/cf_tcb.h"

/* The first component that is short of level; -1 when none is. */
static int short_of(uint8_t const have[CF_SVN_CNT], uint8_t const level[CF_SVN_CNT], int from) {
  for (int i = from; i < CF_SVN_CNT; i++)
    if (have[i] < level[i]) return i;
  return -1;
}

static bool reached(cf_tcb_level_t const *level, cf_pck_t const *pck, uint8_t const *tee, char why[96]) {
  int sgx = short_of(pck->svn, level->sgx, 0), tdx = tee ? short_of(tee, level->tdx, tee[1] > 0 ? 2 : 0) : -1;
  if (sgx >= 0)
    snprintf(why, 96, "SGX component %d is %u, the lowest level asks for %u", sgx + 1, pck->svn[sgx], level->sgx[sgx]);
  else if (pck->pcesvn < level->pcesvn)
    snprintf(why, 96, "PCESVN is %u, the lowest level asks for %u", pck->pcesvn, level->pcesvn);
  else if (tdx >= 0)
    snprintf(why, 96, "TDX component %d is %u, the lowest level asks for %u", tdx + 1, tee[tdx], level->tdx[tdx]);
  else return true;
  return false;
}

cf_tcb_level_t const *cf_tcb_level_find(cf_tcb_info_t const *info, cf_pck_t const *pck, uint8_t const *tee_tcb_svn,
                                        char why[96]) {
  snprintf(why, 96, "there are no levels");
  for (size_t i = 0; i < info->level_cnt; i++)
    if (reached(&info->level[i], pck, tee_tcb_svn, why)) return &info->level[i];
  return NULL;
}

cf_svn_level_t const *cf_svn_level_find(cf_svn_level_t const *levels, size_t cnt, uint16_t isvsvn) {
  for (size_t i = 0; i < cnt; i++)
    if (levels[i].isvsvn <= isvsvn) return &levels[i];
  return NULL;
}

cf_tdx_module_t const *cf_tdx_module_find(cf_tcb_info_t const *info, uint8_t major) {
  for (size_t i = 0; i < info->identity_cnt; i++)
    if (info->identity[i].major == major) return &info->identity[i];
  return NULL;
}

cf_tcb_status_t cf_tcb_converge(cf_tcb_status_t platform, cf_tcb_status_t part) {
  if (part == CF_TCB_REVOKED || platform == CF_TCB_REVOKED) return CF_TCB_REVOKED;
  if (part != CF_TCB_OUT_OF_DATE) return platform;
  if (platform == CF_TCB_UP_TO_DATE || platform == CF_TCB_SW_HARDENING) return CF_TCB_OUT_OF_DATE;
  if (platform == CF_TCB_CONFIGURATION || platform == CF_TCB_CONFIGURATION_SW_HARDENING) return CF_TCB_OUT_OF_DATE_CONFIGURATION;
  return platform;
}

static bool has_configuration(cf_tcb_status_t s) {
  return s == CF_TCB_CONFIGURATION || s == CF_TCB_CONFIGURATION_SW_HARDENING || s == CF_TCB_OUT_OF_DATE_CONFIGURATION;
}

/* The module that is loaded now reaches the newest level, and so do the microcode's late updates. */
static cf_status_t newest(bool *is, cf_tcb_info_t const *info, uint8_t const svn2[16]) {
  uint8_t const *level = info->level[0].tdx;
  uint8_t        minor = level[0];
  if (svn2[1] > 0) {
    cf_tdx_module_t const *module = cf_tdx_module_find(info, svn2[1]);
    if (!module || !module->level_cnt) return CF_ERR_UNSUPPORTED;
    *is = svn2[0] >= module->level[0].isvsvn && svn2[2] >= level[2];
    return CF_OK;
  }
  *is = svn2[0] >= minor && svn2[2] >= level[2];
  return CF_OK;
}

cf_status_t cf_tcb_relaunch(cf_tcb_status_t *status, cf_tcb_info_t const *info, cf_tcb_status_t sgx, cf_tcb_status_t module,
                            cf_tcb_status_t qe, uint8_t const svn2[16]) {
  bool current = sgx == CF_TCB_UP_TO_DATE || sgx == CF_TCB_SW_HARDENING || sgx == CF_TCB_CONFIGURATION ||
                 sgx == CF_TCB_CONFIGURATION_SW_HARDENING;
  bool behind = *status == CF_TCB_OUT_OF_DATE || *status == CF_TCB_OUT_OF_DATE_CONFIGURATION, is = false;
  if (!current || !behind || module != CF_TCB_OUT_OF_DATE || qe != CF_TCB_UP_TO_DATE || !info->level_cnt) return CF_OK;
  cf_status_t st = newest(&is, info, svn2);
  if (!st && is) *status = has_configuration(sgx) || has_configuration(*status) ? CF_TCB_RELAUNCH_CONFIGURATION : CF_TCB_RELAUNCH;
  return st;
}

/* ---- advisories ---- */

static int id_cmp(cf_span_t a, cf_span_t b) {
  int d = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
  return d ? d : (a.len > b.len) - (a.len < b.len);
}

static cf_status_t add(cf_advisories_t *set, cf_span_t id) {
  size_t at = set->cnt;
  while (at > 0 && id_cmp(id, set->id[at - 1]) < 0) at--;
  if (at > 0 && id_cmp(id, set->id[at - 1]) == 0) return CF_OK;
  if (set->cnt == CF_ADVISORIES_MAX) return CF_ERR_BOUND;
  memmove(&set->id[at + 1], &set->id[at], (set->cnt++ - at) * sizeof set->id[0]);
  set->id[at] = id;
  return CF_OK;
}

cf_status_t cf_advisories_add(cf_advisories_t *set, cf_json_t list) {
  cf_span_t key;
  cf_json_t id;
  for (size_t pos = 0; cf_json_each(list, &pos, &key, &id);) {
    cf_status_t st = add(set, CF_SPAN(id.text.ptr + 1, id.text.len - 2));
    if (st) return st;
  }
  return CF_OK;
}
