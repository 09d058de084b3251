/* Any of our files as JSON: what it says, and nothing about whether it is so. */
#ifndef CF_CLI_SHOW_H
#define CF_CLI_SHOW_H

#include "cli/cf_cli.h"

/* cf_show_value writes one JSON value for in; false when it is no file of ours, and err then says what it came nearest to. */
bool cf_show_value(cf_wr_t *wr, cf_span_t in, cf_error_t *err);

/* cf_show_pretty is JSON for people: one member a line, two blanks per level. */
void cf_show_pretty(cf_wr_t *wr, cf_span_t json);

#endif
