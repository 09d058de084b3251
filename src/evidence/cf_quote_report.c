/* What was found about a quote, as members of a report. */
#include <stdio.h>

#include "evidence/cf_evidence.h"
#include "evidence/cf_quote_check.h"
#include "evidence/cf_rtmr.h"

static uint16_t le16(uint8_t const *at) { return (uint16_t)(at[0] | at[1] << 8); }

static void hex_at(cf_jw_t *j, char const *name, uint8_t const *at, size_t n) { cf_jw_hex(j, name, CF_SPAN(at, n)); }

/* ---- registers ---- */

typedef struct {
  char const *name;
  uint16_t    at, sz;
} register_t;

static register_t const td_registers[] = {{"tee_tcb_svn", CF_TD_TEE_TCB_SVN, 16},
                                          {"mrseam", CF_TD_MRSEAM, 48},
                                          {"mrsignerseam", CF_TD_MRSIGNERSEAM, 48},
                                          {"seamattributes", CF_TD_SEAMATTRIBUTES, 8},
                                          {"tdattributes", CF_TD_TDATTRIBUTES, 8},
                                          {"xfam", CF_TD_XFAM, 8},
                                          {"mrtd", CF_TD_MRTD, 48},
                                          {"mrconfigid", CF_TD_MRCONFIGID, 48},
                                          {"mrowner", CF_TD_MROWNER, 48},
                                          {"mrownerconfig", CF_TD_MROWNERCONFIG, 48},
                                          {"rtmr0", CF_TD_RTMR, 48},
                                          {"rtmr1", CF_TD_RTMR + 48, 48},
                                          {"rtmr2", CF_TD_RTMR + 96, 48},
                                          {"rtmr3", CF_TD_RTMR + 144, 48},
                                          {"tee_tcb_svn2", CF_TD_TEE_TCB_SVN2, 16},
                                          {"mrservicetd", CF_TD_MRSERVICETD, 48}};
static register_t const enclave_registers[] = {
    {"mrenclave", CF_ENCLAVE_MRENCLAVE, 32}, {"mrsigner", CF_ENCLAVE_MRSIGNER, 32}, {"isvprodid", CF_ENCLAVE_ISVPRODID, 2}};

bool cf_quote_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *f, size_t k, bool td) {
  cf_quote_t const *q = f ? &f->of.quote.q : NULL;
  if (k >= (td ? CF_COUNT_OF(td_registers) : CF_COUNT_OF(enclave_registers))) return false;
  register_t const *r = td ? &td_registers[k] : &enclave_registers[k];
  bool              there = q && (!td || r->at < CF_TD_REPORT_SZ || q->type == CF_BODY_TD15);
  snprintf(name, CF_REGISTER_NAME_MAX, "%s", r->name);
  *value = there ? CF_SPAN(q->body + r->at, r->sz) : CF_SPAN(NULL, 0);
  return true;
}

/* ---- the report ---- */

/* Two bytes of an enclave's report are numbers to whoever reads them. */
static void report_registers(cf_jw_t *j, cf_facts_t const *f) {
  char              name[CF_REGISTER_NAME_MAX];
  cf_span_t         value;
  cf_quote_t const *q = &f->of.quote.q;
  bool              td = cf_quote_is_td(q);
  for (size_t k = 0; cf_quote_register(name, &value, f, k, td); k++)
    if (value.len > 2) cf_jw_hex(j, name, value);
  if (td) return;
  cf_jw_u64(j, "isvprodid", le16(q->body + CF_ENCLAVE_ISVPRODID));
  cf_jw_u64(j, "isvsvn", le16(q->body + CF_ENCLAVE_ISVSVN));
}

static void report_status(cf_jw_t *j, char const *name, cf_tcb_status_t status) {
  if (status != CF_TCB_NONE) cf_jw_str(j, name, cf_tcb_status_name(status));
}

static void report_final(cf_jw_t *j, cf_quote_facts_t const *of) {
  report_status(j, "tcb_level_status", of->level_status);
  if (of->tcb_date.len) cf_jw_text(j, "tcb_date", of->tcb_date);
  report_status(j, "tdx_module_status", of->module_status);
  report_status(j, "tcb_status", of->status);
  if (of->status == CF_TCB_NONE) return;
  cf_jw_arr(j, "advisory_ids");
  for (size_t i = 0; i < of->advisories.cnt; i++) cf_jw_text(j, NULL, of->advisories.id[i]);
  cf_jw_end(j, ']');
  cf_jw_u64(j, "tcb_evaluation_data_number", of->evaluation);
}

static void report_beside(cf_jw_t *j, cf_quote_facts_t const *of) {
  static char const *const names[CF_RTMR_CNT] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
  if (of->rtmr_matches) {
    cf_jw_arr(j, "event_log_matches");
    for (unsigned i = 0; i < CF_RTMR_CNT; i++)
      if (of->rtmr_matches >> i & 1) cf_jw_str(j, NULL, names[i]);
    cf_jw_end(j, ']');
  }
  if (of->runtime_data) cf_jw_bool(j, "runtime_data_ok", true);
}

void cf_quote_report(cf_jw_t *j, cf_facts_t const *f) {
  cf_quote_facts_t const *of = &f->of.quote;
  cf_quote_t const       *q = &of->q;
  if (!of->read) return;
  cf_jw_u64(j, "version", q->version);
  cf_jw_u64(j, "trailing_bytes", q->trailing);
  cf_jw_bool(j, "debug", f->debug);
  cf_jw_obj(j, "measurements");
  report_registers(j, f);
  cf_jw_end(j, '}');
  hex_at(j, "report_data", cf_quote_report_data(q), 64);
  report_status(j, "qe_status", of->qe_status);
  if (!of->platform_known) return;
  hex_at(j, "fmspc", of->pck.fmspc, sizeof of->pck.fmspc);
  hex_at(j, "pceid", of->pck.pceid, sizeof of->pck.pceid);
  report_final(j, of);
  report_beside(j, of);
}
