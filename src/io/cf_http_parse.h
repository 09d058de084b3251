/* HTTP/1.1 messages, as bytes: the strict part of RFC 9110 and 9112 that we
   speak.  No I/O.  A request that two implementations could read differently is
   refused: bare LF or CR, obs-fold, space before a colon, any control byte,
   Transfer-Encoding, repeated or listed Content-Length, a second Host. */
#ifndef CF_IO_HTTP_PARSE_H
#define CF_IO_HTTP_PARSE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

#define CF_HTTP_LINE_MAX    8192  /* the first line, with its CRLF */
#define CF_HTTP_FIELDS_MAX  16384 /* everything after it           */
#define CF_HTTP_FIELD_CNT_MAX 100
#define CF_HTTP_HEAD_MAX    (CF_HTTP_LINE_MAX + CF_HTTP_FIELDS_MAX)

/* Why a message was refused: the status code for the one who sent it, and a
   static text. */
typedef struct {
  unsigned    code;
  char const *why;
} cf_http_refusal_t;

/* How far a growing buffer was searched for the end of its head; {0} to begin. */
typedef struct {
  size_t   pos;
  size_t   line;
  size_t   first_sz;
  unsigned line_cnt;
} cf_http_scan_t;

/* cf_http_scan continues over in, which begins as it did the last time and may
   be longer.  CF_OK with *head_sz = 0: not there yet; CF_OK with *head_sz: the
   head is in's first bytes, blank line included.  Otherwise *no says why:
   CF_ERR_FORMAT (400: bare LF, empty first line), CF_ERR_BOUND (414, 431). */
CF_MUST_CHECK cf_status_t cf_http_scan(cf_http_scan_t *scan, size_t *head_sz, cf_http_refusal_t *no, cf_span_t in);

typedef enum { CF_HTTP_GET, CF_HTTP_HEAD, CF_HTTP_POST, CF_HTTP_DELETE } cf_http_method_t;

typedef struct {
  cf_http_method_t method;
  cf_span_t        what;  /* "POST /v1/envelopes": the bytes as they came, without query */
  cf_span_t        path;  /* "/v1/envelopes": no '%', no empty, "." or ".." segment      */
  cf_span_t        query; /* behind '?', not decoded; may be empty                       */
  cf_span_t        type;  /* Content-Type as it came; may be empty                        */
  size_t           body_sz;
  bool             keep;   /* the connection may carry another request; never in HTTP/1.0 */
  bool             expect; /* 100-continue                             */
} cf_http_request_t;

/* cf_http_request_parse reads a whole head as found by cf_http_scan; spans in
   *out point into it.  A Content-Length over body_max is refused (413).
   CF_ERR_FORMAT (400), CF_ERR_BOUND (413, 431), CF_ERR_UNSUPPORTED (411 chunked
   or no length, 417, 501 other methods and codings, 505). */
CF_MUST_CHECK cf_status_t cf_http_request_parse(cf_http_request_t *out, cf_http_refusal_t *no, cf_span_t head, size_t body_max);

typedef struct {
  unsigned  code;
  bool      keep;
  bool      chunked; /* otherwise body_sz holds */
  size_t    body_sz;
  cf_span_t type; /* Content-Type, may be empty */
  unsigned  retry_after_s;
} cf_http_response_t;

/* cf_http_response_parse reads a whole head of an answer to GET or POST.  A
   body that ends with the connection is refused: a cut would not show.
   CF_ERR_FORMAT, CF_ERR_BOUND (body_max), CF_ERR_UNSUPPORTED. */
CF_MUST_CHECK cf_status_t cf_http_response_parse(cf_http_response_t *out, cf_http_refusal_t *no, cf_span_t head, size_t body_max);

/* A chunked body, decoded in place as it comes; {0} to begin. */
typedef struct {
  unsigned state;
  unsigned digits;
  size_t   left; /* of the chunk at hand */
  bool     done;
} cf_http_chunks_t;

/* cf_http_chunks_feed decodes the n bytes at buf; *out_sz receives how many
   bytes of body now stand at buf instead.  No extensions, no trailers.
   CF_ERR_FORMAT (also for bytes after the last chunk), CF_ERR_BOUND when a
   chunk is larger than 2^31. */
CF_MUST_CHECK cf_status_t cf_http_chunks_feed(cf_http_chunks_t *c, size_t *out_sz, uint8_t *buf, size_t n);

#endif
