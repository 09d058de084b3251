#include "evidence/cf_tcb.h"

#include <stdio.h>

#include "base/cf_text.h"
#include "base/cf_utc.h"
#include "crypto/cf_hash.h"

static char const *const status_names[] = {
    [CF_TCB_UP_TO_DATE] = "UpToDate",
    [CF_TCB_SW_HARDENING] = "SWHardeningNeeded",
    [CF_TCB_CONFIGURATION] = "ConfigurationNeeded",
    [CF_TCB_CONFIGURATION_SW_HARDENING] = "ConfigurationAndSWHardeningNeeded",
    [CF_TCB_OUT_OF_DATE] = "OutOfDate",
    [CF_TCB_OUT_OF_DATE_CONFIGURATION] = "OutOfDateConfigurationNeeded",
    [CF_TCB_REVOKED] = "Revoked",
    [CF_TCB_RELAUNCH] = "TDRelaunchAdvised",
    [CF_TCB_RELAUNCH_CONFIGURATION] = "TDRelaunchAdvisedConfigurationNeeded",
};

char const *cf_tcb_status_name(cf_tcb_status_t status) { return status_names[status]; }

/* ---- one pass over a document: each member goes to the row of its name ---- */

typedef struct {
  cf_error_t *err;
  cf_status_t st; /* the first refusal stays */
  char const *doc;
} reader_t;

static void refuse(reader_t *r, cf_status_t st, char const *why, cf_span_t where) {
  if (r->st) return;
  r->st = st;
  int n = where.len < 40 ? (int)where.len : 40;
  (void)cf_error_set(r->err, st, r->doc, 0, "%s%s%.*s", why, n ? ": " : "", n, n ? (char const *)where.ptr : "");
}

typedef struct {
  char const *name;
  void (*read)(reader_t *r, void *out, cf_json_t v);
  bool optional;
} member_t;

/* Members that no row names are Intel's to add; the ones that are named stand there once (the parser saw to it). */
static void read_object(reader_t *r, void *out, cf_json_t obj, member_t const *rows, size_t row_cnt) {
  uint32_t  seen = 0;
  cf_span_t key;
  cf_json_t v;
  if (obj.type != CF_JSON_OBJECT) refuse(r, CF_ERR_FORMAT, "not an object", obj.text);
  for (size_t pos = 0; !r->st && cf_json_each(obj, &pos, &key, &v);)
    for (size_t i = 0; i < row_cnt; i++)
      if (cf_span_eq(key, CF_SPAN(rows[i].name, strlen(rows[i].name)))) {
        rows[i].read(r, out, v);
        seen |= 1u << i;
        break;
      }
  for (size_t i = 0; i < row_cnt; i++)
    if (!rows[i].optional && !(seen >> i & 1)) refuse(r, CF_ERR_FORMAT, "missing", CF_SPAN(rows[i].name, strlen(rows[i].name)));
}
#define READ(r, out, obj, rows) read_object(r, out, obj, rows, sizeof(rows) / sizeof *(rows))

static uint64_t number(reader_t *r, cf_json_t v, uint64_t max) {
  uint64_t n = 0;
  if (cf_json_u64(&n, v) || n > max) refuse(r, CF_ERR_FORMAT, "not a number in its range", v.text);
  return r->st ? 0 : n;
}

static void hex(reader_t *r, uint8_t *out, size_t n, cf_json_t v) {
  if (cf_json_hex(out, n, v)) refuse(r, CF_ERR_FORMAT, "not hex digits of its size", v.text);
}

static cf_span_t string(reader_t *r, cf_json_t v) {
  if (v.type == CF_JSON_STRING) return CF_SPAN(v.text.ptr + 1, v.text.len - 2);
  refuse(r, CF_ERR_FORMAT, "not a string", v.text);
  return CF_SPAN(NULL, 0);
}

static int64_t date(reader_t *r, cf_json_t v) {
  int64_t at_s = 0;
  if (cf_utc_read(&at_s, string(r, v))) refuse(r, CF_ERR_FORMAT, "not a date", v.text);
  return at_s;
}

static cf_tcb_status_t status(reader_t *r, cf_json_t v, cf_tcb_status_t const *allowed, size_t cnt) {
  cf_span_t text = string(r, v);
  for (size_t i = 0; i < cnt; i++)
    if (cf_span_eq(text, CF_SPAN(status_names[allowed[i]], strlen(status_names[allowed[i]])))) return allowed[i];
  refuse(r, CF_ERR_UNSUPPORTED, "a status that is not known here", text);
  return CF_TCB_NONE;
}

static cf_json_t advisories(reader_t *r, cf_json_t v) {
  cf_span_t key;
  cf_json_t id;
  if (v.type != CF_JSON_ARRAY) refuse(r, CF_ERR_FORMAT, "not a list", v.text);
  for (size_t pos = 0; !r->st && cf_json_each(v, &pos, &key, &id);)
    if (id.type != CF_JSON_STRING || id.text.len > 66) refuse(r, CF_ERR_FORMAT, "not an advisory's name", id.text);
  return v;
}

/* What both documents begin with. */
static void no_type(reader_t *r, cf_json_t v) { (void)number(r, v, 0); }

/* ---- levels by ISVSVN ---- */

static void svn_isvsvn(reader_t *r, void *out, cf_json_t v) { ((cf_svn_level_t *)out)->isvsvn = (uint16_t)number(r, v, 65535); }
static void svn_tcb(reader_t *r, void *out, cf_json_t v) {
  static member_t const rows[] = {{"isvsvn", svn_isvsvn, false}};
  READ(r, out, v, rows);
}
static void svn_status(reader_t *r, void *out, cf_json_t v) {
  static cf_tcb_status_t const allowed[] = {CF_TCB_UP_TO_DATE, CF_TCB_OUT_OF_DATE, CF_TCB_REVOKED};
  ((cf_svn_level_t *)out)->status = status(r, v, allowed, sizeof allowed / sizeof *allowed);
}
static void any_date(reader_t *r, void *out, cf_json_t v) {
  (void)out;
  (void)date(r, v);
}
static void svn_advisories(reader_t *r, void *out, cf_json_t v) { ((cf_svn_level_t *)out)->advisories = advisories(r, v); }

static size_t read_svn_levels(reader_t *r, cf_svn_level_t *levels, cf_json_t list) {
  static member_t const rows[] = {{"tcb", svn_tcb, false},
                                  {"tcbDate", any_date, false},
                                  {"tcbStatus", svn_status, false},
                                  {"advisoryIDs", svn_advisories, true}};
  size_t                cnt = 0;
  cf_span_t             key;
  cf_json_t             v;
  if (list.type != CF_JSON_ARRAY) refuse(r, CF_ERR_FORMAT, "not a list", list.text);
  for (size_t pos = 0; !r->st && cf_json_each(list, &pos, &key, &v); cnt++) {
    if (cnt == CF_TCB_MODULE_LEVELS_MAX) {
      refuse(r, CF_ERR_BOUND, "more than 16 levels", CF_SPAN(NULL, 0));
      return 0;
    }
    levels[cnt] = (cf_svn_level_t){.advisories = {.type = CF_JSON_BAD}};
    READ(r, &levels[cnt], v, rows);
    if (cnt && levels[cnt].isvsvn >= levels[cnt - 1].isvsvn) refuse(r, CF_ERR_FORMAT, "levels do not fall", v.text);
  }
  return cnt;
}

/* ---- TDX modules ---- */

static void module_mrsigner(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_tdx_module_t *)out)->mrsigner, 48, v); }
static void module_attributes(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_tdx_module_t *)out)->attributes, 8, v); }
static void module_mask(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_tdx_module_t *)out)->mask, 8, v); }
static void module_levels(reader_t *r, void *out, cf_json_t v) {
  cf_tdx_module_t *m = out;
  m->level_cnt = read_svn_levels(r, m->level, v);
}
static void module_id(reader_t *r, void *out, cf_json_t v) {
  cf_span_t id = string(r, v);
  if (id.len != 6 || memcmp(id.ptr, "TDX_", 4) || cf_hex_decode(&((cf_tdx_module_t *)out)->major, 1, CF_SPAN(id.ptr + 4, 2)))
    refuse(r, CF_ERR_UNSUPPORTED, "an identity of another kind", id);
}

/* ---- TCB info ---- */

static void info_id(reader_t *r, void *out, cf_json_t v) {
  cf_span_t id = string(r, v);
  ((cf_tcb_info_t *)out)->td = cf_span_eq(id, CF_SPAN_LIT("TDX"));
  if (!cf_span_eq(id, CF_SPAN_LIT("TDX")) && !cf_span_eq(id, CF_SPAN_LIT("SGX")))
    refuse(r, CF_ERR_UNSUPPORTED, "of another TEE", id);
}
static void info_version(reader_t *r, void *out, cf_json_t v) {
  (void)out;
  uint64_t n = number(r, v, UINT64_MAX);
  if (n != 2 && n != 3) refuse(r, CF_ERR_UNSUPPORTED, "another version", v.text);
}
static void info_issued(reader_t *r, void *out, cf_json_t v) { ((cf_tcb_info_t *)out)->issued_s = date(r, v); }
static void info_next(reader_t *r, void *out, cf_json_t v) { ((cf_tcb_info_t *)out)->next_s = date(r, v); }
static void info_fmspc(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_tcb_info_t *)out)->fmspc, 6, v); }
static void info_pceid(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_tcb_info_t *)out)->pceid, 2, v); }
static void info_type(reader_t *r, void *out, cf_json_t v) {
  (void)out;
  no_type(r, v);
}
static void info_evaluation(reader_t *r, void *out, cf_json_t v) {
  ((cf_tcb_info_t *)out)->evaluation = number(r, v, UINT32_MAX);
}
static void info_module(reader_t *r, void *out, cf_json_t v) {
  static member_t const rows[] = {
      {"mrsigner", module_mrsigner, false}, {"attributes", module_attributes, false}, {"attributesMask", module_mask, false}};
  READ(r, &((cf_tcb_info_t *)out)->module, v, rows);
}
static void info_identities(reader_t *r, void *out, cf_json_t v) {
  static member_t const rows[] = {{"id", module_id, false},
                                  {"mrsigner", module_mrsigner, false},
                                  {"attributes", module_attributes, false},
                                  {"attributesMask", module_mask, false},
                                  {"tcbLevels", module_levels, false}};
  cf_tcb_info_t        *info = out;
  cf_span_t             key;
  cf_json_t             module;
  if (v.type != CF_JSON_ARRAY) refuse(r, CF_ERR_FORMAT, "not a list", v.text);
  for (size_t pos = 0; !r->st && cf_json_each(v, &pos, &key, &module);) {
    if (info->identity_cnt == CF_TCB_MODULES_MAX) {
      refuse(r, CF_ERR_BOUND, "more than 8 modules", CF_SPAN(NULL, 0));
      return;
    }
    cf_tdx_module_t *m = &info->identity[info->identity_cnt];
    *m = (cf_tdx_module_t){0};
    READ(r, m, module, rows);
    if (cf_tdx_module_find(info, m->major)) refuse(r, CF_ERR_FORMAT, "the same module twice", CF_SPAN(NULL, 0));
    info->identity_cnt++;
  }
}

static void component_svn(reader_t *r, void *out, cf_json_t v) { *(uint8_t *)out = (uint8_t)number(r, v, 255); }
static void read_components(reader_t *r, uint8_t out[CF_SVN_CNT], cf_json_t list) {
  static member_t const rows[] = {{"svn", component_svn, false}};
  size_t                cnt = 0;
  cf_span_t             key;
  cf_json_t             v;
  for (size_t pos = 0; !r->st && cf_json_each(list, &pos, &key, &v) && cnt < CF_SVN_CNT + 1; cnt++)
    if (cnt < CF_SVN_CNT) READ(r, &out[cnt], v, rows);
  if (list.type != CF_JSON_ARRAY || cnt != CF_SVN_CNT) refuse(r, CF_ERR_FORMAT, "not a list of 16 components", CF_SPAN(NULL, 0));
}
static void level_sgx(reader_t *r, void *out, cf_json_t v) { read_components(r, ((cf_tcb_level_t *)out)->sgx, v); }
static void level_tdx(reader_t *r, void *out, cf_json_t v) { read_components(r, ((cf_tcb_level_t *)out)->tdx, v); }
static void level_pcesvn(reader_t *r, void *out, cf_json_t v) { ((cf_tcb_level_t *)out)->pcesvn = (uint16_t)number(r, v, 65535); }

/* Version 2 has sixteen members instead of the list. */
static void level_v2(reader_t *r, cf_tcb_level_t *level, cf_json_t tcb) {
  for (unsigned i = 0; i < CF_SVN_CNT; i++) {
    char name[24];
    snprintf(name, sizeof name, "sgxtcbcomp%02usvn", i + 1);
    level->sgx[i] = (uint8_t)number(r, cf_json_get(tcb, name), 255);
  }
}

typedef struct {
  cf_tcb_level_t *level;
  bool            td;
  bool            v2;
} level_to_t;

static void level_tcb(reader_t *r, void *out, cf_json_t v) {
  static member_t const sgx_rows[] = {{"sgxtcbcomponents", level_sgx, false}, {"pcesvn", level_pcesvn, false}};
  static member_t const v2_rows[] = {{"pcesvn", level_pcesvn, false}};
  static member_t const tdx_rows[] = {
      {"sgxtcbcomponents", level_sgx, false}, {"pcesvn", level_pcesvn, false}, {"tdxtcbcomponents", level_tdx, false}};
  level_to_t const *to = out;
  if (to->v2) {
    level_v2(r, to->level, v);
    READ(r, to->level, v, v2_rows);
  }
  if (to->td) READ(r, to->level, v, tdx_rows);
  else if (!to->v2) READ(r, to->level, v, sgx_rows);
}
static void level_date(reader_t *r, void *out, cf_json_t v) {
  (void)date(r, v);
  ((level_to_t *)out)->level->date = string(r, v);
}
static void level_status(reader_t *r, void *out, cf_json_t v) {
  static cf_tcb_status_t const allowed[] = {CF_TCB_UP_TO_DATE,    CF_TCB_SW_HARDENING,
                                            CF_TCB_CONFIGURATION, CF_TCB_CONFIGURATION_SW_HARDENING,
                                            CF_TCB_OUT_OF_DATE,   CF_TCB_OUT_OF_DATE_CONFIGURATION,
                                            CF_TCB_REVOKED};
  ((level_to_t *)out)->level->status = status(r, v, allowed, sizeof allowed / sizeof *allowed);
}
static void level_advisories(reader_t *r, void *out, cf_json_t v) { ((level_to_t *)out)->level->advisories = advisories(r, v); }

static void read_levels(reader_t *r, cf_tcb_info_t *info, bool v2, cf_json_t list) {
  static member_t const rows[] = {{"tcb", level_tcb, false},
                                  {"tcbDate", level_date, false},
                                  {"tcbStatus", level_status, false},
                                  {"advisoryIDs", level_advisories, true}};
  cf_span_t             key;
  cf_json_t             v;
  if (list.type != CF_JSON_ARRAY) refuse(r, CF_ERR_FORMAT, "not a list", list.text);
  for (size_t pos = 0; !r->st && cf_json_each(list, &pos, &key, &v);) {
    if (info->level_cnt == CF_TCB_LEVELS_MAX) {
      refuse(r, CF_ERR_BOUND, "more than 32 levels", CF_SPAN(NULL, 0));
      return;
    }
    level_to_t to = {&info->level[info->level_cnt++], info->td, v2};
    *to.level = (cf_tcb_level_t){.advisories = {.type = CF_JSON_BAD}};
    READ(r, &to, v, rows);
  }
}

/* ---- the signed frame ---- */

/* {"name": value, "signature": "r || s in hex"}, nothing else; the signature is over the value's own bytes. */
static cf_status_t open_signed(cf_json_t *value, char const *name, cf_span_t in, uint8_t const key[64], cf_error_t *err) {
  cf_json_t  doc, v, signature_text = {.type = CF_JSON_BAD};
  cf_span_t  member;
  uint8_t    signature[64];
  cf_error_t why = {0};
  size_t     cnt = 0;
  if (in.len > CF_TCB_INFO_MAX) return cf_error_set(err, CF_ERR_BOUND, name, 0, "more than %d bytes", CF_TCB_INFO_MAX);
  cf_status_t st = cf_json_parse(&doc, in, &why);
  if (st) return cf_error_set(err, st, name, why.offset, "%s", why.text);
  value->type = CF_JSON_BAD;
  for (size_t pos = 0; cf_json_each(doc, &pos, &member, &v); cnt++) {
    if (cf_span_eq(member, CF_SPAN(name, strlen(name)))) *value = v;
    if (cf_span_eq(member, CF_SPAN_LIT("signature"))) signature_text = v;
  }
  if (cnt != 2 || value->type != CF_JSON_OBJECT || cf_json_hex(signature, sizeof signature, signature_text))
    return cf_error_set(err, CF_ERR_FORMAT, name, 0, "not an object of %s and signature alone", name);
  if (cf_intel_signed(value->text, signature, key))
    return cf_error_set(err, CF_ERR_AUTH, name, 0, "the signature does not fit the document");
  return CF_OK;
}

cf_status_t cf_tcb_info_read(cf_tcb_info_t *out, cf_span_t in, uint8_t const key[64], cf_error_t *err) {
  static member_t const rows[] = {{"version", info_version, false},
                                  {"issueDate", info_issued, false},
                                  {"nextUpdate", info_next, false},
                                  {"fmspc", info_fmspc, false},
                                  {"pceId", info_pceid, false},
                                  {"tcbType", info_type, false},
                                  {"tcbEvaluationDataNumber", info_evaluation, false},
                                  {"id", info_id, true},
                                  {"tdxModule", info_module, true},
                                  {"tdxModuleIdentities", info_identities, true}};
  reader_t              r = {.err = err, .doc = "tcb_info"};
  cf_json_t             doc;
  uint64_t              version = 0;
  cf_status_t           st = open_signed(&doc, "tcbInfo", in, key, err);
  if (st) return st;
  *out = (cf_tcb_info_t){0};
  READ(&r, out, doc, rows);
  if (r.st) return r.st;
  st = cf_json_u64(&version, cf_json_get(doc, "version"));
  if (st || (cf_json_get(doc, "id").type == CF_JSON_BAD) != (version == 2))
    refuse(&r, CF_ERR_FORMAT, "id belongs to version 3 alone", CF_SPAN(NULL, 0));
  if (out->td && cf_json_get(doc, "tdxModule").type == CF_JSON_BAD)
    refuse(&r, CF_ERR_FORMAT, "missing", CF_SPAN_LIT("tdxModule"));
  read_levels(&r, out, version == 2, cf_json_get(doc, "tcbLevels"));
  return r.st;
}

/* ---- identities of quoting enclaves ---- */

static void qe_id(reader_t *r, void *out, cf_json_t v) {
  cf_span_t id = string(r, v);
  ((cf_qe_identity_t *)out)->td = cf_span_eq(id, CF_SPAN_LIT("TD_QE"));
  if (!cf_span_eq(id, CF_SPAN_LIT("TD_QE")) && !cf_span_eq(id, CF_SPAN_LIT("QE")))
    refuse(r, CF_ERR_UNSUPPORTED, "of another enclave", id);
}
static void qe_version(reader_t *r, void *out, cf_json_t v) {
  (void)out;
  if (number(r, v, UINT64_MAX) != 2) refuse(r, CF_ERR_UNSUPPORTED, "another version", v.text);
}
static void qe_issued(reader_t *r, void *out, cf_json_t v) { ((cf_qe_identity_t *)out)->issued_s = date(r, v); }
static void qe_next(reader_t *r, void *out, cf_json_t v) { ((cf_qe_identity_t *)out)->next_s = date(r, v); }
static void qe_evaluation(reader_t *r, void *out, cf_json_t v) {
  ((cf_qe_identity_t *)out)->evaluation = number(r, v, UINT32_MAX);
}
static void qe_misc(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_qe_identity_t *)out)->miscselect, 4, v); }
static void qe_misc_mask(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_qe_identity_t *)out)->miscselect_mask, 4, v); }
static void qe_attributes(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_qe_identity_t *)out)->attributes, 16, v); }
static void qe_attributes_mask(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_qe_identity_t *)out)->attributes_mask, 16, v); }
static void qe_mrsigner(reader_t *r, void *out, cf_json_t v) { hex(r, ((cf_qe_identity_t *)out)->mrsigner, 32, v); }
static void qe_prodid(reader_t *r, void *out, cf_json_t v) {
  ((cf_qe_identity_t *)out)->isvprodid = (uint16_t)number(r, v, 65535);
}
static void qe_levels(reader_t *r, void *out, cf_json_t v) {
  cf_qe_identity_t *qe = out;
  qe->level_cnt = read_svn_levels(r, qe->level, v);
}

cf_status_t cf_qe_identity_read(cf_qe_identity_t *out, cf_span_t in, uint8_t const key[64], cf_error_t *err) {
  static member_t const rows[] = {{"id", qe_id, false},
                                  {"version", qe_version, false},
                                  {"issueDate", qe_issued, false},
                                  {"nextUpdate", qe_next, false},
                                  {"tcbEvaluationDataNumber", qe_evaluation, false},
                                  {"miscselect", qe_misc, false},
                                  {"miscselectMask", qe_misc_mask, false},
                                  {"attributes", qe_attributes, false},
                                  {"attributesMask", qe_attributes_mask, false},
                                  {"mrsigner", qe_mrsigner, false},
                                  {"isvprodid", qe_prodid, false},
                                  {"tcbLevels", qe_levels, false}};
  reader_t              r = {.err = err, .doc = "qe_identity"};
  cf_json_t             doc;
  cf_status_t           st = open_signed(&doc, "enclaveIdentity", in, key, err);
  if (st) return st;
  *out = (cf_qe_identity_t){0};
  READ(&r, out, doc, rows);
  return r.st;
}
