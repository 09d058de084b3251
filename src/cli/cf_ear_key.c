#include "cli/cf_ear_key.h"

#include <stdlib.h>

#include "base/cf_secret.h"
#include "base/cf_text.h"

int cf_ear_key(cf_p256_key_t **out, char const *path) {
  cf_span_t in;
  int       code = cf_slurp(&in, path, 4096);
  if (code) return code;
  uint8_t *scalar = cf_secret_new(32);
  if (!scalar) abort();
  size_t len = in.len - (in.len == 65 && in.ptr[64] == '\n');
  *out = cf_hex_decode(scalar, 32, CF_SPAN(in.ptr, len)) ? NULL : cf_p256_key_from(scalar);
  cf_secret_free(scalar);
  cf_wipe((void *)(uintptr_t)in.ptr, in.len);
  free((void *)(uintptr_t)in.ptr);
  return *out ? 0
              : cf_fail(CF_EXIT_FAILS, "key", "format", path, "found", "not 64 hex digits of a P-256 key", "next",
                        "openssl rand -hex 32 >ear.key", NULL);
}

/* base64url without padding. */
static void write_b64url(cf_jw_t *j, char const *member, cf_span_t bytes) {
  char   text[64];
  size_t n = cf_b64_encode(text, bytes);
  while (n && text[n - 1] == '=') n--;
  for (size_t i = 0; i < n; i++) text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
  cf_jw_text(j, member, CF_SPAN(text, n));
}

void cf_ear_key_report(cf_jw_t *j, char const *member, cf_p256_key_t const *key) {
  cf_p256_pub_t pub;
  cf_p256_key_pub(key, &pub);
  cf_hash_t kid = cf_p256_thumbprint(&pub);
  cf_jw_obj(j, member);
  cf_jw_str(j, "kty", "EC");
  cf_jw_str(j, "crv", "P-256");
  cf_jw_str(j, "alg", "ES256");
  write_b64url(j, "x", CF_SPAN(pub.b, 32));
  write_b64url(j, "y", CF_SPAN(pub.b + 32, 32));
  cf_jw_hex(j, "kid", CF_SPAN_OF(kid.b));
  cf_jw_end(j, '}');
}
