/* The options --vkey F, a key in the C2SP form, one line, and --quorum F, a trust policy (C2SP tlog-policy). */
#ifndef CF_CLI_VKEY_ARG_H
#define CF_CLI_VKEY_ARG_H

#include "cli/cf_cli.h"
#include "translog/cf_tlog_policy.h"

/* cf_vkey_arg reads the file that --vkey names, which was given; what is the command's name.  0 or an exit status. */
int cf_vkey_arg(cf_vkey_t *key, char const *what, cf_args_t const *a);
/* cf_quorum_arg reads the policy that --quorum names, which was given. */
int cf_quorum_arg(cf_tlog_policy_t *policy, char const *what, cf_args_t const *a);

#endif
