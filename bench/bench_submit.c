// link: io gateway
/* evm-submit, evm-manage: transactions as large as a settlement of 100 positions, and with as many slots written, to a node of a chain that makes a
   block of each at once, until its newest block counts them all.

   ours   evm-submit: signed before, posted as the gateway posts them, eight at a time, each by itself, its answer read
          evm-manage: the whole sender with its store on disk: signed, durable, posted, looked for, and followed until they are final, of which no more
          than 48 may be open; here every block is final
   limit  the same raw bytes, on the same state, in bare batches of eth_sendRawTransaction
   peer   viem, which signs and posts them, on the same state; it follows none

   The node is anvil, where $BENCH_NODE is its path; without it there is no row. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cf_text.h"
#include "bench.h"
#include "gateway/cf_sender_rpc.h"
#include "io/cf_rpc.h"
#include "io/cf_store_sqlite.h"

enum { ROUNDS = 5, TXS = 320, BATCH = 16, DATA_SZ = 4 + 5 * 32 + 64 + 6 + 100 * 12, GAS = 400000, LINES = CF_EVM_NODES_MAX, LOOK_MS = 1000, PEER_SZ = 4096 };

/* anvil's first account */
#define KEY_HEX "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
#define TO_HEX  "00000000000000000000000000000000000c0de5"
/* Adds one to each of 27 slots: what a dense settlement of 100 positions writes. */
#define CODE_HEX "601b5b805460010181556001900380600257" "00"
static cf_addr_t const to = { { [17] = 0x0c, [18] = 0x0d, [19] = 0xe5 } };

static uint8_t            key[32], data[DATA_SZ], out[1 << 20], scratch[4 << 20];
static uint8_t            raw[TXS][DATA_SZ + CF_EVM_TX_FRAME_MAX];
static size_t             raw_sz[TXS], raws;
static cf_rpc_t          *rpc;
static cf_store_sqlite_t *store;
static cf_sender_t        s;
static cf_effects_t       fx;
static char               url[64];
static struct {
  uint64_t id; /* 0: none is asked */
  size_t   sz;
  uint8_t  question[1 << 16];
} looking;

/* ---- the node ---- */

static cf_done_t *ask(cf_span_t body) {
  cf_done_t *d = NULL;
  bench_check(!cf_rpc_ask(rpc, 0, body, &d, NULL), "the node does not answer");
  return d;
}

static cf_jsonrpc_answer_t one(cf_done_t **d, cf_span_t body) {
  cf_jsonrpc_answer_t a;
  *d = ask(body);
  bench_check(!cf_jsonrpc_read(&a, 1, 1, (*d)->body, NULL) && a.result.type != CF_JSON_BAD, "the node refuses");
  return a;
}

/* Its answer, when it is a short text. */
static void tell(char text[80], char const *method, char const *params) {
  int        n = snprintf((char *)scratch, sizeof scratch, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
  cf_done_t *d;
  cf_json_t  v = one(&d, CF_SPAN(scratch, (size_t)n)).result;
  if (cf_json_str(text, 80, v)) text[0] = 0;
  cf_done_free(d);
}

static pid_t node_start(char const *program) {
  struct sockaddr_in at  = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t          len = sizeof at;
  char               port[8], *argv[] = { (char *)(uintptr_t)program, "--host", "127.0.0.1", "--port", port, "--silent", "--order", "fifo", NULL };
  int                fd = socket(AF_INET, SOCK_STREAM, 0);
  bench_check(fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof at) && !getsockname(fd, (struct sockaddr *)&at, &len), "no port");
  close(fd);
  snprintf(port, sizeof port, "%u", ntohs(at.sin_port));
  snprintf(url, sizeof url, "http://127.0.0.1:%s", port);
  pid_t pid = fork();
  bench_check(pid >= 0, "fork");
  if (!pid) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execv(program, argv);
    _exit(127);
  }
  char const *urls[LINES];
  for (int i = 0; i < LINES; i++) urls[i] = url;
  bench_check(!cf_rpc_open(&rpc, urls, LINES, NULL, NULL), "cf_rpc_open");
  static char const is_there[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":[]}";
  for (int i = 0; i < 400; i++) {
    cf_done_t  *d  = NULL;
    cf_status_t st = cf_rpc_ask(rpc, 0, CF_SPAN_LIT(is_there), &d, NULL);
    if (!st) cf_done_free(d);
    if (!st) return pid;
    usleep(25000);
  }
  kill(pid, SIGTERM);
  bench_check(false, "the node does not start");
  return pid;
}

static uint64_t nonce(void) {
  static cf_evm_at_t const latest = { .tag = CF_EVM_LATEST };
  cf_wr_t                  wr     = cf_wr_init(out, sizeof out);
  cf_jw_t                  j      = cf_jw_init(&wr);
  cf_done_t               *d;
  uint64_t                 n;
  cf_evm_ask_nonce(&j, 1, &s.account, &latest);
  bench_check(!cf_quantity_u64(&n, one(&d, cf_wr_out(&wr)).result), "a nonce");
  cf_done_free(d);
  return n;
}

/* ---- ours ---- */

static void perform(void);

static void step(cf_event_t ev) {
  fx.cnt = fx.scratch_len = 0;
  fx.scratch              = scratch;
  fx.scratch_max          = sizeof scratch;
  uint64_t now            = (uint64_t)(bench_now_s() * 1e3);
  ev.now                  = (cf_now_t){ now, now };
  cf_sender_step(&s, &fx, &ev);
  perform();
}

static void done(uint64_t id, cf_span_t body) { step((cf_event_t){ .kind = CF_EV_DONE, .id = id, .code = 200, .body = body }); }

static void look(void) {
  static cf_hash_t  tx[CF_SENDER_SLOTS * CF_SENDER_ATTEMPTS_MAX];
  static cf_seen_t  seen[CF_SENDER_SLOTS * CF_SENDER_ATTEMPTS_MAX];
  static uint8_t    body[1 << 17];
  static bool const yes = true;
  uint64_t          id  = looking.id;
  cf_rd_t           rd  = cf_rd_init(looking.question, looking.sz);
  size_t            n   = cf_rd_u16(&rd);
  cf_look_t         all = { 0 }, l;
  for (size_t i = 0; i < n; i++) tx[i] = cf_rd_hash(&rd);
  for (size_t from = 0; from == 0 || from < n; from += CF_SENDER_RPC_TXS) {
    size_t    part = n - from < CF_SENDER_RPC_TXS ? n - from : CF_SENDER_RPC_TXS;
    cf_seen_t said[CF_SENDER_RPC_TXS];
    cf_wr_t   wr = cf_wr_init(out, sizeof out);
    cf_sender_rpc_look(&wr, tx + from, part, &s.account);
    cf_done_t *d = ask(cf_wr_out(&wr));
    bench_check(!cf_sender_rpc_seen(&l, said, d->body, tx + from, part, &s.account, NULL), "a look");
    cf_look_t part_all;
    bench_check(!cf_sender_rpc_merge(&part_all, seen + from, &l, said, &yes, 1, 1, part), "one of one");
    if (from == 0) all = part_all;
    for (size_t i = from; i < from + part; i++) /* a later part may know of a later block */
      if (seen[i].kind >= CF_SEEN_SUCCEEDED && seen[i].block > all.number) seen[i] = (cf_seen_t){ .kind = CF_SEEN_UNKNOWN };
    cf_done_free(d);
  }
  all.n      = n;
  looking.id = 0;
  cf_wr_t wr = cf_wr_init(body, sizeof body);
  cf_look_write(&wr, &all, seen);
  done(id, cf_wr_out(&wr));
}

/* For those who feed the same bytes. A busy node makes the sender send some again. */
static void keep(cf_span_t body) {
  for (size_t i = 0; i < raws; i++)
    if (cf_span_eq(body, CF_SPAN(raw[i], raw_sz[i]))) return;
  bench_check(raws < TXS && body.len <= sizeof raw[0], "more than were submitted");
  memcpy(raw[raws], body.ptr, raw_sz[raws] = body.len);
  raws++;
}

/* The effects of a step in their order; what was sent is answered when all are on their way. */
static void perform(void) {
  uint64_t   id[LINES];
  uint8_t    what[LINES];
  unsigned   sends = 0, node;
  cf_done_t *d;
  for (size_t i = 0; i < fx.cnt; i++) {
    cf_effect_t const *e = &fx.at[i];
    if (e->kind == CF_FX_STORE) bench_check(!cf_store_sqlite_commit(store, e->body, NULL), "the store");
    if (e->kind != CF_FX_ASK) continue;
    bench_check(!cf_span_eq(e->name, CF_SPAN_LIT("POST /trace")), "a node lost a transaction");
    if (cf_span_eq(e->name, CF_SPAN_LIT("POST /look"))) {
      looking.id = e->id;
      memcpy(looking.question, e->body.ptr, looking.sz = e->body.len);
      continue;
    }
    cf_wr_t wr = cf_wr_init(out, sizeof out);
    cf_sender_rpc_send(&wr, e->body);
    bench_check(sends < LINES, "more than are sent at once");
    keep(e->body);
    id[sends] = e->id;
    cf_rpc_start(rpc, sends++, cf_wr_out(&wr), CF_RPC_TIMEOUT_MS);
  }
  for (unsigned i = 0; i < sends; i++) {
    bench_check(!cf_rpc_wait(rpc, &node, &d, NULL), "a transaction was not answered");
    what[node] = (uint8_t)cf_sender_rpc_sent(d->body);
    bench_check(what[node] <= CF_SENT_KNOWN, "the sender's transaction was not taken");
    cf_done_free(d);
  }
  for (unsigned i = 0; i < sends; i++) done(id[i], CF_SPAN(&what[i], 1));
}

/* The newest block, which here is final, and the account proven in it. */
static void final_block(void) {
  static uint8_t      body[1 << 14];
  cf_wr_t             wr = cf_wr_init(body, sizeof body);
  cf_jw_t             j  = cf_jw_init(&wr);
  cf_jsonrpc_answer_t a[2];
  cf_evm_block_t      b;
  static cf_evm_at_t const latest = { .tag = CF_EVM_LATEST };
  cf_sender_final_t   f           = { .since_number = s.final_number, .since_hash = s.final_hash };
  cf_jw_arr(&j, NULL);
  cf_evm_ask_block(&j, 1, &latest);
  cf_evm_ask_proof(&j, 2, &s.account, NULL, 0, &latest);
  cf_jw_end(&j, ']');
  cf_done_t *d = ask(cf_wr_out(&wr));
  bench_check(!cf_jsonrpc_read(a, 2, 1, d->body, NULL) && !cf_evm_read_block(&b, a[0].result, &latest, NULL), "the newest block");
  if (!cf_sender_rpc_final(&f, &b, a[1].result, &s.account)) cf_sender_final(&s, &f); /* a block may come between the two */
  cf_done_free(d);
}

static void start(char const *path) {
  bool                     rebuildable;
  cf_sender_config_t const cfg = { .chain_id = 31337, .scalar = key, .chain = 1, .id = 1, .budget_wei = (cf_wei_t)1 << 100, .look_ms = LOOK_MS, .bump_ms = 600000, .bump_blocks = 1000000 };
  static cf_store_kind_t const kinds[] = { CF_STORE_META, CF_STORE_TX, CF_STORE_FEE };
  char gone[256];
  for (int i = 0; i < 3; i++) {
    snprintf(gone, sizeof gone, "%s%s", path, (char const *[]){ "", "-wal", "-shm" }[i]);
    (void)unlink(gone);
  }
  bench_check(!cf_store_sqlite_open(&store, path, false, &rebuildable, NULL) && !cf_sender_init(&s, &cfg), "the store");
  step((cf_event_t){ .kind = CF_EV_START });
  for (uint64_t i = 0; i < 3; i++) {
    uint8_t *rows;
    size_t   sz;
    bench_check(!cf_store_sqlite_scan(&rows, &sz, store, kinds[i], 1 << 20, NULL), "the store");
    done(cfg.id + i, CF_SPAN(rows, sz));
    free(rows);
  }
}

static double managed(void) {
  size_t submitted = raws = 0;
  looking.id       = 0;
  start("build/bench/submit.db");
  final_block();
  uint64_t first = s.final_nonce;
  double   begun = bench_now_s();
  while (s.latest_nonce < first + TXS) {
    for (; submitted < TXS; submitted++) {
      cf_sender_call_t call = { .ref = { { (uint8_t)submitted, (uint8_t)(submitted >> 8), 1 } }, .to = to, .data = CF_SPAN_OF(data), .gas = GAS, .cap_wei = (cf_wei_t)GAS * 50000000000u };
      if (cf_sender_submit(&s, &call)) break;
    }
    step((cf_event_t){ .kind = CF_EV_TICK });
    if (looking.id) look();
    final_block();
    bench_check(!s.halt, cf_sender_halt_name(s.halt));
  }
  double took = bench_now_s() - begun;
  bench_check(raws == TXS, "each was sent");
  cf_store_sqlite_free(store);
  return TXS / took;
}

static size_t post(unsigned line, size_t i) {
  cf_wr_t wr = cf_wr_init(out, sizeof out);
  cf_sender_rpc_send(&wr, CF_SPAN(raw[i], raw_sz[i]));
  cf_rpc_start(rpc, line, cf_wr_out(&wr), CF_RPC_TIMEOUT_MS);
  return i + 1;
}

/* Those that the sender signed, by the client alone. */
static double client(void) {
  uint64_t first = nonce();
  size_t   asked = 0, answered = 0;
  double   begun = bench_now_s();
  for (unsigned line = 0; line < LINES; line++) asked = post(line, asked);
  for (; answered < TXS; answered++) {
    unsigned   line;
    cf_done_t *d;
    bench_check(!cf_rpc_wait(rpc, &line, &d, NULL) && cf_sender_rpc_sent(d->body) <= CF_SENT_KNOWN, "a transaction was not taken");
    cf_done_free(d);
    if (asked < TXS) asked = post(line, asked);
  }
  while (nonce() < first + TXS) continue;
  return TXS / (bench_now_s() - begun);
}

/* ---- the limit ---- */

static double bare(void) {
  uint64_t first = nonce();
  double   begun = bench_now_s();
  for (size_t at = 0; at < TXS; at += BATCH) {
    cf_jsonrpc_answer_t a[BATCH];
    cf_wr_t             wr = cf_wr_init(out, sizeof out);
    cf_jw_t             j  = cf_jw_init(&wr);
    cf_jw_arr(&j, NULL);
    for (size_t i = 0; i < BATCH; i++) cf_evm_ask_send(&j, i + 1, CF_SPAN(raw[at + i], raw_sz[at + i]));
    cf_jw_end(&j, ']');
    cf_done_t *d = ask(cf_wr_out(&wr));
    bench_check(!cf_jsonrpc_read(a, BATCH, 1, d->body, NULL), "a batch");
    for (size_t i = 0; i < BATCH; i++) bench_check(a[i].result.type == CF_JSON_STRING, "a raw transaction was not taken");
    cf_done_free(d);
  }
  while (nonce() < first + TXS) continue;
  return TXS / (bench_now_s() - begun);
}

static void again(char snapshot[80]) { /* the state as it was */
  char said[80], params[96];
  snprintf(params, sizeof params, "[\"%s\"]", snapshot);
  tell(said, "evm_revert", params);
  tell(snapshot, "evm_snapshot", "[]");
}

int main(void) {
  char const *program = getenv("BENCH_NODE");
  if (!program || access(program, X_OK)) {
    fprintf(stderr, "bench: no node of a chain here for evm-submit\n");
    return 0;
  }
  double   a[ROUNDS], b[ROUNDS], c[ROUNDS], m[ROUNDS];
  char     snapshot[80], said[80], line[PEER_SZ];
  uint64_t x = 7;
  cf_crypto_init();
  bench_fill(&x, data, sizeof data);
  bench_check(!cf_hex_decode(key, sizeof key, CF_SPAN_LIT(KEY_HEX)), "the key");
  bench_peer_t peer = bench_peer("build/bench/peer-viem");
  pid_t        node = node_start(program);
  tell(said, "anvil_setCode", "[\"0x" TO_HEX "\",\"0x" CODE_HEX "\"]");
  tell(said, "anvil_mine", "[\"0x2\"]"); /* nothing is proven in a genesis block */
  tell(snapshot, "evm_snapshot", "[]");
  int n = snprintf(line, sizeof line, "%s 0x" KEY_HEX " 0x" TO_HEX " 0x", url);
  for (size_t i = 0; i < sizeof data; i++) n += snprintf(line + n, sizeof line - (size_t)n, "%02x", data[i]);
  snprintf(line + n, sizeof line - (size_t)n, " %d", TXS);
  for (int i = 0; i < ROUNDS; i++) {
    m[i] = managed();
    again(snapshot);
    a[i] = client();
    again(snapshot);
    b[i] = bare();
    again(snapshot);
    c[i] = bench_peer_ask(&peer, line);
    again(snapshot);
  }
  double limit = bench_median(b, ROUNDS), viem = bench_median(c, ROUNDS);
  bench_row("evm-submit", "tx/s", BENCH_RATE, bench_median(a, ROUNDS), limit, viem);
  bench_row("evm-manage", "tx/s", BENCH_RATE, bench_median(m, ROUNDS), limit, viem);
  bench_peer_end(&peer);
  cf_rpc_close(rpc);
  kill(node, SIGTERM);
  waitpid(node, NULL, 0);
  return 0;
}
