// link: translog io crypto lib: crypto m
/* log-append-1024   entries of 256 bytes appended to the log in groups of 1,024, each group durable before the next
     ours   the log's writer, its effects performed as a process performs them: the journal; and for as many groups as a writer lets wait
            the bundles, tiles and signed checkpoint, which are in the time, too
     limit  the same bytes (entries and leaf hashes) written to a file made before, O_DIRECT and O_DSYNC
     peer   golang.org/x/mod tlog: hashes, a file of entries and one of hashes, fsync of both; nothing is published
   log-append-1      the same, one entry each
   merkle-node       inner nodes, 256 leaves to their root; nanoseconds each
     limit  the bare compressions, two for each node and four chains at once where the processor has instructions for that
     peer   tlog.NodeHash
   inclusion-make    proofs made at random places of a log of 2^18
     limit  the 18 hashes of each path copied, nothing computed or looked up in order
     peer   tlog.ProveRecord, hashes in memory
   inclusion-check   the same proofs checked, the entry's leaf hash included
     limit  the bare compressions: 5 of the leaf, 2 for each of 18 nodes, each waiting for the one before
     peer   tlog.CheckRecord and RecordHash
   audit-rehash      a whole log of 2^18 entries of 256 bytes read as an audit reads it: entries against tiles, tiles against each
                     other, both against the root; megabytes of entries a second, files in memory
     limit  the bare compressions of leaves and nodes, four chains at once
     peer   tlog.RecordHash and the tree of them, compared with nothing */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sys/stat.h>

#include "bench.h"
#include "crypto/cf_sha256.h"
#include "io/cf_tail.h"
#include "translog/cf_logwriter.h"

enum { ENTRY_SZ = 256, GROUP = 1024, CAP = 1 << 20, SIZE_LOG = 18, SIZE = 1 << SIZE_LOG, PROOFS = 4096, ROUNDS = 5 };
#define ROUND_S 0.4

static uint8_t        entry_bytes[GROUP][ENTRY_SZ];
static cf_log_entry_t entries[GROUP];
static uint8_t        scratch[1 << 20];

static cf_logwriter_t *writer_new(void) {
  static uint8_t const seed[32] = {7};
  cf_effects_t         fx = {.scratch = scratch, .scratch_max = sizeof scratch};
  cf_logwriter_t      *w = malloc(sizeof *w);
  cf_ed25519_pub_t     pub;
  cf_vkey_t            log;
  cf_ed25519_pub(&pub, seed);
  bench_check(!cf_vkey_make(&log, CF_SPAN_LIT("bench.example/log"), CF_VKEY_LOG, &pub), "key");
  cf_logwriter_init(
      w, &(cf_logwriter_config_t){
             .log = log, .seed = seed, .cap = CAP, .mem = calloc(1, cf_logwriter_mem_sz(CAP)), .journal = "journal", .id = 1, .key = cf_log_entry_key});
  cf_logwriter_start(w, &fx);
  while (w->phase != CF_LOGWRITER_READY) { /* of an empty folder */
    bench_check(w->phase != CF_LOGWRITER_FAILED, "start");
    fx.cnt = fx.scratch_len = 0;
    bench_check(cf_logwriter_step(w, &fx, &(cf_event_t){.kind = CF_EV_DONE, .id = 1, .code = 404}), "start");
  }
  return w;
}

static void writer_free(cf_logwriter_t *w) {
  free(w->cfg.mem);
  free(w);
}

/* The next group: entries that were never there before. */
static void append_group(cf_logwriter_t *w, cf_effects_t *fx, size_t group) {
  uint64_t first = w->size;
  fx->cnt = fx->scratch_len = 0;
  for (size_t i = 0; i < group; i++) {
    uint64_t n = first + i;
    memcpy(entry_bytes[i], &n, sizeof n);
    entries[i] = (cf_log_entry_t){.bytes = CF_SPAN_OF(entry_bytes[i]), .key = cf_log_entry_key(CF_SPAN_OF(entry_bytes[i]))};
  }
  bench_check(!cf_logwriter_append(w, fx, entries, group, NULL) && w->size == first + group, "append");
}

/* A step's effects as a process performs them. */
static void perform(cf_files_t const *files, cf_tail_t *tail, cf_effects_t const *fx) {
  cf_files_put_t put[CF_FILES_GROUP_MAX];
  for (size_t i = 0; i < fx->cnt;) {
    cf_effect_t const *e = &fx->at[i];
    size_t             n = 0;
    if (e->kind == CF_FX_APPEND) bench_check(!cf_tail_append(tail, files, e->name, e->body, NULL), "append"), i++;
    if (e->kind == CF_FX_REMOVE) cf_tail_close(tail), bench_check(!cf_files_remove(files, e->name, NULL), "remove"), i++;
    if (e->kind != CF_FX_PUT) continue;
    do put[n++] = (cf_files_put_t){fx->at[i].name, fx->at[i].body}, i++;
    while (i < fx->cnt && fx->at[i].joined && n < CF_FILES_GROUP_MAX);
    bench_check(!cf_files_put_all(files, put, n, NULL), "put");
  }
}

/* What an append left behind is published when nothing more may wait. */
static void publish(cf_logwriter_t *w, cf_effects_t *fx, size_t group) {
  fx->cnt = fx->scratch_len = 0;
  if (w->size - w->filed + group > CF_LOGWRITER_BEHIND_MAX) cf_logwriter_publish(w, fx);
}

static double append_ours(cf_files_t const *files, size_t group) {
  cf_logwriter_t *w = writer_new();
  cf_effects_t    fx = {.scratch = scratch, .scratch_max = sizeof scratch};
  cf_tail_t       tail = {0};
  double          start = bench_now_s(), end;
  do {
    append_group(w, &fx, group);
    perform(files, &tail, &fx);
    publish(w, &fx, group);
    perform(files, &tail, &fx);
    end = bench_now_s();
  } while (end - start < ROUND_S && w->size < CAP);
  publish(w, &fx, CF_LOGWRITER_BEHIND_MAX);
  perform(files, &tail, &fx);
  double rate = (double)w->size / (bench_now_s() - start);
  cf_tail_close(&tail);
  writer_free(w);
  return rate;
}

static double append_bare(char const *path, size_t group) {
  enum { FILE_SZ = 64 << 20, ALIGN = 4096 };
  size_t   sz = (group * (2 + ENTRY_SZ + sizeof(cf_hash_t)) + ALIGN - 1) / ALIGN * ALIGN, at = 0, n = 0;
  uint8_t *buf = aligned_alloc(ALIGN, FILE_SZ);
  int      fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_DSYNC | O_CLOEXEC, 0600);
  bench_check(buf && fd >= 0, "a file for direct writes");
  memset(buf, 1, FILE_SZ);
  if (lseek(fd, 0, SEEK_END) < FILE_SZ) bench_check(pwrite(fd, buf, FILE_SZ, 0) == FILE_SZ, "prewrite");
  double start = bench_now_s(), end;
  do {
    bench_check(pwrite(fd, buf, sz, (off_t)at) == (ssize_t)sz, "direct write");
    at = at + 2 * sz <= FILE_SZ ? at + sz : 0;
    n += group;
    end = bench_now_s();
  } while (end - start < ROUND_S);
  close(fd);
  free(buf);
  return (double)n / (end - start);
}

/* ---- proofs ---- */

typedef struct {
  uint64_t  index;
  cf_hash_t path[SIZE_LOG];
} proof_t;

static proof_t proofs[PROOFS];

static double prove_ours(cf_logwriter_t *w) {
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    n = 0, path_cnt;
  double    start = bench_cpu_s(), end;
  do {
    for (size_t i = 0; i < PROOFS; i++, n++) {
      bench_check(!cf_logwriter_proof(w, path, &path_cnt, proofs[i].index, SIZE) && path_cnt == SIZE_LOG, "proof");
      memcpy(proofs[i].path, path, sizeof proofs[i].path);
    }
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

/* The siblings, level by level, in the writer's own array. */
static double prove_bare(cf_logwriter_t const *w) {
  size_t n = 0;
  double start = bench_cpu_s(), end;
  do {
    for (size_t i = 0; i < PROOFS; i++, n++) {
      cf_hash_t const *level = w->node;
      uint64_t         at = proofs[i].index;
      for (size_t l = 0, width = 1; l < SIZE_LOG; l++, width *= 2, at >>= 1) {
        proofs[i].path[l] = level[at ^ 1];
        level += CAP / width;
      }
      __asm__ volatile("" ::: "memory");
    }
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

static double check_ours(cf_hash_t const *root) {
  size_t n = 0;
  double start = bench_cpu_s(), end;
  do {
    for (size_t i = 0; i < PROOFS; i++, n++) {
      memcpy(entry_bytes[0], &proofs[i].index, sizeof proofs[i].index);
      cf_hash_t leaf = cf_tree_leaf(CF_SPAN_OF(entry_bytes[0]));
      bench_check(!cf_tree_inclusion_verify(root, SIZE, proofs[i].index, &leaf, proofs[i].path, SIZE_LOG), "verify");
    }
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

static double check_bare(void) {
  SHA256_CTX sha;
  size_t     n = 0;
  double     start = bench_cpu_s(), end;
  SHA256_Init(&sha);
  do {
    for (size_t i = 0; i < PROOFS; i++, n++)
      for (int c = 0; c < 5 + 2 * SIZE_LOG; c++) SHA256_Transform(&sha, entry_bytes[0]);
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

/* ---- hashing ---- */

static double nodes_ours(void) {
  static cf_hash_t leaf[CF_TILE_WIDTH];
  cf_hash_t        root = {{0}};
  size_t           n = 0;
  double           start = bench_cpu_s(), end;
  do {
    for (int i = 0; i < 64; i++, n += CF_TILE_WIDTH - 1) {
      leaf[i] = root;
      root = cf_tree_root_of(leaf, CF_TILE_WIDTH);
    }
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (end - start) * 1e9 / (double)n;
}

/* cnt compressions, of four chains at once where that can be. */
static void compress(size_t cnt) {
  static uint8_t              block[4][2 * 64];
  static uint32_t             h[4][8];
  static uint8_t const *const p[4] = {block[0], block[1], block[2], block[3]};
  bool                        four = cf_sha256_ni();
  for (size_t i = 0; i < cnt; i += 8) {
    if (four) cf_sha256_blocks_ni_4(h, p, 2);
    else for (size_t k = 0; k < 4; k++) cf_sha256_blocks_plain(h[k], p[k], 2);
  }
}

static double nodes_bare(void) {
  size_t n = 0;
  double start = bench_cpu_s(), end;
  do {
    compress(2 << 14);
    n += 1 << 14;
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (end - start) * 1e9 / (double)n;
}

/* The bundles of a log of SIZE entries, one behind the other: each is as long as another. */
enum { BUNDLE_SZ = CF_TILE_WIDTH * (2 + ENTRY_SZ), BUNDLES = SIZE / CF_TILE_WIDTH };

static uint8_t *bundles_make(void) {
  uint8_t *all = malloc((size_t)BUNDLES * BUNDLE_SZ);
  bench_check(all != NULL, "memory");
  cf_wr_t wr = cf_wr_init(all, (size_t)BUNDLES * BUNDLE_SZ);
  for (uint64_t n = 0; n < SIZE; n++) {
    memcpy(entry_bytes[n % GROUP], &n, sizeof n);
    cf_bundle_add(&wr, CF_SPAN_OF(entry_bytes[n % GROUP]));
  }
  return all;
}

static void seen(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf) { *(uint64_t *)ctx += 1; }

static double rehash_ours(cf_logwriter_t const *w, uint8_t const *bundles) {
  static cf_logreader_t r;
  uint64_t              entry_cnt = 0;
  double                start = bench_cpu_s();
  cf_logreader_init(&r, &(cf_logreader_sink_t){.entry = seen, .ctx = &entry_cnt});
  bench_check(!cf_logreader_begin(&r, SIZE, &w->root), "begin");
  for (cf_tile_t t; cf_logreader_want(&r, &t);) {
    cf_hash_t const *row = w->node + (2 * CAP - (2 * CAP >> 8 * (t.row < 0 ? 0 : t.row)));
    if (t.row == CF_TILE_ENTRIES) cf_logreader_give(&r, CF_SPAN(bundles + t.index * BUNDLE_SZ, BUNDLE_SZ), false);
    else cf_logreader_give(&r, CF_SPAN(row + t.index * CF_TILE_WIDTH, t.width * sizeof *row), false);
  }
  bench_check(!cf_logreader_end(&r, NULL) && entry_cnt == SIZE, "the log does not agree with itself");
  return (double)SIZE * ENTRY_SZ / 1e6 / (bench_cpu_s() - start);
}

static double rehash_bare(void) {
  double start = bench_cpu_s();
  compress((size_t)SIZE * (5 + 2));
  return (double)SIZE * ENTRY_SZ / 1e6 / (bench_cpu_s() - start);
}

/* ---- rows ---- */

typedef struct {
  double ours[ROUNDS], limit[ROUNDS], peer[ROUNDS];
} rounds_t;

static void row(char const *name, char const *unit, bench_kind_t kind, rounds_t *r) {
  bench_row(name, unit, kind, bench_median(r->ours, ROUNDS), bench_median(r->limit, ROUNDS), bench_median(r->peer, ROUNDS));
}

static void appends(bench_peer_t *peer, char const *dir, size_t group, char const *name) {
  char       path[64];
  cf_files_t files;
  rounds_t   r;
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(path, sizeof path, "%s/%s-%d", dir, name, i); /* no name is another's */
    bench_check(!mkdir(path, 0700) && !cf_files_open(&files, path, "", NULL), path);
    r.ours[i] = append_ours(&files, group);
    cf_files_close(&files);
    snprintf(path, sizeof path, "%s/bare", dir);
    r.limit[i] = append_bare(path, group);
    r.peer[i] = bench_peer_ask(peer, group == 1 ? "append-1" : "append-1024");
  }
  row(name, "entries/s", BENCH_RATE, &r);
}

static void hashing(cf_logwriter_t const *w, bench_peer_t *peer) {
  uint8_t *bundles = bundles_make();
  rounds_t node, rehash;
  for (int i = 0; i < ROUNDS; i++) {
    node.ours[i] = nodes_ours();
    node.limit[i] = nodes_bare();
    node.peer[i] = 1e9 / bench_peer_ask(peer, "node");
    rehash.ours[i] = rehash_ours(w, bundles);
    rehash.limit[i] = rehash_bare();
    rehash.peer[i] = bench_peer_ask(peer, "rehash") * ENTRY_SZ / 1e6;
  }
  free(bundles);
  row("merkle-node", "ns", BENCH_TIME, &node);
  row("audit-rehash", "MB/s", BENCH_RATE, &rehash);
}

static void inclusions(cf_logwriter_t *w, bench_peer_t *peer) {
  uint64_t x = 0x9e3779b97f4a7c15u;
  rounds_t made, checked;
  for (size_t i = 0; i < PROOFS; i++) proofs[i].index = bench_draw(&x) % SIZE;
  for (int i = 0; i < ROUNDS; i++) {
    made.limit[i] = prove_bare(w);
    made.ours[i] = prove_ours(w);
    made.peer[i] = bench_peer_ask(peer, "prove");
    checked.ours[i] = check_ours(&w->root);
    checked.limit[i] = check_bare();
    checked.peer[i] = bench_peer_ask(peer, "check");
  }
  row("inclusion-make", "proofs/s", BENCH_RATE, &made);
  row("inclusion-check", "proofs/s", BENCH_RATE, &checked);
}

int main(void) {
  bench_first();
  bench_peer_t    peer = bench_peer("build/bench/peer-log");
  cf_logwriter_t *w = writer_new();
  cf_effects_t    fx = {.scratch = scratch, .scratch_max = sizeof scratch};
  char dir[] = "build/bench/log-XXXXXX", rm[32];
  bench_check(mkdtemp(dir) != NULL, "a folder");
  appends(&peer, dir, GROUP, "log-append-1024");
  appends(&peer, dir, 1, "log-append-1");
  for (; w->size < SIZE; publish(w, &fx, GROUP)) append_group(w, &fx, GROUP);
  hashing(w, &peer);
  inclusions(w, &peer);
  writer_free(w);
  bench_peer_end(&peer);
  snprintf(rm, sizeof rm, "rm -r %s", dir); /* last: ext4 without a journal makes files ten times as slowly behind removals */
  bench_check(system(rm) == 0, rm);
  return 0;
}
