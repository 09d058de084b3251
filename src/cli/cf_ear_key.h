/* The key that results are signed by, outside a domain: a file of 64 hex digits, a P-256 scalar (`openssl rand -hex 32 >ear.key`). */
#ifndef CF_CLI_EAR_KEY_H
#define CF_CLI_EAR_KEY_H

#include "cli/cf_cli.h"
#include "crypto/cf_sign.h"

/* cf_ear_key reads it.  0, or an exit status after saying why. */
int cf_ear_key(cf_p256_key_t **out, char const *path);

#endif
