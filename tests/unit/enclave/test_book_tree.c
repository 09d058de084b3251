/* The state root: against vectors that tests/vectors/enclave/make_book.py made from the page
   alone, and against a full tree of 2^20 leaves computed the plain way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cf_text.h"
#include "crypto/cf_hash.h"
#include "enclave/cf_book.h"
#include "workload/cf_clearing.h"

/* ---- a small book ---- */

static void
sink(void *host, uint32_t account, cf_span_t bytes) {
}

static void *
clearing_make(void) {
  static cf_clearing_params_t const p = { .positions_max = 1000, .obligations_max = 1000, .releases_max = 2, .window_max_s = 9 };
  uint8_t                           buf[64];
  cf_wr_t                           wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&wr, &p);
  void *state = malloc(cf_clearing.state_sz(cf_wr_out(&wr)));
  cf_clearing.open(state, cf_wr_out(&wr));
  return state;
}

static cf_book_t *
book_make(cf_book_params_t const *p, uint8_t const *key, void *clearing) {
  cf_book_t *book = cf_book_init(aligned_alloc(64, (cf_book_sz(p) + 63) & ~(size_t)63), p, key);
  cf_book_bind(book, &cf_clearing, clearing, sink, NULL);
  return book;
}

static void
msg(cf_book_t *book, cf_book_msg_t m) {
  assert_int_equal(cf_book_inbox(book, &m), CF_OK);
}

static cf_class_t
pay(cf_book_t *book, uint32_t payer, uint64_t order, uint32_t payee, uint64_t amount) {
  uint8_t             buf[32];
  cf_wr_t             wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_input_t input = { CF_CLEARING_OBLIGATION, payee, 5, amount };
  cf_class_t          class;
  cf_clearing_input_encode(&wr, &input);
  assert_int_equal(cf_book_input(book, &class, payer, order, cf_wr_out(&wr)), CF_OK);
  return class;
}

/* ---- vectors: lines "name hex" ---- */

static size_t
vector(uint8_t *out, size_t max, char const *name) {
  FILE *f = fopen(CF_SOURCE_DIR "/tests/vectors/enclave/book.txt", "r");
  assert_non_null(f);
  char   line[4096], key[64], hex[4000];
  size_t sz = 0;
  while (fgets(line, sizeof line, f)) {
    if (sscanf(line, "%63s %3999s", key, hex) != 2 || strcmp(key, name)) continue;
    sz = strlen(hex) / 2;
    assert_true(sz <= max);
    assert_int_equal(cf_hex_decode(out, sz, CF_SPAN(hex, strlen(hex))), CF_OK);
  }
  fclose(f);
  if (!sz) fail_msg("no vector %s", name);
  return sz;
}

static void
root_is(cf_hash_t got, char const *name) {
  uint8_t want[32];
  assert_int_equal(vector(want, sizeof want, name), 32);
  assert_memory_equal(got.b, want, 32);
}

static cf_hash_t
seal_as(cf_book_t *book, int sequence) {
  uint8_t   seed[32];
  cf_hash_t digest;
  memset(seed, 0x50 + sequence, sizeof seed);
  vector(digest.b, 32, "digest");
  return cf_book_seal(book, seed, &digest);
}

static void
vectors(void **state) {
  static cf_book_params_t const p = { .accounts_max = 2, .leaves_max = 2, .entries_max = 1000, .inputs_max = 9, .asset_cnt = 1,
                                      .assets = { { 5, 1000, 1000 } } };
  (void)state;
  uint8_t key[32], bytes[1024], want[1024];
  vector(key, sizeof key, "key");
  void      *clearing = clearing_make();
  cf_book_t *book = book_make(&p, key, clearing);
  root_is(cf_book_root(book), "root-0");

  cf_book_begin(book, 0);
  cf_book_msg_t open = { .kind = CF_BOOK_OPENED, .account = 7, .admitted = true, .account_class = 1 };
  memset(open.owner.b, 0x11, sizeof open.owner.b);
  msg(book, open);
  open = (cf_book_msg_t){ .kind = CF_BOOK_OPENED, .account = 9, .admitted = true };
  memset(open.owner.b, 0x22, sizeof open.owner.b);
  msg(book, open);
  msg(book, (cf_book_msg_t){ .kind = CF_BOOK_DEPOSITED, .account = 7, .asset = 5, .units = 1000 });
  msg(book, (cf_book_msg_t){ .kind = CF_BOOK_LANE_OPENED, .account = 9, .asset = 5 });
  root_is(seal_as(book, 1), "root-1");

  cf_book_begin(book, 0);
  assert_int_equal(pay(book, 7, 1, 9, 250), CF_CLASS_ACCEPTED);
  root_is(seal_as(book, 2), "root-2");

  bool closed;
  cf_book_begin(book, 1234);
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  root_is(seal_as(book, 3), "root-3");
  cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
  cf_book_content_body(&wr, cf_book_content(book, 0));
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, vector(want, sizeof want, "body"))));

  cf_book_begin(book, 1234);
  assert_int_equal(cf_book_content_executed(book, 1), CF_OK);
  root_is(seal_as(book, 4), "root-4");

  wr = cf_wr_init(bytes, sizeof bytes);
  cf_book_save(book, &wr);
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, vector(want, sizeof want, "snapshot"))));
  free(book);
  free(clearing);
}

/* ---- the plain way ---- */

typedef struct { uint32_t account, asset; uint64_t sequence; cf_book_lane_t lane; } plain_t;

#define LANES 300

static cf_hash_t
plain_leaf(uint8_t const *key, plain_t const *l) {
  uint8_t buf[64];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u32(&wr, l->account);
  cf_wr_u24(&wr, l->asset);
  cf_wr_u64(&wr, l->sequence);
  cf_hash_t salt = cf_hmac_sha256(CF_SPAN(key, 32), cf_wr_out(&wr));
  wr.len = 0;
  cf_wr_u8(&wr, 0);
  cf_wr_u32(&wr, l->account);
  cf_wr_u24(&wr, l->asset);
  cf_wr_u64(&wr, l->lane.balance);
  cf_wr_u64(&wr, l->lane.held);
  cf_wr_hash(&wr, &salt);
  return cf_sha256(cf_wr_out(&wr));
}

static cf_hash_t
plain_root(uint8_t const *key, plain_t const *lanes, size_t cnt, cf_hash_t const *reserved) {
  static cf_hash_t nodes[1u << CF_BOOK_DEPTH];
  memset(nodes, 0, sizeof nodes);
  nodes[0] = *reserved;
  for (size_t i = 0; i < cnt; i++) nodes[i + 1] = plain_leaf(key, &lanes[i]);
  for (size_t n = 1u << CF_BOOK_DEPTH; n > 1; n /= 2) {
    for (size_t i = 0; i < n / 2; i++) nodes[i] = cf_sha256_node(&nodes[2 * i], &nodes[2 * i + 1]);
  }
  return nodes[0];
}

/* The reserved leaf stands in the snapshot, behind version, three u64 and the activity. */
static cf_hash_t
reserved_of(cf_book_t const *book) {
  static uint8_t bytes[1 << 20];
  cf_hash_t      h;
  cf_wr_t        wr = cf_wr_init(bytes, sizeof bytes);
  cf_book_save(book, &wr);
  memcpy(h.b, bytes + 1 + 24 + 32, 32);
  return h;
}

static void
root_like_a_full_tree(void **state) {
  static cf_book_params_t const p = { .accounts_max = LANES, .leaves_max = LANES, .entries_max = 1000, .inputs_max = 1000,
                                      .asset_cnt = 1, .assets = { { 5, 1000, 1000 } } };
  static uint8_t const          key[32] = { 9 };
  static plain_t                lanes[LANES];
  static uint64_t               orders[LANES + 1];
  (void)state;
  void      *clearing = clearing_make();
  cf_book_t *book = book_make(&p, key, clearing);
  size_t     cnt = 0;
  uint64_t   x = 1;
  for (uint64_t sequence = 1; sequence <= 9; sequence++) {
    cf_book_begin(book, 0);
    for (int i = 0; i < 33 && cnt < LANES; i++, cnt++) {
      uint32_t      id = (uint32_t)(LANES - cnt); /* position is by first use, not by number */
      cf_book_msg_t open = { .kind = CF_BOOK_OPENED, .account = id, .admitted = true };
      memcpy(open.owner.b, &id, sizeof id);
      msg(book, open);
      msg(book, (cf_book_msg_t){ .kind = CF_BOOK_DEPOSITED, .account = id, .asset = 5, .units = 500 });
      lanes[cnt] = (plain_t){ .account = id, .asset = 5 };
    }
    for (int i = 0; i < 20; i++) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      /* one half pays, the other is paid, in turns: within a batch a hold moves one way, so a touched lane has changed */
      size_t   half = cnt / 2, turn = sequence % 2;
      uint32_t from = lanes[2 * ((x >> 33) % half) + turn].account, to = lanes[2 * ((x >> 45) % half) + 1 - turn].account;
      (void)pay(book, from, ++orders[from], to, 1 + (x >> 20) % 100);
    }
    uint8_t          seed[32] = { (uint8_t)sequence };
    static cf_hash_t last;
    cf_hash_t        root = cf_book_seal(book, seed, &last);
    for (size_t i = 0; i < cnt; i++) {
      cf_book_lane_t now;
      assert_true(cf_book_lane(book, lanes[i].account, 5, &now));
      bool fresh = !lanes[i].sequence, changed = now.balance != lanes[i].lane.balance || now.held != lanes[i].lane.held;
      if (fresh || changed) lanes[i].sequence = sequence;
      lanes[i].lane = now;
    }
    cf_hash_t reserved = reserved_of(book), want = plain_root(key, lanes, cnt, &reserved);
    assert_memory_equal(root.b, want.b, 32);
    assert_memory_not_equal(root.b, last.b, 32);
    last = root;
  }
  free(book);
  free(clearing);
}

/* The root changes with every batch, and with everything that must be in it. */
static void
root_binds(void **state) {
  static cf_book_params_t const p = { .accounts_max = 2, .leaves_max = 2, .entries_max = 1000, .inputs_max = 9, .asset_cnt = 1,
                                      .assets = { { 5, 1000, 1000 } } };
  static uint8_t const          keys[2][32] = { { 1 }, { 2 } };
  (void)state;
  enum { SAME, KEY, SEED, DIGEST, OWNER, UNITS, ORDER, REFUSED, TWICE, VARIANTS };
  cf_hash_t roots[VARIANTS];
  for (int v = 0; v < VARIANTS; v++) {
    void      *clearing = clearing_make();
    cf_book_t *book = book_make(&p, keys[v == KEY], clearing);
    uint8_t    seed[32] = { v == SEED };
    cf_hash_t  digest = { { v == DIGEST } };
    cf_book_begin(book, 0);
    msg(book, (cf_book_msg_t){ .kind = CF_BOOK_OPENED, .account = 1, .admitted = true, .owner = { { v == OWNER } } });
    msg(book, (cf_book_msg_t){ .kind = CF_BOOK_DEPOSITED, .account = 1, .asset = 5, .units = 10 + (v == UNITS) });
    (void)pay(book, 1, v == ORDER ? 2 : 1, v == REFUSED ? 3 : 2, 5); /* refused either way: there is no lane */
    roots[v] = cf_book_seal(book, seed, &digest);
    if (v == TWICE) {
      cf_book_begin(book, 0);
      roots[v] = cf_book_seal(book, seed, &digest);
    }
    for (int i = 0; i < v; i++) assert_memory_not_equal(roots[v].b, roots[i].b, 32);
    free(book);
    free(clearing);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(vectors),
    cmocka_unit_test(root_like_a_full_tree),
    cmocka_unit_test(root_binds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
