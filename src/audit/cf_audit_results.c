/* Check 3's foundation: each verdict derived again, from archived evidence, collateral and statements, under policy, at its T. */
#include <stdarg.h>
#include <stdio.h>

#include "audit/cf_audit_state.h"
#include "codec/cf_cbor.h"
#include "evidence/cf_evidence.h"

typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             item_cnt;
  cf_root_t          roots[CF_ROOTS_MAX];
  size_t             root_cnt;
} collateral_t;

/* Facts borrow their bytes, which live for one result; what the next one is compared with are counters and hashes. */
typedef struct {
  cf_audit_t *a;
  cf_mem_t    scratch;
  cf_facts_t  facts, earlier;
  bool        any_earlier;
} derive_t;

static cf_root_class_t class_of(cf_audit_t const *a, cf_span_t der) {
  cf_hash_t h = cf_sha256(der);
  for (size_t i = 0; i < a->domain.policy.ek_roots_cnt; i++)
    if (!memcmp(a->domain.policy.ek_roots[i].root, h.b, 32)) return (cf_root_class_t)a->domain.policy.ek_roots[i].class;
  return CF_CLASS_OWNER; /* policy will say that it names no such root */
}

static bool take_item(cf_audit_t *a, collateral_t *c, uint64_t role, cf_span_t bytes) {
  if (role == CF_ROLE_ROOT) {
    if (c->root_cnt == CF_ROOTS_MAX) return false;
    c->roots[c->root_cnt++] = (cf_root_t){class_of(a, bytes), bytes};
    return true;
  }
  if ((role != CF_ROLE_CRL && role != CF_ROLE_STATEMENT) || c->item_cnt == CF_ITEMS_MAX) return false;
  c->items[c->item_cnt++] = (cf_evidence_item_t){(cf_role_t)role, bytes};
  return true;
}

static cf_span_t hold(derive_t *d, cf_span_t s) {
  uint8_t *p = cf_mem_take(&d->scratch, s.len + 1);
  if (s.len) memcpy(p, s.ptr, s.len);
  return CF_SPAN(p, s.len);
}

/* Reads evidence and everything of its collateral set. */
static bool read_items(derive_t *d, collateral_t *c, cf_ear_t const *ear, cf_who_t who) {
  cf_audit_t *a = d->a;
  cf_hash_t   name = cf_hash_of(ear->evidence), set_name = cf_hash_of(ear->collateral);
  char        by[64];
  cf_span_t   bytes, set;
  snprintf(by, sizeof by, "the result at entry %llu names it", (ull_t)who.entry);
  if (!cf_audit_archived(a, &bytes, &name, who, by)) return false;
  c->items[c->item_cnt++] = (cf_evidence_item_t){CF_ROLE_EVIDENCE, hold(d, bytes)};
  if (!cf_audit_archived(a, &bytes, &set_name, who, by)) return false;
  set = hold(d, bytes);
  cf_rd_t rd = cf_rd_span(set);
  size_t  cnt = cf_cbor_array(&rd);
  bool    good = cnt <= CF_ITEMS_MAX + CF_ROOTS_MAX;
  for (size_t i = 0; good && i < cnt; i++) {
    good = cf_cbor_array(&rd) == 2;
    uint64_t  role = cf_cbor_uint(&rd);
    cf_hash_t item = cf_cbor_hash(&rd);
    if (!good || rd.bad) break;
    if (!cf_audit_archived(a, &bytes, &item, who, by)) return false;
    good = take_item(a, c, role, hold(d, bytes));
  }
  if (good && cf_rd_done(&rd)) return true;
  char file[80];
  snprintf(file, sizeof file, "archive/");
  for (int i = 0; i < 32; i++) snprintf(file + 8 + 2 * i, 3, "%02x", set_name.b[i]);
  cf_audit_fault(a, who, file, cf_next_keep, "is no collateral set");
  return false;
}

/* The names of the claims in which the logged result and the derived one differ. */
static void differences(char out[160], cf_ear_t const *x, cf_ear_t const *y) {
  struct {
    char const *name;
    bool        differs;
  } const claims[] = {
      {"status", x->status != y->status},
      {"vector", memcmp(x->vector, y->vector, sizeof x->vector) != 0},
      {"verdict", !cf_span_eq(x->verdict, y->verdict)},
      {"platform", x->platform != y->platform},
      {"class", x->class != y->class},
      {"measurement", memcmp(x->measurement, y->measurement, 32) != 0},
      {"tcb", x->tcb != y->tcb},
      {"debug", x->debug != y->debug},
      {"domain", memcmp(x->domain, y->domain, 32) != 0},
      {"certificate", memcmp(x->certificate, y->certificate, 32) != 0},
      {"nonces", memcmp(x->nonces, y->nonces, 32) != 0},
      {"until", x->until != y->until},
      {"evidence", memcmp(x->evidence, y->evidence, 32) != 0},
      {"collateral", memcmp(x->collateral, y->collateral, 32) != 0},
      {"policy", memcmp(x->policy, y->policy, 32) != 0},
  };
  size_t n = 0;
  out[0] = 0;
  for (size_t i = 0; i < CF_COUNT_OF(claims); i++)
    if (claims[i].differs) n += (size_t)snprintf(out + n, 160 - n, "%s%s", n ? ", " : "", claims[i].name);
}

static void count_statements(cf_audit_t *a, cf_epoch_row_t *e, cf_facts_t const *f, int64_t at_s) {
  cf_statement_want_t want = {.ak_name = f->ak_name,
                              .ak_attributes = f->ak_attributes,
                              .ek_certificate = &f->ek_certificate,
                              .domain = &f->domain,
                              .verifiers = cf_genesis_council(&a->domain.genesis, CF_VERIFIERS),
                              .at_s = at_s,
                              .max_age_s = a->domain.policy.credential_max_age_s,
                              .skew_s = a->domain.policy.clock_skew_s};
  e->ak_certified = f->ak_certified;
  for (size_t i = 0; i < f->statement_cnt; i++) {
    size_t  member;
    int64_t until_s;
    if (cf_statement_check(&member, &until_s, &want, f->statements[i], NULL) || e->stated[member]) continue;
    e->stated[member] = true;
    e->statements++;
  }
}

static bool lies(cf_audit_t *a, cf_result_row_t *r, char const *fmt, ...) __attribute__((format(printf, 3, 4)));

static bool lies(cf_audit_t *a, cf_result_row_t *r, char const *fmt, ...) {
  enum { LIE_SZ = sizeof(((cf_audit_fault_t *)0)->text) };
  char   *text = cf_mem_take(&a->mem, LIE_SZ);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, LIE_SZ, fmt, ap);
  va_end(ap);
  r->lie = text;
  return false;
}

/* derive judges one result; false when it does not follow from what is archived, and what is missing there is told. */
static bool derive(derive_t *d, cf_epoch_row_t *e, cf_result_row_t *r, cf_who_t who) {
  cf_audit_t  *a = d->a;
  collateral_t c = {.item_cnt = 0};
  cf_verdict_t v;
  cf_ear_t     again;
  int64_t      until_s = 0, at_s = (int64_t)r->ear.time;
  char         diff[160];
  if (!read_items(d, &c, &r->ear, who)) return false;
  cf_evidence_ask_t ask = {.items = c.items,
                           .item_cnt = c.item_cnt,
                           .roots = c.roots,
                           .root_cnt = c.root_cnt,
                           .domain = a->domain.id,
                           .at_s = at_s};
  cf_verdict_code_t code = cf_evidence_verify(&d->facts, &ask, &v);
  cf_appraise_ask_t q = {.policy = &a->domain.policy,
                         .production = a->domain.genesis.class == 1,
                         .verifiers = cf_genesis_council(&a->domain.genesis, CF_VERIFIERS),
                         .statement_min = 1,
                         .earlier = d->any_earlier ? &d->earlier : NULL,
                         .at_s = at_s};
  if (!code) code = cf_appraise(&until_s, &d->facts, &q, &v);
  if (code)
    return lies(a, r, "the result at entry %llu says %.*s; derived again: %s  %s: %s", (ull_t)r->index,
                (int)(r->ear.verdict.len < 20 ? r->ear.verdict.len : 20), (char const *)r->ear.verdict.ptr, cf_verdict_name(code), v.item,
                v.text);
  cf_appraise_result(&again, &d->facts, code, &a->domain.policy_hash, at_s, until_s);
  differences(diff, &r->ear, &again);
  if (diff[0]) return lies(a, r, "the result at entry %llu differs from what its evidence gives in: %s", (ull_t)r->index, diff);
  if (!cf_hash_eq(&d->facts.configuration, &e->boot.configuration) || !cf_hash_eq(&d->facts.instance, &e->boot.instance))
    return lies(a, r, "the evidence of the result at entry %llu is of another instance or configuration", (ull_t)r->index);
  cf_kept_note_t const *covers = cf_audit_note_covering(a, r->index);
  if (covers && r->ear.time > covers->time_s + a->domain.policy.clock_skew_s)
    return lies(a, r, "the result at entry %llu is of later than the first checkpoint that covers it", (ull_t)r->index);
  count_statements(a, e, &d->facts, at_s);
  d->earlier = d->facts;
  d->any_earlier = true;
  return true;
}

static cf_epoch_row_t *epoch_of(cf_audit_t const *a, cf_ear_t const *ear) {
  for (uint64_t i = a->epochs.cnt; i > 0; i--) {
    cf_epoch_row_t *e = cf_vec_at(&a->epochs, i - 1);
    if (!memcmp(e->boot.cert_hash.b, ear->certificate, 32)) return e;
  }
  return NULL;
}

/* What a result that does not affirm names is accounted for, and nothing rests on it. */
static void not_affirming(derive_t *d, cf_result_row_t const *r) {
  collateral_t c = {.item_cnt = 0};
  cf_who_t     who = {CF_RANK_RESULTS, 3, 0, r->index, CF_ABOUT_OTHER};
  (void)read_items(d, &c, &r->ear, who);
}

static void one_result(derive_t *d, cf_result_row_t *r) {
  cf_audit_t     *a = d->a;
  cf_who_t        who = {CF_RANK_RESULTS, 3, 0, r->index, CF_ABOUT_OTHER};
  cf_epoch_row_t *e = epoch_of(a, &r->ear);
  if (r->ear.status != CF_EAR_AFFIRMING || !e || r->member >= CF_MEMBERS_MAX) {
    not_affirming(d, r);
    return;
  }
  uint64_t before = a->n.faults;
  r->agrees = derive(d, e, r, who);
  if (!r->agrees) {
    if (!e->why.text[0] && before < CF_AUDIT_FAULTS_MAX && a->n.faults > before) e->why = a->faults[before];
    return;
  }
  a->n.results++;
  bool later = r->index > e->boot.certified_index && r->index > e->first_receipt; /* not what the epoch began with */
  if (later || e->said[r->member]) return;
  e->said[r->member] = true;
  if (e->affirmed++ == 0) {
    e->evidence = cf_hash_of(r->ear.evidence);
    e->measurement = d->facts.measurement;
    e->configuration = d->facts.configuration;
  }
}

/* What one verifier says against all others is told, and breaks nothing that k prove: a verifier who lies is within what the council bears, and
   who runs the log cannot know it. An epoch that does not pass has it as its reason. */
static void judge_lie(cf_audit_t *a, cf_result_row_t const *r) {
  cf_epoch_row_t *e = r->lie ? epoch_of(a, &r->ear) : NULL;
  if (!e) return;
  if (e->passes) {
    *(cf_result_row_t const **)cf_vec_add(&a->lies, &a->mem) = r;
    a->n.lies++;
    return;
  }
  uint64_t before = a->n.faults;
  cf_audit_fault(a, (cf_who_t){CF_RANK_RESULTS, 3, 0, r->index, CF_ABOUT_VERDICT}, NULL, cf_next_keep, "%s", r->lie);
  if (!e->why.text[0] && before < CF_AUDIT_FAULTS_MAX) e->why = a->faults[before];
}

bool cf_audit_results(cf_audit_t *a) {
  derive_t *d = cf_mem_take(&a->mem, sizeof *d);
  uint64_t  k = cf_genesis_council(&a->domain.genesis, CF_VERIFIERS)->k;
  d->a = a;
  for (uint64_t i = 0; i < a->results.cnt && !a->failed_io; i++) {
    one_result(d, cf_vec_at(&a->results, i));
    cf_mem_free(&d->scratch);
    d->scratch = (cf_mem_t){0};
  }
  for (uint64_t i = 0; i < a->epochs.cnt; i++) {
    cf_epoch_row_t *e = cf_vec_at(&a->epochs, i);
    if (e->refused)
      cf_audit_fault(a, (cf_who_t){CF_RANK_RESULTS, 3, 0, e->boot.index, CF_ABOUT_ENCLAVE}, NULL, cf_next_keep, "epoch %llu was certified, and %s",
                     (ull_t)e->boot.index, e->refused);
    e->passes = e->boot.certified_index != CF_NO_INDEX && e->affirmed >= k && (e->ak_certified || e->statements >= k) &&
                cf_hash_eq(&e->boot.policy, &a->domain.policy_hash) && !e->refused;
  }
  for (uint64_t i = 0; i < a->results.cnt; i++) judge_lie(a, cf_vec_at(&a->results, i));
  return !a->failed_io;
}
