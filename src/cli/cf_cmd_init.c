/* init: what is asked for, read and refused; cf_init.h founds it. */
#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "cli/cf_init.h"
#include "cli/cf_key_file.h"
#include "ledger/cf_evm_call.h"

static int council_arg(cf_init_council_t *out, cf_args_t const *a, char const *name) {
  char const *text = cf_arg(a, name);
  char       *end;
  if (!text) return 0;
  out->k = strtoul(text, &end, 10);
  if (end != text && *end == '/') {
    char *n = end + 1;
    out->n = strtoul(n, &end, 10);
    if (end != n && !*end && out->k && out->k <= out->n && out->n <= CF_MEMBERS_MAX) return 0;
  }
  return cf_fail_usage(a->command, cf_fmt("--%s is K/N, at most 16 members", name), text);
}

/* SYMBOL:SCALE[:CAP[:TOKEN]] */
static int asset_arg(cf_asset_t *out, cf_args_t const *a, char const *text, bool production, bool evm) {
  char const *colon = strchr(text, ':');
  char       *end = NULL;
  *out = (cf_asset_t){.cap = INT64_MAX};
  if (colon) {
    out->symbol = CF_SPAN(text, (size_t)(colon - text));
    out->scale = strtoul(colon + 1, &end, 10);
  }
  bool capped = end && *end == ':';
  if (capped) out->cap = strtoull(end + 1, &end, 10);
  bool token = capped && *end == ':', ok = end && (token || !*end);
  if (token) {
    end += strncmp(end + 1, "0x", 2) ? 1 : 3;
    ok = evm && !cf_hex_decode(out->token, sizeof out->token, CF_SPAN(end, strlen(end)));
  }
  ok = ok && out->symbol.len >= 1 && out->symbol.len <= 16 && out->scale <= 30 && out->cap <= INT64_MAX;
  if (!ok)
    return cf_fail_usage(a->command, evm ? "--asset is SYMBOL:SCALE[:CAP[:TOKEN]], CAP in units per 24 h, TOKEN an address"
                                         : "--asset is SYMBOL:SCALE[:CAP], CAP in minor units per 24 h", text);
  if (production && !capped) return cf_fail_usage(a->command, "class production wants a CAP of every asset", text);
  return production && evm && !token ? cf_fail_usage(a->command, "class production wants a TOKEN of every asset", text) : 0;
}

static int ek_root_arg(cf_ek_root_t *out, cf_args_t const *a) {
  static char const *const classes[] = {"cloud", "firmware", "discrete"};
  char const              *text = cf_arg(a, "ek-root");
  cf_span_t                der;
  if (!text) return 0;
  char const *eq = strchr(text, '=');
  for (size_t i = 0; eq && i < 3; i++) {
    if (strlen(classes[i]) != (size_t)(eq - text) || strncmp(classes[i], text, (size_t)(eq - text))) continue;
    int code = cf_slurp(&der, eq + 1, 65536);
    if (code) return code;
    cf_hash_t hash = cf_sha256(der);
    out->class = i + 1;
    memcpy(out->root, hash.b, 32);
    return 0;
  }
  return cf_fail_usage(a->command, "--ek-root is cloud=F, firmware=F or discrete=F, F a certificate in DER", text);
}

/* ---- a ledger on a chain ---- */

static int evm_args(cf_init_t *in, cf_addr_t *deployer, cf_args_t const *a) {
  cf_asset_t const ether = {.symbol = CF_SPAN_LIT("ETH"), .token = CF_EVM_ETHER, .scale = 9, .cap = INT64_MAX};
  cf_folder_evm_t *e = &in->evm;
  uint64_t         quorum = 0;
  while (cf_arg_at(a, "rpc", e->nodes) && e->nodes < CF_EVM_NODES_MAX) e->node[e->nodes] = cf_arg_at(a, "rpc", e->nodes), e->nodes++;
  if (!e->nodes || cf_arg_at(a, "rpc", e->nodes)) return cf_fail_usage(a->command, "a chain is reached by 1 to 8 nodes", "--rpc URL");
  if (!cf_arg(a, "deployer")) return cf_fail_usage(a->command, "who will make the contract? its address depends on it", "--deployer KEYSTORE");
  e->fee_max_gwei = 200;
  e->budget_gwei = 10000000000;
  quorum = e->nodes / 2 + 1;
  in->assets[0] = ether;
  in->assets_cnt = 1;
  int code = cf_arg_u64(&quorum, a, "rpc-quorum", e->nodes / 2 + 1, e->nodes);
  if (!code && in->production && cf_arg(a, "validity"))
    code = cf_fail_usage(a->command, "class production has times of its own", "--validity");
  if (!code) code = cf_arg_u64(&in->validity_s, a, "validity", CF_INIT_VALIDITY_S, 86400);
  if (!code) code = cf_arg_u64(&e->confirmations, a, "confirmations", 1, 1000000);
  if (!code) code = cf_arg_u64(&e->fee_max_gwei, a, "fee-max", 1, 1000000);
  if (!code) code = cf_arg_u64(&e->budget_gwei, a, "budget", 1, INT64_MAX);
  e->quorum = (unsigned)quorum;
  return code ? code : cf_key_file_addr(deployer, a, cf_arg(a, "deployer"), !in->production);
}

static int ledger_args(cf_init_t *in, cf_addr_t *deployer, cf_args_t const *a) {
  static char const *const evm_only[] = {"rpc", "deployer", "rpc-quorum", "confirmations", "fee-max", "budget", "validity", "password-file"};
  char const *kind = cf_arg(a, "ledger");
  if (kind && !strcmp(kind, "evm")) return evm_args(in, deployer, a);
  if (kind && strcmp(kind, "embedded")) return cf_fail_usage(a->command, "--ledger is embedded or evm", kind);
  for (size_t i = 0; i < CF_COUNT_OF(evm_only); i++)
    if (cf_arg(a, evm_only[i])) return cf_fail_usage(a->command, "is of a ledger on a chain: --ledger evm", cf_fmt("--%s", evm_only[i]));
  return 0;
}

static int read_args(cf_init_t *in, cf_addr_t *deployer, cf_args_t const *a) {
  char const *class = cf_arg(a, "class"), *policy = cf_arg(a, "policy");
  uint64_t port = 0;
  cf_init_defaults(in, a->word[0]);
  if (class && strcmp(class, "test") && strcmp(class, "production"))
    return cf_fail_usage(a->command, "--class is test or production", class);
  in->production = class && !strcmp(class, "production");
  if (cf_arg(a, "name")) in->name = cf_arg(a, "name");
  if (strspn(in->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(in->name) || strlen(in->name) > 32 || !*in->name)
    return cf_fail_usage(a->command, "--name has at most 32 of a-z, 0-9 and -", in->name);
  in->tpm = cf_arg(a, "tpm");
  int code = ledger_args(in, deployer, a);
  if (!code) code = council_arg(&in->verifiers, a, "verifiers");
  if (!code) code = council_arg(&in->witnesses, a, "witnesses");
  if (!code) code = council_arg(&in->observers, a, "observers");
  if (!code) code = cf_arg_u64(&port, a, "port", 1024, 64000);
  if (!code) code = ek_root_arg(&in->ek_root, a);
  if (!code && policy) code = cf_slurp(&in->policy_json, policy, 65536);
  for (size_t i = 0; !code && cf_arg_at(a, "asset", i); i++) {
    if (i == CF_INIT_ASSETS_MAX) return cf_fail_usage(a->command, "more than 64 assets", "--asset");
    code = asset_arg(&in->assets[i], a, cf_arg_at(a, "asset", i), in->production, in->evm.nodes > 0);
    in->assets_cnt = i + 1;
  }
  in->port = (uint16_t)port;
  if (!code && in->production && !cf_arg(a, "asset"))
    code = cf_fail_usage(a->command, "class production names its assets", "--asset SYMBOL:SCALE:CAP");
  return code;
}

static bool token_less(cf_asset_t const *asset) {
  static uint8_t const none[20];
  return !memcmp(asset->token, none, sizeof none);
}

int cf_cmd_init(cf_args_t const *a) {
  static cf_init_t in;
  cf_folder_t      f;
  cf_addr_t        deployer;
  int              code = read_args(&in, &deployer, a);
  if (code) return code;
  if (in.production && (!in.tpm || !in.ek_root.class))
    return cf_fail(CF_EXIT_FAILS, "init", "test-root", "software TPM", "found",
                   "class production stands on a TPM that its owner does not control", "next",
                   "--tpm device:/dev/tpmrm0 --ek-root cloud=ROOT.der", NULL);
  if ((!in.tpm) != (!in.ek_root.class)) return cf_fail_usage(a->command, "--tpm and --ek-root go together", "--tpm");
  if (in.evm.nodes && (code = cf_init_chain(&in, &deployer))) return code;
  if ((code = cf_init_run(&f, &in))) return code;
  if (!in.production)
    cf_note("class test: stands on a test root; genuine protocol, not a protection against this machine's owner");
  for (size_t i = 0; in.evm.nodes && i < in.assets_cnt; i++)
    if (token_less(&in.assets[i]))
      cf_note("asset %.*s has no token: nothing of it can be deposited", (int)in.assets[i].symbol.len, in.assets[i].symbol.ptr);
  if (in.evm.nodes)
    cf_note("ledger on chain %llu, at 0x%s\n  next      counterfoil ledger deploy %s --deployer %s  before the deployer sends anything else",
            (unsigned long long)in.chain_id, cf_hex(CF_SPAN_OF(in.contract.b)), a->word[0], cf_arg(a, "deployer"));
  char *domain = cf_hex(CF_SPAN_OF(f.domain->id.b));
  if (!cf_json_mode()) return cf_emit(CF_SPAN(cf_fmt("%s\n", domain), 65), NULL);
  cf_wr_t wr = cf_room(4096);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "domain", domain);
  cf_jw_str(&j, "class", in.production ? "production" : "test");
  cf_jw_str(&j, "dir", f.dir);
  cf_jw_str(&j, "url", cf_folder_url(&f, f.port));
  if (in.evm.nodes) {
    cf_jw_u64(&j, "chain_id", in.chain_id);
    cf_jw_str(&j, "contract", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(in.contract.b))));
  }
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}
