#include <stdlib.h>
#include <string.h>

#include "cli/cf_commands.h"
#include "cli/cf_process.h"
#include "translog/cf_witness.h"

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_witness_step(core, fx, ev); }

int cf_cmd_witness(cf_args_t const *a) {
  cf_folder_t      f;
  cf_host_config_t host;
  uint8_t         *seed;
  size_t           n;
  cf_witness_t    *core = calloc(1, sizeof *core);
  int              code = cf_process_open(&f, &n, a, CF_WITNESSES);
  if (!code) code = cf_key_load(&seed, &f, "witness", n, 1);
  if (code) return code;
  if (!core) abort();
  cf_vkey_t const *self = &f.domain->witnesses.member[n - 1];
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, seed);
  if (memcmp(pub.b, self->pub.b, 32))
    return cf_fail(CF_EXIT_FAILS, "witness", "auth", "key", "found", "not the one that genesis names", NULL);
  cf_witness_init(core, self, seed);
  if (cf_witness_trust(core, &f.domain->witnesses.log)) return cf_fail(CF_EXIT_FAILS, "witness", "policy", "log", NULL);
  cf_process_host(&host, &f, "witness", cf_folder_path(&f, "roles/witness-%zu", n), cf_folder_port(&f, CF_ROLE_NAME_WITNESS, n));
  host.lock = "lock";
  host.memory = cf_process_memory(&f, CF_WITNESSES);
  return cf_host_run(&host, step, core);
}
