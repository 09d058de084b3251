#include <stdio.h>

#include "base/cf_text.h"
#include "cli/cf_audit_nodes.h"
#include "cli/cf_commands.h"
#include "cli/cf_state_file.h"
#include "cli/cf_tree_reader.h"

static void write_file(void *ctx, cf_span_t text) { fwrite(text.ptr, 1, text.len, ctx); }

/* The proof of a fork, where there is one. */
static int save_fork(cf_audit_t const *audit, cf_state_file_t const *state, cf_args_t const *a) {
  cf_span_t   fork = cf_audit_fork(audit);
  char const *path = cf_arg(a, "fork") ? cf_arg(a, "fork") : state->path ? cf_fmt("%s.fork", state->path) : NULL;
  int         code = fork.len && path ? cf_save(path, fork, false) : 0;
  if (code) return code;
  if (fork.len && path) cf_note("audit: the log is forked; the proof is in %s: counterfoil verify fork %s", path, path);
  if (fork.len && !path) cf_note("audit: the log is forked; --fork F writes the proof");
  return 0;
}

/* The state, where nothing is wrong.  The report is said by then. */
static int save_state(cf_state_file_t *state) {
  cf_error_t err = {0};
  int        code = cf_state_save(state, cf_wall_s(), &err);
  if (code) cf_note("audit: the state is as it was before: %s", err.text);
  return code;
}

int cf_cmd_audit(cf_args_t const *a) {
  cf_audit_reader_t  reader;
  cf_audit_options_t options = {.now_s = cf_wall_s()};
  cf_hash_t          domain;
  bool               given;
  cf_audit_t        *audit;
  cf_audit_nodes_t   nodes = {0};
  cf_folder_evm_t    evm;
  cf_state_file_t    state = {0};
  bool               ask = cf_arg(a, "ledger") != NULL;
  int                code = cf_arg_hash(&domain, &given, a, "domain");
  if (!code) code = cf_tree_reader(&reader, cf_dir(a));
  if (!code && cf_arg(a, "since")) code = cf_state_open(&state, cf_arg(a, "since"), given ? &domain : NULL, NULL);
  if (!code && ask) code = cf_audit_nodes_args(&evm, a);
  if (!code && ask) code = cf_audit_nodes_open(&nodes, &evm);
  if (code) return code;
  if (state.since && !state.map.len) cf_note("audit: %s is not there yet: everything is read, and it is written", state.path);
  if (given) options.domain = &domain;
  if (ask) options.chain = &nodes.chain;
  options.since = state.since;
  cf_status_t st = cf_audit_run(&audit, &reader, &options);
  if (st == CF_ERR_AUTH && cf_tree_busy(&reader)) { /* what was in the midst of being written looks like a fault */
    cf_note("audit: %s is being written to; it is read again, as far as it stood %u s ago", cf_dir(a), CF_TREE_BUSY_S);
    cf_audit_free(audit);
    options.now_s = cf_wall_s() + CF_TREE_BUSY_S; /* when it is listed */
    st = cf_audit_run(&audit, &reader, &options);
  }
  cf_audit_out_t out = {write_file, stdout};
  cf_audit_nodes_close(&nodes);
  if (ask && !nodes.asked) cf_note("audit: no node was asked: genesis names no ledger on a chain, or does not hold");
  if (st == CF_ERR_IO && nodes.code) return nodes.code;
  if (st == CF_ERR_IO)
    return cf_fail(CF_EXIT_WORLD, "audit", "io", cf_dir(a), "found", "a file could not be read; nothing is said", NULL);
  code = save_fork(audit, &state, a);
  if (code) return code;
  if (cf_arg(a, "o")) {
    FILE *f = fopen(cf_arg(a, "o"), "we");
    if (!f) return cf_fail(CF_EXIT_USAGE, "file", "unwritable", cf_arg(a, "o"), NULL);
    cf_audit_html(audit, &(cf_audit_out_t){write_file, f});
    if (fclose(f)) return cf_fail(CF_EXIT_WORLD, "file", "unwritable", cf_arg(a, "o"), NULL);
  }
  if (cf_json_mode()) cf_audit_json(audit, &out);
  else cf_audit_text(audit, &out);
  cf_audit_free(audit);
  if (state.path && st != CF_ERR_AUTH) code = save_state(&state);
  cf_state_close(&state);
  return code ? code : st ? CF_EXIT_FAILS : 0;
}
