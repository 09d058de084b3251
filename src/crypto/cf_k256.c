#include "crypto/cf_sign.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_lib.h"

static void
addr_of(cf_addr_t *addr, secp256k1_pubkey const *pub) {
  uint8_t oct[65];
  size_t  n = sizeof oct;
  cf_lib_must(secp256k1_ec_pubkey_serialize(cf_lib()->k256, oct, &n, pub, SECP256K1_EC_UNCOMPRESSED) == 1 && n == sizeof oct);
  cf_hash_t h = cf_keccak256(CF_SPAN(oct + 1, 64));
  memcpy(addr->b, h.b + 12, sizeof addr->b);
}

void
cf_k256_scalar_make(uint8_t scalar[32], cf_entropy_t const *e) {
  int holds;
  do {
    cf_entropy_fill(e, scalar, 32);
    holds = secp256k1_ec_seckey_verify(cf_lib()->k256, scalar);
    cf_declassify(&holds, sizeof holds, "a scalar out of range is thrown away");
  } while (!holds);
}

cf_status_t
cf_k256_addr(cf_addr_t *addr, uint8_t const scalar[32]) {
  secp256k1_pubkey pub;
  int              holds = secp256k1_ec_pubkey_create(cf_lib()->k256, &pub, scalar);
  cf_declassify(&holds, sizeof holds, "a scalar out of range is nobody's");
  cf_declassify(&pub, sizeof pub, "a public key");
  if (!holds) return CF_ERR_FORMAT;
  addr_of(addr, &pub);
  return CF_OK;
}

cf_status_t
cf_k256_sign(uint8_t sig[64], uint8_t const scalar[32], cf_hash_t const *digest) {
  secp256k1_ecdsa_recoverable_signature rec;
  int                                   holds = secp256k1_ecdsa_sign_recoverable(cf_lib()->k256, &rec, digest->b, scalar, NULL, NULL);
  cf_declassify(&holds, sizeof holds, "a scalar out of range is nobody's");
  cf_declassify(&rec, sizeof rec, "a signature");
  if (!holds) return CF_ERR_FORMAT;
  int v;
  cf_lib_must(secp256k1_ecdsa_recoverable_signature_serialize_compact(cf_lib()->k256, sig, &v, &rec) == 1);
  cf_lib_must(v < 2); /* more would be an x coordinate >= n: nobody has seen one */
  sig[32] |= (uint8_t)(v << 7);
  return CF_OK;
}

cf_status_t
cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest) {
  /* (n - 1) / 2 */
  static uint8_t const half[32] = { 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
                                    0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0 };
  uint8_t rs[64];
  memcpy(rs, sig, sizeof rs);
  rs[32] &= 0x7f;
  if (memcmp(rs + 32, half, sizeof half) > 0) return CF_ERR_AUTH;

  secp256k1_ecdsa_recoverable_signature rec;
  secp256k1_pubkey                      pub;
  secp256k1_context const              *ctx = cf_lib()->k256;
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &rec, rs, sig[32] >> 7)) return CF_ERR_AUTH;
  if (!secp256k1_ecdsa_recover(ctx, &pub, &rec, digest->b)) return CF_ERR_AUTH;
  addr_of(addr, &pub);
  return CF_OK;
}
