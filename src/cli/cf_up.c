#include "cli/cf_up.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cf_commands.h"
#include "cli/cf_process.h"
#include "io/cf_http_client.h"

static char const *const *argv_of(char const *program, ...) __attribute__((sentinel));

static char const *const *argv_of(char const *program, ...) {
  char const **argv = calloc(8, sizeof *argv);
  va_list      rest;
  size_t       n = 0;
  if (!argv) abort();
  argv[n++] = program;
  va_start(rest, program);
  while (n < 7 && (argv[n] = va_arg(rest, char const *))) n++;
  va_end(rest);
  return argv;
}

static bool wanted(char const *only, char const *role) {
  size_t n = strlen(role);
  for (char const *at = only; at && *at; at += strcspn(at, ","), at += *at == ',')
    if (!strncmp(at, role, n) && (at[n] == ',' || !at[n])) return true;
  return !only;
}

static int start(cf_procs_t *procs, char const *role, char const *const *argv, bool ready_pipe) {
  cf_error_t           err = {0};
  cf_proc_spec_t const spec = {.role = role, .argv = argv, .keep = true, .ready_pipe = ready_pipe, .stop_ms = 8000};
  if (!cf_procs_start(procs, &spec, &err)) return 0;
  return cf_fail(CF_EXIT_WORLD, "up", "io", role, "found", err.text, "next",
                 cf_fmt("%s/%s.log has its words; does another \"up\" work in this folder, or on its ports?", procs->log_dir, role), NULL);
}

static int start_members(cf_procs_t *procs, cf_folder_t const *f, char const *only, char const *name, cf_council_role_t role) {
  int code = 0;
  for (size_t i = 1; !code && wanted(only, name) && i <= cf_folder_members(f, role); i++)
    code = start(procs, cf_fmt("%s-%zu", name, i),
                 argv_of(cf_exe("counterfoil"), name, f->dir, "--index", cf_fmt("%zu", i), NULL), true);
  return code;
}

int cf_up_start(cf_procs_t *procs, cf_folder_t const *f, char const *only) {
  char *self = cf_exe("counterfoil"), *launch = cf_exe("counterfoil-launch"), *program = cf_folder_path(f, "program");
  int   code = 0;
  if (wanted(only, "enclave")) code = start(procs, "enclave", argv_of(launch, f->dir, program, f->tpm, NULL), false);
  if (!code && !f->evm.nodes && wanted(only, "ledger")) code = start(procs, "ledger", argv_of(self, "ledger", "serve", f->dir, NULL), true);
  if (!code) code = start_members(procs, f, only, "witness", CF_WITNESSES);
  if (!code) code = start_members(procs, f, only, "verifier", CF_VERIFIERS);
  if (!code) code = start_members(procs, f, only, "observer", CF_OBSERVERS);
  if (!code && wanted(only, "gateway")) code = start(procs, "gateway", argv_of(self, "gateway", f->dir, NULL), true);
  return code;
}

/* ---- the command ---- */

static void print_urls(cf_folder_t const *f) {
  cf_wr_t wr = cf_room(4096);
  char   *url = cf_folder_url(f, f->port), *ledger = cf_folder_url(f, cf_folder_port(f, CF_ROLE_NAME_LEDGER, 0));
  if (f->evm.nodes) ledger = cf_fmt("%s", f->evm.node[0]);
  char   *domain = cf_hex(CF_SPAN_OF(f->domain->id.b));
  if (cf_json_mode()) {
    cf_jw_t j = cf_json_begin(&wr);
    cf_jw_obj(&j, NULL);
    cf_jw_str(&j, "domain", domain);
    cf_jw_str(&j, "gateway", url);
    cf_jw_str(&j, "ledger", ledger);
    cf_jw_end(&j, '}');
    (void)cf_json_end(&j, NULL);
  } else printf("domain    %s\ngateway   %s\nledger    %s\n", domain, url, ledger);
  fflush(stdout);
  if (f->domain->genesis.class == 2)
    cf_note("class test: stands on a test root; genuine protocol, not a protection against this machine's owner");
}

/* Who ended for good is said once. */
static void note_ended(cf_procs_t const *procs, bool told[CF_PROCS_MAX]) {
  for (size_t i = 0; i < procs->cnt; i++) {
    cf_proc_t const *p = &procs->at[i];
    if (p->state != CF_PROC_ENDED || told[i]) continue;
    told[i] = true;
    cf_note("up: %s ended with status %d; %s/%s.log has its words", p->spec.role, p->status, procs->log_dir, p->spec.role);
  }
}

/* What the enclave executed and the gateway did not make durable exists in the enclave's memory alone: it has to start again, from its journal
   (docs/protocol/gateway.md). */
static void restart_enclave(cf_procs_t *procs, char const *status_url) {
  cf_done_t *done = NULL;
  cf_json_t  v;
  char       missing[32] = "";
  cf_proc_t *enclave = cf_procs_find(procs, "enclave");
  if (!cf_http_get(&done, status_url, 1000, NULL) && done->code == 200 && !cf_json_parse(&v, done->body, NULL) &&
      !cf_json_str(missing, sizeof missing, cf_json_get(v, "missing")) && !strcmp(missing, "enclave-restart") && enclave && enclave->pid > 0) {
    cf_note("up: the enclave holds a batch that the journal lacks; it is started again");
    (void)kill(enclave->pid, SIGKILL);
  }
  if (done) cf_done_free(done);
}

/* Entry 1 of a ledger on a chain says which code stands there: nothing starts before it does. */
static int deployed(cf_folder_t const *f, cf_args_t const *a) {
  if (!f->evm.nodes || access(cf_folder_path(f, "deployment"), F_OK) == 0) return 0;
  return cf_fail(CF_EXIT_FAILS, "up", "missing", "deployment", "found", "the ledger's contract is not on its chain yet", "next",
                 cf_fmt("counterfoil ledger deploy %s --deployer KEYSTORE", cf_dir(a)), NULL);
}

int cf_cmd_up(cf_args_t const *a) {
  static cf_procs_t       procs;
  cf_folder_t             f;
  struct signalfd_siginfo got;
  sigset_t                stop;
  bool                    told[CF_PROCS_MAX] = {false};
  int                     code = cf_process_begin();
  if (!code) code = cf_folder_open(&f, cf_dir(a));
  if (!code) code = deployed(&f, a);
  if (code) return code;
  if (cf_make_dir(cf_folder_path(&f, "logs"))) return CF_EXIT_USAGE;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  int stop_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  procs = (cf_procs_t){.log_dir = cf_folder_path(&f, "logs"), .wake_fd = stop_fd};
  code = cf_up_start(&procs, &f, cf_arg(a, "only"));
  if (!code) print_urls(&f);
  char const *status_url = cf_fmt("%s/v1/status", cf_folder_url(&f, f.port));
  while (!code && read(stop_fd, &got, sizeof got) != sizeof got) {
    note_ended(&procs, told);
    restart_enclave(&procs, status_url);
    if (cf_procs_poll(&procs, 1000) == 0)
      code = cf_fail(CF_EXIT_WORLD, "up", "io", "all processes ended", "next", cf_fmt("%s has their words", procs.log_dir), NULL);
  }
  cf_procs_stop(&procs);
  return code;
}
