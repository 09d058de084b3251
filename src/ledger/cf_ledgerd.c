#include "ledger/cf_ledgerd.h"

#include <assert.h>
#include <stdio.h>

#include "base/cf_text.h"
#include "codec/cf_json.h"

#define BLOCKS_DIR "ledger/blocks"
#define NEWEST_SZ  (8 + 32)
#define JSON       "application/json"
#define PROBLEM    "application/problem+json"

enum { EFFECT_LIST = 1, EFFECT_REPLAY = 2, EFFECT_NEWEST = 3, EFFECT_FIRST_GET = 4 };

void cf_ledgerd_init(cf_ledgerd_t *d, cf_ledgerd_config_t const *cfg) {
  memset(d, 0, offsetof(cf_ledgerd_t, queue));
  d->cfg         = *cfg;
  d->next_effect = EFFECT_FIRST_GET;
  cf_chain_init(&d->chain);
}

void cf_ledgerd_fini(cf_ledgerd_t *d) { cf_chain_fini(&d->chain); }

/* ---- answers ---- */

static void answer(cf_ledgerd_t *d, cf_effects_t *fx, uint64_t request, size_t from) {
  assert(!d->reply.bad);
  cf_fx_reply(fx, request, 200, JSON, CF_SPAN(d->reply.buf + from, d->reply.len - from));
}

static char const *class_name(unsigned code) {
  switch (code) {
  case 400: return "malformed";
  case 404: return "not-found";
  case 413: return "too-large";
  case 503: return "busy";
  default: return "internal";
  }
}

static cf_effect_t *problem(cf_effects_t *fx, uint64_t request, unsigned code, char const *detail) {
  char const *class = class_name(code);
  cf_fx_reply(fx, request, code, PROBLEM,
              cf_fx_printf(fx, "{\"type\":\"urn:counterfoil:%s\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}", class, class, code,
                           detail));
  return &fx->at[fx->cnt - 1];
}

static void busy(cf_effects_t *fx, uint64_t request, char const *detail) { problem(fx, request, 503, detail)->retry_after_s = 1; }

static void stop(cf_effects_t *fx, unsigned code, cf_error_t const *err) {
  cf_effect_t *log = cf_fx(fx, CF_FX_LOG);
  log->body = cf_fx_printf(fx, "{\"level\":\"error\",\"core\":\"ledger\",\"item\":\"%s\",\"text\":\"%s\"}", err->item, err->text);
  cf_fx(fx, CF_FX_EXIT)->code = code;
}

static cf_span_t block_name(cf_effects_t *fx, uint64_t n) {
  return cf_fx_printf(fx, BLOCKS_DIR "/%020llu", (unsigned long long)n);
}

/* ---- making blocks ---- */

/* A block is durable, and then that it was sealed: blocks that are lost later are missed, and no second one of a number is sealed. */
static void put_block(cf_ledgerd_t *d, cf_effects_t *fx, cf_span_t block) {
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, NEWEST_SZ), NEWEST_SZ);
  cf_fx_put(fx, block_name(fx, d->chain.head.number), block);
  cf_wr_u64(&wr, d->chain.head.number);
  cf_wr_hash(&wr, &d->chain.hash);
  cf_fx_put(fx, CF_SPAN_LIT(CF_LEDGERD_NEWEST), cf_wr_out(&wr));
}

static uint64_t block_time(cf_ledgerd_t const *d, cf_now_t now) {
  uint64_t s = now.wall_ms / 1000;
  if (s < d->chain.head.time_s) s = d->chain.head.time_s;
  return s < CF_LEDGER_TIME_MAX ? s : CF_LEDGER_TIME_MAX;
}

static void write_refusal(cf_jw_t *j, cf_refusal_t const *no) {
  char text[128];
  cf_refusal_print(text, sizeof text, no);
  cf_jw_str(j, "refusal", cf_refusal_name(no->code));
  cf_jw_str(j, "text", text);
  cf_jw_u64(j, "fact", no->fact[0]);
}

/* Runs one queued call, unless it has a place already, and writes its result. */
static void run_call(cf_ledgerd_t *d, cf_jw_t *j, cf_wr_t *body, cf_span_t bytes, uint64_t time_s) {
  cf_call_t           call;
  cf_hash_t           id;
  cf_call_place_t     place = { 0 };
  cf_ledger_effects_t fx;
  cf_refusal_t        no = { .code = CF_REFUSAL_CALL };
  cf_jw_obj(j, NULL);
  if (cf_call_decode(&call, bytes) == CF_OK) {
    id = cf_call_id(&d->chain.genesis.config.separator, &call);
    cf_jw_hex(j, "id", CF_SPAN_OF(id.b));
    no.code = CF_REFUSAL_NONE;
    if (!cf_ledger_state_find_call(d->chain.state, &id, &place)) {
      place = (cf_call_place_t){ d->chain.head.number + 1, d->chain.accepted };
      no    = cf_chain_call(&d->chain, time_s, bytes, &fx);
      if (!no.code) {
        cf_wr_u32(body, (uint32_t)bytes.len);
        cf_wr_span(body, bytes);
        if (fx.account) cf_jw_u64(j, "account", fx.account);
      }
    }
  }
  if (no.code) write_refusal(j, &no);
  else {
    cf_jw_u64(j, "block", place.block);
    cf_jw_u64(j, "index", place.index);
  }
  cf_jw_end(j, '}');
}

/* The next block, with what the queue holds: durable first, then the answers.  Without an accepted call there is none,
   unless one is due. */
static void make_block(cf_ledgerd_t *d, cf_effects_t *fx, cf_now_t now, bool due) {
  uint64_t time_s = block_time(d, now);
  size_t   from[CF_LEDGERD_WAITING_MAX + 1];
  cf_rd_t  queue = cf_rd_init(d->queue, d->queue_len);
  cf_wr_t  body  = cf_wr_init(d->body, sizeof d->body);
  for (size_t w = 0; w < d->waiting_cnt; w++) {
    from[w]   = d->reply.len;
    cf_jw_t j = cf_jw_init(&d->reply);
    cf_jw_obj(&j, NULL);
    cf_jw_arr(&j, "results");
    cf_span_t bytes;
    for (uint32_t i = 0; i < d->waiting[w].calls && cf_block_call_next(&queue, &bytes); i++)
      run_call(d, &j, &body, bytes, time_s);
    cf_jw_end(&j, ']');
    cf_jw_end(&j, '}');
  }
  from[d->waiting_cnt] = d->reply.len;
  assert(!body.bad && !d->reply.bad);

  if (d->chain.accepted || due) {
    cf_wr_t block = cf_wr_init(d->block, sizeof d->block);
    cf_chain_seal(&d->chain, &block, time_s, cf_wr_out(&body), d->chain.accepted, d->cfg.scalar);
    put_block(d, fx, cf_wr_out(&block));
    d->last_block_ms = now.mono_ms;
  }
  for (size_t w = 0; w < d->waiting_cnt; w++)
    cf_fx_reply(fx, d->waiting[w].request, 200, JSON, CF_SPAN(d->reply.buf + from[w], from[w + 1] - from[w]));
  d->waiting_cnt = d->queue_len = 0;
  d->queue_calls                = 0;
}

static void make_block_when_due(cf_ledgerd_t *d, cf_effects_t *fx, cf_now_t now) {
  uint64_t since = now.mono_ms - d->last_block_ms;
  bool     due   = since >= d->chain.genesis.config.max_validity_s * 1000 / 6;
  if (due || (d->waiting_cnt && since >= d->cfg.interval_ms)) make_block(d, fx, now, due);
  if (d->waiting_cnt) cf_fx(fx, CF_FX_WAKE)->id = d->last_block_ms + d->cfg.interval_ms;
}

/* ---- start ---- */

static void begin(cf_ledgerd_t *d, cf_now_t now) {
  d->ready         = true;
  d->last_block_ms = now.mono_ms;
}

static void found(cf_ledgerd_t *d, cf_effects_t *fx, cf_now_t now) {
  cf_error_t err   = { 0 };
  cf_wr_t    block = cf_wr_init(d->block, sizeof d->block);
  if (cf_chain_found(&d->chain, &block, d->cfg.genesis, d->cfg.scalar, &err)) {
    stop(fx, 1, &err);
    return;
  }
  put_block(d, fx, cf_wr_out(&block));
  begin(d, now);
}

static void read_back(cf_ledgerd_t *d, cf_effects_t *fx, uint64_t n) { cf_fx_get(fx, EFFECT_REPLAY, block_name(fx, n)); }

/* Block files are numbered 0, 1, 2, ... without a gap; other names (a temporary of a crash) are nobody's. */
static void on_list(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  cf_error_t err = { 0 };
  uint64_t   cnt = 0;
  for (size_t at = 0; at < ev->body.len;) {
    char const *name = (char const *)ev->body.ptr + at;
    size_t      len = strnlen(name, ev->body.len - at), digits = strspn(name, "0123456789");
    at += len + 1;
    if (len != 20 || digits != 20) continue;
    char want[21];
    snprintf(want, sizeof want, "%020llu", (unsigned long long)cnt);
    if (memcmp(name, want, 20) != 0) {
      cf_error_set(&err, CF_ERR_FORMAT, "ledger.blocks", (size_t)cnt, "block %llu is missing", (unsigned long long)cnt);
      stop(fx, 1, &err);
      return;
    }
    cnt++;
  }
  if (d->sealed && cnt <= d->sealed_number) {
    cf_error_set(&err, CF_ERR_STALE, "ledger.blocks", (size_t)cnt, "block %llu was sealed, and is missing: restore the blocks",
                 (unsigned long long)d->sealed_number);
    stop(fx, 1, &err);
    return;
  }
  d->blocks_cnt = cnt;
  if (cnt == 0) found(d, fx, ev->now);
  else read_back(d, fx, 0);
}

static void on_newest(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  cf_error_t err = { 0 };
  cf_rd_t    rd  = cf_rd_span(ev->body);
  d->sealed      = ev->code != 404;
  if (d->sealed) {
    d->sealed_number = cf_rd_u64(&rd);
    d->sealed_hash   = cf_rd_hash(&rd);
  }
  if (ev->status || !cf_rd_done(&rd)) {
    cf_error_set(&err, CF_ERR_FORMAT, "ledger.newest", 0, "what block was sealed last cannot be read: restore this file");
    stop(fx, 1, &err);
    return;
  }
  cf_effect_t *list = cf_fx(fx, CF_FX_LIST);
  list->id          = EFFECT_LIST;
  list->name        = CF_SPAN_LIT(BLOCKS_DIR);
}

static bool is_other(cf_ledgerd_t const *d) {
  return d->sealed && d->chain.head.number == d->sealed_number && !cf_hash_eq(&d->chain.hash, &d->sealed_hash);
}

static cf_status_t replay(cf_ledgerd_t *d, cf_span_t block, cf_error_t *err) {
  if (d->chain.started) return cf_chain_replay(&d->chain, block, err);
  uint8_t genesis[CF_GENESIS_BYTES_MAX];
  cf_wr_t wr = cf_wr_init(genesis, sizeof genesis);
  cf_ledger_genesis_write(&wr, d->cfg.genesis);
  cf_span_t expect = cf_wr_out(&wr);
  return cf_chain_start(&d->chain, block, &expect, err);
}

static void on_read_back(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  cf_error_t err = { 0 };
  if (ev->status || ev->code != 200) cf_error_set(&err, CF_ERR_IO, "ledger.blocks", 0, "a block file cannot be read");
  else if (replay(d, ev->body, &err) == CF_OK && is_other(d))
    cf_error_set(&err, CF_ERR_AUTH, "ledger.blocks", (size_t)d->sealed_number, "block %llu is not the one that was sealed",
                 (unsigned long long)d->sealed_number);
  else if (!err.status) {
    if (d->chain.head.number + 1 == d->blocks_cnt) begin(d, ev->now);
    else read_back(d, fx, d->chain.head.number + 1);
    return;
  }
  stop(fx, 1, &err);
}

/* ---- requests ---- */

/* The number of calls in a POST's body; 0 when it is not made of calls. */
static uint32_t count_calls(cf_span_t body) {
  cf_rd_t   rd = cf_rd_span(body);
  cf_span_t call;
  uint32_t  n = 0;
  while (n < CF_BLOCK_CALLS_MAX && cf_block_call_next(&rd, &call)) n++;
  return cf_rd_done(&rd) ? n : 0;
}

static void post_acts(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->body.len > CF_LEDGERD_QUEUE_MAX) {
    problem(fx, ev->id, 413, "more calls than one block holds");
    return;
  }
  uint32_t calls = count_calls(ev->body);
  if (calls == 0) {
    problem(fx, ev->id, 400, "not calls, each behind its length, or too many");
    return;
  }
  bool room = d->waiting_cnt < CF_LEDGERD_WAITING_MAX && ev->body.len <= CF_LEDGERD_QUEUE_MAX - d->queue_len &&
              calls <= CF_BLOCK_CALLS_MAX - d->queue_calls;
  if (!room) {
    busy(fx, ev->id, "the queue is full");
    return;
  }
  memcpy(d->queue + d->queue_len, ev->body.ptr, ev->body.len);
  d->queue_len += ev->body.len;
  d->queue_calls += calls;
  d->waiting[d->waiting_cnt++] = (cf_ledgerd_waiting_t){ .request = ev->id, .calls = calls };
  make_block_when_due(d, fx, ev->now);
}

static void get_block(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev, cf_span_t number) {
  uint64_t n;
  if (cf_dec_u64(&n, number) || n > d->chain.head.number) {
    problem(fx, ev->id, 404, "no such block");
    return;
  }
  if (d->gets_cnt == CF_LEDGERD_GETS_MAX) {
    busy(fx, ev->id, "too many reads under way");
    return;
  }
  d->gets[d->gets_cnt++] = (cf_ledgerd_waiting_t){ .request = ev->id, .effect = d->next_effect };
  cf_fx_get(fx, d->next_effect++, block_name(fx, n));
}

static void on_block_read(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  for (size_t i = 0; i < d->gets_cnt; i++)
    if (d->gets[i].effect == ev->id) {
      uint64_t request = d->gets[i].request;
      d->gets[i]       = d->gets[--d->gets_cnt];
      if (ev->status || ev->code != 200) problem(fx, request, 500, "the block cannot be read");
      else {
        cf_wr_span(&d->reply, ev->body);
        cf_fx_reply(fx, request, 200, "application/octet-stream", cf_wr_out(&d->reply));
      }
      return;
    }
}

static void get_head(cf_ledgerd_t *d, cf_effects_t *fx, uint64_t request) {
  cf_block_header_t const  *h   = &d->chain.head;
  cf_ledger_config_t const *cfg = &d->chain.genesis.config;
  cf_hash_t head_slot = cf_slot_plain(CF_SLOT_HEAD), inbox_slot = cf_slot_plain(CF_SLOT_INBOX);
  cf_hash_t head = cf_ledger_state_get(d->chain.state, &head_slot), inbox = cf_ledger_state_get(d->chain.state, &inbox_slot);
  size_t    from = d->reply.len;
  cf_jw_t   j    = cf_jw_init(&d->reply);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "number", h->number);
  cf_jw_hex(&j, "hash", CF_SPAN_OF(d->chain.hash.b));
  cf_jw_u64(&j, "time", h->time_s);
  cf_jw_hex(&j, "root", CF_SPAN_OF(h->state_root.b));
  cf_jw_hex(&j, "head", CF_SPAN_OF(head.b));
  cf_jw_hex(&j, "inbox", CF_SPAN_OF(inbox.b));
  cf_jw_u64(&j, "messages", cf_ledger_state_messages(d->chain.state));
  cf_jw_u64(&j, "chain", cfg->chain_id);
  cf_jw_hex(&j, "contract", CF_SPAN_OF(cfg->contract.b));
  cf_jw_end(&j, '}');
  answer(d, fx, request, from);
}

/* The value of name in a query a=1&b=2; empty when it is not there. */
static cf_span_t query_value(cf_span_t query, char const *name) {
  size_t name_sz = strlen(name);
  for (size_t at = 0; at < query.len;) {
    uint8_t const *p   = query.ptr + at;
    uint8_t const *amp = memchr(p, '&', query.len - at);
    size_t         len = amp ? (size_t)(amp - p) : query.len - at;
    if (len > name_sz && memcmp(p, name, name_sz) == 0 && p[name_sz] == '=') return CF_SPAN(p + name_sz + 1, len - name_sz - 1);
    at += len + 1;
  }
  return CF_SPAN(NULL, 0);
}

/* Reads "hex,hex,..": the number of keys, 0 when it is anything else. */
static size_t read_keys(cf_hash_t keys[CF_LEDGERD_KEYS_MAX], cf_span_t text) {
  size_t cnt = (text.len + 1) / 65;
  if (cnt == 0 || cnt > CF_LEDGERD_KEYS_MAX || text.len != cnt * 65 - 1) return 0;
  for (size_t i = 0; i < cnt; i++) {
    if (cf_hex_decode(keys[i].b, 32, CF_SPAN(text.ptr + i * 65, 64))) return 0;
    if (i + 1 < cnt && text.ptr[i * 65 + 64] != ',') return 0;
  }
  return cnt;
}

static void get_state(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  cf_hash_t keys[CF_LEDGERD_KEYS_MAX];
  size_t    cnt = read_keys(keys, query_value(ev->query, "keys"));
  if (cnt == 0) {
    problem(fx, ev->id, 400, "keys is up to 64 slot keys in hex, with commas between");
    return;
  }
  uint8_t header[CF_BLOCK_HEADER_SZ];
  cf_wr_t header_wr = cf_wr_init(header, sizeof header);
  cf_block_header_write(&header_wr, &d->chain.head);
  cf_wr_t proof = cf_wr_init(d->body, sizeof d->body); /* free between blocks */
  cf_ledger_state_prove(d->chain.state, &proof, keys, cnt);
  size_t  from = d->reply.len;
  cf_jw_t j    = cf_jw_init(&d->reply);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "number", d->chain.head.number);
  cf_jw_hex(&j, "header", CF_SPAN_OF(header));
  cf_jw_arr(&j, "slots");
  for (size_t i = 0; i < cnt; i++) {
    cf_hash_t value = cf_ledger_state_get(d->chain.state, &keys[i]);
    cf_jw_hex(&j, NULL, CF_SPAN_OF(value.b));
  }
  cf_jw_end(&j, ']');
  cf_jw_hex(&j, "proof", cf_wr_out(&proof));
  cf_jw_end(&j, '}');
  answer(d, fx, ev->id, from);
}

static void get_inbox(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  uint64_t first, taken, all = cf_ledger_state_messages(d->chain.state);
  if (cf_dec_u64(&first, query_value(ev->query, "from")) || first > all) {
    problem(fx, ev->id, 400, "from is a number, at most that of all messages");
    return;
  }
  cf_hash_t inbox_slot = cf_slot_plain(CF_SLOT_INBOX), inbox = cf_ledger_state_get(d->chain.state, &inbox_slot);
  cf_span_t run        = cf_ledger_state_message_run(d->chain.state, first, UINT64_MAX, CF_LEDGERD_INBOX_MAX, &taken);
  size_t    from       = d->reply.len;
  cf_jw_t   j          = cf_jw_init(&d->reply);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "from", first);
  cf_jw_u64(&j, "taken", taken);
  cf_jw_u64(&j, "messages", all);
  cf_jw_hex(&j, "inbox", CF_SPAN_OF(inbox.b));
  cf_jw_hex(&j, "bytes", run);
  cf_jw_end(&j, '}');
  answer(d, fx, ev->id, from);
}

static bool path_is(cf_span_t path, char const *text) { return cf_span_eq(path, CF_SPAN(text, strlen(text))); }

static void on_request(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  static char const blocks[] = "GET /ledger/blocks/";
  size_t const      blocks_sz = sizeof blocks - 1;
  if (!d->ready) busy(fx, ev->id, "the ledger is reading its blocks");
  else if (path_is(ev->path, "POST /ledger/acts")) post_acts(d, fx, ev);
  else if (path_is(ev->path, "GET /ledger/head")) get_head(d, fx, ev->id);
  else if (path_is(ev->path, "GET /ledger/state")) get_state(d, fx, ev);
  else if (path_is(ev->path, "GET /ledger/inbox")) get_inbox(d, fx, ev);
  else if (ev->path.len > blocks_sz && memcmp(ev->path.ptr, blocks, blocks_sz) == 0)
    get_block(d, fx, ev, CF_SPAN(ev->path.ptr + blocks_sz, ev->path.len - blocks_sz));
  else problem(fx, ev->id, 404, "the ledger has no such resource");
}

/* ---- the core ---- */

void cf_ledgerd_step(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev) {
  d->reply = cf_wr_init(d->reply_buf, sizeof d->reply_buf);
  switch (ev->kind) {
  case CF_EV_START: cf_fx_get(fx, EFFECT_NEWEST, CF_SPAN_LIT(CF_LEDGERD_NEWEST)); return;
  case CF_EV_REQUEST: on_request(d, fx, ev); return;
  case CF_EV_DONE:
    if (ev->id == EFFECT_NEWEST) on_newest(d, fx, ev);
    else if (ev->id == EFFECT_LIST) on_list(d, fx, ev);
    else if (ev->id == EFFECT_REPLAY) on_read_back(d, fx, ev);
    else on_block_read(d, fx, ev);
    return;
  case CF_EV_TICK:
    if (d->ready) make_block_when_due(d, fx, ev->now);
    return;
  case CF_EV_STOP:
    if (d->ready && d->waiting_cnt) make_block(d, fx, ev->now, false);
    cf_fx(fx, CF_FX_EXIT)->code = 0;
    return;
  }
}
