/* A domain is founded, started, and its evidence checked. */
#include <stdlib.h>
#include <string.h>

#include "base/cf_secret.h"
#include "cli/cf_demo.h"
#include "cli/cf_web.h"
#include "document/cf_measure.h"

enum { READY_MS = 30000, READY_EVM_MS = 120000, STEP_MS = 20 };

int cf_demo_status(uint64_t *out, cf_demo_t const *d, char const *member) {
  cf_json_t root;
  int       code = cf_web_json(&root, "demo", d->url, "/v1/status");
  if (code) return code;
  return cf_json_u64(out, cf_json_get(root, member)) ? cf_web_malformed("demo", d->url, "/v1/status") : 0;
}

static int wait_serving(cf_demo_t const *d) {
  char mode[32] = "", missing[64] = "";
  for (unsigned t = 0; t < (d->evm.rpc ? READY_EVM_MS : READY_MS); t += STEP_MS) {
    cf_json_t root;
    int       code = cf_web_json(&root, "demo", d->url, "/v1/status");
    if (code) return code;
    if (!cf_json_str(mode, sizeof mode, cf_json_get(root, "mode")) && !strcmp(mode, "normal")) return 0;
    if (cf_json_str(missing, sizeof missing, cf_json_get(root, "missing"))) missing[0] = 0;
    cf_web_sleep(STEP_MS);
  }
  return cf_fail(CF_EXIT_WORLD, "demo", "timeout", mode, "found", cf_fmt("the enclave does not serve: %s is missing", missing),
                 "next", cf_fmt("%s/logs has every process' words", d->folder.dir), NULL);
}

int cf_demo_domain(cf_demo_t *d, char const *dir) {
  static cf_init_t in;
  cf_init_defaults(&in, dir);
  in.name = "demo";
  in.any_port = true;
  in.assets_cnt = d->in.assets_cnt;
  in.policy_json =
      CF_SPAN_LIT("{\"clearing\":{\"min_parties\":2,\"min_inputs\":1}}"); /* so that the last row of a file settles, too */
  for (size_t i = 0; i < in.assets_cnt; i++)
    in.assets[i] = (cf_asset_t){.symbol = CF_SPAN(d->in.assets[i], strlen(d->in.assets[i])), .cap = INT64_MAX};
  int code = d->evm.rpc ? cf_demo_evm_tokens(d, &in) : 0;
  if (!code) code = cf_init_run(&d->folder, &in);
  if (!code && d->evm.rpc) code = cf_demo_evm_ledger(d);
  if (code) return code;
  d->procs = (cf_procs_t){.log_dir = cf_folder_path(&d->folder, "logs")};
  d->url = cf_folder_url(&d->folder, d->folder.port);
  code = cf_up_start(&d->procs, &d->folder, NULL);
  if (code) return code;
  cf_demo_line(d, 1, "domain", "%s  %zu-of-%zu verifiers, %zu-of-%zu witnesses, %zu-of-%zu observers",
               cf_hex_short(CF_SPAN_OF(d->folder.domain->id.b)), in.verifiers.k, in.verifiers.n, in.witnesses.k,
               in.witnesses.n, in.observers.k, in.observers.n);
  return 0;
}

int cf_demo_attest(cf_demo_t *d) {
  cf_remote_ask_t const ask = {.domain = &d->folder.domain->id};
  int                   code = cf_remote_fetch(&d->remote, "demo", d->url, NULL);
  return code ? code : cf_remote_check(&d->remote, "demo", &ask);
}

int cf_demo_evidence(cf_demo_t *d) {
  int code = wait_serving(d);
  if (!code) code = cf_demo_attest(d);
  if (!code) code = cf_chain_open(&d->chain, "demo", d->url, NULL);
  if (!code) code = cf_key_load(&d->treasury, &d->folder, "treasury", 0, 1);
  if (code) return code;
  cf_measurement_t const *m = &d->folder.domain->policy.measurements[0];
  cf_hash_t               program, configuration;
  memcpy(program.b, m->program, 32);
  memcpy(configuration.b, m->configuration, 32);
  cf_hash_t pcr11 = cf_pcr11(&program, &configuration, &d->folder.domain->id);
  cf_demo_line(d, 2, "evidence", "%zu verifiers ok   pcr11 %s   identity in pcr12   registered", d->remote.bundle->results_cnt,
               cf_hex_short(CF_SPAN_OF(pcr11.b)));
  return 0;
}
