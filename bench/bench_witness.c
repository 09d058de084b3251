// link: party io workload lib: crypto m
/* entry-to-witnessed-ms  an entry of 256 bytes appended to a log, to the note that 3 of 4 witnesses cosigned, durable
     ours   the log's writer and publisher, driven as in a process, and four processes `counterfoil witness` on loopback
     limit  one station each: the log signs and writes, one witness verifies, signs and writes, three cosignatures are verified,
            the note is written; libcrypto's Ed25519, 4 KB with O_DIRECT and O_DSYNC to a file made before, one round trip
     peer   none: golang.org/x/mod has no witnesses
   witness-update         checkpoints cosigned one after the other by one process `counterfoil witness`, each durable before its
                          answer; one connection
     limit  the bare witness of the other row alone: round trip, verify, sign, write
     peer   golang.org/x/mod note.Open and tlog.CheckTree, Go's ed25519.Sign, file and folder synced; called, not asked over HTTP
   witness-update-8       the same over eight connections at a time, each asking for the newest head again
     limit  the bare witness, which has one connection
     peer   as before */
#include <sys/stat.h>

#include "bench_domain.h"
#include "bench_load.h"
#include "io/cf_host.h"
#include "translog/cf_line.h"
#include "translog/cf_logwriter.h"
#include "translog/cf_publisher.h"
#include "translog/cf_submission.h"

enum { ENTRY_SZ = 256, CAP = 1 << 16, ROUNDS = 5, ENTRIES = 40, WARM = 3, UPDATES = 2048, STATE_SZ = 4096, BODY_MAX = 2048 };
#define ROUND_S 0.4

/* ---- a log with its publisher: a core ---- */

typedef struct {
  cf_logwriter_t        writer;
  cf_publisher_t        publisher;
  cf_publisher_config_t publish;
  uint8_t               seed[32];
  double                began_s, ms[ENTRIES];
  size_t                cnt;
  bool                  cosigned;
} log_t;

static log_t log_;

static void append(log_t *l, cf_effects_t *fx) {
  static uint8_t bytes[ENTRY_SZ];
  uint64_t       n = l->writer.size;
  memcpy(bytes, &n, sizeof n);
  cf_log_entry_t entry = {.bytes = CF_SPAN_OF(bytes), .key = cf_log_entry_key(CF_SPAN_OF(bytes))};
  bench_check(!cf_logwriter_append(&l->writer, fx, &entry, 1, NULL) && l->writer.size == n + 1, "append");
  cf_logwriter_publish(&l->writer, fx);
}

static void next_entry(log_t *l, cf_effects_t *fx, cf_now_t now) {
  if (l->cnt == ENTRIES) {
    cf_fx(fx, CF_FX_EXIT)->code = 0;
    return;
  }
  l->began_s = bench_now_s();
  append(l, fx);
  bench_check(!cf_publisher_grown(&l->publisher, fx, now, cf_logwriter_note(&l->writer), NULL), "publish");
}

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  log_t *l = core;
  if (ev->kind == CF_EV_START) {
    cf_logwriter_start(&l->writer, fx);
  } else if (ev->kind == CF_EV_STOP) {
    cf_fx(fx, CF_FX_EXIT)->code = 1;
  } else if (l->writer.phase != CF_LOGWRITER_READY) {
    (void)cf_logwriter_step(&l->writer, fx, ev);
    bench_check(l->writer.phase != CF_LOGWRITER_FAILED, l->writer.err.text);
    if (l->writer.phase == CF_LOGWRITER_READY) next_entry(l, fx, ev->now);
  } else if (l->cosigned) { /* and the note is durable */
    l->ms[l->cnt++] = (bench_now_s() - l->began_s) * 1e3;
    l->cosigned = false;
    (void)cf_publisher_step(&l->publisher, fx, ev);
    next_entry(l, fx, ev->now);
  } else if (cf_publisher_step(&l->publisher, fx, ev)) {
    l->cosigned = true;
    cf_fx(fx, CF_FX_WAKE)->id = ev->now.mono_ms;
  }
}

static void log_make(log_t *l, bench_domain_t const *d) {
  static cf_domain_t domain;
  static char        entry[CF_ENTRY_MAX + 1];
  char               path[128], hex[65] = "";
  size_t             n = 0;
  snprintf(path, sizeof path, "%s/public/genesis", d->dir);
  n = bench_slurp(entry, sizeof entry, path);
  bench_check(!cf_domain_open(&domain, CF_SPAN(entry, n), NULL, NULL), path);
  l->publish = (cf_publisher_config_t){.set = domain.witnesses, .reader = cf_logwriter_reader(&l->writer), .id = 2};
  for (unsigned i = 0; i < CF_WITNESSES_MAX; i++) l->publish.peer[i] = i;
  snprintf(path, sizeof path, "%s/keys/log.key", d->dir);
  bench_check(bench_slurp(hex, sizeof hex, path) == 64 && !cf_hex_decode(l->seed, 32, CF_SPAN(hex, 64)), path);
  l->writer.cfg.mem = calloc(1, cf_logwriter_mem_sz(CAP));
}

static double witnessed_ours(log_t *l, bench_domain_t const *d, uint16_t first_port) {
  char             folder[96], urls[CF_WITNESSES_MAX][64];
  cf_peer_t        peers[CF_WITNESSES_MAX];
  cf_host_config_t host = {.role = "bench", .folder = folder, .peers = peers, .peer_cnt = l->publish.set.cnt, .log_fd = 2};
  snprintf(folder, sizeof folder, "%s/bench", d->dir);
  (void)mkdir(folder, 0700);
  for (size_t i = 0; i < host.peer_cnt; i++) {
    snprintf(urls[i], sizeof *urls, "http://127.0.0.1:%u", first_port + (unsigned)i);
    peers[i] = (cf_peer_t){.url = urls[i], .type = "text/plain; charset=utf-8"};
  }
  void *mem = l->writer.cfg.mem;
  cf_logwriter_init(&l->writer, &(cf_logwriter_config_t){
                                    .log = l->publish.set.log, .seed = l->seed, .cap = CAP, .mem = mem, .journal = "journal", .id = 1, .key = cf_log_entry_key});
  bench_check(!cf_publisher_init(&l->publisher, &l->publish, NULL), "publisher");
  l->cnt = 0, l->cosigned = false;
  bench_check(cf_host_run(&host, step, l) == 0 && l->cnt == ENTRIES, "no quorum");
  return bench_median(l->ms + WARM, ENTRIES - WARM); /* the first of a life learn what the witnesses know */
}

/* ---- updates ---- */

typedef struct {
  uint8_t *bytes;
  size_t   sz[UPDATES];
  size_t   next, wrong;
} updates_t;

static void request_write(cf_wr_t *out, cf_span_t body) {
  cf_wr_str(out, "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ");
  cf_wr_dec(out, body.len);
  cf_wr_str(out, "\r\n\r\n");
  cf_wr_span(out, body);
  bench_check(!out->bad, "a request is too long");
}

/* Requests for the sizes that follow, in order. */
static void updates_make(updates_t *u, log_t *l) {
  static uint8_t scratch[1 << 16];
  cf_effects_t   fx = {.scratch = scratch, .scratch_max = sizeof scratch};
  if (!u->bytes) u->bytes = malloc((size_t)UPDATES * BODY_MAX);
  u->next = 0;
  for (size_t i = 0; i < UPDATES; i++) {
    uint8_t         body[BODY_MAX];
    cf_wr_t         wr = cf_wr_init(body, sizeof body), out = cf_wr_init(u->bytes + i * BODY_MAX, BODY_MAX);
    cf_submission_t s = {.old_size = l->writer.size};
    fx.cnt = fx.scratch_len = 0;
    append(l, &fx);
    bench_check(!cf_logwriter_consistency(&l->writer, s.path, &s.path_cnt, s.old_size, l->writer.size), "consistency");
    s.note = cf_logwriter_note(&l->writer);
    cf_submission_write(&wr, &s);
    request_write(&out, cf_wr_out(&wr));
    bench_check(!wr.bad, "a proof is too long");
    u->sz[i] = out.len;
  }
}

static bool update_next(void *ctx, cf_span_t *request) {
  updates_t *u = ctx;
  if (u->next == UPDATES) return false;
  *request = CF_SPAN(u->bytes + u->next * BODY_MAX, u->sz[u->next]);
  u->next++;
  return true;
}

static void update_answered(void *ctx, unsigned code, cf_span_t body) { ((updates_t *)ctx)->wrong += code != 200; }

/* The newest head, for as long as somebody asks. */
static bool again_next(void *ctx, cf_span_t *request) {
  *request = *(cf_span_t *)ctx;
  return true;
}

static size_t again_wrong;
static void   again_answered(void *ctx, unsigned code, cf_span_t body) { again_wrong += code != 200; }

static double again_at(uint16_t port, log_t *l) {
  uint8_t         body[BODY_MAX], text[BODY_MAX];
  cf_wr_t         wr = cf_wr_init(body, sizeof body), out = cf_wr_init(text, sizeof text);
  cf_submission_t s = {.old_size = l->writer.size, .note = cf_logwriter_note(&l->writer)};
  cf_submission_write(&wr, &s);
  request_write(&out, cf_wr_out(&wr));
  cf_span_t    request = cf_wr_out(&out);
  bench_load_t got = bench_load(port, 8, ROUND_S, &(bench_work_t){again_next, again_answered, &request});
  bench_check(!again_wrong, "a checkpoint was not cosigned again");
  return (double)got.answers / got.seconds;
}

static double update_at(uint16_t port, updates_t *u) {
  bench_load_t got = bench_load(port, 1, ROUND_S, &(bench_work_t){update_next, update_answered, u});
  bench_check(u->wrong == 0, "a checkpoint was not cosigned");
  return (double)got.answers / got.seconds;
}

/* What was prepared and not asked must be known before more is made: the sizes go on without a gap. */
static void updates_rest(updates_t *u, uint16_t port) {
  while (u->next < UPDATES) (void)update_at(port, u);
}

/* ---- the bare witness ---- */

typedef struct {
  int              file;
  uint8_t         *block;
  uint8_t          seed[32], text[100], sig[64];
  cf_ed25519_pub_t pub;
} bare_t;

static void bare_durable(bare_t *b) { bench_check(pwrite(b->file, b->block, STATE_SZ, 0) == STATE_SZ, "write"); }
static void bare_verify(bare_t *b) { bench_check(!cf_ed25519_verify(&b->pub, b->sig, CF_SPAN_OF(b->text)), "verify"); }
static void bare_sign(bare_t *b) { cf_ed25519_sign(b->sig, b->seed, CF_SPAN_OF(b->text)); }

static bare_t bare_make(char const *dir) {
  bare_t b = {.seed = {1}};
  char   path[96];
  snprintf(path, sizeof path, "%s/bare-XXXXXX", dir);
  b.block = aligned_alloc(STATE_SZ, STATE_SZ);
  int fd = mkstemp(path);
  b.file = open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
  bench_check(fd >= 0 && b.file >= 0 && b.block, path);
  close(fd);
  memset(b.block, 1, STATE_SZ);
  bare_durable(&b);
  cf_ed25519_pub(&b.pub, b.seed);
  bare_sign(&b);
  return b;
}

/* Answers each request as a witness has to, and looks at none. */
static pid_t bare_serve(uint16_t *port, char const *dir) {
  static char const  answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t          at_sz = sizeof at;
  int                listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bench_check(bind(listener, (struct sockaddr *)&at, at_sz) == 0 && listen(listener, 4) == 0 &&
                  getsockname(listener, (struct sockaddr *)&at, &at_sz) == 0,
              "listen");
  *port = ntohs(at.sin_port);
  pid_t pid = fork();
  bench_check(pid >= 0, "fork");
  if (pid) return close(listener), pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  bare_t b = bare_make(dir);
  for (;;) {
    static uint8_t in[1 << 16];
    int            fd = accept(listener, NULL, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    for (ssize_t n, len = 0; (n = recv(fd, in + len, sizeof in - 1 - (size_t)len, 0)) > 0;) {
      cf_span_t body;
      len += n;
      if (!bench_message(&body, in, (size_t)len)) continue;
      len = 0;
      bare_verify(&b);
      bare_sign(&b);
      bare_durable(&b);
      bench_check(send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0, "send");
    }
    close(fd);
  }
}

static double witnessed_bare(bare_t *b, uint16_t port) {
  static char const request[] = "POST /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
  char              answer[256];
  double            ms[ENTRIES];
  int               fd = bench_connect(port);
  for (size_t i = 0; i < ENTRIES; i++) {
    double began = bench_now_s();
    bare_sign(b);
    bare_durable(b);
    bench_check(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 && recv(fd, answer, sizeof answer, 0) > 0, "the bare witness");
    for (int v = 0; v < 3; v++) bare_verify(b);
    bare_durable(b);
    ms[i] = (bench_now_s() - began) * 1e3;
  }
  close(fd);
  return bench_median(ms, ENTRIES);
}

int main(int argc, char **argv) {
  static updates_t updates, same;
  bench_domain_t   d;
  uint16_t         port;
  double           witnessed[2][ROUNDS], update[3][ROUNDS], again[ROUNDS];
  bench_first();
  bench_peer_t peer = bench_peer("build/bench/peer-witness");
  bench_domain_make(&d, argc > 1 ? argv[1] : "build/bin", NULL);
  bench_domain_up(&d, "witness");
  uint16_t first = (uint16_t)(strtoul(strrchr(d.url, ':') + 1, NULL, 10) + 2);
  log_make(&log_, &d);
  bare_t bare = bare_make(d.dir);
  pid_t  server = bare_serve(&port, d.dir);
  for (int i = 0; i < ROUNDS; i++) {
    witnessed[0][i] = witnessed_ours(&log_, &d, first);
    witnessed[1][i] = witnessed_bare(&bare, port);
  }
  for (int i = 0; i < ROUNDS; i++) {
    updates_make(&updates, &log_);
    same = updates;
    update[0][i] = update_at(first, &updates);
    update[1][i] = update_at(port, &same);
    update[2][i] = bench_peer_ask(&peer, "update");
    updates_rest(&updates, first);
    again[i] = again_at(first, &log_);
  }
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  bench_domain_down(&d);
  bench_domain_remove(&d);
  bench_peer_end(&peer);
  bench_row("entry-to-witnessed-ms", "ms", BENCH_TIME, bench_median(witnessed[0], ROUNDS), bench_median(witnessed[1], ROUNDS), NAN);
  bench_row("witness-update", "updates/s", BENCH_RATE, bench_median(update[0], ROUNDS), bench_median(update[1], ROUNDS),
            bench_median(update[2], ROUNDS));
  bench_row("witness-update-8", "updates/s", BENCH_RATE, bench_median(again, ROUNDS), bench_median(update[1], ROUNDS),
            bench_median(update[2], ROUNDS));
  return 0;
}
