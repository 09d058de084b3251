/* For a program that is linked to libcrypto's archive and wants little of it, as the enclave: libcrypto's default provider names every
   algorithm that it has, and so links them all.  This one takes its place, and names what this room asks for.  What it
   names are libcrypto's own tables; they are not in its headers, but in every archive of the 3.x line, and a change shows when linking. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>

typedef struct prov_ctx_st PROV_CTX;
PROV_CTX *ossl_prov_ctx_new(void);
void      ossl_prov_ctx_free(PROV_CTX *ctx);
void      ossl_prov_ctx_set0_libctx(PROV_CTX *ctx, OSSL_LIB_CTX *libctx);
void      ossl_prov_ctx_set0_handle(PROV_CTX *ctx, OSSL_CORE_HANDLE const *handle);

extern OSSL_DISPATCH const ossl_aes128gcm_functions[], ossl_aes256gcm_functions[], ossl_chacha20_ossl_poly1305_functions[], ossl_sha256_functions[],
    ossl_sha512_functions[], ossl_x25519_keymgmt_functions[], ossl_ed25519_keymgmt_functions[], ossl_x25519_keyexch_functions[],
    ossl_ed25519_signature_functions[];

OSSL_provider_init_fn ossl_default_provider_init, ossl_base_provider_init;

#define ROW(names, functions) { names, "provider=default", functions, NULL }
static OSSL_ALGORITHM const digests[] = { ROW("SHA2-256:SHA-256:SHA256", ossl_sha256_functions), ROW("SHA2-512:SHA-512:SHA512", ossl_sha512_functions),
                                          ROW(NULL, NULL) };
static OSSL_ALGORITHM const ciphers[] = { ROW("AES-128-GCM:id-aes128-GCM", ossl_aes128gcm_functions), ROW("AES-256-GCM:id-aes256-GCM", ossl_aes256gcm_functions),
                                          ROW("ChaCha20-Poly1305", ossl_chacha20_ossl_poly1305_functions), ROW(NULL, NULL) };
static OSSL_ALGORITHM const keys[] = { ROW("X25519", ossl_x25519_keymgmt_functions), ROW("ED25519", ossl_ed25519_keymgmt_functions), ROW(NULL, NULL) };
static OSSL_ALGORITHM const exchanges[] = { ROW("X25519", ossl_x25519_keyexch_functions), ROW(NULL, NULL) };
static OSSL_ALGORITHM const signatures[] = { ROW("ED25519", ossl_ed25519_signature_functions), ROW(NULL, NULL) };

static OSSL_ALGORITHM const *
query(void *ctx, int operation, int *no_cache) {
  *no_cache = 0;
  switch (operation) {
  case OSSL_OP_DIGEST:    return digests;
  case OSSL_OP_CIPHER:    return ciphers;
  case OSSL_OP_KEYMGMT:   return keys;
  case OSSL_OP_KEYEXCH:   return exchanges;
  case OSSL_OP_SIGNATURE: return signatures;
  default:                return NULL;
  }
}

static void teardown(void *ctx) { ossl_prov_ctx_free(ctx); }

static OSSL_DISPATCH const functions[] = {
  { OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
  { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
  { 0, NULL },
};

int
ossl_default_provider_init(OSSL_CORE_HANDLE const *handle, OSSL_DISPATCH const *in, OSSL_DISPATCH const **out, void **ctx) {
  OSSL_FUNC_core_get_libctx_fn *libctx = NULL;
  for (; in->function_id; in++)
    if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX) libctx = OSSL_FUNC_core_get_libctx(in);
  if (!libctx || !(*ctx = ossl_prov_ctx_new())) return 0;
  ossl_prov_ctx_set0_libctx(*ctx, (OSSL_LIB_CTX *)libctx(handle));
  ossl_prov_ctx_set0_handle(*ctx, handle);
  *out = functions;
  return 1;
}

/* Encoders, decoders, key files: nobody asks for them. */
int
ossl_base_provider_init(OSSL_CORE_HANDLE const *handle, OSSL_DISPATCH const *in, OSSL_DISPATCH const **out, void **ctx) {
  return 0;
}

/* What libcrypto would set up besides, at its start or on its way out: engines, a configuration file, the names of ciphers and digests for the interfaces
   before providers, texts of errors, key stores, certificate management. */
int  ossl_config_int(void const *settings);
int  ossl_err_load_crypto_strings(void);
int  ENGINE_register_all_complete(void);
void openssl_add_all_ciphers_int(void), openssl_add_all_digests_int(void), engine_load_afalg_int(void), engine_load_padlock_int(void), engine_load_dynamic_int(void),
    engine_load_openssl_int(void), ossl_store_cleanup_int(void), OSSL_CMP_log_close(void), ossl_comp_zlib_cleanup(void);

int  ossl_config_int(void const *settings) { return 1; }
int  ossl_err_load_crypto_strings(void) { return 1; }
int  ENGINE_register_all_complete(void) { return 1; }
void openssl_add_all_ciphers_int(void) {}
void openssl_add_all_digests_int(void) {}
void engine_load_afalg_int(void) {}
void engine_load_padlock_int(void) {}
void engine_load_dynamic_int(void) {}
void engine_load_openssl_int(void) {}
void ossl_store_cleanup_int(void) {}
void OSSL_CMP_log_close(void) {}
void ossl_comp_zlib_cleanup(void) {}
