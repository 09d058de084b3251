/* Every field of every document at and beyond its bounds.  What is decoded comes from a second writer of the tables, below, which
   can also write what no document may be. */
#include "document_world.h"

/* ---- the second writer: CBOR by hand, with one thing done wrong at one field ---- */

typedef enum {
  AS_IS,
  BELOW,
  ABOVE,
  OTHER_TYPE,
  MISSING,
  TWICE,
  SWAPPED,
  ZERO,
  UNKNOWN,
  TEXT_KEY,
  KEPT,
  BAD_TEXT,
  TWEAKS
} tweak_t;

typedef struct {
  cf_wr_t           wr;
  size_t            at, target; /* fields, counted as they are met */
  tweak_t           tweak;
  bool              done;  /* the tweak could be applied there */
  cf_field_t const *field; /* at target */
} emit_t;

static void head(cf_wr_t *wr, unsigned major, uint64_t n) {
  unsigned info = n < 24 ? (unsigned)n : n <= 0xff ? 24 : n <= 0xffff ? 25 : n <= 0xffffffff ? 26 : 27;
  cf_wr_u8(wr, (uint8_t)(major << 5 | info));
  if (info >= 24) cf_wr_be(wr, n, (size_t)1 << (info - 24));
}

static void fill(cf_wr_t *wr, unsigned major, uint64_t n, uint8_t byte) {
  head(wr, major, n);
  uint8_t *at = cf_wr_room(wr, n);
  if (at && n) memset(at, byte, n);
}

static void const *at(void const *doc, size_t offset) { return (uint8_t const *)doc + offset; }

static uint64_t u64_at(void const *doc, size_t offset) {
  uint64_t v;
  memcpy(&v, at(doc, offset), sizeof v);
  return v;
}

static cf_span_t span_at(void const *doc, size_t offset) {
  cf_span_t s;
  memcpy(&s, at(doc, offset), sizeof s);
  return s;
}

static void emit_map(emit_t *e, cf_table_t const *t, void const *doc);

static void emit_items(emit_t *e, cf_field_t const *f, void const *doc, uint64_t cnt, uint64_t have, bool other_size) {
  head(&e->wr, 4, cnt);
  for (uint64_t i = 0; i < cnt; i++) {
    size_t k = have ? (size_t)(i < have ? i : 0) : 0;
    if (f->type == CF_FIELD_LIST) emit_map(e, f->sub, at(doc, f->offset + k * f->sub->size));
    else if (f->type == CF_FIELD_FIXEDS) fill(&e->wr, 2, f->item_sz + (other_size && i == 0), 0x5a);
    else fill(&e->wr, 3, other_size && i == 0 ? 65 : span_at(doc, f->offset + k * sizeof(cf_span_t)).len, 'a');
  }
}

static void emit_value(emit_t *e, cf_field_t const *f, void const *doc, tweak_t tweak) {
  uint64_t n;
  switch (f->type) {
  case CF_FIELD_UINT:
    n = u64_at(doc, f->offset);
    if (tweak == BELOW) e->done = f->min > 0, n = e->done ? f->min - 1 : n;
    if (tweak == ABOVE) e->done = f->max < UINT64_MAX, n = e->done ? f->max + 1 : n;
    if (tweak == ZERO) e->done = f->optional, n = e->done ? 0 : n;
    head(&e->wr, 0, n);
    return;
  case CF_FIELD_FIXED:
    n = f->max;
    if (tweak == BELOW || tweak == ABOVE) e->done = true, n += tweak == ABOVE ? 1 : UINT64_MAX;
    if (tweak == ZERO) e->done = f->optional;
    fill(&e->wr, 2, n, tweak == ZERO ? 0 : 0x5a);
    return;
  case CF_FIELD_BSTR:
  case CF_FIELD_TEXT:
    n = span_at(doc, f->offset).len;
    if (tweak == BELOW) e->done = f->min > 0, n = e->done ? f->min - 1 : n;
    if (tweak == ABOVE) e->done = true, n = f->max + 1;
    if (tweak == BAD_TEXT && f->type == CF_FIELD_TEXT && n) e->done = true;
    fill(&e->wr, f->type == CF_FIELD_BSTR ? 2 : 3, n, tweak == BAD_TEXT && e->done ? '\n' : 'a');
    return;
  case CF_FIELD_MAP:
    emit_map(e, f->sub, at(doc, f->offset));
    return;
  case CF_FIELD_LIST:
  case CF_FIELD_FIXEDS:
  case CF_FIELD_TEXTS:
    n = u64_at(doc, f->cnt_offset);
    if (tweak == BELOW) e->done = f->min > 0;
    if (tweak == ABOVE) e->done = true;
    if (tweak == BAD_TEXT && f->type != CF_FIELD_LIST && n) e->done = true;
    emit_items(e, f, doc,
               tweak == BELOW && e->done ? f->min - 1
               : tweak == ABOVE          ? f->max + 1
                                         : n,
               n, tweak == BAD_TEXT && e->done);
    return;
  }
}

static bool absent(cf_field_t const *f, void const *doc) {
  static uint8_t const zero[64];
  if (!f->optional) return false;
  return f->type == CF_FIELD_UINT ? u64_at(doc, f->offset) == 0
                                  : f->type == CF_FIELD_FIXED && !memcmp(at(doc, f->offset), zero, f->max);
}

static void emit_field(emit_t *e, cf_field_t const *f, void const *doc, tweak_t tweak) {
  cf_wr_u8(&e->wr, (uint8_t)(f->key < 24 ? f->key : 0x18));
  if (f->key >= 24) cf_wr_u8(&e->wr, (uint8_t)f->key);
  if (tweak == OTHER_TYPE) {
    e->done = true;
    cf_wr_u8(&e->wr, 0xf5); /* true: the type of no field */
  } else {
    emit_value(e, f, doc, tweak);
  }
}

/* Map-wide tweaks happen in the map whose first field is the target. */
static void emit_map(emit_t *e, cf_table_t const *t, void const *doc) {
  size_t  first = e->at, pairs = 0;
  tweak_t wide = e->target == first && e->tweak >= UNKNOWN && e->tweak <= KEPT ? e->tweak : AS_IS;
  for (size_t i = 0; i < t->fields_cnt; i++) {
    bool here = e->target == first + i && !wide;
    bool zero = here && e->tweak == ZERO && t->fields[i].optional;
    pairs += !absent(&t->fields[i], doc) || zero;
    if (here && e->tweak == MISSING && !t->fields[i].optional) pairs--;
    if (here && e->tweak == TWICE) pairs++;
  }
  head(&e->wr, 5, pairs + (wide != AS_IS));
  e->at += t->fields_cnt;
  for (size_t i = 0; i < t->fields_cnt; i++) {
    cf_field_t const *f = &t->fields[i];
    bool              here = e->target == first + i && !wide;
    tweak_t           tweak = here ? e->tweak : AS_IS;
    if (e->target == first + i) e->field = f;
    if (tweak == MISSING && !f->optional) {
      e->done = true;
      continue;
    }
    if (absent(f, doc) && tweak != ZERO) continue;
    if (absent(f, doc) && !f->optional) continue;
    if (tweak == SWAPPED && i + 1 < t->fields_cnt && !absent(&t->fields[i + 1], doc)) {
      e->done = true;
      emit_field(e, &t->fields[i + 1], doc, AS_IS);
      emit_field(e, f, doc, AS_IS);
      i++;
      continue;
    }
    emit_field(e, f, doc, tweak);
    if (tweak == TWICE) {
      e->done = true;
      emit_field(e, f, doc, AS_IS);
    }
  }
  if (!wide) return;
  e->done = true;
  if (wide == UNKNOWN) cf_wr_bytes(&e->wr, "\x19\x03\xe7\x00", 4);       /* 999: 0 */
  if (wide == TEXT_KEY) cf_wr_bytes(&e->wr, "\x61x\x00", 3);             /* "x": 0 */
  if (wide == KEPT) cf_wr_bytes(&e->wr, "\x39\x01\xff\x82\x01\x61y", 7); /* -512: [1, "y"] */
}

/* ---- documents to start from: every field at its smallest, or at its largest ---- */

static uint8_t const some[65536]; /* only the lengths of strings matter here: the second writer fills them */

static void build(void *doc, cf_table_t const *t, bool large, size_t bstr_max) {
  for (size_t i = 0; i < t->fields_cnt; i++) {
    cf_field_t const *f = &t->fields[i];
    uint8_t          *to = (uint8_t *)doc + f->offset;
    uint64_t          n;
    cf_span_t         s;
    switch (f->type) {
    case CF_FIELD_UINT:
      n = large ? f->max : f->min;
      memcpy(to, &n, sizeof n);
      break;
    case CF_FIELD_FIXED:
      if (large || !f->optional) memset(to, 0x5a, f->max);
      break;
    case CF_FIELD_BSTR:
    case CF_FIELD_TEXT:
      s = CF_SPAN(some, large ? (f->max > bstr_max ? bstr_max : f->max) : f->min);
      memcpy(to, &s, sizeof s);
      break;
    case CF_FIELD_MAP:
      build(to, f->sub, large, bstr_max);
      break;
    case CF_FIELD_LIST:
    case CF_FIELD_FIXEDS:
    case CF_FIELD_TEXTS:
      n = large ? f->max : f->min;
      memcpy((uint8_t *)doc + f->cnt_offset, &n, sizeof n);
      for (size_t k = 0; k < n; k++) {
        s = CF_SPAN(some, large ? 64 : 1);
        if (f->type == CF_FIELD_LIST) build(to + k * f->sub->size, f->sub, large, bstr_max);
        else if (f->type == CF_FIELD_FIXEDS) memset(to + k * f->item_sz, 0x5a, f->item_sz);
        else memcpy(to + k * sizeof s, &s, sizeof s);
      }
      break;
    }
  }
}

#define DOC_MAX sizeof(cf_genesis_t)
#define BYTES_MAX (1u << 20)
static uint8_t doc[DOC_MAX], back[DOC_MAX], bytes[BYTES_MAX], again[BYTES_MAX];

static emit_t emit(cf_table_t const *t, tweak_t tweak, size_t target) {
  emit_t e = {.wr = cf_wr_init(bytes, sizeof bytes), .tweak = tweak, .target = target};
  emit_map(&e, t, doc);
  assert_false(e.wr.bad);
  return e;
}

static void start_from(cf_table_t const *t, bool large) {
  assert_true(t->size <= DOC_MAX);
  memset(doc, 0, sizeof doc);
  build(doc, t, large, t == &cf_genesis_table ? 100 : 65536); /* a genesis of the largest of everything would be too long */
}

/* ---- tests ---- */

static void test_round_trip(void **state) {
  for (size_t i = 0; cf_tables[i]; i++)
    for (int large = 0; large < 2; large++) {
      cf_table_t const *t = cf_tables[i];
      start_from(t, large);
      emit_t     e = emit(t, AS_IS, SIZE_MAX);
      cf_error_t err = {0};
      if (cf_table_decode(back, t, cf_wr_out(&e.wr), &err)) fail_msg("%s: %s: %s", t->name, err.item, err.text);
      cf_wr_t wr = cf_wr_init(again, sizeof again);
      cf_table_encode(&wr, t, back);
      /* Two writers, one encoding.  Strings differ in content only where the second writer fills in letters. */
      assert_int_equal(wr.len, e.wr.len);
      assert_memory_equal(again, bytes, wr.len);
    }
}

/* What is printed of any document is read again as the same encoding. */
static void test_json(void **state) {
  static uint8_t text[1 << 20];
  for (size_t i = 0; cf_tables[i]; i++)
    for (int large = 0; large < 2; large++) {
      cf_table_t const *t = cf_tables[i];
      start_from(t, large);
      emit_t     e = emit(t, AS_IS, SIZE_MAX);
      cf_error_t err = {0};
      cf_wr_t    out = cf_wr_init(text, sizeof text), wr = cf_wr_init(again, sizeof again);
      assert_int_equal(cf_table_decode(back, t, cf_wr_out(&e.wr), &err), CF_OK);
      cf_table_print(&out, t, back);
      assert_false(out.bad);
      if (cf_table_of_json(&wr, t, cf_wr_out(&out), &err)) fail_msg("%s: %s: %s", t->name, err.item, err.text);
      assert_span(cf_wr_out(&wr), cf_wr_out(&e.wr));
      cf_wr_t small = cf_wr_init(again, e.wr.len - 1);
      assert_int_equal(cf_table_of_json(&small, t, cf_wr_out(&out), &err), CF_ERR_BOUND);
    }
}

/* What each tweak must lead to; TWEAKS: it depends on the field. */
static cf_status_t wanted(tweak_t tweak, cf_field_t const *f) {
  bool fixed = f->type == CF_FIELD_FIXED;
  if (tweak == BELOW || tweak == ABOVE) return fixed ? CF_ERR_FORMAT : CF_ERR_BOUND;
  if (tweak == BAD_TEXT) return f->type == CF_FIELD_TEXTS ? CF_ERR_BOUND : CF_ERR_FORMAT;
  return tweak == KEPT ? CF_OK : CF_ERR_FORMAT;
}

static size_t try_all(cf_table_t const *t, tweak_t tweak) {
  size_t applied = 0;
  for (size_t target = 0;; target++) {
    emit_t e = emit(t, tweak, target);
    if (!e.field) return applied;
    if (!e.done) continue;
    applied++;
    cf_error_t  err = {0};
    cf_status_t st = cf_table_decode(back, t, cf_wr_out(&e.wr), &err), want = wanted(tweak, e.field);
    if (t->bytes_max && e.wr.len > t->bytes_max) want = CF_ERR_BOUND;
    if (st != want)
      fail_msg("%s, tweak %d at %s: %s, not %s (%s: %s)", t->name, (int)tweak, e.field->name, cf_status_name(st),
               cf_status_name(want), err.item, err.text);
    if (st) {
      assert_int_equal(err.status, st);
      assert_true(err.offset <= e.wr.len);
      assert_true(strncmp(err.item, t->name, strlen(t->name)) == 0);
      if (tweak <= MISSING && (!t->bytes_max || e.wr.len <= t->bytes_max) && !strstr(err.item, e.field->name))
        fail_msg("%s, tweak %d at %s: the error names %s", t->name, (int)tweak, e.field->name, err.item);
      for (size_t i = 0; i < t->size; i++) assert_int_equal(back[i], 0); /* nothing half-read escapes */
    }
    if (tweak == KEPT) {
      cf_wr_t wr = cf_wr_init(again, sizeof again);
      cf_table_encode(&wr, t, back);
      assert_int_equal(wr.len, e.wr.len);
      assert_memory_equal(again, bytes, wr.len);
    }
  }
}

static void test_every_field(void **state) {
  size_t applied[TWEAKS] = {0};
  for (size_t i = 0; cf_tables[i]; i++)
    for (tweak_t tweak = BELOW; tweak < TWEAKS; tweak++) {
      start_from(cf_tables[i], false);
      applied[tweak] += try_all(cf_tables[i], tweak);
      if (cf_tables[i] == &cf_genesis_table) continue; /* its largest has thousands of fields, all met in the others */
      start_from(cf_tables[i], true);
      applied[tweak] += try_all(cf_tables[i], tweak);
    }
  for (tweak_t tweak = BELOW; tweak < TWEAKS; tweak++)
    if (!applied[tweak]) fail_msg("tweak %d was never applied", (int)tweak);
}

static void test_cut_and_longer(void **state) {
  for (size_t i = 0; cf_tables[i]; i++) {
    cf_table_t const *t = cf_tables[i];
    start_from(t, false);
    emit_t e = emit(t, AS_IS, SIZE_MAX);
    for (size_t n = 0; n < e.wr.len; n++) assert_int_equal(cf_table_decode(back, t, CF_SPAN(bytes, n), NULL), CF_ERR_FORMAT);
    bytes[e.wr.len] = 0;
    assert_int_equal(cf_table_decode(back, t, CF_SPAN(bytes, e.wr.len + 1), NULL), CF_ERR_FORMAT);
    if (!t->bytes_max) continue;
    memset(bytes + e.wr.len, 0, t->bytes_max);
    assert_int_equal(cf_table_decode(back, t, CF_SPAN(bytes, t->bytes_max + 1), NULL), CF_ERR_BOUND);
  }
}

/* A flipped bit is another document, or none; never the same one in other bytes. */
static void test_one_encoding(void **state) {
  for (size_t i = 0; cf_tables[i]; i++) {
    cf_table_t const *t = cf_tables[i];
    start_from(t, false);
    emit_t e = emit(t, AS_IS, SIZE_MAX);
    for (size_t bit = 0; bit < 8 * e.wr.len; bit++) {
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      if (cf_table_decode(back, t, CF_SPAN(bytes, e.wr.len), NULL) == CF_OK) {
        cf_wr_t wr = cf_wr_init(again, sizeof again);
        cf_table_encode(&wr, t, back);
        assert_int_equal(wr.len, e.wr.len);
        assert_memory_equal(again, bytes, wr.len);
      }
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
}

static void test_lookup(void **state) {
  for (size_t i = 0; cf_tables[i]; i++) {
    cf_table_t const *t = cf_tables[i];
    assert_ptr_equal(cf_table_by_name(t->name), t);
    if (t->typ) assert_ptr_equal(cf_table_by_typ(SPAN_STR(t->typ)), t);
    for (size_t k = 1; k < t->fields_cnt; k++) assert_int_equal(t->fields[k].key, t->fields[k - 1].key + 1);
  }
  assert_null(cf_table_by_name("nothing"));
  assert_null(cf_table_by_typ(CF_SPAN_LIT("application/json")));
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_every_field), cmocka_unit_test(test_cut_and_longer),
      cmocka_unit_test(test_one_encoding), cmocka_unit_test(test_lookup),      cmocka_unit_test(test_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
