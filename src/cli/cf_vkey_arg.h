/* The option --vkey F: a key in the C2SP form, one line. */
#ifndef CF_CLI_VKEY_ARG_H
#define CF_CLI_VKEY_ARG_H

#include "cli/cf_cli.h"
#include "translog/cf_note.h"

/* cf_vkey_arg reads the file that --vkey names, which was given; what is the command's name.  0 or an exit status. */
int cf_vkey_arg(cf_vkey_t *key, char const *what, cf_args_t const *a);

#endif
