#include "cli/cf_process.h"

#include "council/cf_follow.h"
#include "council/cf_observer.h"
#include "council/cf_verifier.h"
#include "io/cf_proc.h"
#include "translog/cf_witness.h"

int cf_process_open(cf_folder_t *f, size_t *index, cf_args_t const *a, cf_council_role_t role) {
  uint64_t n = 0;
  int      code = cf_folder_open(f, cf_dir(a));
  if (!code) code = cf_arg_u64(&n, a, "index", 1, cf_folder_members(f, role));
  if (!code && !n) code = cf_fail_usage(a->command, "which member is missing", "--index");
  *index = n;
  return code;
}

void cf_process_host(cf_host_config_t *host, cf_folder_t const *f, char const *role, char const *folder, uint16_t port) {
  *host = (cf_host_config_t){.role = role,
                             .folder = folder,
                             .listen_addr = f->address,
                             .listen_port = port,
                             .ready_fd = cf_proc_ready_fd(),
                             .log_fd = 2};
}

char const *const *cf_process_memory(cf_folder_t const *f, cf_council_role_t role) {
  static char const *const verifier[] = {CF_FOLLOW_FILE, CF_VERIFIER_SEEN, NULL};
  static char const *const observer[] = {CF_FOLLOW_FILE, CF_OBSERVER_SIGNED, NULL};
  static char              file[CF_WITNESS_FILE_MAX];
  static char const *const witness[] = {file, NULL};
  if (role == CF_VERIFIERS) return verifier;
  if (role == CF_OBSERVERS) return observer;
  cf_witness_file(file, &f->domain->witnesses.log);
  return witness;
}
