#include <stdlib.h>

#include "cli/cf_commands.h"
#include "cli/cf_process.h"
#include "council/cf_observer.h"
#include "io/cf_rpc.h"

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_observer_step(core, fx, ev); }

/* The ledger's process, or the node of a chain that is this observer's own. */
static cf_peer_t ledger_peer(cf_folder_t const *f, size_t n) {
  if (f->evm.nodes) return (cf_peer_t){.url = f->evm.node[(n - 1) % f->evm.nodes], .type = CF_RPC_TYPE};
  return (cf_peer_t){.url = cf_folder_url(f, cf_folder_port(f, CF_ROLE_NAME_LEDGER, 0))};
}

int cf_cmd_observer(cf_args_t const *a) {
  cf_folder_t      f;
  cf_host_config_t host;
  uint8_t         *scalar;
  size_t           n;
  cf_error_t       err = {0};
  cf_observer_t   *core = calloc(1, sizeof *core);
  int              code = cf_process_open(&f, &n, a, CF_OBSERVERS);
  if (!code) code = cf_key_load(&scalar, &f, "observer", n, 1);
  if (code) return code;
  if (!core) abort();
  enum { GATEWAY, LEDGER, PEERS };
  cf_observer_config_t const cfg = {.domain = f.domain,
                                    .gateway = GATEWAY,
                                    .ledger = LEDGER,
                                    .member = (uint8_t)(n - 1),
                                    .scalar = scalar,
                                    .confirmations = f.evm.confirmations};
  if (cf_observer_init(core, &cfg, &err)) return cf_fail_error("observer", &err);
  cf_peer_t const peers[PEERS] = {[GATEWAY] = {.url = cf_folder_url(&f, f.port)}, [LEDGER] = ledger_peer(&f, n)};
  cf_process_host(&host, &f, "observer", cf_folder_path(&f, "roles/observer-%zu", n),
                  cf_folder_port(&f, CF_ROLE_NAME_OBSERVER, n));
  host.lock = "lock";
  host.memory = cf_process_memory(&f, CF_OBSERVERS);
  host.peers = peers;
  host.peer_cnt = PEERS;
  code = cf_host_run(&host, step, core);
  cf_observer_fini(core);
  return code;
}
