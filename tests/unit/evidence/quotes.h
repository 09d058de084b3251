/* The cases of tests/vectors/evidence/quotes.json. */
#ifndef QUOTES_H
#define QUOTES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "evidence/cf_evidence.h"

#define QUOTES_BLOBS_MAX 256
#define QUOTES_CASES_MAX 256

static inline void quotes_need(bool ok, char const *what) {
  if (ok) return;
  fprintf(stderr, "quotes.json: %s\n", what);
  exit(1);
}

typedef struct {
  char               name[96], verdict[32], item[64], status[48];
  int64_t            date_s, at_s;
  bool               waived;
  cf_root_t          root;
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             item_cnt;
} quote_case_t;

typedef struct {
  cf_span_t    blob_name[QUOTES_BLOBS_MAX];
  cf_json_t    blob[QUOTES_BLOBS_MAX];
  size_t       blob_cnt;
  quote_case_t cases[QUOTES_CASES_MAX];
  size_t       case_cnt;
  uint8_t      text[1 << 20], pool[4 << 20];
  size_t       used;
} quotes_t;

static inline void quotes_piece(quotes_t *q, cf_span_t name);

/* Appends what a piece stands for to the pool. */
static inline void quotes_append(quotes_t *q, cf_json_t piece) {
  cf_span_t in = CF_SPAN(piece.text.ptr + 1, piece.text.len - 2);
  quotes_need(q->used + in.len < sizeof q->pool, "too much");
  if (in.ptr[0] == 'x') {
    size_t n = (in.len - 1) / 2;
    quotes_need(!cf_hex_decode(q->pool + q->used, n, CF_SPAN(in.ptr + 1, in.len - 1)), "hex");
    q->used += n;
  } else if (in.ptr[0] == 't') {
    char *out = (char *)q->pool + q->used;
    quotes_need(!cf_json_str(out, in.len + 1, piece), "text");
    size_t n = strlen(out) - 1;
    memmove(out, out + 1, n);
    q->used += n;
  } else quotes_piece(q, in);
}

static inline void quotes_piece(quotes_t *q, cf_span_t name) {
  cf_span_t key;
  cf_json_t piece;
  size_t    i = 0;
  while (i < q->blob_cnt && !cf_span_eq(q->blob_name[i], name)) i++;
  quotes_need(i < q->blob_cnt, "no such blob");
  for (size_t pos = 0; cf_json_each(q->blob[i], &pos, &key, &piece);) quotes_append(q, piece);
}

static inline cf_span_t quotes_blob(quotes_t *q, cf_json_t ref) {
  size_t start = q->used;
  quotes_piece(q, CF_SPAN(ref.text.ptr + 1, ref.text.len - 2));
  return CF_SPAN(q->pool + start, q->used - start);
}

static inline void quotes_case(quotes_t *q, quote_case_t *c, cf_json_t from) {
  cf_span_t key;
  cf_json_t ref;
  quotes_need(!cf_json_str(c->name, sizeof c->name, cf_json_get(from, "name")), "name");
  quotes_need(!cf_json_str(c->verdict, sizeof c->verdict, cf_json_get(from, "verdict")), c->name);
  (void)!cf_json_str(c->item, sizeof c->item, cf_json_get(from, "item"));
  (void)!cf_json_str(c->status, sizeof c->status, cf_json_get(from, "status"));
  (void)!cf_json_i64(&c->date_s, cf_json_get(from, "date"));
  quotes_need(!cf_json_i64(&c->at_s, cf_json_get(from, "at")) && !cf_json_bool(&c->waived, cf_json_get(from, "waived")), c->name);
  c->root = (cf_root_t){CF_CLASS_OWNER, quotes_blob(q, cf_json_get(from, "root"))};
  for (size_t pos = 0; cf_json_each(cf_json_get(from, "items"), &pos, &key, &ref);)
    c->items[c->item_cnt++] = (cf_evidence_item_t){cf_role_of(key), quotes_blob(q, ref)};
}

/* Reads the file; the caller keeps it. */
static inline quotes_t *quotes_load(char const *path) {
  quotes_t *q = calloc(1, sizeof *q);
  FILE     *f = fopen(path, "rb");
  cf_json_t doc, v;
  cf_span_t key;
  quotes_need(q && f, "cannot be read");
  size_t n = fread(q->text, 1, sizeof q->text, f);
  fclose(f);
  quotes_need(n < sizeof q->text && !cf_json_parse(&doc, CF_SPAN(q->text, n), NULL), "is no JSON");
  cf_json_t blobs = cf_json_get(doc, "blobs"), cases = cf_json_get(doc, "cases"); /* once: to find them takes as long as the file */
  for (size_t pos = 0; cf_json_each(blobs, &pos, &key, &v); q->blob_cnt++) {
    q->blob_name[q->blob_cnt] = key;
    q->blob[q->blob_cnt] = v;
  }
  for (size_t pos = 0; cf_json_each(cases, &pos, &key, &v);) {
    quotes_need(q->case_cnt < QUOTES_CASES_MAX, "too many cases");
    quotes_case(q, &q->cases[q->case_cnt++], v);
  }
  return q;
}

static inline quote_case_t *quotes_find(quotes_t *q, char const *name) {
  for (size_t i = 0; i < q->case_cnt; i++)
    if (strcmp(q->cases[i].name, name) == 0) return &q->cases[i];
  quotes_need(false, name);
  return NULL;
}

static inline cf_evidence_ask_t quotes_ask(quote_case_t const *c) {
  return (cf_evidence_ask_t){
      .items = c->items, .item_cnt = c->item_cnt, .roots = &c->root, .root_cnt = 1, .at_s = c->at_s, .crl_waived = c->waived};
}

#endif
