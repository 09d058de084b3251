/* Heads of answers, as bytes. */
#ifndef CF_IO_HTTP_WRITE_H
#define CF_IO_HTTP_WRITE_H

#include "io/cf_http_parse.h"

typedef struct {
  unsigned    code;
  char const *type;  /* Content-Type, or NULL */
  char const *cache; /* Cache-Control         */
  unsigned    retry_after_s;
  size_t      body_sz;
  cf_span_t   location; /* Location; empty: none */
} cf_http_head_t;

/* cf_http_head_write writes a head into buf, whose max holds 512 bytes beside
   type, cache and location, and returns it.  to is the request's method (a 405 says which
   others are allowed), date as in RFC 9110 5.6.7. */
cf_span_t cf_http_head_write(uint8_t *buf, size_t max, cf_http_head_t const *h, bool keep, cf_http_method_t to, char const *date);

/* cf_http_reason is the phrase for a status code, cf_http_type_of the content
   type by a path's ending: static strings. */
char const *cf_http_reason(unsigned code);
char const *cf_http_type_of(cf_span_t path);

#endif
