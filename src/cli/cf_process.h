/* Council members and servers as processes: each binds one core's effects to the world (io/cf_host.h). */
#ifndef CF_CLI_PROCESS_H
#define CF_CLI_PROCESS_H

#include "cli/cf_folder.h"
#include "io/cf_host.h"

/* cf_process_begin is for a server's start, before it opens anything (platform/cf_confine.h). */
int cf_process_begin(void);
/* cf_process_open is that, and opens the folder that a's first word (or ".") names, and reads --index where the role has members, from 1. */
int cf_process_open(cf_folder_t *f, size_t *index, cf_args_t const *a, cf_council_role_t role);
/* cf_process_host fills what all have in common: role, folder, address, port, readiness, and that the process is confined to its folder
   and its peers' ports once all is open.  cf_process_paths replaces the folder by what names, NULL-ended, says from DIR; one that ends with a slash is a folder, and made:
   what is not there when a process is confined is never its own. */
void cf_process_host(cf_host_config_t *host, cf_folder_t const *f, char const *role, char const *folder, uint16_t port);
/* cf_process_port is that of scheme://HOST[:PORT][/PATH]; HOST may be a numeric [v6]. */
uint16_t cf_process_port(char const *url);
int  cf_process_paths(cf_folder_t const *f, char const *const *names);

/* cf_process_memory: the files that a council's members rely on having written (io/cf_memory.h), NULL-ended, named from a member's
   folder. */
char const *const *cf_process_memory(cf_folder_t const *f, cf_council_role_t role);
#define CF_LEDGER_MEMORY  "roles/ledger/newest" /* the newest block sealed; from DIR, as is */
#define CF_GATEWAY_MEMORY "gateway.db"

#endif
