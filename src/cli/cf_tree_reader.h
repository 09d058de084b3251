/* The audit's reader over a public folder, or over a server of one. */
#ifndef CF_CLI_TREE_READER_H
#define CF_CLI_TREE_READER_H

#include "audit/cf_audit.h"
#include "cli/cf_cli.h"

/* cf_tree_reader opens DIR/public, DIR itself when it has no public/, or http://...  0 or an exit status. */
int cf_tree_reader(cf_audit_reader_t *out, char const *where);

/* cf_tree_folder is the folder that it reads; NULL: it asks a server. */
char const *cf_tree_folder(cf_audit_reader_t const *reader);

#define CF_TREE_BUSY_S 3u /* what a gateway writes before it appends to the log is referred to by then */

/* cf_tree_busy looks whether a folder that was listed is another by now: somebody writes to it.  Once true, the next
   listing tells what was there CF_TREE_BUSY_S before and still is, so that nothing that is on its way looks like a stranger.  False
   the second time, and for a server, which cannot be listed. */
bool cf_tree_busy(cf_audit_reader_t const *reader);

#endif
