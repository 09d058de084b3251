/* What this room borrows from libcrypto and libsecp256k1, made once.  Internal
   to crypto/. */
#ifndef CF_CRYPTO_LIB_H
#define CF_CRYPTO_LIB_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <secp256k1.h>

#include "crypto/cf_aead.h"

typedef struct {
  EC_GROUP          *p256;
  EVP_CIPHER        *aead[CF_AEAD_CHACHA20POLY1305 + 1];
  secp256k1_context *k256; /* blinded: signing does not depend on the scalar's bits alone */
} cf_lib_t;

/* cf_lib makes the objects at its first call.  Never NULL; aborts when a library cannot do its work. */
cf_lib_t const *cf_lib(void);

/* cf_lib_own makes what only a process of our own has, before anything else: its libcrypto is set up, ciphers, secp256k1. */
void cf_lib_own(cf_lib_t *lib);

/* cf_lib_must aborts unless ok: for what fails only when memory or the library is broken. */
void cf_lib_must(bool ok);

#endif
