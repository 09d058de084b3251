/* Input: a URL, as a peer or a folder names one.  What is taken is a numeric address or localhost, fits its fields, and is read again
   from its parts. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "io/cf_net.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  char       text[512], again[512];
  cf_url_t   url, twin;
  cf_error_t err = {0};
  if (size >= sizeof text) return 0;
  if (size) memcpy(text, data, size);
  text[size] = 0;
  if (cf_url_parse(&url, text, &err)) {
    assert(err.status && err.text[0]);
    return 0;
  }
  size_t n = strlen(url.path);
  assert(memchr(url.authority, 0, sizeof url.authority) && memchr(url.path, 0, sizeof url.path));
  assert(url.authority[0] && (!n || (url.path[0] == '/' && url.path[n - 1] != '/')));
  assert(url.addr_sz && url.addr_sz <= sizeof url.addr);
  snprintf(again, sizeof again, "http://%s%s", url.authority, url.path);
  assert(!cf_url_parse(&twin, again, NULL) && !strcmp(twin.authority, url.authority) && !strcmp(twin.path, url.path));
  assert(twin.addr_sz == url.addr_sz && !memcmp(&twin.addr, &url.addr, url.addr_sz));
  return 0;
}
