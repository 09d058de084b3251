/* The cases of tests/vectors/evidence/{snp,nitro,tpm,cca}.json. */
#ifndef BOOKS_H
#define BOOKS_H

#include "support.h"

static cf_json_t book;
static uint8_t   pool[1 << 20];
static size_t    used;

static inline cf_span_t hex_of(cf_json_t text) {
  size_t n = (text.text.len - 2) / 2;
  assert_true(text.type == CF_JSON_STRING && n <= sizeof pool - used);
  assert_int_equal(cf_json_hex(pool + used, n, text), CF_OK);
  used += n;
  return CF_SPAN(pool + used - n, n);
}

static inline cf_span_t blob(cf_json_t name) {
  char text[64];
  assert_int_equal(cf_json_str(text, sizeof text, name), CF_OK);
  return hex_of(cf_json_get(cf_json_get(book, "blobs"), text));
}

typedef struct {
  char               name[96], verdict[32], item[64];
  cf_evidence_item_t items[CF_ITEMS_MAX];
  cf_root_t          roots[CF_ROOTS_MAX];
  cf_evidence_ask_t  ask;
} case_t;

static inline void case_read(case_t *c, cf_json_t from) {
  cf_span_t key;
  cf_json_t value;
  used = 0;
  *c = (case_t){0};
  assert_int_equal(cf_json_str(c->name, sizeof c->name, cf_json_get(from, "name")), CF_OK);
  assert_int_equal(cf_json_str(c->verdict, sizeof c->verdict, cf_json_get(from, "verdict")), CF_OK);
  assert_int_equal(cf_json_str(c->item, sizeof c->item, cf_json_get(from, "item")), CF_OK);
  assert_int_equal(cf_json_i64(&c->ask.at_s, cf_json_get(from, "at")), CF_OK);
  cf_json_t list = cf_json_get(from, "items"), roots = cf_json_get(from, "roots"), nonce = cf_json_get(from, "nonce");
  for (size_t pos = 0; cf_json_each(list, &pos, &key, &value);)
    c->items[c->ask.item_cnt++] = (cf_evidence_item_t){cf_role_of(key), blob(value)};
  for (size_t pos = 0; cf_json_each(roots, &pos, &key, &value);)
    c->roots[c->ask.root_cnt++] = (cf_root_t){CF_CLASS_OWNER, blob(value)};
  if (nonce.type == CF_JSON_STRING) c->ask.nonce = hex_of(nonce);
  uint64_t bank;
  if (!cf_json_u64(&bank, cf_json_get(from, "bank"))) c->ask.bank = (uint16_t)bank;
  c->ask.items = c->items;
  c->ask.roots = c->roots;
}

static inline void book_open(char const *file) {
  char path[512];
  snprintf(path, sizeof path, VECTORS "%s", file);
  file_forget();
  book = json_need(path);
}

/* The case with that name; NULL: the first. */
static inline void case_find(case_t *c, char const *name) {
  cf_span_t none;
  cf_json_t each;
  for (size_t pos = 0; cf_json_each(cf_json_get(book, "cases"), &pos, &none, &each);) {
    case_read(c, each);
    if (!name || !strcmp(c->name, name)) return;
  }
  fail_msg("no case %s", name ? name : "at all");
}

#endif
