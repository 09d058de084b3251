/* PEM (RFC 7468, strict form): blocks of base64 in lines of 64 characters between -----BEGIN label----- and
   -----END label-----.  Lines end with LF or CR LF; outside the blocks there are blank lines only. */
#ifndef CF_CODEC_PEM_H
#define CF_CODEC_PEM_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

#define CF_PEM_LABEL_MAX 64
#define CF_PEM_LINE_SZ 64

/* One block, whose form was checked whole by cf_pem_next.  Spans borrow the input. */
typedef struct {
  cf_span_t label;   /* "CERTIFICATE" */
  cf_span_t body;    /* the lines between, with their ends */
  size_t    data_sz; /* bytes that body decodes to */
} cf_pem_t;

/* cf_pem_next reads the next block; false at the end.  Anything but blank lines and whole blocks makes rd bad, with pos left at
   the start of the line at fault. */
bool cf_pem_next(cf_rd_t *rd, cf_pem_t *block);
/* cf_pem_take_wide reads the next block and writes what it decodes to, in one go; lines may be of 76 characters, too, as platforms
   of 2020 wrote them.  out is bad when there is no room for it. */
bool cf_pem_take_wide(cf_rd_t *rd, cf_pem_t *block, cf_wr_t *out);
/* cf_pem_decode writes data_sz bytes to out.  CF_ERR_BOUND when that is more than out_max. */
CF_MUST_CHECK cf_status_t cf_pem_decode(uint8_t *out, size_t out_max, cf_pem_t const *block);
/* cf_pem_find reads on to the next block of that label, over others; false when there is none (or rd is bad). */
bool cf_pem_find(cf_rd_t *rd, cf_pem_t *block, char const *label);

/* cf_pem_encode writes one block, lines ended by LF. */
void cf_pem_encode(cf_wr_t *wr, char const *label, cf_span_t data);

#endif
