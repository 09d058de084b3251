/* The key that results are signed by, outside a domain: a file of 64 hex digits, a P-256 scalar (`openssl rand -hex 32 >ear.key`). */
#ifndef CF_CLI_EAR_KEY_H
#define CF_CLI_EAR_KEY_H

#include "cli/cf_cli.h"
#include "crypto/cf_sign.h"

/* cf_ear_key reads it.  0, or an exit status after saying why. */
int cf_ear_key(cf_p256_key_t **out, char const *path);
/* cf_ear_key_report writes the public key as a member, a JWK (RFC 7517) whose kid is the one in results: the RFC 9679 thumbprint, in hex. */
void cf_ear_key_report(cf_jw_t *j, char const *member, cf_p256_key_t const *key);

#endif
