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
