/* The sender against a real node, Foundry's anvil, over JSON-RPC, with its store in SQLite; the process "ends" between two turns
   and starts from the file.  Payments of different amounts to different addresses: what each holds at the end says how often it
   was paid. sender-anvil URL STORE CASE        CASE: life replace gap reorg finality shared */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/cf_sender_rpc.h"
#include "io/cf_rpc.h"
#include "io/cf_store_sqlite.h"

enum { PAYS_MAX = 24, BODY_MAX = 1 << 20, GAS = 60000, LOOK_MS = 1000 };

/* anvil's first account: its key is public, and so is everybody's test money. */
static uint8_t const key[32] = {0xac, 0x09, 0x74, 0xbe, 0xc3, 0x9a, 0x17, 0xe3, 0x6b, 0xa4, 0xa6, 0xb4, 0xd2, 0x38, 0xff, 0x94,
                                0x4b, 0xac, 0xb4, 0x78, 0xcb, 0xed, 0x5e, 0xfc, 0xae, 0x78, 0x4d, 0x7b, 0xf4, 0xf2, 0xff, 0x80};

static cf_rpc_t          *rpc;
static cf_store_sqlite_t *store;
static char const        *store_path;
static cf_sender_t        s;
static cf_effects_t       fx;
static uint8_t            scratch[1 << 20], out[BODY_MAX];
static uint64_t           ms = 1000;
static unsigned           pays;
static cf_hash_t          last_sent[64];
static unsigned           sent_cnt;

static void must(bool ok, char const *fmt, ...) {
  if (ok) return;
  va_list ap;
  va_start(ap, fmt);
  vprintf(fmt, ap);
  va_end(ap);
  cf_sender_status_t st = cf_sender_status(&s);
  printf(" (halt %s, waits %s, %u live, %u queued, final %lu nonce %lu, lies %lu)\n", cf_sender_halt_name(st.halt),
         cf_sender_wait_name(st.wait), st.live, st.queued, st.final_number, st.final_nonce, st.lies);
  exit(1);
}

/* ---- the node ---- */

static cf_done_t *ask(cf_span_t body) {
  cf_done_t  *d = NULL;
  cf_error_t  err = {0};
  cf_status_t st = cf_rpc_ask(rpc, 0, body, &d, &err);
  must(!st, "the node: %s %s", err.item, err.text);
  return d;
}

/* One question without reading its answer, but that there is one. */
static void node(char const *method, char const *params) {
  char text[8192];
  int  n = snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
  cf_jsonrpc_answer_t a;
  cf_done_t          *d = ask(CF_SPAN(text, (size_t)n));
  must(!cf_jsonrpc_read(&a, 1, 1, d->body, NULL) && a.result.type != CF_JSON_BAD, "%s: %.*s", method, (int)d->body.len,
       (char const *)d->body.ptr);
  cf_done_free(d);
}

static void mine(unsigned blocks) {
  char params[32];
  snprintf(params, sizeof params, "[\"0x%x\"]", blocks);
  node("anvil_mine", params);
}

typedef void (*write_fn)(cf_jw_t *j, void const *ctx);
static cf_done_t *one(write_fn write, void const *ctx, cf_jsonrpc_answer_t *a) {
  cf_wr_t wr = cf_wr_init(out, sizeof out);
  cf_jw_t j = cf_jw_init(&wr);
  write(&j, ctx);
  cf_done_t *d = ask(cf_wr_out(&wr));
  must(!cf_jsonrpc_read(a, 1, 1, d->body, NULL), "not an answer");
  return d;
}

static void ask_block(cf_jw_t *j, void const *at) { cf_evm_ask_block(j, 1, at); }
static void ask_proof(cf_jw_t *j, void const *at) { cf_evm_ask_proof(j, 1, &s.account, NULL, 0, at); }

static bool block_at(cf_evm_block_t *b, cf_evm_at_t at) {
  cf_jsonrpc_answer_t a;
  cf_error_t          err = {0};
  cf_done_t          *d = one(ask_block, &at, &a);
  cf_status_t         st = cf_evm_read_block(b, a.result, &at, &err);
  must(!st, "a block: %s %s", err.item, err.text);
  b->transactions = (cf_json_t){0};
  cf_done_free(d);
  return b->known;
}

/* The newest final block, the account proven in it, and its ancestor at the height of the one before, by parents. */
static void final(void) {
  cf_evm_block_t      b, up;
  cf_jsonrpc_answer_t a;
  cf_sender_final_t   f = {.since_number = cf_sender_status(&s).final_number};
  if (!block_at(&b, (cf_evm_at_t){.tag = CF_EVM_FINALIZED}) || b.header.number == 0) return;
  cf_evm_at_t at = {.tag = CF_EVM_NUMBER, .number = b.header.number};
  cf_done_t  *d = one(ask_proof, &at, &a);
  cf_status_t st = cf_sender_rpc_final(&f, &b, a.result, &s.account);
  must(!st, "the proof of the account: %s", cf_status_name(st));
  cf_done_free(d);
  up = b;
  f.since_hash = b.hash;
  while (s.has_final && up.header.number > f.since_number) {
    f.since_hash = up.header.parent;
    must(block_at(&up, (cf_evm_at_t){.tag = CF_EVM_HASH, .hash = f.since_hash}), "a parent is missing");
  }
  cf_sender_final(&s, &f);
}

/* ---- the process ---- */

static void step(cf_event_t ev);

static void done(uint64_t id, cf_span_t body) { step((cf_event_t){.kind = CF_EV_DONE, .id = id, .code = 200, .body = body}); }

static void look(uint64_t id, cf_span_t question) {
  static cf_hash_t  tx[1024];
  static cf_seen_t  seen[1024];
  static bool const yes[1] = {true};
  cf_rd_t           rd = cf_rd_span(question);
  size_t            n = cf_rd_u16(&rd);
  cf_look_t         all = {0};
  for (size_t i = 0; i < n; i++) tx[i] = cf_rd_hash(&rd);
  for (size_t from = 0; from == 0 || from < n; from += CF_SENDER_RPC_TXS) {
    size_t     part = n - from < CF_SENDER_RPC_TXS ? n - from : CF_SENDER_RPC_TXS;
    cf_seen_t  said[CF_SENDER_RPC_TXS];
    cf_look_t  l;
    cf_error_t err = {0};
    cf_wr_t    wr = cf_wr_init(out, sizeof out);
    cf_sender_rpc_look(&wr, tx + from, part, &s.account);
    cf_done_t  *d = ask(cf_wr_out(&wr));
    cf_status_t st = cf_sender_rpc_seen(&l, said, d->body, tx + from, part, &s.account, &err);
    must(!st, "look: %s %s in %.*s", err.item, err.text, (int)(d->body.len < 900 ? d->body.len : 900), (char const *)d->body.ptr);
    must(!cf_sender_rpc_merge(&all, seen + from, &l, said, yes, 1, 1, part), "one of one");
    cf_done_free(d);
  }
  all.n = n;
  static uint8_t body[131072];
  cf_wr_t        wr = cf_wr_init(body, sizeof body);
  cf_look_write(&wr, &all, seen);
  done(id, cf_wr_out(&wr));
}

/* The one node's blocks, from the final one down. */
static void trace(uint64_t id, cf_span_t question) {
  static uint8_t      body[CF_EVM_TX_MAX + 1024], raw[CF_EVM_TX_MAX], room[CF_EVM_TX_MAX];
  cf_trace_ask_t      q;
  cf_traced_t         t = {.kind = CF_TRACED_NONE};
  cf_jsonrpc_answer_t a;
  must(!cf_trace_ask_decode(&q, question), "a trace");
  cf_hash_t due = q.hash;
  for (uint64_t at = q.number; t.kind == CF_TRACED_NONE; at--) {
    cf_evm_block_t   b;
    cf_sender_used_t used;
    cf_wr_t          wr = cf_wr_init(out, sizeof out), raw_wr = cf_wr_init(raw, sizeof raw);
    cf_jw_t          j = cf_jw_init(&wr);
    cf_evm_ask_whole_block(&j, 1, at);
    cf_done_t *d = ask(cf_wr_out(&wr));
    must(!cf_jsonrpc_read(&a, 1, 1, d->body, NULL) && !cf_evm_read_block(&b, a.result, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = at}, NULL), "a block");
    if (!b.known) t.kind = CF_TRACED_UNKNOWN;
    else if (!cf_hash_eq(&b.hash, &due)) t.kind = CF_TRACED_UNDONE;
    else must(!cf_sender_rpc_used(&used, &raw_wr, cf_wr_init(room, sizeof room), b.transactions, &s.account, q.nonce), "its transactions");
    if (t.kind == CF_TRACED_NONE && used.found) {
      must(used.raw.len, "a transaction that cannot be put together: %.*s", (int)(d->body.len < 2000 ? d->body.len : 2000), (char const *)d->body.ptr);
      t.kind = CF_TRACED_OTHER;
      t.raw = used.raw;
      for (size_t i = 0; i < q.n; i++)
        if (cf_hash_eq(&q.tx[i], &used.tx)) t.kind = CF_TRACED_OURS;
      t.tx = used.tx;
    }
    due = b.header.parent;
    cf_done_free(d);
    if (t.kind == CF_TRACED_OURS) {
      wr = cf_wr_init(out, sizeof out);
      j = cf_jw_init(&wr);
      cf_evm_ask_receipts(&j, 1, at);
      d = ask(cf_wr_out(&wr));
      must(!cf_jsonrpc_read(&a, 1, 1, d->body, NULL) && !cf_sender_rpc_receipt(&t.seen, a.result, &t.tx, &s.account), "its receipt");
      cf_done_free(d);
    }
    if (at == q.low) break;
  }
  cf_wr_t wr = cf_wr_init(body, sizeof body);
  cf_traced_write(&wr, &t);
  done(id, cf_wr_out(&wr));
}

static void send(uint64_t id, cf_span_t raw) {
  cf_wr_t wr = cf_wr_init(out, sizeof out);
  last_sent[sent_cnt++ % 64] = cf_keccak256(raw);
  cf_sender_rpc_send(&wr, raw);
  cf_done_t *d = ask(cf_wr_out(&wr));
  uint8_t    what = (uint8_t)cf_sender_rpc_sent(d->body);
  must(what != CF_SENT_UNKNOWN, "not understood: %.*s", (int)d->body.len, (char const *)d->body.ptr);
  cf_done_free(d);
  done(id, CF_SPAN(&what, 1));
}

/* Effects in order; their answers afterwards, from copies. */
static void step(cf_event_t ev) {
  static unsigned depth;
  struct {
    uint64_t         id;
    cf_effect_kind_t kind;
    bool             look, trace;
    size_t           len;
    uint8_t         *body;
  } asked[64];
  size_t cnt = 0;
  fx.cnt = fx.scratch_len = 0;
  fx.scratch = scratch;
  fx.scratch_max = sizeof scratch;
  ev.now = (cf_now_t){ms, ms};
  cf_sender_step(&s, &fx, &ev);
  for (size_t i = 0; i < fx.cnt; i++) {
    cf_effect_t const *e = &fx.at[i];
    if (e->kind == CF_FX_STORE) must(!cf_store_sqlite_commit(store, e->body, NULL), "the store");
    if (e->kind != CF_FX_ASK && e->kind != CF_FX_SCAN) continue;
    cf_span_t body = e->kind == CF_FX_SCAN ? e->name : e->body;
    must(cnt < 64, "too many effects");
    asked[cnt].id = e->id;
    asked[cnt].kind = e->kind;
    asked[cnt].look = cf_span_eq(e->name, CF_SPAN_LIT("POST /look"));
    asked[cnt].trace = cf_span_eq(e->name, CF_SPAN_LIT("POST /trace"));
    asked[cnt].len = body.len;
    asked[cnt].body = malloc(body.len + 1);
    memcpy(asked[cnt++].body, body.ptr, body.len);
  }
  must(++depth < 200, "it never ends");
  for (size_t i = 0; i < cnt; i++) {
    if (asked[i].kind == CF_FX_SCAN) {
      uint8_t *rows;
      size_t   sz;
      must(!cf_store_sqlite_scan(&rows, &sz, store, (cf_store_kind_t)asked[i].body[0], 8 << 20, NULL), "the store");
      done(asked[i].id, CF_SPAN(rows, sz));
      free(rows);
    } else if (asked[i].trace) trace(asked[i].id, CF_SPAN(asked[i].body, asked[i].len));
    else if (asked[i].look) look(asked[i].id, CF_SPAN(asked[i].body, asked[i].len));
    else send(asked[i].id, CF_SPAN(asked[i].body, asked[i].len));
    free(asked[i].body);
  }
  depth--;
}

static void open_store(void) {
  bool       rebuildable;
  cf_error_t err = {0};
  must(!cf_store_sqlite_open(&store, store_path, false, &rebuildable, &err), "%s", err.text);
}

static void start(void) {
  cf_sender_config_t cfg = {.chain_id = 31337,
                            .scalar = key,
                            .chain = 1,
                            .id = 1000,
                            .budget_wei = (cf_wei_t)1 << 80,
                            .look_ms = LOOK_MS,
                            .bump_ms = 3000,
                            .bump_blocks = 2};
  must(!cf_sender_init(&s, &cfg), "init");
  step((cf_event_t){.kind = CF_EV_START});
  must(s.ready && s.halt != CF_SENDER_HALT_STORE, "it does not start from its store");
}

static void restart(void) {
  cf_store_sqlite_free(store);
  open_store();
  start();
}

static cf_hash_t ref_of(unsigned n) { return (cf_hash_t){{(uint8_t)n, 0xcf}}; }
static cf_addr_t payee(unsigned n) { return (cf_addr_t){{0xca, 0xfe, [19] = (uint8_t)(n + 1)}}; }

static void submit(unsigned n) {
  cf_sender_call_t call = {.ref = ref_of(n),
                           .to = payee(n),
                           .value = {{[31] = (uint8_t)(n + 1)}},
                           .gas = GAS,
                           .cap_wei = (cf_wei_t)GAS * 400000000000};
  cf_status_t      st = cf_sender_submit(&s, &call);
  must(!st || s.halt || !s.ready, "submit %u: %s", n, cf_status_name(st));
  if (n >= pays) pays = n + 1;
}

static void turn(unsigned n) {
  for (; n; n--) {
    ms += LOOK_MS;
    final();
    step((cf_event_t){.kind = CF_EV_TICK});
  }
}

static cf_sender_info_t info(unsigned n) {
  cf_sender_info_t i;
  cf_hash_t        r = ref_of(n);
  must(cf_sender_find(&s, &i, &r), "payment %u is not known", n);
  return i;
}

static cf_sender_slot_t const *slot_of(unsigned n) {
  cf_hash_t r = ref_of(n);
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (s.slot[i].state != CF_SENDER_FREE && cf_hash_eq(&s.slot[i].ref, &r)) return &s.slot[i];
  must(false, "payment %u has no slot", n);
  return NULL;
}

static void ask_balance(cf_jw_t *j, void const *addr) {
  static cf_evm_at_t const latest = {.tag = CF_EVM_LATEST};
  cf_evm_ask_balance(j, 1, addr, &latest);
}

/* Blocks until all is final; then each payee has exactly what it is to have. */
static void settle(void) {
  for (int i = 0; i < 40; i++) {
    for (unsigned n = 0; n < pays; n++) submit(n);
    turn(1);
    mine(1);
    if (s.halt) break;
    cf_sender_status_t st = cf_sender_status(&s);
    if (!st.live && !st.queued && s.final_seen) break;
  }
  cf_sender_status_t st = cf_sender_status(&s);
  must(!st.halt && !st.live && !st.queued, "not settled");
  for (unsigned n = 0; n < pays; n++) {
    cf_jsonrpc_answer_t a;
    cf_addr_t           to = payee(n);
    uint64_t            wei;
    cf_done_t          *d = one(ask_balance, &to, &a);
    must(!cf_quantity_u64(&wei, a.result), "a balance");
    must(wei == n + 1, "payee %u holds %lu", n, wei);
    cf_done_free(d);
  }
}

/* ---- cases ---- */

static void life(void) {
  for (unsigned n = 0; n < 6; n++) submit(n);
  turn(1);
  must(info(5).state >= CF_SENDER_SIGNED, "nothing was sent");
  restart(); /* sent, and perhaps not taken */
  turn(2);
  mine(1);
  restart(); /* in a block */
  turn(1);
  must(info(0).state == CF_SENDER_MINED, "not seen in its block");
  mine(4);
  turn(1);
  restart();
  settle();
  must(cf_sender_status(&s).total_wei > 0 && s.results == 6, "results");
}

/* Blocks go by without it, for they ask for more: fees rise by a tenth at least, and one of the two gets in. */
static void replace(void) {
  submit(0);
  turn(1);
  cf_fees_t first = slot_of(0)->at[0].fees;
  node("anvil_setNextBlockBaseFeePerGas", "[\"0x2540be4000\"]"); /* 160 gwei */
  mine(1);
  turn(2);
  for (int i = 0; i < 6 && info(0).attempts < 2; i++) {
    node("anvil_setNextBlockBaseFeePerGas", "[\"0x2540be4000\"]");
    mine(1);
    turn(2);
  }
  must(info(0).attempts >= 2 && cf_fees_replaces(first, slot_of(0)->at[1].fees), "not replaced");
  restart();
  settle();
}

/* The pool loses the lower of two nonces: the higher one waits there until the lower one is sent again. */
static void gap(void) {
  submit(0);
  submit(1);
  turn(1);
  must(info(1).state == CF_SENDER_POOLED, "not in the pool");
  char      params[80] = "[\"0x", hex[65];
  cf_hash_t lost = slot_of(0)->at[0].hash;
  must(slot_of(0)->nonce + 1 == slot_of(1)->nonce, "nonces");
  for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", lost.b[i]);
  snprintf(params + 4, sizeof params - 4, "%s\"]", hex);
  node("anvil_dropTransaction", params);
  mine(1);
  unsigned before = sent_cnt;
  turn(2);
  must(sent_cnt > before && cf_hash_eq(&last_sent[before % 64], &lost), "not the same bytes again");
  settle();
}

/* Blocks that are not final are replaced by empty ones, of every depth: anvil forgets what was in them. */
static void reorg(void) {
  for (unsigned depth = 1; depth <= 4; depth++) {
    char params[32];
    mine(6);
    turn(1);
    submit(2 * depth);
    submit(2 * depth + 1);
    for (unsigned n = 0; n < pays; n++) submit(n);
    turn(1);
    mine(1);
    if (depth > 1) mine(depth - 1);
    turn(1);
    must(info(2 * depth).state == CF_SENDER_MINED, "not seen in its block");
    snprintf(params, sizeof params, "[%u,[]]", depth);
    if (depth % 2) restart();
    node("anvil_reorg", params);
    unsigned before = sent_cnt;
    turn(1);
    must(sent_cnt > before, "nothing was sent again after a reorganisation of %u", depth);
    must(!s.halt, "halted at depth %u", depth);
  }
  settle();
  must(cf_sender_status(&s).reorgs > 0, "no reorganisation was seen");
}

/* Deeper than final: it must halt, stay so, and go on when it is told which chain it is. */
static void finality(void) {
  submit(0);
  turn(1);
  mine(8);
  turn(3);
  must(info(0).state == CF_SENDER_FINAL, "not final");
  mine(2);
  turn(1);
  node("anvil_reorg", "[11,[]]");
  mine(3);
  turn(6);
  must(s.halt == CF_SENDER_HALT_FINALITY || s.halt == CF_SENDER_HALT_VANISHED, "a broken promise was not noticed");
  restart();
  must(s.halt, "the halt was forgotten");
  unsigned before = sent_cnt;
  turn(3);
  must(sent_cnt == before, "sent while halted");
  must(!cf_sender_resume(&s, s.halt), "resume");
  mine(6);
  turn(3);
  settle(); /* the same bytes, on the other chain */
  must(info(0).outcome == CF_SENDER_EXECUTED && s.results == 1, "not executed");
}

/* Somebody else has the key. */
static void shared(void) {
  node("eth_sendTransaction", "[{\"from\":\"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\",\"to\":"
                              "\"0x00000000000000000000000000000000000000aa\",\"value\":\"0x1\"}]");
  submit(0);
  turn(1);
  mine(8);
  for (int i = 0; i < 12 && !s.halt; i++) turn(1);
  must(s.halt == CF_SENDER_HALT_SHARED, "the other use was not noticed");
  must(!cf_sender_resume(&s, CF_SENDER_HALT_SHARED), "resume");
  turn(5);
  must(info(0).outcome == CF_SENDER_LOST, "not given up");
  settle();
}

int main(int argc, char **argv) {
  static struct {
    char const *name;
    void (*run)(void);
  } const cases[] = {{"life", life},   {"replace", replace},   {"gap", gap},
                     {"reorg", reorg}, {"finality", finality}, {"shared", shared}};
  if (argc != 4) return 2;
  char const *urls[] = {argv[1]};
  cf_error_t  err = {0};
  store_path = argv[2];
  if (cf_rpc_open(&rpc, urls, 1, NULL, &err)) return printf("%s %s\n", err.item, err.text), 1;
  node("evm_setAutomine", "[false]");
  mine(10);
  open_store();
  start();
  if (strcmp(argv[3], "shared")) turn(2);
  else turn(1);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (!strcmp(cases[i].name, argv[3])) {
      cases[i].run();
      cf_sender_status_t st = cf_sender_status(&s);
      printf("%s: %u payments, %u sent, %lu reorganisations, %lu sent again, %lu replaced\n", argv[3], pays, sent_cnt, st.reorgs,
             st.resends, st.bumps);
      cf_store_sqlite_free(store);
      cf_rpc_close(rpc);
      return 0;
    }
  return 2;
}
