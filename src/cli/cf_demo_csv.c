/* Transfers from a CSV: a header that names the columns, then a row each.  No quoting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_demo.h"

enum { FILE_MAX = 64 << 20, COLUMNS_MAX = 32, NAME_MAX_SZ = 64, SLOTS = 4 * CF_DEMO_PARTIES_MAX };

typedef enum { PAYER, PAYEE, ASSET, AMOUNT, KEYS } key_t_;
static char const *const keys[KEYS] = {"payer", "payee", "asset", "amount_minor_units"};

typedef struct {
  cf_demo_input_t *in;
  size_t           column[KEYS], columns;
  uint32_t         slot[SLOTS];             /* place + 1 of a party's name */
  uint64_t         out[CF_INIT_ASSETS_MAX]; /* gross: every party's funding stays below 2^63 with it */
} csv_t;

/* ---- names ---- */

static uint32_t hash_of(cf_span_t name) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < name.len; i++) h = (h ^ name.ptr[i]) * 16777619u;
  return h;
}

/* The party of that name, a new one when there is none; UINT32_MAX: no more fit. */
static uint32_t party_of(csv_t *c, cf_span_t name) {
  uint32_t at = hash_of(name) % SLOTS;
  for (; c->slot[at]; at = (at + 1) % SLOTS) {
    char const *known = c->in->parties[c->slot[at] - 1];
    if (strlen(known) == name.len && !memcmp(known, name.ptr, name.len)) return c->slot[at] - 1;
  }
  if (c->in->parties_cnt == CF_DEMO_PARTIES_MAX - 1) return UINT32_MAX;
  c->in->parties[c->in->parties_cnt++] = cf_fmt("%.*s", (int)name.len, name.ptr);
  c->slot[at] = (uint32_t)c->in->parties_cnt;
  return c->slot[at] - 1;
}

static uint32_t asset_of(cf_demo_input_t *in, cf_span_t symbol) {
  for (uint32_t i = 0; i < in->assets_cnt; i++)
    if (strlen(in->assets[i]) == symbol.len && !memcmp(in->assets[i], symbol.ptr, symbol.len)) return i;
  if (in->assets_cnt == CF_INIT_ASSETS_MAX) return UINT32_MAX;
  in->assets[in->assets_cnt] = cf_fmt("%.*s", (int)symbol.len, symbol.ptr);
  return (uint32_t)in->assets_cnt++;
}

/* ---- lines ---- */

static cf_span_t line_next(cf_span_t *rest) {
  uint8_t const *lf = memchr(rest->ptr, '\n', rest->len);
  size_t         n = lf ? (size_t)(lf - rest->ptr) : rest->len;
  cf_span_t      line = CF_SPAN(rest->ptr, n);
  *rest = CF_SPAN(rest->ptr + n + (lf != NULL), rest->len - n - (lf != NULL));
  if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
  return line;
}

static size_t split(cf_span_t cell[COLUMNS_MAX], cf_span_t line) {
  size_t n = 0, from = 0;
  for (size_t i = 0; i <= line.len && n < COLUMNS_MAX; i++)
    if (i == line.len || line.ptr[i] == ',') {
      cell[n++] = CF_SPAN(line.ptr + from, i - from);
      from = i + 1;
    }
  return n;
}

static int read_header(csv_t *c, cf_span_t line) {
  cf_span_t cell[COLUMNS_MAX];
  c->columns = split(cell, line);
  for (size_t k = 0; k < KEYS; k++) {
    size_t i = 0;
    while (i < c->columns && !cf_span_eq(cell[i], CF_SPAN(keys[k], strlen(keys[k])))) i++;
    if (i == c->columns)
      return cf_fail(CF_EXIT_FAILS, "input", "format", cf_fmt("%s:1:1", c->in->name), "found", cf_fmt("no column %s", keys[k]),
                     "next", "the first line names payer, payee, asset, amount_minor_units; other columns are not looked at",
                     NULL);
    c->column[k] = i;
  }
  return 0;
}

static void refuse(csv_t *c, size_t line_no, size_t column, char const *reason) {
  cf_demo_input_t *in = c->in;
  char const      *at = cf_fmt("%s:%zu:%zu", in->name, line_no, column);
  in->refused = realloc(in->refused, (in->refused_cnt + 1) * sizeof *in->refused);
  if (!in->refused) abort();
  in->refused[in->refused_cnt++] = (cf_demo_refused_t){line_no, reason};
  cf_note("%s: %s; row refused, the others go on", at, reason);
}

static bool name_ok(cf_span_t s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f) return false;
  return s.len >= 1 && s.len <= NAME_MAX_SZ && cf_utf8_valid(s);
}

/* Why a row is no transfer, and in which column; NULL: it is one. */
static char const *row_fault(csv_t const *c, cf_span_t const *cell, size_t n, uint64_t *amount, size_t *at) {
  *at = 0;
  if (n != c->columns) return cf_fmt("%zu columns, the header has %zu", n, c->columns);
  for (size_t k = 0; k < KEYS; k++) {
    cf_span_t s = cell[c->column[k]];
    *at = c->column[k];
    if (k == AMOUNT ? cf_dec_u64(amount, s) || *amount == 0 || *amount > INT64_MAX : !name_ok(s) || (k == ASSET && s.len > 16))
      return k == AMOUNT ? cf_fmt("amount_minor_units: \"%.*s\" is not a whole number from 1 to 2^63 - 1",
                                  (int)(s.len < 40 ? s.len : 40), s.ptr)
                         : cf_fmt("%s: not a name of 1 to %d characters", keys[k], k == ASSET ? 16 : NAME_MAX_SZ);
  }
  *at = c->column[PAYEE];
  return cf_span_eq(cell[c->column[PAYER]], cell[c->column[PAYEE]]) ? "payee: the same as payer" : NULL;
}

static void read_row(csv_t *c, cf_span_t line, size_t line_no) {
  cf_span_t   cell[COLUMNS_MAX];
  uint64_t    amount;
  size_t      at;
  size_t      n = split(cell, line);
  char const *why = row_fault(c, cell, n, &amount, &at);
  if (!why && c->in->rows_cnt == CF_DEMO_ROWS_MAX) why = "more rows than the demo takes";
  uint32_t asset = why ? 0 : asset_of(c->in, cell[c->column[ASSET]]);
  if (!why && asset == UINT32_MAX) why = "asset: more than 64 of them";
  if (!why && amount > (uint64_t)INT64_MAX - c->out[asset]) why = "amount_minor_units: the asset's gross would reach 2^63";
  uint32_t payer = why ? 0 : party_of(c, cell[c->column[PAYER]]), payee = why ? 0 : party_of(c, cell[c->column[PAYEE]]);
  if (!why && (payer == UINT32_MAX || payee == UINT32_MAX)) why = "more parties than the enclave is configured for";
  if (why) {
    refuse(c, line_no, n == c->columns ? (size_t)(cell[at].ptr - line.ptr) + 1 : 1, why);
    return;
  }
  c->out[asset] += amount;
  c->in->rows[c->in->rows_cnt++] = (cf_demo_row_t){payer, payee, asset, amount, line_no};
}

int cf_demo_read(cf_demo_input_t *in, char const *path) {
  csv_t    *c = calloc(1, sizeof *c);
  cf_span_t rest;
  int       code = cf_slurp(&rest, path, FILE_MAX);
  if (code) return code;
  *in = (cf_demo_input_t){.name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path};
  in->rows = calloc(CF_DEMO_ROWS_MAX, sizeof *in->rows);
  in->parties = calloc(CF_DEMO_PARTIES_MAX, sizeof *in->parties);
  if (!c || !in->rows || !in->parties) abort();
  c->in = in;
  code = read_header(c, line_next(&rest));
  for (size_t no = 2; !code && rest.len; no++) {
    cf_span_t line = line_next(&rest);
    in->lines++;
    read_row(c, line, no);
  }
  free(c);
  if (!code && !in->rows_cnt) code = cf_fail(CF_EXIT_FAILS, "input", "format", path, "found", "no row is a transfer", NULL);
  return code;
}
