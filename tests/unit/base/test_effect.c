#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cf_effect.h"
#include "base/cf_error.h"
#include "dies.h"

static cf_effects_t fx;
static uint8_t      scratch[64];

static int
fresh(void **state) {
  fx = (cf_effects_t){ .scratch = scratch, .scratch_max = sizeof scratch };
  return 0;
}

static void
short_forms(void **state) {
  cf_span_t const name = CF_SPAN_LIT("a/b"), body = CF_SPAN_LIT("body");
  cf_fx_put(&fx, name, body);
  cf_fx_append(&fx, name, body);
  cf_fx_get(&fx, 7, name);
  cf_fx_ask(&fx, 8, 2, name, body, 1500);
  cf_fx_reply(&fx, 9, 404, "text/plain", body);
  static cf_effect_t const want[] = {
    { .kind = CF_FX_PUT },
    { .kind = CF_FX_APPEND },
    { .kind = CF_FX_GET, .id = 7 },
    { .kind = CF_FX_ASK, .id = 8, .peer = 2, .timeout_ms = 1500 },
    { .kind = CF_FX_REPLY, .id = 9, .code = 404 },
  };
  assert_int_equal(fx.cnt, 5);
  for (size_t i = 0; i < fx.cnt; i++) {
    cf_effect_t const *e = &fx.at[i];
    assert_int_equal(e->kind, want[i].kind);
    assert_int_equal(e->id, want[i].id);
    assert_int_equal(e->peer, want[i].peer);
    assert_int_equal(e->code, want[i].code);
    assert_int_equal(e->timeout_ms, want[i].timeout_ms);
    assert_int_equal(e->retry_after_s, 0);
    assert_int_equal(e->name.len, i == 4 ? 0 : name.len);
    assert_int_equal(e->body.len, i == 2 ? 0 : body.len);
  }
  assert_string_equal(fx.at[4].type, "text/plain");
}

static void one_more(void *arg) { cf_fx(&fx, CF_FX_WAKE); }

static void
ring_overflow_stops(void **state) {
  memset(&fx.at, 0xff, sizeof fx.at); /* an effect is zeroed but for the kind */
  for (size_t i = 0; i < CF_EFFECTS_MAX; i++) {
    cf_effect_t *e = cf_fx(&fx, CF_FX_WAKE);
    assert_ptr_equal(e, &fx.at[i]);
    assert_int_equal(e->kind, CF_FX_WAKE);
    assert_int_equal(e->id, 0);
    assert_null(e->type);
    assert_null(e->body.ptr);
  }
  assert_true(dies(one_more, NULL));
}

static void room(void *n) { cf_fx_room(&fx, *(size_t *)n); }
static void print(void *text) { cf_fx_printf(&fx, "%s", (char *)text); }

static void
scratch_bounds(void **state) {
  cf_span_t a = cf_fx_dup(&fx, CF_SPAN_LIT("hello"));
  cf_span_t b = cf_fx_printf(&fx, "%u/%s", 12u, "x");
  assert_true(cf_span_eq(a, CF_SPAN_LIT("hello")));
  assert_true(cf_span_eq(b, CF_SPAN_LIT("12/x")));
  assert_ptr_equal(b.ptr, a.ptr + 5); /* the NUL is not kept */
  assert_int_equal(cf_fx_dup(&fx, CF_SPAN(NULL, 0)).len, 0);

  size_t left = sizeof scratch - fx.scratch_len, over = left + 1, wrap = SIZE_MAX;
  assert_true(dies(room, &over));
  assert_true(dies(room, &wrap));
  char text[sizeof scratch];
  memset(text, 'x', left);
  text[left] = 0;
  assert_true(dies(print, text)); /* no place for the NUL */
  text[left - 1] = 0;
  assert_int_equal(cf_fx_printf(&fx, "%s", text).len, left - 1);
  assert_false(dies(room, &(size_t){ 1 }));
  assert_true(dies(room, &(size_t){ 2 }));
}

static void
errors(void **state) {
  cf_error_t err = { 0 };
  assert_int_equal(cf_error_set(NULL, CF_ERR_IO, "x", 1, "y"), CF_ERR_IO);
  assert_int_equal(cf_error_set(&err, CF_OK, "x", 1, "y"), CF_OK);
  assert_int_equal(err.text[0], 0); /* nothing was refused */
  assert_int_equal(cf_error_set(&err, CF_ERR_AUTH, "genesis", 12, "signature %d of %d", 2, 3), CF_ERR_AUTH);
  assert_int_equal(cf_error_set(&err, CF_ERR_IO, "later", 99, "later"), CF_ERR_IO); /* the first detail wins */
  assert_int_equal(err.status, CF_ERR_AUTH);
  assert_int_equal(err.offset, 12);
  assert_string_equal(err.item, "genesis");
  assert_string_equal(err.text, "signature 2 of 3");

  char long_text[400];
  memset(long_text, 'z', sizeof long_text - 1);
  long_text[sizeof long_text - 1] = 0;
  err = (cf_error_t){ 0 };
  assert_int_equal(cf_error_set(&err, CF_ERR_BOUND, long_text, 0, "%s", long_text), CF_ERR_BOUND);
  assert_int_equal(strlen(err.item), sizeof err.item - 1);
  assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void
status_names(void **state) {
  static char const *const want[] = { "ok", "format", "unsupported", "bound", "auth", "policy", "stale", "io", "unknown" };
  for (int st = CF_OK; st <= CF_ERR_IO + 1; st++) assert_string_equal(cf_status_name((cf_status_t)st), want[st]);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test_setup(short_forms, fresh),    cmocka_unit_test_setup(ring_overflow_stops, fresh),
    cmocka_unit_test_setup(scratch_bounds, fresh), cmocka_unit_test(errors),
    cmocka_unit_test(status_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
