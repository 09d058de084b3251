#include "evidence/cf_tcb.h"

#include "base/cf_text.h"
#include "base/cf_utc.h"
#include "crypto/cf_hash.h"

#define ADVISORY_MAX 64

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
  /* Of TCB info: what decides which members are due, wherever it stands. */
  uint64_t version;
  bool     has_id, has_module;
  unsigned forms_any, forms_all; /* FORM_ of any level, of every level */
} reader_t;

enum { FORM_SGX = 1, FORM_TDX = 2, FORM_V2 = 4 };

static void refuse(reader_t *r, cf_status_t st, char const *why, cf_span_t where) {
  if (r->st) return;
  r->st = st;
  int n = where.len < 40 ? (int)where.len : 40;
  (void)cf_error_set(r->err, st, r->doc, 0, "%s%s%.*s", why, n ? ": " : "", n, n ? (char const *)where.ptr : "");
}

typedef struct {
  char const *name;
  void (*read)(reader_t *r, void *out, cf_json_walk_t *w);
  bool optional;
} member_t;

static bool enter(reader_t *r, cf_json_walk_t *w, cf_json_type_t type) {
  if (r->st) return false;
  if (cf_json_walk_type(w) == type) cf_json_walk_enter(w);
  else refuse(r, CF_ERR_FORMAT, type == CF_JSON_ARRAY ? "not a list" : "not an object", cf_json_walk_value(w).text);
  return !r->st;
}

/* Members that no row names are Intel's to add; the ones that are named stand there once (the parser saw to it). */
static void read_object(reader_t *r, void *out, cf_json_walk_t *w, member_t const *rows, size_t row_cnt) {
  uint32_t  seen = 0;
  cf_span_t key;
  if (!enter(r, w, CF_JSON_OBJECT)) return;
  while (!r->st && cf_json_walk_more(w, &key)) {
    size_t i = 0;
    while (i < row_cnt && !cf_span_eq(key, CF_SPAN(rows[i].name, strlen(rows[i].name)))) i++;
    if (i < row_cnt) rows[i].read(r, out, w);
    else (void)cf_json_walk_value(w);
    seen |= 1u << i;
  }
  for (size_t i = 0; i < row_cnt; i++)
    if (!rows[i].optional && !(seen >> i & 1)) refuse(r, CF_ERR_FORMAT, "missing", CF_SPAN(rows[i].name, strlen(rows[i].name)));
}
#define READ(r, out, w, rows) read_object(r, out, w, rows, sizeof(rows) / sizeof *(rows))

static uint64_t number(reader_t *r, cf_json_walk_t *w, uint64_t max) {
  cf_json_t v = cf_json_walk_value(w);
  uint64_t  n = 0;
  if (cf_json_u64(&n, v) || n > max) refuse(r, CF_ERR_FORMAT, "not a number in its range", v.text);
  return r->st ? 0 : n;
}

static void hex(reader_t *r, uint8_t *out, size_t n, cf_json_walk_t *w) {
  cf_json_t v = cf_json_walk_value(w);
  if (cf_json_hex(out, n, v)) refuse(r, CF_ERR_FORMAT, "not hex digits of its size", v.text);
}

static cf_span_t string(reader_t *r, cf_json_walk_t *w) {
  cf_json_t v = cf_json_walk_value(w);
  if (v.type == CF_JSON_STRING) return CF_SPAN(v.text.ptr + 1, v.text.len - 2);
  refuse(r, CF_ERR_FORMAT, "not a string", v.text);
  return CF_SPAN(NULL, 0);
}

static int64_t date_text(reader_t *r, cf_json_walk_t *w, cf_span_t *text) {
  int64_t at_s = 0;
  *text = string(r, w);
  if (cf_utc_read(&at_s, *text)) refuse(r, CF_ERR_FORMAT, "not a date", *text);
  return at_s;
}

static int64_t date(reader_t *r, cf_json_walk_t *w) {
  cf_span_t text;
  return date_text(r, w, &text);
}

static cf_tcb_status_t status(reader_t *r, cf_json_walk_t *w, cf_tcb_status_t const *allowed, size_t cnt) {
  cf_span_t text = string(r, w);
  for (size_t i = 0; i < cnt; i++)
    if (cf_span_eq(text, CF_SPAN(status_names[allowed[i]], strlen(status_names[allowed[i]])))) return allowed[i];
  refuse(r, CF_ERR_UNSUPPORTED, "a status that is not known here", text);
  return CF_TCB_NONE;
}

static cf_json_t advisories(reader_t *r, cf_json_walk_t *w) {
  size_t start = w->pos;
  if (!enter(r, w, CF_JSON_ARRAY)) return (cf_json_t){.type = CF_JSON_BAD};
  while (!r->st && cf_json_walk_more(w, NULL))
    if (string(r, w).len > ADVISORY_MAX) refuse(r, CF_ERR_BOUND, "an advisory's name of more than 64 bytes", CF_SPAN(NULL, 0));
  return (cf_json_t){.type = CF_JSON_ARRAY, .text = CF_SPAN(w->text.ptr + start, w->pos - start)};
}

/* ---- levels by ISVSVN ---- */

static void svn_isvsvn(reader_t *r, void *out, cf_json_walk_t *w) {
  ((cf_svn_level_t *)out)->isvsvn = (uint16_t)number(r, w, 65535);
}
static void svn_tcb(reader_t *r, void *out, cf_json_walk_t *w) {
  static member_t const rows[] = {{"isvsvn", svn_isvsvn, false}};
  READ(r, out, w, rows);
}
static void svn_status(reader_t *r, void *out, cf_json_walk_t *w) {
  static cf_tcb_status_t const allowed[] = {CF_TCB_UP_TO_DATE, CF_TCB_OUT_OF_DATE, CF_TCB_REVOKED};
  ((cf_svn_level_t *)out)->status = status(r, w, allowed, sizeof allowed / sizeof *allowed);
}
static void any_date(reader_t *r, void *out, cf_json_walk_t *w) {
  (void)out;
  (void)date(r, w);
}
static void svn_advisories(reader_t *r, void *out, cf_json_walk_t *w) { ((cf_svn_level_t *)out)->advisories = advisories(r, w); }

static size_t read_svn_levels(reader_t *r, cf_svn_level_t *levels, cf_json_walk_t *w) {
  static member_t const rows[] = {{"tcb", svn_tcb, false},
                                  {"tcbDate", any_date, false},
                                  {"tcbStatus", svn_status, false},
                                  {"advisoryIDs", svn_advisories, true}};
  size_t                cnt = 0;
  if (!enter(r, w, CF_JSON_ARRAY)) return 0;
  for (; !r->st && cf_json_walk_more(w, NULL); cnt++) {
    if (cnt == CF_TCB_MODULE_LEVELS_MAX) {
      refuse(r, CF_ERR_BOUND, "more than 16 levels", CF_SPAN(NULL, 0));
      return 0;
    }
    levels[cnt] = (cf_svn_level_t){.advisories = {.type = CF_JSON_BAD}};
    READ(r, &levels[cnt], w, rows);
    if (cnt && levels[cnt].isvsvn >= levels[cnt - 1].isvsvn) refuse(r, CF_ERR_FORMAT, "levels do not fall", CF_SPAN(NULL, 0));
  }
  return cnt;
}

/* ---- TDX modules ---- */

static void module_mrsigner(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_tdx_module_t *)out)->mrsigner, 48, w); }
static void module_attributes(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_tdx_module_t *)out)->attributes, 8, w); }
static void module_mask(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_tdx_module_t *)out)->mask, 8, w); }
static void module_levels(reader_t *r, void *out, cf_json_walk_t *w) {
  cf_tdx_module_t *m = out;
  m->level_cnt = read_svn_levels(r, m->level, w);
}
static void module_id(reader_t *r, void *out, cf_json_walk_t *w) {
  cf_span_t id = string(r, w);
  if (id.len != 6 || memcmp(id.ptr, "TDX_", 4) || cf_hex_decode(&((cf_tdx_module_t *)out)->major, 1, CF_SPAN(id.ptr + 4, 2)))
    refuse(r, CF_ERR_UNSUPPORTED, "an identity of another kind", id);
}

/* ---- TCB info ---- */

static void info_id(reader_t *r, void *out, cf_json_walk_t *w) {
  cf_span_t id = string(r, w);
  r->has_id = true;
  ((cf_tcb_info_t *)out)->td = cf_span_eq(id, CF_SPAN_LIT("TDX"));
  if (!cf_span_eq(id, CF_SPAN_LIT("TDX")) && !cf_span_eq(id, CF_SPAN_LIT("SGX")))
    refuse(r, CF_ERR_UNSUPPORTED, "of another TEE", id);
}
static void info_version(reader_t *r, void *out, cf_json_walk_t *w) {
  (void)out;
  r->version = number(r, w, UINT32_MAX);
  if (r->version != 2 && r->version != 3) refuse(r, CF_ERR_UNSUPPORTED, "another version", CF_SPAN(NULL, 0));
}
static void info_issued(reader_t *r, void *out, cf_json_walk_t *w) { ((cf_tcb_info_t *)out)->issued_s = date(r, w); }
static void info_next(reader_t *r, void *out, cf_json_walk_t *w) { ((cf_tcb_info_t *)out)->next_s = date(r, w); }
static void info_fmspc(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_tcb_info_t *)out)->fmspc, 6, w); }
static void info_pceid(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_tcb_info_t *)out)->pceid, 2, w); }
static void info_type(reader_t *r, void *out, cf_json_walk_t *w) {
  (void)out;
  (void)number(r, w, 0);
}
static void info_evaluation(reader_t *r, void *out, cf_json_walk_t *w) {
  ((cf_tcb_info_t *)out)->evaluation = number(r, w, UINT32_MAX);
}
static void info_module(reader_t *r, void *out, cf_json_walk_t *w) {
  static member_t const rows[] = {
      {"mrsigner", module_mrsigner, false}, {"attributes", module_attributes, false}, {"attributesMask", module_mask, false}};
  r->has_module = true;
  READ(r, &((cf_tcb_info_t *)out)->module, w, rows);
}
static void info_identities(reader_t *r, void *out, cf_json_walk_t *w) {
  static member_t const rows[] = {{"id", module_id, false},
                                  {"mrsigner", module_mrsigner, false},
                                  {"attributes", module_attributes, false},
                                  {"attributesMask", module_mask, false},
                                  {"tcbLevels", module_levels, false}};
  cf_tcb_info_t        *info = out;
  if (!enter(r, w, CF_JSON_ARRAY)) return;
  while (!r->st && cf_json_walk_more(w, NULL)) {
    if (info->identity_cnt == CF_TCB_MODULES_MAX) {
      refuse(r, CF_ERR_BOUND, "more than 8 modules", CF_SPAN(NULL, 0));
      return;
    }
    cf_tdx_module_t *m = &info->identity[info->identity_cnt];
    *m = (cf_tdx_module_t){0};
    READ(r, m, w, rows);
    if (cf_tdx_module_find(info, m->major)) refuse(r, CF_ERR_FORMAT, "the same module twice", CF_SPAN(NULL, 0));
    info->identity_cnt++;
  }
}

static void component_svn(reader_t *r, void *out, cf_json_walk_t *w) { *(uint8_t *)out = (uint8_t)number(r, w, 255); }
static void read_components(reader_t *r, uint8_t out[CF_SVN_CNT], cf_json_walk_t *w) {
  static member_t const rows[] = {{"svn", component_svn, false}};
  size_t                cnt = 0;
  if (!enter(r, w, CF_JSON_ARRAY)) return;
  for (; !r->st && cf_json_walk_more(w, NULL); cnt++) {
    if (cnt < CF_SVN_CNT) READ(r, &out[cnt], w, rows);
    else refuse(r, CF_ERR_FORMAT, "more than 16 components", CF_SPAN(NULL, 0));
  }
  if (cnt != CF_SVN_CNT) refuse(r, CF_ERR_FORMAT, "less than 16 components", CF_SPAN(NULL, 0));
}

/* sgxtcbcomp01svn to 16: counted from 0; -1 for another name. */
static int v2_component(cf_span_t key) {
  cf_rd_t   rd = cf_rd_span(key);
  cf_span_t head = cf_rd_take_span(&rd, 10);
  unsigned  n = cf_utc_digits(&rd, 2);
  cf_span_t tail = cf_rd_take_span(&rd, 3);
  bool      is = cf_rd_done(&rd) && cf_span_eq(head, CF_SPAN_LIT("sgxtcbcomp")) && cf_span_eq(tail, CF_SPAN_LIT("svn"));
  return is && n >= 1 && n <= CF_SVN_CNT ? (int)n - 1 : -1;
}

/* The levels of one document have one form: which one is due is asked when all of it was read. */
static void level_tcb(reader_t *r, void *out, cf_json_walk_t *w) {
  cf_tcb_level_t *level = out;
  cf_span_t       key;
  unsigned        forms = 0, v2 = 0;
  bool            pcesvn = false;
  if (!enter(r, w, CF_JSON_OBJECT)) return;
  while (!r->st && cf_json_walk_more(w, &key)) {
    int i = v2_component(key);
    if (cf_span_eq(key, CF_SPAN_LIT("sgxtcbcomponents"))) {
      read_components(r, level->sgx, w);
      forms |= FORM_SGX;
    } else if (cf_span_eq(key, CF_SPAN_LIT("tdxtcbcomponents"))) {
      read_components(r, level->tdx, w);
      forms |= FORM_TDX;
    } else if (cf_span_eq(key, CF_SPAN_LIT("pcesvn"))) {
      level->pcesvn = (uint16_t)number(r, w, 65535);
      pcesvn = true;
    } else if (i >= 0) {
      level->sgx[i] = (uint8_t)number(r, w, 255);
      v2 |= 1u << i;
    } else (void)cf_json_walk_value(w);
  }
  if (v2) forms |= FORM_V2;
  if ((v2 && v2 != 0xffff) || !pcesvn) refuse(r, CF_ERR_FORMAT, "a level without all its members", CF_SPAN(NULL, 0));
  r->forms_any |= forms;
  r->forms_all &= forms;
}
static void level_date(reader_t *r, void *out, cf_json_walk_t *w) { (void)date_text(r, w, &((cf_tcb_level_t *)out)->date); }
static void level_status(reader_t *r, void *out, cf_json_walk_t *w) {
  static cf_tcb_status_t const allowed[] = {CF_TCB_UP_TO_DATE,    CF_TCB_SW_HARDENING,
                                            CF_TCB_CONFIGURATION, CF_TCB_CONFIGURATION_SW_HARDENING,
                                            CF_TCB_OUT_OF_DATE,   CF_TCB_OUT_OF_DATE_CONFIGURATION,
                                            CF_TCB_REVOKED};
  ((cf_tcb_level_t *)out)->status = status(r, w, allowed, sizeof allowed / sizeof *allowed);
}
static void level_advisories(reader_t *r, void *out, cf_json_walk_t *w) {
  ((cf_tcb_level_t *)out)->advisories = advisories(r, w);
}

static void info_levels(reader_t *r, void *out, cf_json_walk_t *w) {
  static member_t const rows[] = {{"tcb", level_tcb, false},
                                  {"tcbDate", level_date, false},
                                  {"tcbStatus", level_status, false},
                                  {"advisoryIDs", level_advisories, true}};
  cf_tcb_info_t        *info = out;
  if (!enter(r, w, CF_JSON_ARRAY)) return;
  while (!r->st && cf_json_walk_more(w, NULL)) {
    if (info->level_cnt == CF_TCB_LEVELS_MAX) {
      refuse(r, CF_ERR_BOUND, "more than 32 levels", CF_SPAN(NULL, 0));
      return;
    }
    cf_tcb_level_t *level = &info->level[info->level_cnt++];
    level->advisories.type = CF_JSON_BAD;
    READ(r, level, w, rows);
  }
}

/* ---- the signed frame ---- */

/* {"name": value, "signature": "r || s in hex"}, nothing else; the signature is over the value's own bytes. */
static cf_status_t open_signed(cf_json_t *value, char const *name, cf_span_t in, uint8_t const key[64], cf_error_t *err) {
  cf_json_member_t member[2];
  cf_json_t        signature_text = {.type = CF_JSON_BAD};
  uint8_t          signature[64];
  cf_error_t       why = {0};
  size_t           cnt;
  if (in.len > CF_TCB_INFO_MAX) return cf_error_set(err, CF_ERR_BOUND, name, 0, "more than %d bytes", CF_TCB_INFO_MAX);
  cf_status_t st = cf_json_parse_members(member, 2, &cnt, in, &why);
  if (st) return cf_error_set(err, st, name, why.offset, "%s", why.text);
  value->type = CF_JSON_BAD;
  for (size_t i = 0; i < cnt && i < 2; i++) {
    if (cf_span_eq(member[i].key, CF_SPAN(name, strlen(name)))) *value = member[i].value;
    if (cf_span_eq(member[i].key, CF_SPAN_LIT("signature"))) signature_text = member[i].value;
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
                                  {"tdxModuleIdentities", info_identities, true},
                                  {"tcbLevels", info_levels, false}};
  reader_t              r = {.err = err, .doc = "tcb_info", .forms_all = ~0u};
  cf_json_t             doc;
  cf_status_t           st = open_signed(&doc, "tcbInfo", in, key, err);
  if (st) return st;
  cf_json_walk_t w = {.text = doc.text};
  *out = (cf_tcb_info_t){0};
  READ(&r, out, &w, rows);
  unsigned form = out->td ? FORM_SGX | FORM_TDX : r.version == 2 ? FORM_V2 : FORM_SGX;
  if (r.has_id == (r.version == 2)) refuse(&r, CF_ERR_FORMAT, "id belongs to version 3 alone", CF_SPAN(NULL, 0));
  if (out->td && !r.has_module) refuse(&r, CF_ERR_FORMAT, "missing", CF_SPAN_LIT("tdxModule"));
  if (out->level_cnt && (r.forms_any != form || r.forms_all != form))
    refuse(&r, CF_ERR_FORMAT, "components that are not of this version and TEE", CF_SPAN(NULL, 0));
  return r.st;
}

/* ---- identities of quoting enclaves ---- */

static void qe_id(reader_t *r, void *out, cf_json_walk_t *w) {
  cf_span_t id = string(r, w);
  ((cf_qe_identity_t *)out)->td = cf_span_eq(id, CF_SPAN_LIT("TD_QE"));
  if (!cf_span_eq(id, CF_SPAN_LIT("TD_QE")) && !cf_span_eq(id, CF_SPAN_LIT("QE")))
    refuse(r, CF_ERR_UNSUPPORTED, "of another enclave", id);
}
static void qe_version(reader_t *r, void *out, cf_json_walk_t *w) {
  (void)out;
  if (number(r, w, UINT64_MAX) != 2) refuse(r, CF_ERR_UNSUPPORTED, "another version", CF_SPAN(NULL, 0));
}
static void qe_issued(reader_t *r, void *out, cf_json_walk_t *w) { ((cf_qe_identity_t *)out)->issued_s = date(r, w); }
static void qe_next(reader_t *r, void *out, cf_json_walk_t *w) { ((cf_qe_identity_t *)out)->next_s = date(r, w); }
static void qe_evaluation(reader_t *r, void *out, cf_json_walk_t *w) {
  ((cf_qe_identity_t *)out)->evaluation = number(r, w, UINT32_MAX);
}
static void qe_misc(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_qe_identity_t *)out)->miscselect, 4, w); }
static void qe_misc_mask(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_qe_identity_t *)out)->miscselect_mask, 4, w); }
static void qe_attributes(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_qe_identity_t *)out)->attributes, 16, w); }
static void qe_attributes_mask(reader_t *r, void *out, cf_json_walk_t *w) {
  hex(r, ((cf_qe_identity_t *)out)->attributes_mask, 16, w);
}
static void qe_mrsigner(reader_t *r, void *out, cf_json_walk_t *w) { hex(r, ((cf_qe_identity_t *)out)->mrsigner, 32, w); }
static void qe_prodid(reader_t *r, void *out, cf_json_walk_t *w) {
  ((cf_qe_identity_t *)out)->isvprodid = (uint16_t)number(r, w, 65535);
}
static void qe_levels(reader_t *r, void *out, cf_json_walk_t *w) {
  cf_qe_identity_t *qe = out;
  qe->level_cnt = read_svn_levels(r, qe->level, w);
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
  cf_json_walk_t w = {.text = doc.text};
  *out = (cf_qe_identity_t){0};
  READ(&r, out, &w, rows);
  return r.st;
}
