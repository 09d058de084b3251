/* The ledger's side: accounts, lanes, deposits; later the pull of what was released, and the exit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cf_balances.h"
#include "cli/cf_demo.h"
#include "cli/cf_web.h"

enum {
  CALLS_MAX = 2000,
  DEADLINE_S = 120,
  SHOWN_MS = 60000,
  STEP_MS = 20,
  BLOCKS_S = 4,       /* on a chain: from a request to its block, and what that is ahead of our clock */
  LONG_S = 30,        /* a delay that is said where there is no terminal */
  GAS_GWEI = 10000000 /* for who leaves: a hundredth of an ether */
};

/* ---- calls, many at a time ---- */

typedef struct {
  cf_demo_t *d;
  cf_wr_t    body;
  size_t     cnt;
  uint64_t   unsigned_nonce;
  uint64_t   block;                                         /* of the last accepted */
  void (*taken)(cf_demo_t *d, cf_json_t result, size_t at); /* per accepted call; may be NULL */
  size_t sent;
} calls_t;

static calls_t calls_begin(cf_demo_t *d, void (*taken)(cf_demo_t *d, cf_json_t result, size_t at)) {
  return (calls_t){.d = d, .body = cf_room(1 << 20), .unsigned_nonce = cf_wall_ms() << 16, .taken = taken};
}

static int calls_send(calls_t *c) {
  cf_span_t answer;
  cf_json_t root, result;
  char      text[256];
  if (c->d->evm.rpc) return cf_demo_evm_wait(c->d, &c->block);
  if (!c->cnt) return 0;
  int code = cf_web_ask(&answer, NULL, "demo", c->d->chain.url, "POST /ledger/acts", cf_wr_out(&c->body));
  if (code) return code;
  if (cf_json_parse(&root, answer, NULL)) return cf_web_malformed("demo", c->d->chain.url, "/ledger/acts");
  size_t at = 0;
  for (cf_json_t list = cf_json_get(root, "results"); cf_json_each(list, &at, NULL, &result); c->sent++) {
    if (cf_json_u64(&c->block, cf_json_get(result, "block"))) {
      if (cf_json_str(text, sizeof text, cf_json_get(result, "text"))) text[0] = 0;
      return cf_fail(CF_EXIT_FAILS, "demo", "refused by the ledger", text, NULL);
    }
    if (c->taken) c->taken(c->d, result, c->sent);
  }
  c->body.len = 0;
  c->cnt = 0;
  return 0;
}

/* signer NULL: nobody's, for what anyone may do. */
static int calls_add(calls_t *c, cf_op_t const *op, uint8_t const *signer, uint64_t nonce) {
  uint8_t   op_bytes[256], bytes[512];
  cf_wr_t   op_wr = cf_wr_init(op_bytes, sizeof op_bytes), wr = cf_wr_init(bytes, sizeof bytes);
  if (c->d->evm.rpc) return cf_demo_evm_call(c->d, op, signer == c->d->treasury ? NULL : signer);
  cf_call_t call = {.nonce = signer ? nonce : c->unsigned_nonce++, .deadline_s = cf_wall_s() + DEADLINE_S};
  cf_op_write(&op_wr, op);
  call.op = cf_wr_out(&op_wr);
  if (signer && cf_call_sign(&call, &c->d->chain.genesis.config.separator, signer)) abort(); /* keys are our own */
  cf_call_write(&wr, &call);
  cf_wr_u32(&c->body, (uint32_t)wr.len);
  cf_wr_span(&c->body, cf_wr_out(&wr));
  return ++c->cnt == CALLS_MAX ? calls_send(c) : 0;
}

static void calls_end(calls_t *c) { free(c->body.buf); }

/* ---- deposits ---- */

static void account_taken(cf_demo_t *d, cf_json_t result, size_t at) {
  uint64_t id;
  if (!cf_json_u64(&id, cf_json_get(result, "account"))) d->party[at].account = (uint32_t)id;
}

/* On a chain the slots say which is whose. */
static int read_accounts(cf_demo_t *d) {
  size_t     n = d->in.parties_cnt;
  cf_hash_t *keys = calloc(2 * n, sizeof *keys), *values = keys + n;
  if (!keys) abort();
  for (size_t p = 0; p < n; p++) keys[p] = cf_slot_id_of(&d->party[p].wallet.addr);
  int code = cf_chain_slots(values, &d->chain, keys, n);
  for (size_t p = 0; !code && p < n; p++) d->party[p].account = (uint32_t)cf_word_get(&values[p], 0, 32);
  free(keys);
  return code;
}

static int open_accounts(cf_demo_t *d) {
  calls_t c = calls_begin(d, account_taken);
  int     code = 0;
  for (size_t p = 0; !code && p < d->in.parties_cnt; p++) {
    cf_op_t const op = {.kind = CF_OP_OPEN, .addr = d->party[p].wallet.addr};
    code = calls_add(&c, &op, NULL, 0);
  }
  if (!code) code = calls_send(&c);
  calls_end(&c);
  return code || !d->evm.rpc ? code : read_accounts(d);
}

/* Who pays is funded with all that he will pay; who only receives gets a lane. */
static int fund(cf_demo_t *d, size_t *deposits, uint64_t *block) {
  calls_t c = calls_begin(d, NULL);
  int     code = 0;
  for (size_t p = 0; p < d->in.parties_cnt; p++)
    for (uint32_t a = 0; !code && a < d->in.assets_cnt; a++) {
      cf_demo_position_t const *x = cf_demo_at(d, p, a);
      cf_op_t                   op = {
                            .kind = x->funding ? CF_OP_DEPOSIT : CF_OP_OPEN_LANE, .id = d->party[p].account, .asset = a, .units = x->funding};
      if (!x->funding && !x->in) continue;
      *deposits += x->funding > 0;
      code = calls_add(&c, &op, x->funding ? d->treasury : NULL, x->funding ? d->nonce++ : 0);
    }
  if (!code) code = calls_send(&c);
  *block = c.block;
  calls_end(&c);
  return code;
}

int cf_demo_deposits(cf_demo_t *d) {
  size_t   deposits = 0;
  uint64_t block = 0, shown = 0;
  for (size_t i = 0; i < d->in.rows_cnt; i++) {
    cf_demo_row_t const *r = &d->in.rows[i];
    cf_demo_at(d, r->payer, r->asset)->funding += r->amount;
    cf_demo_at(d, r->payee, r->asset)->in = 1; /* wants a lane; the sum follows from results */
    d->party[r->payer].pays++;
  }
  int code = open_accounts(d);
  if (!code) code = fund(d, &deposits, &block);
  for (unsigned t = 0; !code && shown < block; t += STEP_MS) {
    code = cf_demo_status(&shown, d, "block");
    if (!code && t > SHOWN_MS)
      code = cf_fail(CF_EXIT_WORLD, "demo", "timeout", "deposits", "found", "not shown to the enclave", NULL);
    cf_web_sleep(STEP_MS);
  }
  for (size_t i = 0; i < d->in.parties_cnt * d->in.assets_cnt; i++) d->position[i].in = 0;
  if (!code)
    cf_demo_line(d, 3, "deposits", "%s positions final in block %llu, shown to the enclave", cf_demo_number(deposits),
                 (unsigned long long)block);
  return code;
}

/* ---- ways out ---- */

/* The first parties that were paid something: a withdrawal each; the next one leaves. */
static uint32_t choose(cf_demo_t *d, uint32_t asset[CF_DEMO_WITHDRAWALS + 1], uint32_t party[CF_DEMO_WITHDRAWALS + 1]) {
  uint32_t cnt = 0;
  for (uint32_t p = 0; p < d->in.parties_cnt && cnt <= CF_DEMO_WITHDRAWALS; p++)
    for (uint32_t a = 0; d->party[p].pays && a < d->in.assets_cnt; a++)
      if (cf_demo_at(d, p, a)->in > 1) {
        party[cnt] = p;
        asset[cnt++] = a;
        break;
      }
  return cnt;
}

static int request_exit(cf_demo_t *d, uint32_t party) {
  calls_t       c = calls_begin(d, NULL);
  cf_op_t const op = {.kind = CF_OP_REQUEST_EXIT, .id = d->party[party].account};
  int           code = calls_add(&c, &op, d->party[party].wallet.scalar, 0);
  d->party[party].leaves = true;
  if (!code) code = calls_send(&c);
  calls_end(&c);
  return code;
}

static int order_withdrawals(cf_demo_t *d, uint32_t const *asset, uint32_t const *party, uint32_t cnt) {
  size_t from = d->item_cnt;
  int    code = 0;
  for (uint32_t i = 0; !code && i < cnt; i++)
    code = cf_demo_seal(d, cf_demo_item(d, party[i], UINT32_MAX, asset[i], cf_demo_at(d, party[i], asset[i])->in / 2),
                        d->remote.attested);
  if (!code) code = cf_demo_send(d, from, false);
  return code ? code : cf_demo_settled(d);
}

static int pull(cf_demo_t *d, uint32_t const *asset, uint32_t const *party, uint32_t cnt) {
  calls_t c = calls_begin(d, NULL);
  int     code = 0;
  for (uint32_t i = 0; !code && i < cnt; i++) {
    cf_demo_party_t const *p = &d->party[party[i]];
    uint64_t               n = cf_demo_at(d, party[i], asset[i])->in / 2;
    cf_op_t const          op = {.kind = CF_OP_WITHDRAW, .id = p->account, .asset = asset[i], .units = n, .addr = p->wallet.addr};
    cf_demo_at(d, party[i], asset[i])->withdrawn += n;
    code = calls_add(&c, &op, p->wallet.scalar, 0);
  }
  if (!code) code = calls_send(&c);
  calls_end(&c);
  return code;
}

/* Some delays are worth a word. */
static void wait_delay(cf_demo_t const *d, uint32_t party, uint64_t due_ms) {
  for (uint64_t now; (now = cf_mono_ms()) < due_ms;) {
    uint64_t left_s = (due_ms - now + 999) / 1000;
    if (isatty(2) && !cf_json_mode())
      fprintf(stderr, "\r   exit       %3llu s until account %u may leave without the enclave", (unsigned long long)left_s,
              d->party[party].account);
    else if (left_s > LONG_S)
      cf_note("demo: %llu s until account %u may leave without the enclave", (unsigned long long)left_s, d->party[party].account);
    cf_web_sleep(isatty(2) && due_ms - now > 1000 ? 1000 : (unsigned)(due_ms - now));
  }
}

static int finalize_exit(cf_demo_t *d, uint32_t party, uint64_t asked_ms) {
  calls_t  c = calls_begin(d, NULL);
  uint64_t due = asked_ms + (d->chain.genesis.config.exit_delay_s + 1 + (d->evm.rpc ? BLOCKS_S : 0)) * 1000;
  int      code = 0;
  wait_delay(d, party, due);
  for (uint32_t a = 0; !code && a < d->in.assets_cnt; a++) {
    uint64_t lane, free_lane;
    code = cf_chain_lanes(&lane, &free_lane, &d->chain, a, d->party[party].account);
    if (code || !(lane + free_lane)) continue;
    cf_op_t const op = {.kind = CF_OP_FINALIZE_EXIT, .id = d->party[party].account, .asset = a};
    cf_demo_at(d, party, a)->withdrawn += lane + free_lane;
    code = calls_add(&c, &op, NULL, 0);
  }
  if (!code) code = calls_send(&c);
  if (!code && d->evm.rpc) code = cf_demo_evm_final(d, c.block); /* balances are those of a final block */
  calls_end(&c);
  return code;
}

/* Who takes something out of a chain signs for it, and pays. */
static int pay_for_gas(cf_demo_t *d, uint32_t const *party, uint32_t cnt) {
  int code = 0;
  for (uint32_t i = 0; d->evm.rpc && !code && i < cnt; i++) code = cf_demo_evm_pay(d, &d->party[party[i]].wallet.addr, GAS_GWEI);
  return code || !d->evm.rpc ? code : cf_demo_evm_wait(d, NULL);
}

int cf_demo_leave(cf_demo_t *d) {
  uint32_t asset[CF_DEMO_WITHDRAWALS + 1], party[CF_DEMO_WITHDRAWALS + 1], cnt = choose(d, asset, party);
  if (!cnt) return 0;
  int code = pay_for_gas(d, party, cnt);
  if (code) return code;
  uint64_t asked_ms = cf_mono_ms();
  code = request_exit(d, party[--cnt]);
  if (!code) code = order_withdrawals(d, asset, party, cnt);
  if (!code) code = pull(d, asset, party, cnt);
  if (!code) code = finalize_exit(d, party[cnt], asked_ms);
  if (!code) cf_demo_line(d, 6, "opened", "every result read by its party; %u withdrew, 1 left by forced exit", cnt);
  return code;
}

/* ---- what the ledger says in the end ---- */

int cf_demo_balances(cf_demo_t *d) {
  cf_balances_t b = {0};
  size_t        wrong = 0;
  int           code = cf_balances(&b, "demo", &d->folder);
  for (size_t p = 0; !code && p < d->in.parties_cnt; p++)
    for (uint32_t a = 0; a < d->in.assets_cnt; a++) {
      cf_demo_position_t *x = cf_demo_at(d, p, a);
      uint64_t const     *lane = cf_balances_lanes(&b, d->party[p].account, a);
      x->balance = (lane[0] & CF_LANE_MAX) + (lane[1] & CF_LANE_MAX);
      wrong += x->balance + x->withdrawn != x->funding + x->in - x->out;
    }
  cf_balances_fini(&b);
  if (!code && wrong)
    code = cf_fail(CF_EXIT_FAILS, "demo", "balance", cf_fmt("%zu positions", wrong), "found",
                   "balance + withdrawn is not funding + in - out", NULL);
  return code;
}
