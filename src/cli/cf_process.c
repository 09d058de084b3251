#include "cli/cf_process.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "council/cf_follow.h"
#include "council/cf_observer.h"
#include "council/cf_verifier.h"
#include "document/cf_boundary.h"
#include "io/cf_https_client.h"
#include "io/cf_proc.h"
#include "platform/cf_confine.h"
#include "translog/cf_witness.h"

int cf_process_begin(void) {
  cf_error_t err = {0};
  return cf_confine_begin(&err) ? cf_fail_error("start", &err) : 0;
}

int cf_process_open(cf_folder_t *f, size_t *index, cf_args_t const *a, cf_council_role_t role) {
  uint64_t n = 0;
  int      code = cf_process_begin();
  if (!code) code = cf_folder_open(f, cf_dir(a));
  if (!code) code = cf_arg_u64(&n, a, "index", 1, cf_folder_members(f, role));
  if (!code && !n) code = cf_fail_usage(a->command, "which member is missing", "--index");
  *index = n;
  return code;
}

/* ---- confinement ---- */

static cf_confine_t confinement;

uint16_t cf_process_port(char const *url) {
  char const *host = strstr(url, "://");
  if (!host) return 0;
  char const *end = host + 3 + strcspn(host + 3, "/?#"), *at = end;
  while (at > host + 3 && at[-1] >= '0' && at[-1] <= '9') at--;
  if (at < end && at[-1] == ':') return (uint16_t)strtoul(at, NULL, 10);
  return strncmp(url, "https:", 6) ? 80 : 443;
}

/* What finding a machine by its name and trusting its certificate takes. */
static char const *const naming[] = {"/etc/hosts",     "/etc/host.conf", "/etc/nsswitch.conf",   "/etc/resolv.conf",
                                     "/etc/gai.conf",  "/etc/ssl",       "/run/systemd/resolve", "/usr/share/ca-certificates"};
enum { DNS_PORT = 53 };

static cf_status_t enter(void *ctx, cf_error_t *err) {
  cf_host_config_t const *host = ctx;
  unsigned                layers;
  bool                    names = false;
  for (size_t i = 0; i < host->peer_cnt && confinement.connect_cnt < CF_CONFINE_PORTS_MAX - 1; i++) {
    if (!host->peers[i].url) continue;
    confinement.connect[confinement.connect_cnt++] = cf_process_port(host->peers[i].url);
    names |= cf_https_is(host->peers[i].url);
  }
  if (names) {
    confinement.connect[confinement.connect_cnt++] = DNS_PORT;
    for (size_t i = 0; i < CF_COUNT_OF(naming); i++) confinement.read[confinement.read_cnt++] = naming[i];
  }
  cf_status_t st = cf_confine(&confinement, &layers, err);
  if (st) return st;
  for (unsigned bit = 0; bit < 3; bit++)
    if (!(layers >> bit & 1)) cf_note("%s: confined, but NOT %s: this kernel's Landlock is too old, or off", host->role, cf_layer_name(bit));
  return CF_OK;
}

int cf_process_paths(cf_folder_t const *f, char const *const *names) {
  int code = 0;
  for (confinement.whole_cnt = 0; !code && *names; names++) {
    char *path = cf_folder_path(f, "%s", *names);
    if (path[strlen(path) - 1] == '/' && !(code = cf_make_dir(path)) && strncmp(*names, "public", 6)) (void)chmod(path, 0700);
    confinement.whole[confinement.whole_cnt++] = path;
  }
  return code;
}

void cf_process_host(cf_host_config_t *host, cf_folder_t const *f, char const *role, char const *folder, uint16_t port) {
  *host = (cf_host_config_t){.role = role,
                             .folder = folder,
                             .listen_addr = f->address,
                             .listen_port = port,
                             .ready_fd = cf_proc_ready_fd(),
                             .log_fd = 2,
                             .enter = enter,
                             .enter_ctx = host};
  confinement = (cf_confine_t){.whole = {folder}, .whole_cnt = 1, .list = {f->dir}, .list_cnt = 1};
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
