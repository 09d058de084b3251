/* verify receipt: is it this domain's, for this envelope, by the enclave's key, in the log under a quorum of the witnesses? */
#include <string.h>

#include "audit/cf_verify.h"
#include "cli/cf_commands.h"
#include "cli/cf_remote.h"

/* The receipt key of the epoch that a bundle certifies, at whatever time it did. */
static int key_arg(cf_p256_pub_t *key, cf_args_t const *a, cf_hash_t const *domain) {
  cf_remote_t           r = {0};
  cf_remote_ask_t const ask = {.domain = domain, .stale_ok = true};
  int                   code = cf_remote_load(&r, cf_arg(a, "bundle"));
  if (!code) code = cf_remote_check(&r, "verify receipt", &ask);
  if (!code) memcpy(key->b, r.attested->epoch.receipt, sizeof key->b);
  return code;
}

static int print(cf_verify_receipt_t const *v) {
  bool  in = v->state == CF_RECEIPT_INCLUDED;
  char *hash = cf_hex(CF_SPAN_OF(v->hash.b)), *line;
  if (cf_json_mode())
    line = cf_fmt("{\"ok\":true,\"receipt\":%llu,\"hash\":\"%s\",\"logged\":%s}\n", (unsigned long long)v->doc.sequence, hash,
                  in ? "true" : "false");
  else
    line = cf_fmt("OK   receipt %llu  %s  %s\n", (unsigned long long)v->doc.sequence, hash,
                  in ? cf_fmt("entry %llu of the log, cosigned by %u", (unsigned long long)v->entry, v->checkpoint.count)
                     : "provisional: it obliges the operator; --proof F shows that it is history");
  return cf_emit(CF_SPAN(line, strlen(line)), NULL);
}

int cf_cmd_verify_receipt(cf_args_t const *a) {
  cf_verify_receipt_ask_t ask = {0};
  cf_verify_receipt_t     v;
  cf_span_t               envelope;
  cf_hash_t               domain, id;
  cf_p256_pub_t           key;
  cf_error_t              err = {0};
  if (!cf_arg(a, "genesis")) return cf_fail_usage(a->command, "whose domain? --genesis F", "--genesis");
  int code = cf_slurp(&ask.file, a->word[0], 1 << 20);
  if (!code) code = cf_slurp(&ask.genesis, cf_arg(a, "genesis"), CF_ENTRY_MAX);
  if (!code) code = cf_remote_genesis(&domain, cf_arg(a, "genesis"));
  if (!code && cf_arg(a, "proof")) code = cf_slurp(&ask.proof, cf_arg(a, "proof"), CF_TLOG_PROOF_MAX);
  if (!code && cf_arg(a, "envelope")) code = cf_slurp(&envelope, cf_arg(a, "envelope"), CF_ENVELOPE_MAX);
  if (!code && cf_arg(a, "bundle")) code = key_arg(&key, a, &domain);
  if (code) return code;
  if (cf_arg(a, "envelope")) id = cf_envelope_id(envelope), ask.envelope = &id;
  if (cf_arg(a, "bundle")) ask.key = &key;
  return cf_verify_receipt(&v, &ask, &err) ? cf_fail_error("verify receipt", &err) : print(&v);
}
