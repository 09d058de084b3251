#include "codec/cf_pem.h"

#include "base/cf_text.h"

#define LINE_DATA_SZ (CF_PEM_LINE_SZ / 4 * 3)
#define WIDE_DATA_SZ 57 /* lines of 76 */

/* line_peek is the line at rd's position without its end, and *whole what it takes with it. */
static cf_span_t line_peek(cf_rd_t const *rd, size_t *whole) {
  uint8_t const *at = rd->buf + rd->pos, *lf = cf_rd_left(rd) ? memchr(at, '\n', cf_rd_left(rd)) : NULL;
  size_t         n = lf ? (size_t)(lf - at) : cf_rd_left(rd);
  *whole           = lf ? n + 1 : n;
  if (lf && n && at[n - 1] == '\r') n--;
  return CF_SPAN(at, n);
}

/* boundary returns the label of a line "-----BEGIN label-----"; empty when it is none. */
static cf_span_t boundary(cf_span_t line, cf_span_t begin) {
  cf_span_t none = CF_SPAN(NULL, 0), dashes = CF_SPAN_LIT("-----");
  if (line.len <= begin.len + dashes.len || line.len > begin.len + CF_PEM_LABEL_MAX + dashes.len) return none;
  cf_span_t label = CF_SPAN(line.ptr + begin.len, line.len - begin.len - dashes.len);
  if (!cf_span_eq(CF_SPAN(line.ptr, begin.len), begin) || !cf_span_eq(CF_SPAN(label.ptr + label.len, dashes.len), dashes))
    return none;
  bool joined = true; /* words are separated by single spaces or hyphens */
  for (size_t i = 0; i < label.len; i++) {
    uint8_t c         = label.ptr[i];
    bool    separator = c == ' ' || c == '-';
    if (c < 0x20 || c > 0x7e || (separator && joined)) return none;
    joined = separator;
  }
  return joined ? none : label;
}

/* body_line is the size of what a line decodes to; 0 when it is not base64. */
static size_t body_line(uint8_t data[WIDE_DATA_SZ], size_t full, cf_span_t line) {
  size_t n = 0;
  return cf_b64_decode(data, &n, full, line) ? 0 : n;
}

/* out may be NULL. */
static bool read_block(cf_rd_t *rd, cf_pem_t *block, size_t full, cf_wr_t *out) {
  size_t whole;
  block->label   = boundary(line_peek(rd, &whole), CF_SPAN_LIT("-----BEGIN "));
  block->data_sz = 0;
  if (!block->label.len) return false;
  cf_rd_take(rd, whole);
  size_t    start = rd->pos;
  size_t    n     = full; /* of the line before: only the last may be shorter */
  cf_span_t line, end;
  while (line = line_peek(rd, &whole), end = boundary(line, CF_SPAN_LIT("-----END ")), !end.len) {
    uint8_t data[WIDE_DATA_SZ];
    if (n != full || (n = body_line(data, full, line)) == 0) return false;
    block->data_sz += n;
    if (out) cf_wr_bytes(out, data, n);
    cf_rd_take(rd, whole);
  }
  block->body = CF_SPAN(rd->buf + start, rd->pos - start);
  if (!block->body.len || !cf_span_eq(end, block->label)) return false;
  cf_rd_take(rd, whole);
  return true;
}

static bool next(cf_rd_t *rd, cf_pem_t *block, size_t full, cf_wr_t *out) {
  size_t whole;
  while (!rd->bad && cf_rd_left(rd) && line_peek(rd, &whole).len == 0) cf_rd_take(rd, whole);
  if (rd->bad || !cf_rd_left(rd)) return false;
  if (!read_block(rd, block, full, out)) rd->bad = true;
  return !rd->bad;
}

bool cf_pem_next(cf_rd_t *rd, cf_pem_t *block) { return next(rd, block, LINE_DATA_SZ, NULL); }

bool cf_pem_take_wide(cf_rd_t *rd, cf_pem_t *block, cf_wr_t *out) {
  cf_rd_t narrow = *rd;
  cf_wr_t before = *out;
  bool    found = next(&narrow, block, LINE_DATA_SZ, out);
  if (narrow.bad && !rd->bad) {
    *out = before;
    return next(rd, block, WIDE_DATA_SZ, out);
  }
  *rd = narrow;
  return found;
}

bool cf_pem_find(cf_rd_t *rd, cf_pem_t *block, char const *label) {
  while (cf_pem_next(rd, block))
    if (cf_span_eq(block->label, CF_SPAN(label, strlen(label)))) return true;
  return false;
}

cf_status_t cf_pem_decode(uint8_t *out, size_t out_max, cf_pem_t const *block) {
  if (block->data_sz > out_max) return CF_ERR_BOUND;
  cf_rd_t rd = cf_rd_span(block->body);
  for (size_t whole; cf_rd_left(&rd); cf_rd_take(&rd, whole)) {
    uint8_t data[WIDE_DATA_SZ];
    size_t  n = body_line(data, sizeof data, line_peek(&rd, &whole));
    memcpy(out, data, n);
    out += n;
  }
  return CF_OK;
}

static void write_boundary(cf_wr_t *wr, char const *begin, char const *label) {
  cf_wr_bytes(wr, begin, strlen(begin));
  cf_wr_bytes(wr, label, strlen(label));
  cf_wr_span(wr, CF_SPAN_LIT("-----\n"));
}

void cf_pem_encode(cf_wr_t *wr, char const *label, cf_span_t data) {
  write_boundary(wr, "-----BEGIN ", label);
  for (size_t i = 0; i < data.len; i += LINE_DATA_SZ) {
    char   line[CF_PEM_LINE_SZ + 1];
    size_t n = data.len - i < LINE_DATA_SZ ? data.len - i : LINE_DATA_SZ;
    cf_wr_bytes(wr, line, cf_b64_encode(line, CF_SPAN(data.ptr + i, n)));
    cf_wr_u8(wr, '\n');
  }
  write_boundary(wr, "-----END ", label);
}
