#include "cli/cf_init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "cli/cf_nodes.h"
#include "cli/cf_process.h"
#include "document/cf_measure.h"
#include "enclave/cf_enclave.h"
#include "io/cf_memory.h"
#include "io/cf_net.h"
#include "ledger/cf_evm_tx.h"
#include "platform/cf_swtpm.h"
#include "platform/cf_tpmdev.h"

enum { PROGRAM_MAX = 64 << 20, PORT_RANGES = 64, PORT_RANGES_ANY = 320 };

/* ---- ports ---- */

static bool port_free(char const *address, uint16_t port) {
  int fd;
  if (cf_net_listen(&fd, address, port, NULL)) return false;
  close(fd);
  return true;
}

/* The first range in which every service finds its port; 0: none.  any begins somewhere, because who founds a domain at the same
   time would find the same range free. */
/* All stay below the range that the system gives to clients. */
static uint16_t port_range(char const *address, size_t cnt, bool any) {
  cf_entropy_t e = cf_entropy_system();
  uint16_t     start = 0;
  if (any) cf_entropy_fill(&e, &start, sizeof start);
  for (size_t r = 0; r < PORT_RANGES; r++) {
    uint16_t first =
        (uint16_t)(CF_PORT_FIRST + 64 * ((start + r) % (any ? PORT_RANGES_ANY : PORT_RANGES) + (any ? PORT_RANGES : 0)));
    size_t i = 0;
    while (i < cnt && port_free(address, (uint16_t)(first + i))) i++;
    if (i == cnt) return first;
  }
  return 0;
}

/* ---- what is measured ---- */

static int registers(cf_hash_t pcrs[11], cf_init_t const *in) {
  cf_tpmdev_t tpm = {0};
  cf_error_t  err = {0};
  memset(pcrs, 0, 11 * sizeof *pcrs);
  if (!in->tpm) return 0; /* nothing is measured before the launcher: swtpm's are zero after its start */
  cf_status_t st = cf_tpmdev_init(&tpm, in->tpm, &err);
  if (!st) st = cf_tpmdev_pcrs(&tpm, pcrs, 11, 0x43ff, &err);
  cf_tpmdev_fini(&tpm);
  return st ? cf_fail_error("init", &err) : 0;
}

static int software_root(cf_ek_root_t *root, cf_folder_t const *f) {
  cf_swtpm_ca_t *ca = calloc(1, sizeof *ca);
  cf_error_t     err = {0};
  if (!ca) abort();
  char       *dir = cf_folder_path(f, "tpm"), *ca_dir = cf_folder_path(f, "tpm/ca");
  cf_status_t st = cf_swtpm_make(dir, ca_dir, &err);
  if (!st) st = cf_swtpm_ca(ca, ca_dir, &err);
  if (st) return cf_fail_error("init", &err);
  cf_hash_t hash = cf_sha256(CF_SPAN(ca->root, ca->root_sz));
  root->class = 4;
  memcpy(root->root, hash.b, 32);
  free(ca);
  return 0;
}

static int measure(cf_init_measured_t *m, cf_init_t const *in, cf_folder_t const *f) {
  cf_hash_t pcrs[11];
  cf_span_t program, configuration = cf_init_configuration();
  int       code = cf_slurp(&program, cf_exe("counterfoil-enclave"), PROGRAM_MAX);
  if (!code) code = cf_save(cf_folder_path(f, "program"), program, true);
  if (!code && chmod(cf_folder_path(f, "program"), 0700))
    code = cf_fail(CF_EXIT_WORLD, "init", "io", "program", "found", strerror(errno), NULL);
  if (!code) code = cf_save(cf_folder_path(f, "configuration"), configuration, true);
  if (!code) code = registers(pcrs, in);
  m->ek_root = in->ek_root;
  if (!code && !in->ek_root.class) code = software_root(&m->ek_root, f);
  if (code) return code;
  m->program = cf_sha256(program);
  m->configuration = cf_sha256(configuration);
  m->measurement = cf_measurement(CF_PLATFORM_TPM, &m->program, &m->configuration, CF_SPAN(pcrs, sizeof pcrs));
  return 0;
}

/* ---- the founding ---- */

void cf_init_defaults(cf_init_t *in, char const *dir) {
  *in = (cf_init_t){.dir = dir,
                    .name = "local",
                    .verifiers = {5, 3},
                    .witnesses = {4, 3},
                    .observers = {4, 3},
                    .assets = {{.symbol = CF_SPAN_LIT("USD"), .scale = 2, .cap = INT64_MAX},
                               {.symbol = CF_SPAN_LIT("EUR"), .scale = 2, .cap = INT64_MAX}},
                    .assets_cnt = 2,
                    .address = "127.0.0.1"};
}

static int write_public(cf_folder_t *f, cf_wr_t const *genesis) {
  cf_error_t err = {0};
  f->genesis = cf_wr_out(genesis);
  f->domain = calloc(1, sizeof *f->domain);
  if (!f->domain) abort();
  if (cf_domain_open(f->domain, f->genesis, NULL, &err)) return cf_fail_error("init", &err);
  cf_wr_t vkey = cf_room(CF_VKEY_TEXT_MAX + 1);
  cf_vkey_format(&vkey, &f->domain->witnesses.log);
  cf_wr_u8(&vkey, '\n');
  int code = cf_save(cf_folder_path(f, "public/genesis"), f->genesis, false);
  return code ? code : cf_save(cf_folder_path(f, "public/log.vkey"), cf_wr_out(&vkey), false);
}

/* Folders that other processes expect. */
static int make_folders(cf_folder_t const *f, cf_init_t const *in) {
  int code = cf_make_dir(cf_folder_path(f, "enclave"));
  if (!code) code = cf_make_dir(cf_folder_path(f, "logs"));
  for (size_t i = 1; !code && i <= in->verifiers.n; i++) code = cf_make_dir(cf_folder_path(f, "roles/verifier-%zu", i));
  for (size_t i = 1; !code && i <= in->witnesses.n; i++) code = cf_make_dir(cf_folder_path(f, "roles/witness-%zu", i));
  for (size_t i = 1; !code && i <= in->observers.n; i++) code = cf_make_dir(cf_folder_path(f, "roles/observer-%zu", i));
  return code;
}

/* What no process has written yet is marked: what is missing without a mark was lost. */
static int begin_memory(char *folder, char const *const *names) {
  cf_files_t  files;
  cf_error_t  err = {0};
  cf_status_t st = cf_files_open(&files, folder, NULL, &err);
  for (size_t i = 0; !st && names[i]; i++) st = cf_memory_begin(&files, names[i], &err);
  cf_files_close(&files);
  return st ? cf_fail_error("init", &err) : 0;
}

static int begin_memories(cf_folder_t const *f, cf_init_t const *in) {
  static char const *const own[] = {CF_GATEWAY_MEMORY, CF_LEDGER_MEMORY, NULL}, *const gateway[] = {CF_GATEWAY_MEMORY, NULL};
  struct {
    char const       *role;
    cf_council_role_t council;
    size_t            n;
  } const rows[] = {{"verifier", CF_VERIFIERS, in->verifiers.n},
                    {"witness", CF_WITNESSES, in->witnesses.n},
                    {"observer", CF_OBSERVERS, in->observers.n}};
  int code = begin_memory(cf_folder_path(f, "."), in->evm.nodes ? gateway : own);
  for (size_t r = 0; r < CF_COUNT_OF(rows); r++)
    for (size_t i = 1; !code && i <= rows[r].n; i++)
      code = begin_memory(cf_folder_path(f, "roles/%s-%zu", rows[r].role, i), cf_process_memory(f, rows[r].council));
  return code;
}

/* What the enclave would refuse at START is refused here, where somebody can change it. */
static int startable(cf_span_t genesis, cf_init_measured_t const *m) {
  cf_wr_t    start = cf_room(2 * CF_ENTRY_MAX);
  cf_error_t err = {0};
  cf_span_t  configuration = cf_init_configuration();
  cf_wr_u8(&start, CF_BOUNDARY_VERSION);
  cf_wr_u8(&start, CF_MSG_START);
  cf_wr_u32(&start, (uint32_t)configuration.len);
  cf_wr_span(&start, configuration);
  cf_wr_u32(&start, (uint32_t)genesis.len);
  cf_wr_span(&start, genesis);
  cf_wr_hash(&start, &m->measurement);
  cf_wr_u8(&start, 0);
  return cf_enclave_sz(cf_wr_out(&start), &err) ? 0 : cf_fail_error("init", &err);
}

static int save_deployment(cf_folder_t *f, cf_init_keys_t const *k) {
  cf_wr_t   entry = cf_room(4096);
  cf_hash_t code_hash;
  int       code = cf_init_block0(&code_hash, f->domain, k);
  if (!code) code = cf_init_deployment(&entry, f->domain, k, &code_hash);
  return code ? code : cf_save(cf_folder_path(f, "deployment"), cf_wr_out(&entry), false);
}

static int found(cf_folder_t *f, cf_init_t const *in, cf_init_keys_t const *k) {
  static cf_policy_t policy;
  cf_init_measured_t m;
  uint64_t           now_s = cf_wall_s();
  cf_wr_t            genesis = cf_room(CF_ENTRY_MAX);
  int                code = measure(&m, in, f);
  if (!code) code = cf_init_policy(&policy, in, k, &m, now_s);
  if (!code) code = cf_init_genesis(&genesis, in, k, &policy, now_s);
  if (!code) code = startable(cf_wr_out(&genesis), &m);
  if (!code) code = write_public(f, &genesis);
  if (!code) code = cf_init_keys_save(k, in, f);
  if (!code && !in->evm.nodes) code = save_deployment(f, k); /* on a chain `ledger deploy` makes it */
  if (!code) code = make_folders(f, in);
  if (!code) code = begin_memories(f, in);
  return code ? code : cf_folder_save(f); /* last: it is what makes the folder a domain's */
}

int cf_init_run(cf_folder_t *f, cf_init_t const *in) {
  int code = cf_make_dir(in->dir);
  if (code) return code;
  *f = (cf_folder_t){.dir = cf_absolute(in->dir), .address = in->address, .tpm = in->tpm, .evm = in->evm};
  if (!f->dir) return cf_fail(CF_EXIT_USAGE, "init", "unreadable", in->dir, NULL);
  if (access(cf_folder_path(f, "domain.json"), F_OK) == 0)
    return cf_fail(CF_EXIT_FAILS, "init", "exists", f->dir, "found", "a domain lies there", "next",
                   "counterfoil up DIR  starts it; another folder founds another", NULL);
  size_t services = 2 + in->verifiers.n + in->witnesses.n + in->observers.n;
  f->port = in->port ? in->port : port_range(in->address, services, in->any_port);
  if (!f->port)
    return cf_fail(CF_EXIT_WORLD, "init", "io", "ports", "found", "no free range", "next", "--port N  names the first", NULL);
  cf_init_keys_t *k = cf_init_keys_make();
  code = found(f, in, k);
  cf_secret_free(k);
  return code;
}

/* ---- a ledger on a chain ---- */

int cf_init_chain(cf_init_t *in, cf_addr_t const *deployer) {
  cf_nodes_t n;
  uint64_t   nonce = 0;
  int        code = cf_nodes_open(&n, "init", &in->evm, 0);
  if (!code) code = cf_nodes_nonce(&nonce, &n, deployer, CF_EVM_PENDING);
  in->chain_id = n.chain_id;
  in->contract = cf_evm_created(deployer, nonce);
  cf_nodes_close(&n);
  if (code) return code;
  if (in->chain_id < CF_LEDGER_CHAIN_MIN) return 0;
  return cf_fail(CF_EXIT_FAILS, "init", "bound", "chain id", "found", cf_fmt("%llu lies where embedded ledgers are", (unsigned long long)in->chain_id),
                 NULL);
}
