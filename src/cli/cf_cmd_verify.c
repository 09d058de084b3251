/* verify --matrix, verify evidence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "cli/cf_remote.h"
#include "codec/cf_pem.h"
#include "evidence/cf_evidence.h"

int cf_cmd_verify(cf_args_t const *a) {
  cf_check_row_t row;
  cf_wr_t        wr = cf_room(65536);
  cf_jw_t        j = cf_json_begin(&wr);
  if (!cf_flag(a, "matrix")) return cf_fail_usage(a->command, "evidence, receipt, log or --matrix", "verify");
  if (cf_json_mode()) cf_jw_arr(&j, NULL);
  for (size_t i = 0; cf_evidence_matrix(&row, i); i++) {
    if (!cf_json_mode()) {
      printf("%-6s %-18s %s\n", cf_platform_name(row.platform), row.name, row.what);
      continue;
    }
    cf_jw_obj(&j, NULL);
    cf_jw_str(&j, "platform", cf_platform_name(row.platform));
    cf_jw_str(&j, "check", row.name);
    cf_jw_str(&j, "what", row.what);
    cf_jw_end(&j, '}');
  }
  if (!cf_json_mode()) return 0;
  cf_jw_end(&j, ']');
  return cf_json_end(&j, NULL);
}

/* ---- evidence ---- */

#define ITEM_MAX (1 << 20)

typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             item_cnt;
  cf_root_t          roots[CF_ROOTS_MAX];
  size_t             root_cnt;
} with_t;

/* A root is a certificate in DER, or several in PEM. */
static int root_add(with_t *w, cf_args_t const *a, cf_root_class_t cls, cf_span_t bytes, char const *text) {
  cf_rd_t  rd = cf_rd_span(bytes);
  cf_pem_t block;
  if (bytes.len && bytes.ptr[0] == 0x30) {
    if (w->root_cnt == CF_ROOTS_MAX) return cf_fail_usage(a->command, "too many roots", text);
    w->roots[w->root_cnt++] = (cf_root_t){cls, bytes};
    return 0;
  }
  while (cf_pem_find(&rd, &block, "CERTIFICATE")) {
    cf_wr_t der = cf_room(block.data_sz);
    if (w->root_cnt == CF_ROOTS_MAX) return cf_fail_usage(a->command, "too many roots", text);
    if (cf_pem_decode(der.buf, der.max, &block)) abort();
    w->roots[w->root_cnt++] = (cf_root_t){cls, CF_SPAN(der.buf, der.max)};
  }
  if (rd.bad || !w->root_cnt) return cf_fail(CF_EXIT_USAGE, "file", "format", text, "found", "neither DER nor PEM", NULL);
  return 0;
}

/* ROLE=F.  Roots carry their class, root-cloud=F, where it matters who holds them. */
static int with_arg(with_t *w, cf_args_t const *a, char const *text) {
  static struct {
    char const     *name;
    cf_root_class_t cls;
  } const roots[] = {{"trusted_root", CF_CLASS_OWNER},
                     {"root-cloud", CF_CLASS_CLOUD},
                     {"root-firmware", CF_CLASS_FIRMWARE},
                     {"root-discrete", CF_CLASS_DISCRETE},
                     {"root-owner", CF_CLASS_OWNER}};
  cf_span_t bytes, name = CF_SPAN(text, strcspn(text, "="));
  if (!text[name.len]) return cf_fail_usage(a->command, "--with is ROLE=F", text);
  int code = cf_slurp(&bytes, text + name.len + 1, ITEM_MAX);
  if (code) return code;
  for (size_t i = 0; i < CF_COUNT_OF(roots); i++)
    if (cf_span_eq(name, CF_SPAN(roots[i].name, strlen(roots[i].name)))) return root_add(w, a, roots[i].cls, bytes, text);
  cf_role_t role = cf_role_of(name);
  if (!role) return cf_note("note: %.*s is no role that is read here", (int)name.len, text), 0;
  if (w->item_cnt == CF_ITEMS_MAX) return cf_fail_usage(a->command, "too many files", text);
  w->items[w->item_cnt++] = (cf_evidence_item_t){role, bytes};
  return 0;
}

static bool given(with_t const *w, cf_role_t role) {
  for (size_t i = 0; i < w->item_cnt; i++)
    if (w->items[i].role == role) return true;
  return false;
}

/* Unix seconds, or RFC 3339 in UTC. */
static int at_arg(int64_t *at_s, cf_args_t const *a) {
  char const *text = cf_arg(a, "at");
  struct tm   tm = {0};
  uint64_t    n;
  *at_s = (int64_t)cf_wall_s();
  if (!text) return 0;
  if (!cf_dec_u64(&n, CF_SPAN(text, strlen(text))) && n < 1ULL << 40) return *at_s = (int64_t)n, 0;
  char const *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  if (end && !*end) return *at_s = timegm(&tm), 0;
  return cf_fail_usage(a->command, "--at is a time like 2025-06-19T10:12:03Z", text);
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

static char *found_text(cf_verdict_t const *v) {
  return v->date_s ? cf_fmt("%s (%s)", v->text, cf_time((uint64_t)v->date_s)) : cf_fmt("%s", v->text);
}

static int refused(cf_verdict_t const *v) {
  return cf_fail(CF_EXIT_FAILS, "rejected", cf_verdict_name(v->code), v->item, "found", found_text(v), "next",
                 v->next ? v->next : cf_verdict_next(v->code), NULL);
}

/* ---- of a platform's own kind ---- */

/* One line a value; the members of an object behind its name. */
static void print_members(char const *prefix, cf_json_t obj) {
  cf_json_t value;
  cf_span_t key;
  for (size_t pos = 0; cf_json_each(obj, &pos, &key, &value);) {
    char *name = cf_fmt("%s%.*s", prefix, (int)key.len, (char const *)key.ptr);
    if (value.type == CF_JSON_OBJECT) print_members(cf_fmt("%s.", name), value);
    else printf("  %-28s %.*s\n", name, (int)value.text.len, (char const *)value.text.ptr);
  }
}

static int print_claims(cf_claims_t const *c, cf_verdict_t const *v) {
  cf_facts_t const *f = &c->said;
  cf_wr_t           wr = cf_room(65536);
  cf_jw_t           j = cf_json_begin(&wr);
  cf_json_t         members;
  cf_jw_obj(&j, NULL);
  if (cf_json_mode()) {
    cf_jw_bool(&j, "ok", !v->code);
    cf_jw_str(&j, "result", v->code ? "reject" : "ok");
    if (v->code) {
      cf_jw_str(&j, "reason", cf_verdict_name(v->code));
      cf_jw_str(&j, "item", v->item);
      cf_jw_str(&j, "found", v->text);
      if (v->date_s) cf_jw_str(&j, "date", cf_time((uint64_t)v->date_s));
      cf_jw_str(&j, "next", v->next);
    }
    if (f->platform) cf_jw_str(&j, "platform", cf_platform_name(f->platform));
  }
  cf_evidence_report(&j, f);
  cf_jw_end(&j, '}');
  if (cf_json_mode()) return cf_json_end(&j, NULL);
  if (v->code) return 0; /* a person reads why; what was claimed is for programs that look for the machine */
  printf("ok        %s   authentic, fresh and unrevoked; whether to accept it is policy's\n", cf_platform_name(f->platform));
  if (cf_json_parse(&members, cf_wr_out(&wr), NULL)) abort();
  print_members("", members);
  return 0;
}

static int judge(cf_evidence_ask_t const *ask) {
  static cf_claims_t claims;
  cf_verdict_t       v = {0};
  cf_verdict_code_t  code = cf_evidence_examine(&claims, ask, &v);
  for (size_t i = 1; i < CF_ROLE_CNT; i++)
    if (claims.said.unread & CF_ROLE_BIT(i)) cf_note("note: %s is not needed here, and was not read", cf_role_name((cf_role_t)i));
  if (code)
    fprintf(stderr, "rejected: %s  %s\n  %-9s %s\n  %-9s %s\n", cf_verdict_name(code), v.item, "found", found_text(&v), "next",
            v.next);
  int said = print_claims(&claims, &v);
  return code ? CF_EXIT_FAILS : said;
}

/* ---- Counterfoil's own ---- */

static int print_facts(cf_facts_t const *f, bool appraised) {
  cf_wr_t wr = cf_room(4096);
  cf_jw_t j = cf_json_begin(&wr);
  if (!cf_json_mode()) {
    printf("ok        %s   root of trust %s\nmeasured  %s   program %s\ninstance  %s\n%s", cf_platform_name(f->platform),
           cf_class_name(f->cls), cf_hex(CF_SPAN_OF(f->measurement.b)), cf_hex_short(CF_SPAN_OF(f->program.b)),
           cf_hex(CF_SPAN_OF(f->instance.b)),
           appraised ? "" : "authentic; whether policy allows it was not asked: give --genesis F\n");
    return 0;
  }
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_bool(&j, "appraised", appraised);
  cf_jw_str(&j, "platform", cf_platform_name(f->platform));
  cf_jw_str(&j, "class", cf_class_name(f->cls));
  cf_jw_hex(&j, "measurement", CF_SPAN_OF(f->measurement.b));
  cf_jw_hex(&j, "instance", CF_SPAN_OF(f->instance.b));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

static int genesis_arg(cf_domain_t **out, cf_args_t const *a) {
  cf_span_t  entry;
  cf_error_t err = {0};
  int        code = cf_slurp(&entry, cf_arg(a, "genesis"), CF_ENTRY_MAX);
  if (code) return code;
  *out = calloc(1, sizeof **out);
  if (!*out) abort();
  return cf_domain_open(*out, entry, NULL, &err) ? cf_fail_error("genesis", &err) : 0;
}

static int judge_own(cf_evidence_ask_t *ask, cf_args_t const *a) {
  static cf_facts_t facts;
  cf_verdict_t      v = {0};
  cf_domain_t      *trust = NULL;
  cf_hash_t         nonce;
  bool              domain_given, nonce_given;
  int64_t           until;
  int               code = cf_arg_hash(&ask->domain, &domain_given, a, "domain");
  if (!code) code = cf_arg_hash(&nonce, &nonce_given, a, "nonce");
  if (!code && cf_arg(a, "genesis")) code = genesis_arg(&trust, a);
  if (!code && !trust && !domain_given)
    code = cf_fail_usage(a->command, "whose enclave? --genesis F or --domain HEX", "--genesis");
  if (code) return code;
  if (trust) ask->domain = trust->id;
  if (!ask->item_cnt)
    return cf_fail(CF_EXIT_FAILS, "rejected", "collateral-missing", "evidence", "found", "no evidence was given", "next",
                   "--with evidence=F", NULL);
  if (cf_evidence_verify(&facts, ask, &v)) return refused(&v);
  if (!trust) return print_facts(&facts, false);
  cf_appraise_ask_t const appraise = {.policy = &trust->policy,
                                      .production = trust->genesis.class == 1,
                                      .verifiers = cf_domain_verifiers(trust),
                                      .statement_min = cf_domain_verifiers(trust)->k,
                                      .nonce = nonce_given ? &nonce : NULL,
                                      .at_s = ask->at_s};
  return cf_appraise(&until, &facts, &appraise, &v) ? refused(&v) : print_facts(&facts, true);
}

int cf_cmd_verify_evidence(cf_args_t const *a) {
  static with_t     w;
  cf_evidence_ask_t ask = {.crl_waived = cf_flag(a, "no-crl")};
  int               code = at_arg(&ask.at_s, a);
  for (size_t i = 0; !code && cf_arg_at(a, "with", i); i++) code = with_arg(&w, a, cf_arg_at(a, "with", i));
  ask.items = w.items;
  ask.item_cnt = w.item_cnt;
  ask.roots = w.roots;
  ask.root_cnt = w.root_cnt;
  if (code) return code;
  if (!w.item_cnt || given(&w, CF_ROLE_EVIDENCE)) return judge_own(&ask, a);
  if (!code) code = nonce_arg(&ask.nonce, a);
  if (!code) code = bank_arg(&ask.bank, a);
  return code ? code : judge(&ask);
}
