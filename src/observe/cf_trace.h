/* W3C Trace Context, level 1: the header traceparent.  Its ids are random, mean
   nothing and link the work on one request across processes. */
#ifndef CF_OBSERVE_TRACE_H
#define CF_OBSERVE_TRACE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

typedef struct {
  uint8_t trace[16]; /* not all zero */
  uint8_t span[8];   /* not all zero: the caller's span, or ours in what we send */
  bool    sampled;
} cf_trace_t;

#define CF_TRACE_TEXT_SZ 55

/* cf_trace_root starts a trace from 24 bytes of the caller's entropy,
   cf_trace_child a span (8 bytes) under *parent. */
cf_trace_t cf_trace_root(uint8_t const fresh[24], bool sampled);
cf_trace_t cf_trace_child(cf_trace_t const *parent, uint8_t const fresh[8]);

/* cf_trace_parse reads a header's value; a version above 00 is read as 00 with
   something behind it, as the standard asks.  A bad header means: start a new
   trace.  CF_ERR_FORMAT (upper case and zero ids included), CF_ERR_UNSUPPORTED (version ff). */
CF_MUST_CHECK cf_status_t cf_trace_parse(cf_trace_t *out, cf_span_t text);

/* cf_trace_text writes version 00 and a NUL.  Returns out. */
char *cf_trace_text(char out[CF_TRACE_TEXT_SZ + 1], cf_trace_t const *t);

#endif
