#include <string.h>
#include <sys/mman.h>

#include "cli/cf_commands.h"
#include "cli/cf_process.h"
#include "gateway/cf_gateway.h"
#include "io/cf_rpc.h"

enum {
  LOG_CAP = 1 << 20,
  INDEX_CAP = 1 << 18,
  ENCLAVE = 0,
  LAUNCHER,
  LEDGER, /* embedded; or, on a chain, the first of its nodes */
  MEMBERS = LEDGER + CF_EVM_NODES_MAX,
  PEERS_MAX = MEMBERS + 3 * CF_MEMBERS_MAX
};
static uint64_t const wei_per_gwei = 1000000000;

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_gateway_step(core, fx, ev); }

/* Peers in the order of their kinds; the core is told where its members stand. */
static size_t peers_fill(cf_peer_t *peers, cf_gateway_config_t *cfg, cf_folder_t const *f) {
  size_t at = LEDGER + 1;
  peers[ENCLAVE] = (cf_peer_t){.path = cf_folder_path(f, "enclave/boundary.sock")};
  peers[LAUNCHER] = (cf_peer_t){.path = cf_folder_path(f, "enclave/launch.sock")};
  peers[LEDGER] = (cf_peer_t){.url = cf_folder_url(f, cf_folder_port(f, CF_ROLE_NAME_LEDGER, 0))};
  for (size_t i = 0; i < f->evm.nodes; i++) {
    cfg->evm.node[i] = (unsigned)(LEDGER + i);
    peers[LEDGER + i] = (cf_peer_t){.url = f->evm.node[i], .type = CF_RPC_TYPE};
    at = LEDGER + i + 1;
  }
  cfg->enclave = ENCLAVE;
  cfg->launcher = LAUNCHER;
  cfg->ledger = LEDGER;
  struct {
    cf_council_role_t role;
    cf_service_t      service;
    unsigned         *place;
  } const rows[] = {{CF_WITNESSES, CF_ROLE_NAME_WITNESS, cfg->witness},
                    {CF_VERIFIERS, CF_ROLE_NAME_VERIFIER, cfg->verifier},
                    {CF_OBSERVERS, CF_ROLE_NAME_OBSERVER, cfg->observer}};
  for (size_t r = 0; r < CF_COUNT_OF(rows); r++)
    for (size_t i = 0; i < cf_folder_members(f, rows[r].role); i++) {
      rows[r].place[i] = (unsigned)at;
      peers[at++] = (cf_peer_t){.url = cf_folder_url(f, cf_folder_port(f, rows[r].service, i + 1))};
    }
  return at;
}

/* The half of the log's key that no process uses, because it wrapped genesis: the file must hold the whole key all the same. */
static int check_log_key(cf_folder_t const *f, uint8_t const *scalar) {
  cf_p256_key_t *key = cf_p256_key_from(scalar);
  cf_p256_pub_t  pub = {{0}};
  if (key) cf_p256_key_pub(key, &pub);
  cf_p256_key_free(key);
  return memcmp(pub.b, f->domain->genesis.log.es256, sizeof pub.b) == 0
             ? 0
             : cf_fail(CF_EXIT_FAILS, "gateway", "auth", "log key", "found", "not the one that genesis names", NULL);
}

/* What lies behind a node's host is often the key of who pays for it: nobody is told. */
static char const *told_url(char const *url) {
  char const *host = strstr(url, "://");
  bool        bare = host && !host[3 + strcspn(host + 3, "/?@")];
  return bare ? url : NULL;
}

static int evm_fill(cf_gateway_evm_t *evm, cf_folder_t const *f) {
  uint8_t *scalar;
  int      code = cf_key_load(&scalar, f, "sender", 0, 1);
  if (code) return code;
  evm->nodes = (unsigned)f->evm.nodes;
  evm->quorum = f->evm.quorum;
  evm->from_block = f->evm.from_block;
  evm->inbox_max = CF_GATEWAY_INBOX_MAX;
  evm->scalar = scalar;
  evm->fee_max_wei = f->evm.fee_max_gwei * wei_per_gwei;
  evm->budget_wei = (cf_wei_t)f->evm.budget_gwei * wei_per_gwei;
  return 0;
}

static int config_fill(cf_gateway_config_t *cfg, cf_folder_t const *f) {
  cf_configuration_t c;
  cf_span_t          configuration;
  cf_error_t         err = {0};
  uint8_t           *log, *gateway;
  int                code = cf_slurp(&configuration, cf_folder_path(f, "configuration"), 1024);
  if (!code) code = cf_slurp(&cfg->deployment, cf_folder_path(f, "deployment"), CF_ENTRY_MAX);
  if (!code && !cfg->deployment.len) code = cf_fail(CF_EXIT_FAILS, "gateway", "format", "deployment", "found", "an empty file", NULL);
  if (!code) code = cf_key_load(&log, f, "log", 0, 2);
  if (!code) code = cf_key_load(&gateway, f, "gateway", 0, 1);
  if (!code && f->evm.nodes) code = evm_fill(&cfg->evm, f);
  if (code) return code;
  if (cf_table_decode(&c, &cf_configuration_table, configuration, &err)) return cf_fail_error("gateway", &err);
  if ((code = check_log_key(f, log + 32))) return code;
  cfg->genesis = f->genesis;
  cfg->log_seed = log;
  cfg->key = cf_p256_key_from(gateway);
  cfg->entropy = cf_entropy_system();
  cfg->batch_max = c.batch_max;
  cfg->envelope_max = c.envelope_max;
  cfg->log_cap = LOG_CAP;
  cfg->index_cap = INDEX_CAP;
  cfg->ledger_url = f->evm.nodes ? told_url(f->evm.node[0]) : cf_folder_url(f, cf_folder_port(f, CF_ROLE_NAME_LEDGER, 0));
  cfg->log_url = cf_fmt("%s/log/", cf_folder_url(f, f->port));
  return cfg->key ? 0 : cf_fail(CF_EXIT_FAILS, "gateway", "format", "key", NULL);
}

int cf_cmd_gateway(cf_args_t const *a) {
  static cf_http_mount_t const mounts[] = {
      {"/log/checkpoint", "public/log/checkpoint", "text/plain; charset=utf-8", CF_HTTP_BRIEF},
      {"/log/", "public/log/", "application/octet-stream", CF_HTTP_IMMUTABLE},
      {"/checkpoints/", "public/checkpoints/", "text/plain; charset=utf-8", CF_HTTP_IMMUTABLE},
      {"/archive/", "public/archive/", "application/octet-stream", CF_HTTP_IMMUTABLE},
      {"/ledger/blocks/", "public/ledger/blocks/", "application/octet-stream", CF_HTTP_IMMUTABLE},
      {"/genesis", "public/genesis", "application/octet-stream", CF_HTTP_IMMUTABLE},
      {"/log.vkey", "public/log.vkey", "text/plain; charset=utf-8", CF_HTTP_IMMUTABLE},
  };
  /* SQLite has its files open by then, and makes no other. */
  static char const *const paths[] = {"public/", "enclave/", "gateway/", "new/", CF_GATEWAY_MEMORY, CF_GATEWAY_MEMORY "-wal", CF_GATEWAY_MEMORY "-shm", NULL};
  cf_folder_t              f;
  cf_gateway_config_t cfg = {0};
  cf_host_config_t    host;
  cf_peer_t           peers[PEERS_MAX];
  cf_gateway_t       *core;
  cf_error_t          err = {0};
  int                 code = cf_process_begin();
  if (!code) code = cf_folder_open(&f, cf_dir(a));
  if (!code) code = config_fill(&cfg, &f);
  if (code) return code;
  size_t peer_cnt = peers_fill(peers, &cfg, &f), sz = cf_gateway_sz(&cfg);
  void  *mem = sz ? mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
  if (mem == MAP_FAILED) return cf_fail(CF_EXIT_WORLD, "gateway", "io", "memory", NULL);
  if (cf_gateway_init(&core, mem, sz, &cfg, &err)) return cf_fail_error("gateway", &err);
  cf_process_host(&host, &f, "gateway", f.dir, f.port);
  host.lock = "gateway.lock";
  if ((code = cf_process_paths(&f, paths))) return code;
  host.public_prefix = "public/";
  host.store = CF_GATEWAY_MEMORY;
  host.mounts = mounts;
  host.mount_cnt = CF_COUNT_OF(mounts);
  host.peers = peers;
  host.peer_cnt = peer_cnt;
  code = cf_host_run(&host, step, core);
  cf_gateway_fini(core);
  return code;
}
