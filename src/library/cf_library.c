#include "library/cf_library.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/cf_hash.h"

enum { ASK_MAX = 4096 };

char const *counterfoil_version(void) { return COUNTERFOIL_VERSION; }

static bool is_code(counterfoil_code_t code) { return (int)code >= 0 && (int)code < CF_VERDICT_CNT; }

char const *counterfoil_code_name(counterfoil_code_t code) {
  if (code == COUNTERFOIL_MISUSE) return "misuse";
  return is_code(code) ? cf_verdict_name((cf_verdict_code_t)code) : "unknown";
}

char const *counterfoil_code_next(counterfoil_code_t code) {
  if (code == COUNTERFOIL_MISUSE) return "mend the question";
  return is_code(code) ? cf_verdict_next((cf_verdict_code_t)code) : "";
}

counterfoil_t *counterfoil_new(void) {
  counterfoil_t *c = malloc(sizeof *c);
  if (c) cf_library_begin(c);
  return c;
}

void counterfoil_free(counterfoil_t *c) { free(c); }

/* ---- one call ---- */

/* No more than what says that nothing was asked: the rest is written before it is read. */
void cf_library_begin(counterfoil_t *c) {
  c->given.cnt = c->given.root_cnt = c->given.der_len = 0;
  c->err = (cf_error_t){0};
  c->v = c->then_v = (cf_verdict_t){0};
  c->verdict = (counterfoil_verdict_t){COUNTERFOIL_MISUSE, false, "misuse", "", "nothing was asked", "", "", 0, 0};
  c->expiry.ends = false;
  c->date_cnt = 0;
  c->has_bundle = false;
  c->report[0] = c->text[0] = 0;
}

counterfoil_code_t cf_library_misuse(counterfoil_t *c, cf_status_t st, char const *item, char const *why) {
  (void)cf_error_set(&c->err, st, item, 0, "%s", why);
  c->verdict = (counterfoil_verdict_t){COUNTERFOIL_MISUSE, false, "misuse", c->err.item, c->err.text, counterfoil_code_next(COUNTERFOIL_MISUSE),
                                       "", 0, 0};
  return COUNTERFOIL_MISUSE;
}

counterfoil_code_t cf_library_policy(counterfoil_t *c, cf_appraisal_t *out, cf_wr_t *room, counterfoil_bytes_t in) {
  cf_span_t bytes = CF_SPAN(in.ptr, in.len);
  if (in.len > COUNTERFOIL_POLICY_MAX) return cf_library_misuse(c, CF_ERR_BOUND, "policy", "larger than a policy is");
  if (cf_span_eq(bytes, CF_SPAN_LIT("default"))) return cf_appraisal_default(out), COUNTERFOIL_OK;
  cf_status_t st = cf_appraisal_open(out, room, bytes, &c->err);
  return st ? cf_library_misuse(c, st, "policy", "no policy") : COUNTERFOIL_OK;
}

static counterfoil_code_t take_items(counterfoil_t *c, counterfoil_ask_t const *ask) {
  for (size_t i = 0; i < ask->item_cnt; i++) {
    counterfoil_item_t const *item = &ask->items[i];
    if (!item->role) return cf_library_misuse(c, CF_ERR_UNSUPPORTED, "role", "an item without a role");
    if (!item->bytes.ptr || item->bytes.len > COUNTERFOIL_ITEM_MAX)
      return cf_library_misuse(c, CF_ERR_BOUND, item->role, item->bytes.ptr ? "more bytes than an item has" : "no bytes");
    cf_span_t   bytes = CF_SPAN(item->bytes.ptr, item->bytes.len);
    cf_status_t st = cf_items_add(&c->given, CF_SPAN(item->role, strlen(item->role)), bytes, &c->err);
    if (st) return cf_library_misuse(c, st, item->role, "not to be judged");
  }
  for (size_t i = 0; i < c->given.cnt; i++)
    if (c->given.items[i].role == CF_ROLE_EVIDENCE)
      return cf_library_misuse(c, CF_ERR_UNSUPPORTED, "evidence", "an enclave of Counterfoil's is judged for its domain: counterfoil attest");
  return COUNTERFOIL_OK;
}

/* A caller of a later version may have members that are not known here, if he does not use them. */
static bool is_ours(counterfoil_ask_t const *ask) {
  if (!ask || ask->size < sizeof *ask || ask->size > ASK_MAX) return false;
  for (size_t i = sizeof *ask; i < ask->size; i++)
    if (((uint8_t const *)ask)[i]) return false;
  return true;
}

counterfoil_code_t cf_library_ask(counterfoil_t *c, cf_appraisal_t const **policy, counterfoil_ask_t const *ask) {
  cf_wr_t room = cf_wr_init(c->room, CF_APPRAISAL_MAX);
  *policy = NULL;
  if (!is_ours(ask)) return cf_library_misuse(c, CF_ERR_FORMAT, "ask", "its size is not set (begin with COUNTERFOIL_ASK), or it asks what a later version answers");
  if (ask->flags & ~COUNTERFOIL_NO_CRL) return cf_library_misuse(c, CF_ERR_UNSUPPORTED, "flags", "a flag that is not known here");
  if (ask->bank > UINT16_MAX) return cf_library_misuse(c, CF_ERR_BOUND, "bank", "no TPM_ALG_ID");
  if (ask->nonce.len > COUNTERFOIL_NONCE_MAX) return cf_library_misuse(c, CF_ERR_BOUND, "nonce", "more bytes than a nonce has");
  counterfoil_code_t code = take_items(c, ask);
  if (!code && ask->policy.len) code = cf_library_policy(c, &c->policy, &room, ask->policy);
  if (code) return code;
  if (ask->policy.len) *policy = &c->policy;
  c->ask = (cf_evidence_ask_t){.items = c->given.items,
                               .item_cnt = c->given.cnt,
                               .roots = c->given.roots,
                               .root_cnt = c->given.root_cnt,
                               .at_s = ask->at_s,
                               .nonce = CF_SPAN(ask->nonce.ptr, ask->nonce.len),
                               .bank = (uint16_t)ask->bank,
                               .crl_waived = ask->flags & COUNTERFOIL_NO_CRL};
  return COUNTERFOIL_OK;
}

/* ---- what is handed out ---- */

void cf_library_verdict(counterfoil_verdict_t *out, cf_verdict_t const *v, cf_judgement_t const *judged) {
  char const *platform = judged->claims.said.platform ? cf_platform_name(judged->claims.said.platform) : NULL;
  *out = (counterfoil_verdict_t){.code = (counterfoil_code_t)v->code,
                                 .authentic = judged->authentic,
                                 .name = cf_verdict_name(v->code),
                                 .item = v->item,
                                 .found = v->text,
                                 .next = v->next ? v->next : cf_verdict_next(v->code),
                                 .platform = platform ? platform : "",
                                 .date_s = v->date_s,
                                 .until_s = v->code ? 0 : judged->until_s};
}

/* The report is written while what it borrows is there. */
counterfoil_code_t cf_library_said(counterfoil_t *c) {
  cf_wr_t wr = cf_wr_init(c->report, CF_JUDGEMENT_MAX);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, &c->judged);
  cf_jw_end(&j, '}');
  c->report[wr.bad ? 0 : wr.len] = 0;
  c->v = c->judged.v;
  cf_library_verdict(&c->verdict, &c->v, &c->judged);
  return c->verdict.code;
}

counterfoil_verdict_t const *counterfoil_verdict(counterfoil_t const *c) { return &c->verdict; }
char const                  *counterfoil_report(counterfoil_t const *c) { return c->report; }

counterfoil_code_t counterfoil_verify(counterfoil_t *c, counterfoil_ask_t const *ask) {
  cf_appraisal_t const *policy;
  cf_library_begin(c);
  if (cf_library_ask(c, &policy, ask)) return COUNTERFOIL_MISUSE;
  (void)cf_judge(&c->judged, &c->ask, policy);
  return cf_library_said(c);
}

char const *counterfoil_member(counterfoil_t *c, char const *path) {
  cf_json_t at;
  char      key[128];
  if (c->verdict.code != COUNTERFOIL_OK || cf_json_parse(&at, CF_SPAN(c->report, strlen(c->report)), NULL)) return NULL;
  for (size_t n; at.type == CF_JSON_OBJECT && path; path = path[n] ? path + n + 1 : NULL) {
    n = strcspn(path, ".");
    if (n >= sizeof key) return NULL;
    memcpy(key, path, n);
    key[n] = 0;
    at = cf_json_get(at, key);
  }
  if (at.type == CF_JSON_BAD || path) return NULL;
  if (at.type == CF_JSON_STRING) return cf_json_str(c->text, sizeof c->text, at) ? NULL : c->text;
  memcpy(c->text, at.text.ptr, at.text.len);
  c->text[at.text.len] = 0;
  return c->text;
}

bool counterfoil_matrix(counterfoil_check_t *out, size_t i) {
  cf_check_row_t row;
  size_t         checks = 0;
  *out = (counterfoil_check_t){"policy", NULL, NULL};
  if (cf_evidence_matrix(&row, i)) {
    *out = (counterfoil_check_t){cf_platform_name(row.platform), row.name, row.what};
    return true;
  }
  while (cf_evidence_matrix(&row, checks)) checks++;
  return cf_appraise_row(&out->check, &out->what, i - checks);
}
