#include <stdlib.h>

#include "cli/cf_commands.h"
#include "cli/cf_process.h"
#include "council/cf_verifier.h"

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_verifier_step(core, fx, ev); }

int cf_cmd_verifier(cf_args_t const *a) {
  cf_folder_t      f;
  cf_host_config_t host;
  uint8_t         *keys;
  size_t           n;
  cf_error_t       err = {0};
  cf_verifier_t   *core = calloc(1, sizeof *core);
  int              code = cf_process_open(&f, &n, a, CF_VERIFIERS);
  if (!code) code = cf_key_load(&keys, &f, "verifier", n, 2);
  if (code) return code;
  cf_p256_key_t *key = cf_p256_key_from(keys + 32);
  if (!core || !key) return cf_fail(CF_EXIT_FAILS, "verifier", "format", "key", NULL);
  cf_verifier_config_t const cfg = {
      .domain = f.domain, .member = (uint8_t)(n - 1), .scalar = keys, .key = key, .entropy = cf_entropy_system()};
  if (cf_verifier_init(core, &cfg, &err)) return cf_fail_error("verifier", &err);
  cf_peer_t const gateway = {.url = cf_folder_url(&f, f.port)};
  cf_process_host(&host, &f, "verifier", cf_folder_path(&f, "roles/verifier-%zu", n),
                  cf_folder_port(&f, CF_ROLE_NAME_VERIFIER, n));
  host.lock = "lock";
  host.memory = cf_process_memory(&f, CF_VERIFIERS);
  host.peers = &gateway;
  host.peer_cnt = 1;
  return cf_host_run(&host, step, core);
}
