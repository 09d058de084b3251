/* The ledger's process, driven by hand: a disk that keeps files, requests in, answers out. */
#include "ledger_world.h"

#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "ledger/cf_ledgerd.h"

typedef struct {
  char     name[64];
  uint8_t *bytes;
  size_t   len;
} file_t;

typedef struct {
  world_t            *w;
  cf_ledgerd_config_t cfg;
  cf_ledgerd_t       *d;
  cf_effects_t        fx;
  uint8_t             scratch[1 << 16];
  cf_now_t            now;
  file_t              disk[256]; /* block files, and what a crash left among them */
  file_t              newest;    /* ledger/newest, which lies elsewhere */
  size_t              files;
  uint64_t            next_request;
  unsigned            code[64]; /* answers by request; 0: none yet */
  uint8_t             body[64][1 << 20];
  size_t              body_sz[64];
  int                 exit_code; /* -1: runs */
  uint64_t            wake;
  size_t              reply_before_put; /* answers given before the block of their step was durable */
} host_t;

static file_t *file(host_t *h, cf_span_t name) {
  if (cf_span_eq(name, CF_SPAN_LIT(CF_LEDGERD_NEWEST))) return h->newest.bytes ? &h->newest : NULL;
  for (size_t i = 0; i < h->files; i++)
    if (strlen(h->disk[i].name) == name.len && memcmp(h->disk[i].name, name.ptr, name.len) == 0) return &h->disk[i];
  return NULL;
}

static void put(host_t *h, cf_span_t name, cf_span_t body) {
  file_t *f = file(h, name);
  if (cf_span_eq(name, CF_SPAN_LIT(CF_LEDGERD_NEWEST))) f = &h->newest;
  if (!f) {
    f = &h->disk[h->files++];
    snprintf(f->name, sizeof f->name, "%.*s", (int)name.len, (char const *)name.ptr);
  }
  free(f->bytes);
  f->bytes = malloc(body.len + 1);
  memcpy(f->bytes, body.ptr, body.len);
  f->len = body.len;
}

static void step(host_t *h, cf_event_t ev);

static void list(host_t *h, uint64_t id) {
  static char names[256 * 32];
  size_t len = 0;
  for (size_t i = 0; i < h->files; i++) { /* put in order by this host, as a listing is */
    char const *base = strrchr(h->disk[i].name, '/') + 1;
    memcpy(names + len, base, strlen(base) + 1);
    len += strlen(base) + 1;
  }
  step(h, (cf_event_t){ .kind = CF_EV_DONE, .id = id, .code = 200, .body = CF_SPAN(names, len) });
}

static void step(host_t *h, cf_event_t ev) {
  cf_effects_t *fx = &h->fx;
  ev.now           = h->now;
  *fx              = (cf_effects_t){ .scratch = h->scratch, .scratch_max = sizeof h->scratch };
  cf_ledgerd_step(h->d, fx, &ev);
  static cf_effect_t at[CF_EFFECTS_MAX]; /* follow-ups reuse the ring: reads are performed last */
  size_t  cnt = fx->cnt;
  bool    replied = false;
  memcpy(at, fx->at, cnt * sizeof *at);
  for (size_t i = 0; i < cnt; i++) switch (at[i].kind) {
    case CF_FX_PUT:
      h->reply_before_put += replied;
      put(h, at[i].name, at[i].body);
      break;
    case CF_FX_REPLY:
      replied = true;
      assert_int_equal(h->code[at[i].id], 0); /* each is answered once */
      h->code[at[i].id]    = at[i].code;
      h->body_sz[at[i].id] = at[i].body.len;
      memcpy(h->body[at[i].id], at[i].body.ptr, at[i].body.len);
      break;
    case CF_FX_WAKE: h->wake = at[i].id; break;
    case CF_FX_EXIT: h->exit_code = (int)at[i].code; break;
    case CF_FX_LOG: {
      cf_json_t j;
      assert_int_equal(cf_json_parse(&j, at[i].body, NULL), CF_OK);
      break;
    }
    case CF_FX_LIST: list(h, at[i].id); return;
    case CF_FX_GET: {
      file_t *f = file(h, at[i].name);
      step(h, (cf_event_t){ .kind = CF_EV_DONE,
                            .id   = at[i].id,
                            .code = f ? 200 : 404,
                            .body = f ? CF_SPAN(f->bytes, f->len) : CF_SPAN(NULL, 0) });
      return;
    }
    case CF_FX_APPEND: case CF_FX_REMOVE: case CF_FX_STORE: case CF_FX_SCAN: case CF_FX_ASK: fail();
    }
}

static uint64_t request(host_t *h, char const *path, char const *query, cf_span_t body) {
  uint64_t id = h->next_request++;
  assert_true(id < 64);
  step(h, (cf_event_t){ .kind  = CF_EV_REQUEST,
                        .id    = id,
                        .path  = CF_SPAN(path, strlen(path)),
                        .query = CF_SPAN(query, strlen(query)),
                        .body  = body });
  return id;
}

static void start(host_t *h) {
  h->exit_code = -1;
  cf_ledgerd_init(h->d, &h->cfg);
  step(h, (cf_event_t){ .kind = CF_EV_START });
}

static void restart(host_t *h) {
  cf_ledgerd_fini(h->d);
  start(h);
}

static int setup(void **state) {
  host_t *h = calloc(1, sizeof *h);
  h->w      = world_new();
  h->d      = malloc(sizeof *h->d);
  h->cfg    = (cf_ledgerd_config_t){ &h->w->g, h->w->block_key.scalar, 50 };
  h->now    = (cf_now_t){ .mono_ms = 1000, .wall_ms = (uint64_t)T0 * 1000 };
  start(h);
  *state = h;
  return 0;
}

static int teardown(void **state) {
  host_t *h = *state;
  assert_int_equal(h->reply_before_put, 0);
  for (size_t i = 0; i < h->files; i++) free(h->disk[i].bytes);
  free(h->newest.bytes);
  cf_ledgerd_fini(h->d);
  world_free(h->w);
  free(h->d);
  free(h);
  return 0;
}

static uint8_t posted[1 << 16];
static cf_wr_t post_wr;

static void add_call(host_t const *h, cf_op_t op, actor_t const *from, uint64_t nonce) {
  uint8_t   op_buf[1024], buf[2048];
  cf_wr_t   op_wr = cf_wr_init(op_buf, sizeof op_buf), wr = cf_wr_init(buf, sizeof buf);
  cf_op_write(&op_wr, &op);
  cf_call_t call = { .nonce = nonce, .deadline_s = T0 + 100000, .op = cf_wr_out(&op_wr) };
  cf_ledger_config_t cfg = h->w->g.config;
  if (from) assert_int_equal(cf_call_sign(&call, &cfg.separator, from->scalar), CF_OK);
  cf_call_write(&wr, &call);
  cf_wr_u32(&post_wr, (uint32_t)wr.len);
  cf_wr_span(&post_wr, cf_wr_out(&wr));
}

static uint64_t post(host_t *h) { return request(h, "POST /ledger/acts", "", cf_wr_out(&post_wr)); }
static void begin_post(void) { post_wr = cf_wr_init(posted, sizeof posted); }

static cf_json_t json(host_t *h, uint64_t id) {
  cf_json_t j;
  assert_int_equal(h->code[id], 200);
  assert_int_equal(cf_json_parse(&j, CF_SPAN(h->body[id], h->body_sz[id]), NULL), CF_OK);
  return j;
}

static cf_json_t result(host_t *h, uint64_t id, size_t n) {
  cf_json_t arr = cf_json_get(json(h, id), "results"), v = { 0 };
  size_t    pos = 0;
  for (size_t i = 0; i <= n; i++) assert_true(cf_json_each(arr, &pos, NULL, &v));
  return v;
}

static uint64_t u(cf_json_t obj, char const *key) {
  uint64_t v;
  assert_int_equal(cf_json_u64(&v, cf_json_get(obj, key)), CF_OK);
  return v;
}

static void refusal_is(cf_json_t res, char const *want) {
  char text[64];
  assert_int_equal(cf_json_str(text, sizeof text, cf_json_get(res, "refusal")), CF_OK);
  assert_string_equal(text, want);
}

static void calls_are_answered(void **state) {
  host_t *h = *state;
  assert_int_equal(h->files, 1); /* block 0 */
  begin_post();
  add_call(h, op_open(actor("owner", 1).addr), NULL, 0);
  add_call(h, op_deposit(0, 1, 100), &h->w->issuer, 0);
  add_call(h, op_deposit(0, 1, 100), &h->w->issuer, 5);
  add_call(h, op_deposit(0, 2, 100), &h->w->issuer, 1);
  h->now.mono_ms += 50;
  uint64_t r = post(h);
  assert_int_equal(h->code[r], 200); /* at once: the last block is 50 ms old */
  assert_int_equal(h->files, 2);
  assert_int_equal(u(result(h, r, 0), "account"), 1);
  assert_int_equal(u(result(h, r, 1), "block"), 1);
  assert_int_equal(u(result(h, r, 1), "index"), 1);
  refusal_is(result(h, r, 2), "Nonce");
  assert_int_equal(u(result(h, r, 2), "fact"), 1);
  refusal_is(result(h, r, 3), "Account");

  h->now.mono_ms += 10;
  uint64_t again = post(h); /* the same bytes: too soon for a block */
  assert_int_equal(h->code[again], 0);
  assert_int_equal(h->wake, h->now.mono_ms + 40);
  h->now.mono_ms = h->wake;
  step(h, (cf_event_t){ .kind = CF_EV_TICK });
  assert_int_equal(h->code[again], 200);
  assert_int_equal(u(result(h, again, 1), "block"), 1); /* where it was the first time */
  assert_int_equal(h->files, 2);                           /* and no new block */
  assert_int_equal(cf_ledger_state_held(h->d->chain.state, 0), 100);
}

static void one_block_for_many(void **state) {
  host_t  *h = *state;
  uint64_t r[5];
  for (unsigned i = 0; i < 5; i++) {
    begin_post();
    add_call(h, op_open(actor("owner", i).addr), NULL, 0);
    r[i] = post(h);
    h->now.mono_ms += 5;
  }
  for (unsigned i = 0; i < 5; i++) assert_int_equal(h->code[r[i]], 0);
  h->now.mono_ms += 50;
  step(h, (cf_event_t){ .kind = CF_EV_TICK });
  for (unsigned i = 0; i < 5; i++) {
    assert_int_equal(u(result(h, r[i], 0), "block"), 1);
    assert_int_equal(u(result(h, r[i], 0), "index"), i);
  }
}

static void blocks_without_calls(void **state) {
  host_t  *h = *state;
  uint64_t v6 = h->w->g.config.max_validity_s * 1000 / 6;
  h->now.mono_ms += v6 - 1;
  h->now.wall_ms += v6 - 1;
  step(h, (cf_event_t){ .kind = CF_EV_TICK });
  assert_int_equal(h->files, 1);
  h->now.mono_ms++;
  h->now.wall_ms++;
  step(h, (cf_event_t){ .kind = CF_EV_TICK });
  assert_int_equal(h->files, 2);
  assert_int_equal(h->d->chain.head.time_s, T0 + 1200);
  h->now.mono_ms += v6;
  h->now.wall_ms = 5; /* the clock falls: block time does not */
  step(h, (cf_event_t){ .kind = CF_EV_TICK });
  assert_int_equal(h->files, 3);
  assert_int_equal(h->d->chain.head.time_s, T0 + 1200);
}

static void what_is_read(void **state) {
  host_t *h = *state;
  begin_post();
  add_call(h, op_open(actor("owner", 1).addr), NULL, 0);
  add_call(h, op_open(actor("owner", 2).addr), NULL, 0);
  h->now.mono_ms += 50;
  post(h);
  uint64_t head = request(h, "GET /ledger/head", "", CF_SPAN(NULL, 0));
  assert_int_equal(u(json(h, head), "number"), 1);
  assert_int_equal(u(json(h, head), "messages"), 2);
  cf_hash_t root, header_hash;
  assert_int_equal(cf_json_hex(root.b, 32, cf_json_get(json(h, head), "root")), CF_OK);

  uint64_t block = request(h, "GET /ledger/blocks/1", "", CF_SPAN(NULL, 0));
  assert_int_equal(h->code[block], 200);
  assert_int_equal(h->body_sz[block], h->disk[1].len);
  assert_memory_equal(h->body[block], h->disk[1].bytes, h->disk[1].len);
  static struct { char const *path, *query; unsigned code;
  } const bad[] = {
    { "GET /ledger/blocks/2", "", 404 },    { "GET /ledger/blocks/01", "", 404 }, { "GET /ledger/blocks/", "", 404 },
    { "GET /ledger/blocks/..", "", 404 },   { "GET /ledger/state", "", 400 },     { "GET /ledger/state", "keys=00", 400 },
    { "GET /ledger/inbox", "from=3", 400 }, { "GET /ledger/inbox", "", 400 },     { "GET /ledger", "", 404 },
    { "POST /ledger/head", "", 404 },       { "POST /ledger/acts", "", 400 },
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    print_message("%s %s\n", bad[i].path, bad[i].query);
    assert_int_equal(h->code[request(h, bad[i].path, bad[i].query, CF_SPAN(NULL, 0))], bad[i].code);
  }
  assert_int_equal(h->code[request(h, "POST /ledger/acts", "", CF_SPAN_LIT("\0\0\0\x05" "abc"))], 400);

  char      query[256], hex[65];
  cf_hash_t keys[3] = { cf_slot_account(1), cf_slot_account(9), cf_slot_plain(CF_SLOT_HEAD) }, values[3];
  size_t    len = (size_t)snprintf(query, sizeof query, "x=1&keys=");
  for (unsigned i = 0; i < 3; i++)
    len += (size_t)snprintf(query + len, sizeof query - len, "%s%s", i ? "," : "", cf_hex_encode(hex, CF_SPAN_OF(keys[i].b)));
  uint64_t  st    = request(h, "GET /ledger/state", query, CF_SPAN(NULL, 0));
  cf_json_t proof = cf_json_get(json(h, st), "proof");
  uint8_t   proof_bytes[4096], header[CF_BLOCK_HEADER_SZ];
  size_t    proof_sz = (proof.text.len - 2) / 2;
  assert_int_equal(cf_json_hex(proof_bytes, proof_sz, proof), CF_OK);
  assert_int_equal(cf_json_hex(header, sizeof header, cf_json_get(json(h, st), "header")), CF_OK);
  assert_int_equal(cf_sparse_verify(&root, CF_SPAN(proof_bytes, proof_sz), keys, 3, values), CF_OK);
  assert_true(!cf_word_is_zero(&values[0]) && cf_word_is_zero(&values[1]));
  cf_block_header_t hd;
  assert_int_equal(cf_block_header_decode(&hd, CF_SPAN_OF(header)), CF_OK);
  header_hash = cf_block_hash(&hd);
  assert_true(cf_hash_eq(&header_hash, &h->d->chain.hash));

  uint64_t  in = request(h, "GET /ledger/inbox", "from=1", CF_SPAN(NULL, 0));
  assert_int_equal(u(json(h, in), "taken"), 1);
  assert_int_equal(u(json(h, in), "messages"), 2);
  cf_json_t bytes = cf_json_get(json(h, in), "bytes");
  assert_int_equal(bytes.text.len, 2 + 2 * 30);
}

static void restarts_where_it_was(void **state) {
  host_t *h = *state;
  for (unsigned i = 0; i < 3; i++) {
    begin_post();
    add_call(h, op_open(actor("owner", i).addr), NULL, 0);
    h->now.mono_ms += 50;
    post(h);
  }
  cf_hash_t hash = h->d->chain.hash;
  put(h, CF_SPAN_LIT("ledger/blocks/.00000000000000000004.tmp"), CF_SPAN_LIT("torn")); /* of a crash */
  restart(h);
  assert_int_equal(h->exit_code, -1);
  assert_true(cf_hash_eq(&hash, &h->d->chain.hash));
  h->now.mono_ms += 50;
  uint64_t again = post(h); /* remembered over the restart */
  assert_int_equal(u(result(h, again, 0), "block"), 3);
  step(h, (cf_event_t){ .kind = CF_EV_STOP });
  assert_int_equal(h->exit_code, 0);
}

static void refuses_a_false_disk(void **state) {
  host_t *h = *state;
  for (unsigned i = 0; i < 2; i++) {
    begin_post();
    add_call(h, op_open(actor("owner", i).addr), NULL, 0);
    h->now.mono_ms += 50;
    post(h);
  }
  assert_int_equal(h->files, 3);
  h->disk[1].bytes[200] ^= 1;
  restart(h);
  assert_int_equal(h->exit_code, 1);
  h->disk[1].bytes[200] ^= 1;
  snprintf(h->disk[1].name, sizeof h->disk[1].name, "ledger/blocks/%020d", 7); /* a gap */
  restart(h);
  assert_int_equal(h->exit_code, 1);
  snprintf(h->disk[1].name, sizeof h->disk[1].name, "ledger/blocks/%020d", 1);
  h->w->g.time_s++; /* another genesis */
  restart(h);
  assert_int_equal(h->exit_code, 1);
  assert_int_equal(h->code[request(h, "GET /ledger/head", "", CF_SPAN(NULL, 0))], 503);
  h->w->g.time_s--;
  restart(h);
  assert_int_equal(h->exit_code, -1);
}

/* Blocks that were sealed and are gone, all of them or the newest: a second block of that number is never sealed. */
static void misses_what_it_sealed(void **state) {
  host_t *h = *state;
  begin_post();
  add_call(h, op_open(actor("owner", 0).addr), NULL, 0);
  h->now.mono_ms += 50;
  post(h);
  assert_int_equal(h->files, 2);
  for (size_t left = 0; left < 2; left++) {
    h->files = left;
    restart(h);
    assert_int_equal(h->exit_code, 1);
    assert_int_equal(h->files, left); /* nothing was founded, nothing sealed */
  }
  h->files = 2;
  restart(h);
  assert_int_equal(h->exit_code, -1);

  h->newest.bytes[8] ^= 1; /* another block of that number */
  restart(h);
  assert_int_equal(h->exit_code, 1);
  h->newest.bytes[8] ^= 1;
  h->newest.len--;
  restart(h);
  assert_int_equal(h->exit_code, 1);
  h->newest.len++;
  free(h->newest.bytes);
  h->newest.bytes = NULL; /* a crash between the first block and its note */
  restart(h);
  assert_int_equal(h->exit_code, -1);
}

static void stop_answers_who_waits(void **state) {
  host_t *h = *state;
  begin_post();
  add_call(h, op_open(actor("owner", 1).addr), NULL, 0);
  uint64_t r = post(h);
  assert_int_equal(h->code[r], 0);
  step(h, (cf_event_t){ .kind = CF_EV_STOP });
  assert_int_equal(h->code[r], 200);
  assert_int_equal(h->exit_code, 0);
  assert_int_equal(h->files, 2);
}

static void queue_is_bounded(void **state) {
  host_t *h = *state;
  static uint8_t many[CF_LEDGERD_QUEUE_MAX + 1];
  cf_wr_t wr = cf_wr_init(many, sizeof many);
  for (unsigned i = 0; i < CF_BLOCK_CALLS_MAX; i++) cf_wr_u32(&wr, 0);
  uint64_t first = request(h, "POST /ledger/acts", "", CF_SPAN(many, wr.len)),
           next  = request(h, "POST /ledger/acts", "", CF_SPAN(many, 4));
  assert_int_equal(h->code[first], 0);
  assert_int_equal(h->code[next], 503);
  assert_int_equal(h->code[request(h, "POST /ledger/acts", "", CF_SPAN(many, wr.len + 4))], 400);
  assert_int_equal(h->code[request(h, "POST /ledger/acts", "", CF_SPAN_OF(many))], 413);
  h->now.mono_ms += 50;
  step(h, (cf_event_t){ .kind = CF_EV_TICK });
  refusal_is(result(h, first, CF_BLOCK_CALLS_MAX - 1), "Call"); /* empty calls: refused, and no block made of them */
  assert_int_equal(h->files, 1);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(calls_are_answered),    T(one_block_for_many),   T(blocks_without_calls),   T(what_is_read),
    T(restarts_where_it_was), T(refuses_a_false_disk), T(misses_what_it_sealed), T(stop_answers_who_waits),
    T(queue_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
