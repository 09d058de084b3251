#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "cli/cf_commands.h"
#include "cli/cf_demo.h"

static int remove_one(char const *path, struct stat const *s, int kind, struct FTW *at) {
  (void)s, (void)kind, (void)at;
  return remove(path);
}

static void remove_tree(char const *dir) { (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static int read_input(cf_demo_t *d, cf_args_t const *a, uint64_t seed) {
  if (cf_arg(a, "input")) return cf_demo_read(&d->in, cf_arg(a, "input"));
  cf_demo_generate(&d->in, seed);
  return 0;
}

static void make_parties(cf_demo_t *d) {
  size_t inputs = d->in.rows_cnt + CF_DEMO_WITHDRAWALS;
  d->party = calloc(d->in.parties_cnt, sizeof *d->party);
  d->position = calloc(d->in.parties_cnt * d->in.assets_cnt, sizeof *d->position);
  d->item = calloc(inputs, sizeof *d->item);
  d->receipt_us = calloc(inputs, sizeof *d->receipt_us);
  d->settled_ms = calloc(inputs, sizeof *d->settled_ms);
  d->item_max = inputs;
  d->entropy = cf_entropy_system();
  d->ciphers = cf_ciphers_new(cf_suite(1));
  if (!d->party || !d->position || !d->item || !d->receipt_us || !d->settled_ms) abort();
  for (size_t i = 0; i < d->in.rows_cnt; i++) d->party[d->in.rows[i].payer].pays++;
  for (size_t p = 0; p < d->in.parties_cnt; p++) {
    size_t        max = d->party[p].pays + 1;
    cf_pending_t *pending = calloc(max, sizeof *pending);
    if (!pending) abort();
    cf_wallet_make(&d->party[p].wallet, &d->entropy);
    cf_account_init(&d->party[p].state, &(cf_hash_t){{0}}, pending, max);
    d->party[p].pays = 0;
  }
}

static int story(cf_demo_t *d, cf_args_t const *a, char const *dir) {
  char const *ledger = cf_arg(a, "ledger");
  int         code = ledger && !strcmp(ledger, "evm") ? cf_demo_evm_open(d, a, dir) : 0;
  if (!code) code = cf_demo_domain(d, dir);
  for (size_t p = 0; !code && p < d->in.parties_cnt; p++) d->party[p].state.domain = d->folder.domain->id;
  if (!code) code = cf_demo_evidence(d);
  if (!code) code = cf_demo_deposits(d);
  if (!code) code = cf_demo_inputs(d);
  if (!code) code = cf_demo_settled(d);
  if (!code)
    cf_demo_line(d, 5, "settled", "%llu windows, %llu settlements, each final once", (unsigned long long)d->windows,
                 (unsigned long long)d->settlements);
  if (!code) code = cf_demo_results(d);
  if (!code) code = cf_demo_leave(d);
  (void)cf_procs_stop(&d->procs);
  if (!code) code = cf_demo_balances(d);
  if (!code) code = cf_demo_audit(d);
  cf_demo_evm_close(d);
  return code;
}

static void say_try(cf_demo_t const *d, bool keep, char const *dir) {
  char const *more = d->evm.rpc ? cf_fmt(" --ledger evm:%s", d->evm.ours ? "URL" : d->evm.rpc) : "";
  if (d->evm.ours) printf(" chain     it ended with the demo; with --rpc URL the ledger is put on one that stays\n");
  if (d->evm.ours) return;
  printf(" try       %scounterfoil audit %s%s\n           flip any byte under %s/public and audit again\n",
         keep ? "" : cf_fmt("counterfoil demo --keep --dir d%s && ", d->evm.rpc ? " ..." : ""), dir, more, dir);
}

int cf_cmd_demo(cf_args_t const *a) {
  static cf_demo_t d;
  char             temporary[] = "/tmp/counterfoil-XXXXXX";
  uint64_t         seed = 1;
  bool             keep = cf_flag(a, "keep");
  char const      *dir = cf_arg(a, "dir");
  int              code = cf_arg_u64(&seed, a, "seed", 0, UINT64_MAX);
  if (!code && cf_arg(a, "ledger") && strcmp(cf_arg(a, "ledger"), "evm") && strcmp(cf_arg(a, "ledger"), "embedded"))
    code = cf_fail_usage(a->command, "--ledger is embedded or evm", cf_arg(a, "ledger"));
  if (!code) code = read_input(&d, a, seed);
  if (code) return code;
  if (!dir && !(dir = mkdtemp(temporary))) return cf_fail(CF_EXIT_WORLD, "demo", "io", temporary, NULL);
  d.start_ms = d.phase_ms = cf_mono_ms();
  cf_demo_head(&d, seed, !cf_arg(a, "input"));
  make_parties(&d);
  code = story(&d, a, dir);
  if (!code && keep) code = cf_demo_json(&d, cf_fmt("%s/demo.json", dir));
  if (!code && cf_json_mode()) code = cf_demo_json(&d, NULL);
  if (!code && !cf_json_mode()) say_try(&d, keep, keep ? dir : "d");
  cf_wipe(d.party, d.in.parties_cnt * sizeof *d.party);
  if (!keep && !code) remove_tree(dir);
  else if (code) cf_note("demo: what happened lies in %s", dir);
  else remove_tree(cf_fmt("%s/audit-copy", dir));
  return code;
}
