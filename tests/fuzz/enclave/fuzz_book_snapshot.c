/* A snapshot that loads is the one encoding of its state; and whatever a loaded
   book claims, going on with it ends in a status, never in a crash. */
#include <assert.h>
#include <stdlib.h>

#include "enclave/cf_book.h"
#include "workload/cf_clearing.h"

static void
sink(void *host, uint32_t account, cf_span_t bytes) {
}

static void
go_on(cf_book_t *book) {
  static uint8_t const seed[32];
  static uint8_t       body[1 << 14];
  cf_hash_t            digest = { { 0 } };
  cf_class_t           class;
  bool                 closed;
  cf_book_begin(book, 1000);
  for (size_t n = cf_book_content_cnt(book); n > 1 && !cf_book_content_executed(book, cf_book_content(book, 0)->window); n--) {}
  (void)!cf_book_defaults(book);
  cf_clearing_input_t input = { CF_CLEARING_OBLIGATION, 2, 5, 7 };
  uint8_t             buf[32];
  cf_wr_t             wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_input_encode(&wr, &input);
  for (uint64_t order = 1; order < 4; order++) (void)!cf_book_input(book, &class, 1, order, cf_wr_out(&wr));
  if (!cf_book_window_close(book, &closed) && closed) {
    wr = cf_wr_init(body, sizeof body);
    cf_book_content_body(&wr, cf_book_content(book, cf_book_content_cnt(book) - 1));
    assert(!wr.bad);
  }
  if (cf_book_content_cnt(book)) (void)!cf_book_content_void(book, cf_book_content(book, 0)->window);
  (void)cf_book_seal(book, seed, &digest);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_clearing_params_t const cp = { .positions_max = 16, .obligations_max = 32, .releases_max = 4, .window_max_s = 10 };
  static cf_book_params_t const     p = { .accounts_max = 8, .leaves_max = 16, .entries_max = 16, .inputs_max = 9,
                                          .exit_delay_s = 10, .asset_cnt = 1, .assets = { { 5, 1000, 1000 } } };
  static uint8_t const              key[32];
  static uint8_t                    again[1 << 16];
  static void                      *state, *mem;
  uint8_t                           buf[64];
  cf_wr_t                           wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&wr, &cp);
  if (!mem) {
    mem = aligned_alloc(64, cf_book_sz(&p));
    state = malloc(cf_clearing.state_sz(cf_wr_out(&wr)));
  }
  cf_clearing.open(state, cf_wr_out(&wr));
  cf_book_t *book = cf_book_init(mem, &p, key);
  cf_book_bind(book, &cf_clearing, state, sink, NULL);
  if (cf_book_load(book, CF_SPAN(data, size))) return 0;
  wr = cf_wr_init(again, sizeof again);
  cf_book_save(book, &wr);
  assert(wr.len == size && !memcmp(again, data, size));
  go_on(book);
  return 0;
}
