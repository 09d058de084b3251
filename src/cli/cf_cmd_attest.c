/* attest: check a domain's enclave, print what holds, keep the bundle.  seal: refuses unless that bundle verifies now. */
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "cli/cf_input.h"
#include "cli/cf_remote.h"
#include "cli/cf_web.h"
#include "evidence/cf_evidence.h"

/* --domain HEX or --genesis F; neither: *given false. */
static int domain_arg(cf_hash_t *domain, bool *given, cf_args_t const *a) {
  int code = cf_arg_hash(domain, given, a, "domain");
  if (code || *given || !cf_arg(a, "genesis")) return code;
  *given = true;
  return cf_remote_genesis(domain, cf_arg(a, "genesis"));
}

static int print_json(cf_remote_t const *r, bool checked) {
  cf_attested_t const *t = r->attested;
  cf_wr_t              wr = cf_room(8192);
  cf_jw_t              j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_bool(&j, "domain_checked", checked);
  cf_jw_hex(&j, "domain", CF_SPAN_OF(t->trust.id.b));
  cf_jw_str(&j, "class", t->trust.genesis.class == 1 ? "production" : "test");
  cf_jw_bool(&j, "test_root", t->test);
  cf_jw_hex(&j, "measurement", CF_SPAN_OF(t->measurement.b));
  cf_jw_hex(&j, "instance", CF_SPAN_OF(t->epoch.instance));
  cf_jw_u64(&j, "epoch", t->epoch.epoch);
  cf_jw_hex(&j, "certificate", CF_SPAN_OF(t->certificate.b));
  cf_jw_u64(&j, "log_size", t->head.size);
  cf_jw_u64(&j, "final_block", r->final_block);
  cf_jw_str(&j, "until", cf_time(t->until_s));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

static int print_attested(cf_remote_t const *r, bool checked) {
  cf_attested_t const *t = r->attested;
  cf_council_t const  *v = cf_domain_verifiers(&t->trust);
  if (cf_json_mode()) return print_json(r, checked);
  char *text =
      cf_fmt("ok        %s\n"
             "domain    %s%s\n"
             "evidence  %llu-of-%zu verifiers   measurement %s   root of trust %s\n"
             "enclave   instance %s   epoch %llu   policy %llu\n"
             "ledger    its key is live in final block %llu\n"
             "until     %s\n%s",
             t->test ? "on a test root: genuine protocol, not a protection against that machine's owner" : "",
             cf_hex(CF_SPAN_OF(t->trust.id.b)),
             checked ? "" : "   (not checked: give --domain or --genesis from where you trust it)", (unsigned long long)v->k,
             v->members_cnt, cf_hex_short(CF_SPAN_OF(t->measurement.b)), cf_class_name((cf_root_class_t)t->ek_class),
             cf_hex_short(CF_SPAN_OF(t->epoch.instance)), (unsigned long long)t->epoch.epoch,
             (unsigned long long)t->trust.policy.version, (unsigned long long)r->final_block, cf_time(t->until_s),
             t->stale ? "stale     passes no more: proves only the past\n" : "");
  return cf_emit(CF_SPAN(text, strlen(text)), NULL);
}

int cf_cmd_attest(cf_args_t const *a) {
  cf_remote_t       r = {0};
  cf_hash_t         domain, nonce;
  cf_wallet_file_t *w = NULL;
  cf_account_t     *account = NULL;
  cf_entropy_t      e = cf_entropy_system();
  bool              given, fresh = cf_flag(a, "fresh");
  int               code = domain_arg(&domain, &given, a);
  if (!code && cf_arg(a, "wallet") && !given)
    code = cf_fail_usage(a->command, "--wallet goes with --domain or --genesis", "--wallet");
  if (!code && cf_arg(a, "wallet")) code = cf_wallet_file_open(&w, cf_arg(a, "wallet"));
  if (!code && w) code = cf_wallet_account_open(&account, w, &domain);
  if (code) return code;
  cf_entropy_fill(&e, nonce.b, 32);
  code = cf_remote_fetch(&r, "attest", a->word[0], fresh ? &nonce : NULL);
  cf_remote_ask_t const ask = {.domain = given ? &domain : NULL,
                               .policy_file = cf_arg(a, "policy"),
                               .kept = account ? &account->kept : NULL,
                               .url = a->word[0],
                               .nonce = fresh ? &nonce : NULL};
  if (!code) code = cf_remote_check(&r, "attest", &ask);
  if (!code && cf_flag(a, "activate")) code = cf_remote_activate(&r, a->word[0]);
  if (!code && account) { /* the log went on, whatever the ledger says */
    account->kept = r.attested->head;
    cf_account_session_end(account); /* whatever became of its opening: who attests anew begins anew */
    code = cf_wallet_account_save(account, w);
  }
  if (!code) code = cf_remote_live(&r, a->word[0]);
  if (!code && cf_arg(a, "o")) code = cf_emit(r.bytes, cf_arg(a, "o"));
  return code ? code : print_attested(&r, given);
}

int cf_cmd_seal(cf_args_t const *a) {
  cf_remote_t       r = {0};
  cf_wallet_file_t *w;
  cf_account_t     *account;
  uint8_t           input[CF_INPUT_MAX];
  size_t            input_sz;
  static cf_domain_t trust_room, *trust = &trust_room;
  cf_error_t        err = {0};
  if (!cf_arg(a, "wallet")) return cf_fail_usage(a->command, "a party's folder is missing", "--wallet");
  int code = cf_remote_load(&r, a->word[0]);
  if (!code) code = cf_wallet_file_open(&w, cf_arg(a, "wallet"));
  if (!code && cf_domain_open(trust, r.bundle->genesis, NULL, &err)) code = cf_fail_error("bundle", &err);
  if (!code) code = cf_wallet_account_open(&account, w, &trust->id);
  if (code) return code;
  cf_remote_ask_t const ask = {.domain = &trust->id, .kept = &account->kept, .stale_ok = cf_flag(a, "stale-ok")};
  code = cf_remote_check(&r, "seal", &ask);
  if (!code) code = cf_input_read(input, &input_sz, a->word_cnt > 1 ? a->word[1] : "-", &r.attested->trust.genesis);
  if (code) return code;
  cf_wr_t envelope = cf_room(CF_ENVELOPE_MAX);
  code = cf_seal_input(&envelope, account, w, r.attested, CF_SPAN(input, input_sz));
  return code ? code : cf_emit(cf_wr_out(&envelope), cf_arg(a, "o"));
}
