/* The audit's reader over a public folder, or over a server of one. */
#ifndef CF_CLI_TREE_READER_H
#define CF_CLI_TREE_READER_H

#include "audit/cf_audit.h"
#include "cli/cf_cli.h"

/* cf_tree_reader opens DIR/public, DIR itself when it has no public/, or http://...  0 or an exit status. */
int cf_tree_reader(cf_audit_reader_t *out, char const *where);

#endif
