#include "cli/cf_remote.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cf_web.h"

/* ---- getting ---- */

static int decode(cf_remote_t *r, char const *what, char const *from) {
  cf_error_t err = {0};
  r->bundle = calloc(1, sizeof *r->bundle);
  if (!r->bundle) abort();
  if (cf_bundle_decode(r->bundle, r->bytes, &err))
    return cf_fail(CF_EXIT_FAILS, what, "malformed", from, "found",
                   cf_fmt("%s: %s (at byte %zu)", err.item, err.text, err.offset), NULL);
  return 0;
}

int cf_remote_fetch(cf_remote_t *r, char const *what, char const *url, cf_hash_t const *nonce) {
  char *path = nonce ? cf_fmt("/v1/evidence?nonce=%s", cf_hex(CF_SPAN_OF(nonce->b))) : cf_fmt("/v1/evidence");
  int   code = cf_web_get(&r->bytes, what, url, path);
  return code ? code : decode(r, what, url);
}

int cf_remote_load(cf_remote_t *r, char const *path) {
  int code = cf_slurp(&r->bytes, path, CF_EVIDENCE_BUNDLE_MAX);
  return code ? code : decode(r, "bundle", path);
}

int cf_remote_genesis(cf_hash_t *domain, char const *path) {
  cf_domain_t *trust = calloc(1, sizeof *trust);
  cf_error_t  err = {0};
  cf_span_t   entry;
  int         code = cf_slurp(&entry, path, CF_ENTRY_MAX);
  if (code) return code;
  if (!trust) abort();
  if (cf_domain_open(trust, entry, NULL, &err)) return cf_fail_error("genesis", &err);
  *domain = trust->id;
  return 0;
}

/* ---- judging ---- */

/* The party's own policy, as an encoded body or as a log entry. */
static int own_policy(cf_policy_t **out, char const *path) {
  cf_span_t        in;
  cf_sign1_t       s;
  cf_council_doc_t doc;
  cf_error_t       err = {0};
  int              code = cf_slurp(&in, path, CF_ENTRY_MAX);
  if (code) return code;
  *out = calloc(1, sizeof **out);
  if (!*out) abort();
  if (cf_sign1_decode(&s, in, cf_policy_table.typ, NULL) == CF_OK && cf_council_doc_decode(&doc, s.payload, NULL) == CF_OK)
    in = doc.body;
  return cf_table_decode(*out, &cf_policy_table, in, &err) ? cf_fail_error("policy", &err) : 0;
}

int cf_remote_refused(cf_verdict_t const *v) {
  char *found = v->date_s ? cf_fmt("%s (%s)", v->text, cf_time((uint64_t)v->date_s)) : cf_fmt("%s", v->text);
  return cf_fail(CF_EXIT_FAILS, v->code == CF_VERDICT_EXPIRED || v->code == CF_VERDICT_COLLATERAL_STALE ? "rejected" : "refused",
                 cf_verdict_name(v->code), v->item, "found", found, "next", v->next ? v->next : cf_verdict_next(v->code), NULL);
}

int cf_remote_check(cf_remote_t *r, char const *what, cf_remote_ask_t const *ask) {
  cf_bundle_ask_t q = {
      .domain = ask->domain, .kept = ask->kept, .nonce = ask->nonce, .at_s = ask->at_s ? ask->at_s : cf_wall_s(), .stale_ok = ask->stale_ok};
  cf_hash_t       path[CF_TREE_PATH_MAX];
  cf_checkpoint_t cp;
  cf_note_t       note;
  cf_policy_t    *policy = NULL;
  cf_verdict_t    verdict = {0};
  int             code = ask->policy_file ? own_policy(&policy, ask->policy_file) : 0;
  if (!code && ask->kept && ask->kept->size && ask->url && !cf_note_parse(&note, r->bundle->note, NULL) &&
      !cf_checkpoint_parse(&cp, note.text, NULL) && cp.size > ask->kept->size)
    code = cf_remote_consistency(path, &q.consistency_cnt, what, ask->url, ask->kept->size, cp.size);
  if (code) return code;
  q.consistency = path;
  q.policy = policy;
  r->attested = calloc(1, sizeof *r->attested);
  if (!r->attested) abort();
  return cf_bundle_check(r->attested, r->bundle, &q, &verdict) ? cf_remote_refused(&verdict) : 0;
}
