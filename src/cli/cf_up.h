/* All processes of a domain as children of one: what `up` and `demo` run. */
#ifndef CF_CLI_UP_H
#define CF_CLI_UP_H

#include "cli/cf_folder.h"
#include "io/cf_proc.h"

/* cf_up_start starts every role (or those that only lists, with commas) in order.  0, or an exit status after saying which did
 * not. */
int cf_up_start(cf_procs_t *procs, cf_folder_t const *f, char const *only);

#endif
