#include "cli/cf_input.h"

#include <string.h>

#include "base/cf_text.h"

static int refuse(char const *item, char const *why) {
  return cf_fail(CF_EXIT_FAILS, "input", "malformed", item, "found", why, "next",
                 "{\"pay\": {\"to\": 17, \"asset\": \"USD\", \"amount\": 100}}", NULL);
}

/* A number, or a string that is one. */
static bool number(uint64_t *out, cf_json_t v) {
  char text[32];
  if (v.type == CF_JSON_NUMBER) return cf_json_u64(out, v) == CF_OK;
  return cf_json_str(text, sizeof text, v) == CF_OK && cf_dec_u64(out, CF_SPAN(text, strlen(text))) == CF_OK;
}

static bool asset(uint32_t *out, cf_json_t v, cf_genesis_t const *g) {
  char     text[32];
  uint64_t id;
  if (number(&id, v)) return id < g->assets_cnt && (*out = (uint32_t)id, true);
  if (cf_json_str(text, sizeof text, v)) return false;
  for (size_t i = 0; i < g->assets_cnt; i++)
    if (cf_span_eq(g->assets[i].symbol, CF_SPAN(text, strlen(text)))) return *out = (uint32_t)i, true;
  return false;
}

int cf_input_read(uint8_t out[CF_INPUT_MAX], size_t *sz, char const *path, cf_genesis_t const *g) {
  cf_span_t           text, key;
  cf_json_t           root, body, v;
  cf_error_t          err = {0};
  size_t              at = 0;
  uint64_t            to = 0;
  cf_clearing_input_t in = {0};
  int                 code = cf_slurp(&text, path, 4096);
  if (code) return code;
  if (cf_json_parse(&root, text, &err)) return cf_fail_error("input", &err);
  if (!cf_json_each(root, &at, &key, &body) || cf_json_each(root, &at, NULL, &v) || body.type != CF_JSON_OBJECT)
    return refuse(path, "not one of pay, withdraw");
  bool pay = cf_span_eq(key, CF_SPAN_LIT("pay"));
  if (!pay && !cf_span_eq(key, CF_SPAN_LIT("withdraw"))) return refuse(path, "not one of pay, withdraw");
  in.kind = pay ? CF_CLEARING_OBLIGATION : CF_CLEARING_WITHDRAWAL;
  for (at = 0; cf_json_each(body, &at, &key, &v);)
    if (!cf_span_eq(key, CF_SPAN_LIT("asset")) && !cf_span_eq(key, CF_SPAN_LIT("amount")) &&
        !(pay && cf_span_eq(key, CF_SPAN_LIT("to"))))
      return refuse(cf_fmt("%.*s", (int)key.len, key.ptr), "no such member");
  if (pay && (!number(&to, cf_json_get(body, "to")) || to < 1 || to > UINT32_MAX))
    return refuse("to", "not the number of an account");
  if (!asset(&in.asset, cf_json_get(body, "asset"), g)) return refuse("asset", "not an asset of the domain");
  if (!number(&in.amount, cf_json_get(body, "amount")) || in.amount < 1 || in.amount > INT64_MAX)
    return refuse("amount", "not a whole number of minor units, 1 to 2^63 - 1");
  in.payee = (uint32_t)to;
  cf_wr_t wr = cf_wr_init(out, CF_INPUT_MAX);
  cf_clearing_input_encode(&wr, &in);
  *sz = wr.len;
  return 0;
}

int cf_seal_input(cf_wr_t *envelope, cf_account_t *account, cf_wallet_file_t const *w, cf_attested_t const *a, cf_span_t input) {
  cf_suite_t const *suite = cf_suite(a->target.suite);
  cf_entropy_t      e = cf_entropy_system();
  cf_error_t        err = {0};
  cf_hash_t         id;
  if (!suite) return cf_fail(CF_EXIT_FAILS, "seal", "unsupported", "suite", NULL);
  cf_ciphers_t ciphers = cf_ciphers_new(suite);
  cf_status_t  st = cf_party_seal(account, envelope, &id, &w->key, a, &ciphers, input, cf_wall_s(), &e, &err);
  cf_ciphers_free(&ciphers);
  return st ? cf_fail_error("seal", &err) : cf_wallet_account_save(account, w);
}
