/* An auditor's state (audit/cf_since.h) as a file. */
#ifndef CF_CLI_STATE_FILE_H
#define CF_CLI_STATE_FILE_H

#include "audit/cf_since.h"
#include "cli/cf_cli.h"

typedef struct {
  char const *path;
  cf_span_t   map; /* the file, until the process ends or cf_state_close */
  cf_since_t *since;
} cf_state_file_t;

/* cf_state_open: a file that is not there is the state of nobody yet; domain NULL: whichever it is of.  err, if not NULL, gets what would
   be said, and nothing is said.  0, or an exit status: 1 of one that is altered or another domain's. */
int  cf_state_open(cf_state_file_t *f, char const *path, cf_hash_t const *domain, cf_error_t *err);
void cf_state_close(cf_state_file_t *f);
/* cf_state_save replaces the file, durably, by what the audit that used f->since knows now. */
int cf_state_save(cf_state_file_t *f, uint64_t now_s, cf_error_t *err);

#endif
