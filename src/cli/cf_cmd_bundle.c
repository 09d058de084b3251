/* bundle make, bundle show, verify bundle: a judgement, kept, and judged again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cf_commands.h"
#include "cli/cf_evidence_args.h"
#include "cli/cf_remote.h"
#include "cli/cf_show.h"
#include "evidence/cf_judgement_bundle.h"

static cf_judgement_bundle_t bundle;

/* ---- making ---- */

static int make_new(cf_judgement_t *judged, cf_args_t const *a) {
  static cf_evidence_args_t with;
  static cf_appraisal_t     policy;
  bool                      given, domain_given;
  cf_error_t                err = {0};
  cf_wr_t                   room = cf_room(CF_JUDGEMENT_MAX + CF_APPRAISAL_MAX);
  int                       code = cf_evidence_args(&with, a);
  if (!code) code = cf_appraisal_arg(&policy, &given, a);
  if (!code) code = cf_arg_hash(&with.ask.domain, &domain_given, a, "domain");
  if (!code && with.compares) code = cf_fail_usage(a->command, "one T, and one file of each role", "--with");
  if (code) return code;
  return cf_judgement_bundle_make(&bundle, judged, &room, &with.ask, given ? &policy : NULL, &err) ? cf_fail_error("bundle", &err)
                                                                                                   : 0;
}

static int print_made(cf_judgement_t const *judged, cf_args_t const *a) {
  cf_wr_t   wr = cf_room(CF_JUDGEMENT_BUNDLE_MAX), text = cf_room(4096);
  cf_hash_t record = cf_judgement_bundle_record(&bundle);
  cf_jw_t   j = cf_json_begin(&text);
  cf_judgement_bundle_encode(&wr, &bundle);
  if (wr.bad) return cf_fail(CF_EXIT_FAILS, "bundle", "bound", "items", "found", "more than a bundle holds", NULL);
  int code = cf_save(cf_arg(a, "o"), cf_wr_out(&wr), false);
  if (code) return code;
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_str(&j, "verdict", cf_verdict_name(judged->v.code));
  cf_jw_hex(&j, "record", CF_SPAN_OF(record.b));
  cf_jw_u64(&j, "bytes", wr.len);
  cf_jw_end(&j, '}');
  if (cf_json_mode()) return cf_json_end(&j, NULL);
  printf("kept      %s   verdict %s as of %s\nrecord    %s   is what a log would hold\n", cf_arg(a, "o"),
         cf_verdict_name(judged->v.code), cf_time(bundle.asked.at), cf_hex(CF_SPAN_OF(record.b)));
  return 0;
}

static int read_bundle(cf_span_t *in, char const *path) {
  cf_error_t err = {0};
  int        code = cf_slurp(in, path, CF_JUDGEMENT_BUNDLE_MAX);
  if (code) return code;
  return cf_judgement_bundle_decode(&bundle, *in, &err)
             ? cf_fail(CF_EXIT_FAILS, "rejected", "malformed", err.item, "found",
                       cf_fmt("%s (at byte %zu)", err.text, err.offset), "next", cf_verdict_next(CF_VERDICT_MALFORMED), NULL)
             : 0;
}

static int check(cf_judgement_t *judged, cf_appraisal_t *policy, cf_cosigned_t *head, cf_witness_set_t const *log) {
  cf_verdict_t v = {0};
  if (!cf_judgement_bundle_check(judged, policy, head, &bundle, log, &v)) return 0;
  return cf_fail(CF_EXIT_FAILS, "rejected", cf_verdict_name(v.code), v.item, "found", cf_verdict_found(&v), "next",
                 v.code == CF_VERDICT_MALFORMED ? "this copy is altered or torn: fetch it again" : v.next, NULL);
}

int cf_cmd_bundle_make(cf_args_t const *a) {
  static cf_judgement_t judged;
  static cf_appraisal_t policy;
  cf_span_t             in, proof;
  int                   code = cf_arg(a, "o") ? 0 : cf_fail_usage(a->command, "where to? -o F", "-o");
  if (!code && a->word_cnt) code = read_bundle(&in, a->word[0]);
  if (!code && a->word_cnt) code = check(&judged, &policy, NULL, NULL);
  if (!code && !a->word_cnt) code = make_new(&judged, a);
  if (!code && cf_arg(a, "proof")) code = cf_slurp(&proof, cf_arg(a, "proof"), CF_TLOG_PROOF_MAX);
  if (code) return code;
  if (cf_arg(a, "proof")) cf_judgement_bundle_prove(&bundle, proof);
  return print_made(&judged, a);
}

/* ---- showing ---- */

int cf_cmd_bundle_show(cf_args_t const *a) {
  cf_span_t  in;
  cf_wr_t    wr = cf_room(16 * CF_JUDGEMENT_MAX), text = cf_room(64 * CF_JUDGEMENT_MAX);
  cf_error_t err = {0};
  int        code = read_bundle(&in, a->word[0]);
  if (code) return code;
  if (!cf_show_value(&wr, in, &err)) return cf_fail_error("show", &err);
  if (cf_json_mode()) cf_wr_u8(&wr, '\n');
  else cf_show_pretty(&text, cf_wr_out(&wr));
  return cf_emit(cf_wr_out(cf_json_mode() ? &wr : &text), NULL);
}

/* ---- judging again ---- */

/* A domain's own bundle: all of it holds as of its note's time, which no clock comes before. */
#define NO_CLOCK 253402300799 /* the last second that dates have words for */

static int verify_domain(cf_args_t const *a) {
  cf_remote_t     r = {0};
  cf_hash_t       domain;
  bool            given;
  cf_remote_ask_t ask = {.stale_ok = true, .at_s = NO_CLOCK};
  int             code = cf_arg_hash(&domain, &given, a, "domain");
  if (!code && cf_arg(a, "genesis")) code = cf_remote_genesis(&domain, cf_arg(a, "genesis")), given = true;
  if (given) ask.domain = &domain;
  if (!code) code = cf_remote_load(&r, a->word[0]);
  if (!code) code = cf_remote_check(&r, "verify bundle", &ask);
  if (code) return code;
  char *id = cf_hex(CF_SPAN_OF(r.attested->trust.id.b)), *at = cf_time(r.attested->head.time_s), *line;
  if (cf_json_mode())
    line = cf_fmt("{\"ok\":true,\"kind\":\"bundle\",\"domain\":\"%s\",\"at\":\"%s\",\"test\":%s}\n", id, at,
                  r.attested->test ? "true" : "false");
  else
    line = cf_fmt("OK   a domain's bundle, as of %s\n     domain %s%s%s\n", at, id, given ? "" : "   (which was not asked for)",
                  r.attested->test ? "   on a test root" : "");
  return cf_emit(CF_SPAN(line, strlen(line)), NULL);
}

static int genesis_log(cf_domain_t **out, char const *path) {
  cf_span_t  entry;
  cf_error_t err = {0};
  int        code = cf_slurp(&entry, path, CF_ENTRY_MAX);
  *out = calloc(1, sizeof **out);
  if (!*out) abort();
  if (code) return code;
  return cf_domain_open(*out, entry, NULL, &err) ? cf_fail_error("genesis", &err) : 0;
}

/* What the bundle says holds; now whether that is yes, and whether the asker's own policy says the same of it. */
static int verify_own(cf_judgement_t const *judged, cf_appraisal_t const *own) {
  cf_verdict_t v = judged->v;
  int64_t      until_s;
  if (!v.code && own && cf_appraise_under(&until_s, &judged->claims.said, own, NULL, judged->at_s, NULL, &v))
    return cf_fail(CF_EXIT_FAILS, "refused", cf_verdict_name(v.code), v.item, "found", cf_verdict_found(&v), "next", v.next,
                   NULL);
  return 0;
}

static int print_verified(cf_judgement_t const *judged, cf_cosigned_t const *head) {
  cf_hash_t record = cf_judgement_bundle_record(&bundle);
  bool      ok = judged->v.code == CF_VERDICT_OK;
  cf_wr_t   wr = cf_room(2 * CF_JUDGEMENT_MAX);
  cf_jw_t   j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", ok);
  cf_jw_bool(&j, "holds", true);
  cf_jw_str(&j, "at", cf_time(bundle.asked.at));
  cf_jw_hex(&j, "record", CF_SPAN_OF(record.b));
  if (head) {
    cf_jw_str(&j, "logged", cf_time(head->time_s));
    cf_jw_u64(&j, "cosigned", head->count);
  }
  cf_jw_u64(&j, "trusted_roots", bundle.roots_cnt);
  cf_jw_raw(&j, "result", bundle.result);
  cf_jw_end(&j, '}');
  if (cf_json_mode()) return cf_json_end(&j, NULL), ok ? 0 : CF_EXIT_FAILS;
  printf("holds     verdict %s%s%s as of %s   %s\n", cf_verdict_name(judged->v.code), ok ? "" : "  ", judged->v.item,
         cf_time(bundle.asked.at),
         cf_platform_name(judged->claims.said.platform) ? cf_platform_name(judged->claims.said.platform) : "");
  if (head) printf("logged    by %s, cosigned by %u\n", cf_time(head->time_s), head->count);
  else if (bundle.proof.len) printf("logged    not asked: --genesis F says whose log it is\n");
  if (bundle.roots_cnt)
    printf("roots     %zu that its maker handed in; a policy that names them makes them count\n", bundle.roots_cnt);
  return ok ? 0 : CF_EXIT_FAILS;
}

int cf_cmd_verify_bundle(cf_args_t const *a) {
  static cf_judgement_t judged;
  static cf_appraisal_t policy, own;
  static cf_bundle_t    domains;
  cf_cosigned_t         head;
  cf_domain_t          *trust = NULL;
  bool                  own_given;
  cf_span_t             in;
  int                   code = cf_appraisal_arg(&own, &own_given, a);
  if (!code) code = cf_slurp(&in, a->word[0], CF_JUDGEMENT_BUNDLE_MAX);
  if (!code && !cf_bundle_decode(&domains, in, NULL)) return verify_domain(a);
  if (!code) code = read_bundle(&in, a->word[0]);
  if (!code && cf_arg(a, "genesis")) code = genesis_log(&trust, cf_arg(a, "genesis"));
  if (!code) code = check(&judged, &policy, &head, trust ? &trust->witnesses : NULL);
  if (!code) code = verify_own(&judged, own_given ? &own : NULL);
  return code ? code : print_verified(&judged, trust ? &head : NULL);
}
