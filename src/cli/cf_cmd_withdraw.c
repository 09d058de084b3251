/* withdraw: the owner seals an order; a settlement releases it to the free lane; the owner pulls it from there. */
#include <string.h>
#include <unistd.h>

#include "cli/cf_advice.h"
#include "cli/cf_chain_client.h"
#include "cli/cf_commands.h"
#include "cli/cf_input.h"
#include "cli/cf_result_read.h"
#include "cli/cf_wait.h"
#include "cli/cf_web.h"

enum { WAIT_MS = 120000, STEP_MS = 200 };

/* Verified now, against the genesis that the command names or the domain that the wallet has met. */
static int attest(cf_remote_t *r, cf_account_t **account, cf_wallet_file_t const *w, cf_args_t const *a) {
  cf_hash_t domain;
  bool      given;
  int       code = cf_arg_hash(&domain, &given, a, "domain");
  if (!code && !given && cf_arg(a, "genesis")) code = cf_remote_genesis(&domain, cf_arg(a, "genesis")), given = true;
  if (!code && !given) code = cf_fail_usage(a->command, "whose enclave? --domain HEX or --genesis F", "--domain");
  if (!code) code = cf_wallet_account_open(account, w, &domain);
  if (!code) code = cf_remote_fetch(r, "withdraw", a->word[0], NULL);
  if (code) return code;
  cf_remote_ask_t const ask = {.domain = &domain, .kept = &(*account)->kept, .url = a->word[0]};
  return cf_remote_check(r, "withdraw", &ask);
}

/* ---- the order ----
   It is stored before it leaves, until it is decided: a command that ended on the way, and is run again, sends the same envelope
   and no second order. */

static char *order_path(cf_wallet_file_t const *w, cf_account_t const *account) {
  return cf_fmt("%s/order-%s", w->dir, cf_hex(CF_SPAN_OF(account->domain.b)));
}

static int order_make(char const *path, cf_account_t *account, cf_wallet_file_t const *w, cf_remote_t const *r, uint32_t asset,
                      uint64_t amount) {
  uint8_t                   input[CF_INPUT_MAX];
  cf_wr_t                   wr = cf_wr_init(input, sizeof input), envelope = cf_room(CF_ENVELOPE_MAX);
  cf_clearing_input_t const in = {.kind = CF_CLEARING_WITHDRAWAL, .asset = asset, .amount = amount};
  cf_clearing_input_encode(&wr, &in);
  int code = cf_seal_input(&envelope, account, w, r->attested, cf_wr_out(&wr));
  return code ? code : cf_save(path, cf_wr_out(&envelope), true);
}

static int order_refused(char const *path, cf_account_t *account, cf_wallet_file_t const *w, cf_refuse_t class) {
  cf_advice_t advice = cf_advice_refused(class);
  if (class != CF_REFUSE_BUSY) (void)unlink(path); /* never executed, and never will be */
  if (class == CF_REFUSE_SESSION_UNKNOWN) {
    cf_account_session_end(account);
    int code = cf_wallet_account_save(account, w);
    if (code) return code;
    advice.next = "withdraw again: it opens another session";
  }
  return cf_fail(CF_EXIT_FAILS, "withdraw", "refused", cf_refuse_name(class), "found", advice.found, "next", advice.next, NULL);
}

/* What the enclave decided; notices are about what comes later. */
static int order_decision(uint64_t *class, char const *url, cf_account_t *account, cf_wallet_file_t const *w,
                          cf_hash_t const *id) {
  uint8_t    plain[CF_BUCKET_MAX];
  cf_span_t  body;
  cf_error_t err = {0};
  size_t     cnt = 0;
  int        code = cf_web_get(&body, "withdraw", url, cf_fmt("/v1/results/%s", cf_hex(CF_SPAN_OF(id->b))));
  cf_rd_t    rd = cf_rd_span(body);
  if (code) return code;
  if (cf_released_begin(&cnt, &rd, &err)) return cf_fail_error("withdraw", &err);
  for (size_t i = 0; !code && i < cnt; i++) {
    cf_result_t r;
    code = cf_result_next(&r, plain, &rd, "withdraw", url, account, w);
    if (!code && r.class != CF_RESULT_NOTICE) *class = r.class;
  }
  return code ? code : cf_wallet_account_save(account, w);
}

static int overdue(cf_wait_t const *w) {
  return cf_fail(CF_EXIT_WORLD, "withdraw", "timeout", "order", "found", w->missing, "next",
                 "withdraw again: the order stays the same", NULL);
}

/* Sends the order that is stored, if there is one, and sees it to its end. */
static int order_follow(char const *path, char const *url, cf_account_t *account, cf_wallet_file_t const *w) {
  cf_wait_t      wait = {.what = "withdraw", .url = url, .until_ms = cf_mono_ms() + WAIT_MS};
  cf_submitted_t s;
  cf_span_t      envelope;
  uint64_t class = CF_RESULT_ACCEPTED;
  if (access(path, F_OK)) return 0;
  int code = cf_slurp(&envelope, path, CF_ENVELOPE_MAX);
  if (!code) code = cf_submit_post(&s, "withdraw", url, &envelope, 1);
  if (code) return code;
  if (s.kind == CF_SUBMIT_REFUSED) return order_refused(path, account, w, (cf_refuse_t)s.class);
  cf_hash_t const id = cf_envelope_id(envelope);
  code = cf_wait_log(&wait, &id);
  if (!code && wait.missing) return overdue(&wait);
  if (!code) code = order_decision(&class, url, account, w, &id);
  if (code) return code;
  cf_advice_t const advice = cf_advice_result(class);
  if (advice.found) {
    (void)unlink(path);
    return cf_fail(CF_EXIT_FAILS, "withdraw", "refused", cf_result_class_name(class), "found", advice.found, "next", advice.next,
                   NULL);
  }
  code = cf_wait_final(&wait, &s, &id);
  if (!code && wait.missing) return overdue(&wait);
  if (!code) (void)unlink(path); /* should that be lost, its receipt is found again */
  return code;
}

static int wait_release(cf_chain_client_t *c, uint32_t asset, uint32_t id, uint64_t due) {
  for (unsigned t = 0; t < WAIT_MS; t += STEP_MS) {
    uint64_t lane, free_lane;
    int      code = cf_chain_lanes(&lane, &free_lane, c, asset, id);
    if (code || free_lane >= due) return code;
    cf_web_sleep(STEP_MS);
  }
  return cf_fail(CF_EXIT_WORLD, "withdraw", "timeout", cf_fmt("account %u", id), "found", "no settlement released it yet", "next",
                 "counterfoil result URL ID --wallet W  says what the enclave answered", NULL);
}

int cf_cmd_withdraw(cf_args_t const *a) {
  static cf_chain_client_t c;
  cf_remote_t              r = {0};
  cf_wallet_file_t        *w;
  cf_account_t            *account;
  uint32_t                 id, asset;
  uint64_t                 amount = 0, lane, free_lane, block;
  if (!cf_arg(a, "wallet")) return cf_fail_usage(a->command, "a party's folder is missing", "--wallet");
  int code = cf_wallet_file_open(&w, cf_arg(a, "wallet"));
  if (!code) code = cf_chain_open(&c, "withdraw", a->word[0], a);
  if (!code) code = cf_chain_payer(&c, a, &w->key);
  if (!code) code = cf_chain_asset(&asset, &c, a);
  if (!code) code = cf_arg_u64(&amount, a, "amount", 1, INT64_MAX);
  if (!code && !amount) code = cf_fail_usage(a->command, "an amount is missing", "--amount");
  if (!code) code = cf_chain_account(&id, &c, &w->key.addr);
  if (!code && !id)
    code = cf_fail(CF_EXIT_FAILS, "withdraw", "account", cf_hex(CF_SPAN_OF(w->key.addr.b)), "found", "owns none on this ledger",
                   NULL);
  if (!code) code = cf_chain_lanes(&lane, &free_lane, &c, asset, id);
  if (code) return code;
  if (free_lane < amount) { /* what was released before needs no order */
    code = attest(&r, &account, w, a);
    if (code) return code;
    char const *path = order_path(w, account);
    code = order_follow(path, a->word[0], account, w); /* one that is under way */
    if (!code) code = cf_chain_lanes(&lane, &free_lane, &c, asset, id);
    if (!code && free_lane < amount) {
      code = order_make(path, account, w, &r, asset, amount - free_lane);
      if (!code) code = order_follow(path, a->word[0], account, w);
    }
    if (!code) code = wait_release(&c, asset, id, amount);
    if (code) return code;
  }
  cf_op_t const op = {.kind = CF_OP_WITHDRAW, .id = id, .asset = asset, .units = amount, .addr = w->key.addr};
  code = cf_chain_call_send(&block, &c, &w->key, &op);
  if (code) return code;
  char *line = cf_json_mode() ? cf_fmt("{\"account\":%u,\"withdrawn\":\"%llu\",\"block\":%llu}\n", id, (unsigned long long)amount,
                                       (unsigned long long)block)
                              : cf_fmt("account %u  withdrew %llu in block %llu\n", id, (unsigned long long)amount,
                                       (unsigned long long)block);
  return cf_emit(CF_SPAN(line, strlen(line)), NULL);
}
