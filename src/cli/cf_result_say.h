/* An opened result in words, or as JSON. */
#ifndef CF_CLI_RESULT_SAY_H
#define CF_CLI_RESULT_SAY_H

#include "cli/cf_cli.h"
#include "session/cf_result.h"

/* cf_result_say prints a line; with j it writes an object there instead. */
void cf_result_say(cf_jw_t *j, cf_result_t const *r);

#endif
