/* The reader against libcbor: bytes are deterministic exactly if libcbor reads them and a second, slow encoder gets the same
   bytes from what it read.  libcbor is found at run time: no product links it. */
#include "codec/cf_cbor.h"

#include <cbor.h>
#include <dlfcn.h>

#include "support.h"

#define PEERS(F)                                                                                                                 \
  F(cbor_load)                                                                                                                   \
  F(cbor_decref) F(cbor_typeof) F(cbor_get_int) F(cbor_bytestring_is_definite) F(cbor_bytestring_handle)                         \
      F(cbor_bytestring_length) F(cbor_string_is_definite) F(cbor_string_handle) F(cbor_string_length) F(cbor_array_handle)      \
          F(cbor_array_size) F(cbor_map_handle) F(cbor_map_size) F(cbor_tag_item) F(cbor_tag_value) F(cbor_float_ctrl_is_ctrl)   \
              F(cbor_ctrl_value)
#define DECLARE(f) static __typeof__(f) *p_##f;
PEERS(DECLARE)

static void load_peer(void) {
  void *lib = dlopen("libcbor.so", RTLD_NOW);
  if (!lib) fail_msg("libcbor-dev is needed: %s", dlerror());
#define FIND(f) assert_non_null(*(void **)&p_##f = dlsym(lib, #f));
  PEERS(FIND)
}

/* canon_t receives the one deterministic encoding; bad when the item is outside our subset. */
typedef cf_wr_t canon_t;

static void canon_head(canon_t *out, unsigned major, uint64_t arg) {
  uint8_t bytes[9] = { 0 };
  for (int i = 0; i < 8; i++) bytes[1 + i] = (uint8_t)(arg >> (56 - 8 * i));
  size_t        skip    = arg < 24 ? 8 : arg < 256 ? 7 : arg < 65536 ? 6 : arg <= 0xffffffff ? 4 : 0;
  uint8_t const info[9] = { 27, 0, 0, 0, 26, 0, 25, 24, (uint8_t)arg };
  bytes[skip]           = (uint8_t)(major * 32 + info[skip]);
  cf_wr_bytes(out, bytes + skip, 9 - skip);
}

static int by_bytes(void const *a, void const *b) {
  cf_span_t const *x = a, *y = b;
  for (size_t i = 0; i < x->len && i < y->len; i++)
    if (x->ptr[i] != y->ptr[i]) return x->ptr[i] < y->ptr[i] ? -1 : 1;
  return x->len < y->len ? -1 : x->len > y->len;
}

static void canon_string(canon_t *out, unsigned major, uint8_t const *ptr, size_t len) {
  canon_head(out, major, len);
  cf_wr_bytes(out, ptr, len);
}

static void canon(canon_t *out, cbor_item_t *item, unsigned depth);

static void canon_map(canon_t *out, cbor_item_t *item, unsigned depth) {
  static uint8_t    room[CF_CBOR_DEPTH_MAX + 2][4096];
  cf_span_t         pairs[512];
  struct cbor_pair *at  = p_cbor_map_handle(item);
  size_t            n   = p_cbor_map_size(item);
  canon_t           own = cf_wr_init(room[depth], sizeof room[depth]);
  canon_head(out, 5, n);
  for (size_t i = 0; i < n; i++) {
    size_t    start = own.len;
    cbor_type t     = p_cbor_typeof(at[i].key);
    bool      key   = t == CBOR_TYPE_STRING || (t <= CBOR_TYPE_NEGINT && p_cbor_get_int(at[i].key) <= INT64_MAX);
    if (!key) out->bad = true;
    canon(&own, at[i].key, depth + 1);
    size_t key_sz = own.len - start; /* keys are a prefix-free code: pairs sort as their keys */
    for (size_t j = 0; j < i; j++)
      if (pairs[j].len >= key_sz && !memcmp(pairs[j].ptr, room[depth] + start, key_sz)) out->bad = true;
    canon(&own, at[i].value, depth + 1);
    pairs[i] = CF_SPAN(room[depth] + start, own.len - start);
  }
  qsort(pairs, n, sizeof *pairs, by_bytes);
  if (own.bad) out->bad = true;
  for (size_t i = 0; i < n; i++) cf_wr_span(out, pairs[i]);
}

static void canon(canon_t *out, cbor_item_t *item, unsigned depth) {
  cbor_type type = p_cbor_typeof(item);
  if (depth > CF_CBOR_DEPTH_MAX || (depth == CF_CBOR_DEPTH_MAX && type >= CBOR_TYPE_ARRAY && type <= CBOR_TYPE_TAG)) {
    out->bad = true;
    return;
  }
  switch (type) {
  case CBOR_TYPE_UINT:
  case CBOR_TYPE_NEGINT: canon_head(out, type, p_cbor_get_int(item)); break;
  case CBOR_TYPE_BYTESTRING:
    if (!p_cbor_bytestring_is_definite(item)) out->bad = true;
    else canon_string(out, 2, p_cbor_bytestring_handle(item), p_cbor_bytestring_length(item));
    break;
  case CBOR_TYPE_STRING:
    if (!p_cbor_string_is_definite(item)) out->bad = true;
    else if (!cf_utf8_valid(CF_SPAN(p_cbor_string_handle(item), p_cbor_string_length(item)))) out->bad = true;
    else canon_string(out, 3, p_cbor_string_handle(item), p_cbor_string_length(item));
    break;
  case CBOR_TYPE_ARRAY:
    canon_head(out, 4, p_cbor_array_size(item));
    for (size_t i = 0; i < p_cbor_array_size(item); i++) canon(out, p_cbor_array_handle(item)[i], depth + 1);
    break;
  case CBOR_TYPE_MAP: canon_map(out, item, depth); break;
  case CBOR_TYPE_TAG: {
    cbor_item_t *content = p_cbor_tag_item(item);
    canon_head(out, 6, p_cbor_tag_value(item));
    canon(out, content, depth + 1);
    p_cbor_decref(&content); /* cbor_tag_item counts up */
    break;
  }
  case CBOR_TYPE_FLOAT_CTRL:
    if (!p_cbor_float_ctrl_is_ctrl(item) || p_cbor_ctrl_value(item) < 20 || p_cbor_ctrl_value(item) > 22) out->bad = true;
    else cf_wr_u8(out, (uint8_t)(0xe0 | p_cbor_ctrl_value(item)));
    break;
  }
}

typedef enum { PEER_NO, PEER_YES, PEER_SILENT } answer_t;

static answer_t peer(cf_span_t in) {
  static uint8_t          room[4096];
  struct cbor_load_result result;
  cbor_item_t            *item = in.len ? p_cbor_load(in.ptr, in.len, &result) : NULL;
  if (!item) { /* libcbor 0.8 does not know tags 6 to 20 in one byte */
    size_t at = in.len ? result.error.position : 0;
    return at < in.len && in.ptr[at] >= 0xc6 && in.ptr[at] <= 0xd4 ? PEER_SILENT : PEER_NO;
  }
  canon_t out = cf_wr_init(room, sizeof room);
  canon(&out, item, 0);
  p_cbor_decref(&item);
  return !out.bad && cf_span_eq(cf_wr_out(&out), in) ? PEER_YES : PEER_NO;
}

/* huge_count holds if somewhere could be the head of a string, array or map of more than 65535: libcbor allocates what a head
   promises. */
static bool huge_count(cf_span_t in) {
  for (size_t i = 0; i < in.len; i++) {
    size_t n = (in.ptr[i] & 31) == 26 ? 4 : (in.ptr[i] & 31) == 27 ? 8 : 0;
    if (in.ptr[i] < 0x40 || in.ptr[i] > 0xbf || n == 0 || n > in.len - i - 1) continue;
    cf_rd_t rd = cf_rd_init(in.ptr + i + 1, n);
    if (cf_rd_be(&rd, n) > 0xffff) return true;
  }
  return false;
}

static void compare(cf_span_t in) {
  answer_t ours = cf_cbor_check(in, NULL) ? PEER_NO : PEER_YES;
  if (ours == PEER_NO && huge_count(in)) return;
  answer_t theirs = peer(in);
  if (theirs == PEER_SILENT || ours == theirs) return;
  char text[2048];
  fail_msg("%s: we say %d, the peer %d", cf_hex_encode(text, in), ours, theirs);
}

static void test_short_inputs(void **state) {
  (void)state;
  for (uint32_t v = 0; v < 1 << 16; v++) compare(CF_SPAN(((uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }), 2));
  for (uint32_t v = 0; v < 1 << 24; v += 7) /* every seventh: odd, so all last bytes occur */
    compare(CF_SPAN(((uint8_t[]){ (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v }), 3));
}

/* grow writes a random item, most often deterministic. */
static void grow(cf_wr_t *wr, uint64_t *s, unsigned depth) {
  uint64_t r = rnd(s), arg = rnd(s) >> (rnd(s) % 64);
  unsigned n = (unsigned)(rnd(s) % 4);
  switch (r % (depth < 18 ? 9 : 5)) {
  case 0: cf_cbor_w_uint(wr, arg); break;
  case 1: cf_cbor_w_int(wr, (int64_t)arg); break;
  case 2: cf_cbor_w_bstr(wr, CF_SPAN("\x00\xff\x80\xc3\xbc", n)); break;
  case 3: cf_cbor_w_tstr(wr, CF_SPAN("ab\xc3\xbc", n == 3 ? 4 : n)); break;
  case 4: cf_wr_u8(wr, (uint8_t)(0xf4 + n)); break; /* undefined among them */
  case 5:
  case 8:
    cf_cbor_w_array(wr, n);
    while (n--) grow(wr, s, depth + 1);
    break;
  case 6:
    cf_cbor_w_map(wr, n);
    for (unsigned i = 0; i < n; i++) {
      cf_cbor_w_int(wr, (int64_t)(rnd(s) % 3) + 2 * i); /* now and then not ascending */
      grow(wr, s, depth + 1);
    }
    break;
  case 7:
    cf_cbor_w_tag(wr, arg);
    grow(wr, s, depth + 1);
    break;
  }
}

static void test_random(void **state) {
  (void)state;
  uint64_t seed = 0x636f756e74657266, s = seed;
  size_t   accepted = 0, rounds = 200000;
  print_message("seed %llx\n", (unsigned long long)seed);
  for (size_t i = 0; i < rounds; i++) {
    uint8_t buf[512];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    grow(&wr, &s, 0);
    if (wr.bad) continue;
    compare(cf_wr_out(&wr));
    accepted += cf_cbor_check(cf_wr_out(&wr), NULL) == CF_OK;
    for (unsigned flips = 0; flips < 3; flips++) {
      buf[rnd(&s) % wr.len] ^= (uint8_t)(1U << (rnd(&s) % 8));
      compare(cf_wr_out(&wr));
    }
    compare(CF_SPAN(buf, rnd(&s) % wr.len));
  }
  assert_true(accepted > rounds / 4 && accepted < rounds - rounds / 20); /* both answers occur */
}

int main(void) {
  load_peer();
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_short_inputs), cmocka_unit_test(test_random) };
  return cmocka_run_group_tests_name("cbor against libcbor", tests, NULL, NULL);
}
