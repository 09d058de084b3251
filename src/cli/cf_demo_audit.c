/* The audit, from a copy of public/ and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cf_audit_nodes.h"
#include "cli/cf_demo.h"
#include "cli/cf_tree_reader.h"

static int copy_public(cf_demo_t const *d, char const *to) {
  pid_t pid = fork();
  int   status;
  if (pid == 0) {
    execlp("cp", "cp", "-r", cf_folder_path(&d->folder, "public"), to, NULL);
    _exit(127);
  }
  if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
    return cf_fail(CF_EXIT_WORLD, "demo", "io", to, "found", "public/ could not be copied", NULL);
  return 0;
}

static void follow_one(cf_demo_t const *d, cf_audit_t const *audit) {
  cf_audit_custody_t c;
  char               line[200];
  size_t             i = d->item_cnt > 1000 ? 1000 : d->item_cnt - 1;
  if (cf_audit_envelope(audit, CF_SPAN_OF(d->item[i].id.b), &c)) return;
  cf_audit_custody_line(&c, line);
  printf("\n one envelope, followed:\n   %s → %s\n", cf_hex_short(CF_SPAN_OF(d->item[i].id.b)), line);
}

int cf_demo_audit(cf_demo_t *d) {
  cf_audit_reader_t        reader;
  cf_audit_t              *audit;
  char                     line[200];
  char                    *copy = cf_fmt("%s/audit-copy", d->folder.dir);
  cf_audit_nodes_t         nodes = {0};
  bool                     evm = d->evm.rpc != NULL;
  cf_audit_options_t const options = {.domain = &d->folder.domain->id, .now_s = cf_wall_s(), .chain = evm ? &nodes.chain : NULL};
  int                      code = copy_public(d, copy);
  if (!code) code = cf_tree_reader(&reader, copy);
  if (!code && evm) code = cf_audit_nodes_open(&nodes, &d->folder.evm);
  if (code) return code;
  cf_status_t st = cf_audit_run(&audit, &reader, &options);
  cf_audit_nodes_close(&nodes);
  cf_demo_line(d, 7, "audit", evm ? "from public/ and a node of the chain alone" : "from public/ alone");
  cf_audit_line(audit, line);
  cf_demo_table(d);
  if (!cf_json_mode()) {
    printf(" audit     %s\n", line);
    if (!st) follow_one(d, audit);
  }
  if (st) code = cf_fail(CF_EXIT_FAILS, "audit", cf_status_name(st), copy, "found", line, NULL);
  cf_audit_free(audit);
  return code;
}
