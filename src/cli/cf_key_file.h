/* An account's key on a chain, which is nobody's of a domain: the deployer's, a party's in a keystore.  A file is a keystore
   (party/cf_keystore.h) or, where test keys are good enough, 64 hex digits. */
#ifndef CF_CLI_KEY_FILE_H
#define CF_CLI_KEY_FILE_H

#include "cli/cf_cli.h"
#include "crypto/cf_sign.h"

/* cf_key_file_open asks for the password where one is due: from --password-file, else at the terminal.  *scalar is of
   cf_secret_new.  bare: 64 hex digits are taken, too.  0, or an exit status after saying why. */
int cf_key_file_open(uint8_t **scalar, cf_addr_t *addr, cf_args_t const *a, char const *path, bool bare);
/* cf_key_file_addr opens the file only when it does not say whose it is. */
int cf_key_file_addr(cf_addr_t *addr, cf_args_t const *a, char const *path, bool bare);
/* cf_key_file_make puts a key under a password, at a path where nothing lies; asked for twice at a terminal. */
int cf_key_file_make(char const *path, cf_args_t const *a, uint8_t const scalar[32]);

#endif
