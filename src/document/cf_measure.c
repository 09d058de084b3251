#include "document/cf_measure.h"

#include "crypto/cf_hash.h"

char const *cf_platform_name(cf_platform_t platform) {
  switch (platform) {
  case CF_PLATFORM_TPM:
    return "tpm";
  case CF_PLATFORM_SGX:
    return "sgx";
  case CF_PLATFORM_TDX:
    return "tdx";
  case CF_PLATFORM_SNP:
    return "snp";
  case CF_PLATFORM_NITRO:
    return "nitro";
  case CF_PLATFORM_CCA:
    return "cca";
  }
  return NULL;
}

cf_hash_t cf_pcr_extend(cf_hash_t const *pcr, cf_hash_t const *digest) {
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_h(&ctx, pcr);
  cf_sha256_h(&ctx, digest);
  return cf_sha256_end(&ctx);
}

cf_hash_t cf_pcr11(cf_hash_t const *program, cf_hash_t const *configuration, cf_hash_t const *domain) {
  cf_hash_t pcr = {{0}};
  pcr = cf_pcr_extend(&pcr, program);
  pcr = cf_pcr_extend(&pcr, configuration);
  return cf_pcr_extend(&pcr, domain);
}

cf_hash_t cf_pcr12_cap(void) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "cap");
  return cf_sha256_end(&ctx);
}

cf_hash_t cf_pcr12(cf_hash_t const *instance) {
  cf_hash_t pcr = {{0}}, cap = cf_pcr12_cap();
  pcr = cf_pcr_extend(&pcr, instance);
  return cf_pcr_extend(&pcr, &cap);
}

cf_hash_t cf_measurement(cf_platform_t platform, cf_hash_t const *program, cf_hash_t const *configuration, cf_span_t registers) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "measurement");
  cf_sha256_u(&ctx, (uint64_t)platform, 1);
  cf_sha256_h(&ctx, program);
  cf_sha256_h(&ctx, configuration);
  cf_sha256_s(&ctx, registers);
  return cf_sha256_end(&ctx);
}

cf_status_t cf_nonces_check(cf_span_t nonces) {
  if (nonces.len == 0 || nonces.len % 32) return CF_ERR_FORMAT;
  if (nonces.len > CF_NONCES_MAX * 32) return CF_ERR_BOUND;
  for (size_t at = 32; at < nonces.len; at += 32)
    if (memcmp(nonces.ptr + at - 32, nonces.ptr + at, 32) >= 0) return CF_ERR_FORMAT;
  return CF_OK;
}

bool cf_nonces_has(cf_span_t nonces, cf_hash_t const *nonce) {
  for (size_t at = 0; at + 32 <= nonces.len; at += 32)
    if (memcmp(nonces.ptr + at, nonce->b, 32) == 0) return true;
  return false;
}

cf_hash_t cf_nonces_hash(cf_span_t nonces) { return cf_sha256(nonces); }

cf_hash_t cf_binding(cf_hash_t const *certificate_hash, cf_hash_t const *nonces_hash) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "binding");
  cf_sha256_h(&ctx, certificate_hash);
  cf_sha256_h(&ctx, nonces_hash);
  return cf_sha256_end(&ctx);
}
