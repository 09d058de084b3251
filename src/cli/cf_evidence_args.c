#include "cli/cf_evidence_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "base/cf_utc.h"
#include "io/cf_collateral_dir.h"

#define ITEM_MAX (1 << 20)

/* Roles that evidence comes with, of which nothing is read: what they say stands elsewhere, or is judged by nobody here.  Any
   other name is a mistake, and would silently drop the check that its file was meant for. */
static bool is_unread(cf_span_t name) {
  static char const *const names[] = {"event_log_table", "nonce",           "pcrs_tool_output",
                                      "creation_data",   "creation_attest", "creation_signature"};
  for (size_t i = 0; i < CF_COUNT_OF(names); i++)
    if (cf_span_eq(name, CF_SPAN(names[i], strlen(names[i])))) return true;
  return false;
}

/* Of what is issued anew from time to time, a second file is what is to come. */
static bool is_collateral(cf_role_t role) {
  return role == CF_ROLE_TCB_INFO || role == CF_ROLE_TCB_INFO_CHAIN || role == CF_ROLE_QE_IDENTITY ||
         role == CF_ROLE_QE_IDENTITY_CHAIN || role == CF_ROLE_PCK_CRL || role == CF_ROLE_ROOT_CA_CRL;
}

static int with_later(cf_evidence_args_t *w, cf_args_t const *a, cf_role_t role, cf_span_t bytes) {
  for (size_t i = 0; i < w->later.item_cnt; i++)
    if (w->later_items[i].role == role) return cf_fail_usage(a->command, "a third file of this role", cf_role_name(role));
  w->later_items[w->later.item_cnt++] = (cf_evidence_item_t){role, bytes};
  return 0;
}

/* The later ask is the first with what was given twice in its place. */
static void complete_later(cf_evidence_args_t *w) {
  size_t    given = w->later.item_cnt;
  int64_t   at_s = w->later.at_s;
  cf_span_t none = CF_SPAN(NULL, 0);
  w->later = w->ask;
  w->later.items = w->later_items;
  w->later.item_cnt = given;
  w->later.at_s = at_s;
  for (size_t i = 0; i < w->ask.item_cnt; i++) {
    cf_span_t other = none;
    for (size_t k = 0; k < given; k++)
      if (w->later_items[k].role == w->given.items[i].role) other = w->later_items[k].bytes;
    if (!other.ptr) w->later_items[w->later.item_cnt++] = w->given.items[i];
  }
}

/* ROLE=F.  Roots carry their class, root-cloud=F, where it matters who holds them. */
static int with_arg(cf_evidence_args_t *w, cf_args_t const *a, char const *text) {
  cf_span_t  bytes, name = CF_SPAN(text, strcspn(text, "="));
  cf_error_t err = {0};
  if (!text[name.len]) return cf_fail_usage(a->command, "--with is ROLE=F", text);
  int code = cf_slurp(&bytes, text + name.len + 1, ITEM_MAX);
  if (code) return code;
  cf_role_t role = cf_role_of(name);
  if (!role && is_unread(name)) return cf_note("note: %.*s is not read here", (int)name.len, text), 0;
  if (is_collateral(role) && cf_evidence_given(&w->ask, role)) return with_later(w, a, role, bytes);
  cf_status_t st = cf_items_add(&w->given, name, bytes, &err);
  w->ask.item_cnt = w->given.cnt;
  w->ask.root_cnt = w->given.root_cnt;
  if (st == CF_ERR_FORMAT) return cf_fail(CF_EXIT_USAGE, "file", "format", text, "found", err.text, NULL);
  if (st == CF_ERR_UNSUPPORTED && !strcmp(err.item, "role"))
    return cf_fail_usage(a->command, "no role of any platform's evidence", cf_fmt("%.*s", (int)name.len, text));
  return st ? cf_fail_usage(a->command, err.text, text) : 0;
}

/* ---- what was fetched ---- */

static int take(cf_evidence_ask_t *ask, cf_files_t const *dir, cf_error_t *err) {
  cf_collateral_taken_t *taken = malloc(sizeof *taken); /* the process's */
  if (!taken) abort();
  if (cf_collateral_take(taken, dir, ask->items, ask->item_cnt, ask->at_s, err)) return cf_fail_error("collateral", err);
  ask->items = taken->items;
  ask->item_cnt = taken->item_cnt;
  return 0;
}

/* Each judgement as of its own time; what was given counts before what lies in the folder. */
static int collateral_arg(cf_evidence_args_t *w, cf_args_t const *a) {
  char const *path = cf_arg(a, "collateral");
  cf_files_t  dir;
  cf_error_t  err = {0};
  if (!path) return 0;
  if (cf_files_open(&dir, path, "", &err))
    return cf_fail(CF_EXIT_USAGE, "collateral", "unreadable", path, "found", err.text, "next",
                   "counterfoil collateral fetch --dir DIR makes one", NULL);
  int code = take(&w->ask, &dir, &err);
  if (!code && w->compares) code = take(&w->later, &dir, &err);
  cf_files_close(&dir);
  return code;
}

/* Unix seconds, RFC 3339 in UTC, or the first moment of a day.  Absent leaves *at_s. */
static int at_arg(int64_t *at_s, cf_args_t const *a, size_t i) {
  char const *text = cf_arg_at(a, "at", i);
  uint64_t    n;
  if (!text) return 0;
  if (!cf_dec_u64(&n, CF_SPAN(text, strlen(text))) && n < 1ULL << 40) return *at_s = (int64_t)n, 0;
  char *whole = strlen(text) == strlen("2025-06-19") ? cf_fmt("%sT00:00:00Z", text) : cf_fmt("%s", text);
  if (!cf_utc_read(at_s, CF_SPAN(whole, strlen(whole)))) return 0;
  return cf_fail_usage(a->command, "--at is a time like 2025-06-19T10:12:03Z, or a day", text);
}

static int nonce_arg(cf_span_t *nonce, cf_args_t const *a) {
  char const *text = cf_arg(a, "nonce");
  if (!text) return 0;
  cf_wr_t wr = cf_room(strlen(text) / 2);
  *nonce = CF_SPAN(wr.buf, wr.max);
  return wr.max && !cf_hex_decode(wr.buf, wr.max, CF_SPAN(text, strlen(text)))
             ? 0
             : cf_fail_usage(a->command, "--nonce is hex digits", text);
}

static int bank_arg(uint16_t *bank, cf_args_t const *a) {
  static struct {
    char const *name;
    uint16_t    alg;
  } const banks[] = {{"sha1", CF_TPM_SHA1}, {"sha256", CF_TPM_SHA256}, {"sha384", CF_TPM_SHA384}, {"sha512", CF_TPM_SHA512}};
  char const *text = cf_arg(a, "bank");
  for (size_t i = 0; text && i < CF_COUNT_OF(banks); i++)
    if (!strcmp(text, banks[i].name)) return *bank = banks[i].alg, 0;
  return text ? cf_fail_usage(a->command, "--bank is sha1, sha256, sha384 or sha512", text) : 0;
}

int cf_evidence_args(cf_evidence_args_t *out, cf_args_t const *a) {
  cf_evidence_ask_t *ask = &out->ask;
  ask->crl_waived = cf_flag(a, "no-crl");
  ask->items = out->given.items;
  ask->roots = out->given.roots;
  ask->at_s = (int64_t)cf_wall_s();
  int code = at_arg(&ask->at_s, a, 0);
  out->later.at_s = ask->at_s;
  if (!code) code = at_arg(&out->later.at_s, a, 1);
  for (size_t i = 0; !code && cf_arg_at(a, "with", i); i++) code = with_arg(out, a, cf_arg_at(a, "with", i));
  if (!code) code = nonce_arg(&ask->nonce, a);
  if (!code) code = bank_arg(&ask->bank, a);
  out->compares = out->later.item_cnt || cf_arg_at(a, "at", 1);
  if (out->compares) complete_later(out);
  return code ? code : collateral_arg(out, a);
}

bool cf_evidence_given(cf_evidence_ask_t const *ask, cf_role_t role) {
  for (size_t i = 0; i < ask->item_cnt; i++)
    if (ask->items[i].role == role) return true;
  return false;
}

/* ---- the policy ---- */

int cf_appraisal_arg(cf_appraisal_t *out, bool *given, cf_args_t const *a) {
  char const *path = cf_arg(a, "policy");
  cf_span_t   in;
  cf_error_t  err = {0};
  *given = path != NULL;
  if (!path) return 0;
  if (!strcmp(path, "default")) return cf_appraisal_default(out), 0;
  int code = cf_slurp(&in, path, ITEM_MAX);
  if (code) return code;
  cf_wr_t room = cf_room(CF_APPRAISAL_MAX);
  return cf_appraisal_open(out, &room, in, &err) ? cf_fail_error("policy", &err) : 0;
}

char *cf_verdict_found(cf_verdict_t const *v) {
  return v->date_s ? cf_fmt("%s (%s)", v->text, cf_time((uint64_t)v->date_s)) : cf_fmt("%s", v->text);
}
