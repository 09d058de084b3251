/* Alters the public folder of a domain in every way and asks the audit's core each time: it must find the change and name the
   file.  The folder lies in memory, and a signature is verified once however often it is met (sim/cf_memo.c), so that a change
   costs milliseconds.  What an operating system adds (links, folders, modes) alter.sh does with the real command.

   alter DIR [--old DIR] [--small BYTES] [--each N] [--every N] [--seed N] [--jobs N]
     DIR      a public folder that holds; --old: the same of before, whose files replace those of now
     --small  files up to so many bytes have every byte changed, larger ones --each bytes at random (and first and last)
     --every  only each N-th change, from a place that the seed gives
   Its last line: "public: N changes, N found, N that leave a whole folder". */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit/cf_audit.h"
#include "document/cf_documents.h"
#include "translog/cf_tile.h"

enum { FILES_MAX = 8192, JOBS_MAX = 64, SAID_MAX = 20 };

static void die(char const *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(char const *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
  exit(2);
}

/* ---- a folder in memory ---- */

typedef struct {
  char     name[160];
  uint8_t *bytes; /* one byte of room behind them */
  size_t   len;
  bool     gone;
} file_t;

typedef struct {
  file_t file[FILES_MAX];
  size_t cnt;
} tree_t;

static file_t *find(tree_t *t, char const *name) {
  for (size_t i = 0; i < t->cnt; i++)
    if (!strcmp(t->file[i].name, name)) return &t->file[i];
  return NULL;
}

static void load(tree_t *t, char const *root, char const *below) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", root, below);
  DIR *d = opendir(path);
  if (!d) die("%s cannot be read", path);
  for (struct dirent *e; (e = readdir(d));) {
    struct stat s;
    char        name[512];
    if (e->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "%.200s%s%.200s", below, *below ? "/" : "", e->d_name);
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (stat(path, &s)) die("%s cannot be read", path);
    if (S_ISDIR(s.st_mode)) {
      load(t, root, name);
      continue;
    }
    if (t->cnt == FILES_MAX) die("more than %d files", FILES_MAX);
    file_t *f = &t->file[t->cnt++];
    FILE   *in = fopen(path, "rb");
    snprintf(f->name, sizeof f->name, "%.150s", name);
    f->len = (size_t)s.st_size;
    f->bytes = malloc(f->len + 1);
    if (!in || !f->bytes || fread(f->bytes, 1, f->len, in) != f->len) die("%s cannot be read", path);
    fclose(in);
  }
  closedir(d);
}

static int by_name(void const *x, void const *y) { return strcmp(((file_t const *)x)->name, ((file_t const *)y)->name); }

static cf_status_t tree_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  tree_t *t = ctx;
  for (size_t i = 0; i < t->cnt; i++)
    if (!t->file[i].gone) fn(fn_ctx, t->file[i].name);
  return CF_OK;
}

static cf_read_t tree_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  file_t *f = find(ctx, name);
  if (!f || f->gone) return CF_READ_ABSENT;
  if (f->len > max) return CF_READ_LARGE;
  *bytes = CF_SPAN(f->bytes, f->len);
  return CF_READ_OK;
}

/* ---- what is found ---- */

typedef struct {
  uint64_t changes, found, may, said;
} sums_t;

static tree_t   tree, old;
static sums_t  *sums; /* of this job; in memory that all jobs share */
static uint64_t turn, jobs = 1, job, every = 1, from;

/* Is this change ours to make?  Every job counts them all alike. */
static bool mine(void) {
  uint64_t at = turn++;
  return at % every == from % every && at / every % jobs == job;
}

static cf_status_t ask(char const *name, char const *other, bool *named) {
  cf_audit_t         *a;
  cf_audit_reader_t   r = {tree_list, tree_read, &tree};
  cf_audit_options_t  o = {.now_s = (uint64_t)time(NULL)};
  cf_status_t         st = cf_audit_run(&a, &r, &o);
  *named = false;
  for (size_t i = 0; i < cf_audit_counts(a)->faults && i < CF_AUDIT_FAULTS_MAX; i++) {
    char const *file = cf_audit_fault_at(a, i)->file;
    *named |= !strcmp(file, name) || (other && !strcmp(file, other));
  }
  cf_audit_free(a);
  return st;
}

static void tell(bool ok, char const *name, char const *what, size_t at, cf_status_t st, bool named) {
  sums->changes++;
  sums->found += ok;
  if (!ok && sums->said++ < SAID_MAX)
    printf("not found: %s %s at %zu: %s, %s\n", name, what, at, cf_status_name(st), named ? "named" : "not named");
}

/* other: a second file of which the change may be told instead; NULL none. */
static void must(char const *name, char const *other, char const *what, size_t at) {
  bool        named;
  cf_status_t st = ask(name, other, &named);
  tell(st == CF_ERR_AUTH && named, name, what, at, st, named);
}

/* ---- what may go ---- */

static uint64_t note_size(char const *name) { return strncmp(name, "checkpoints/", 12) ? 0 : strtoull(name + 12, NULL, 10); }

static bool tile_of(cf_tile_t *t, char const *name) {
  return !strncmp(name, "log/tile/", 9) && !cf_tile_parse(t, CF_SPAN(name + 4, strlen(name) - 4));
}

static bool named_by_a_receipt(uint64_t size) {
  for (size_t i = 0; i < tree.cnt; i++) {
    cf_tile_t t;
    cf_rd_t   rd = cf_rd_init(tree.file[i].bytes, tree.file[i].len);
    cf_span_t entry;
    if (!tile_of(&t, tree.file[i].name) || t.row != CF_TILE_ENTRIES) continue;
    while (cf_bundle_next(&rd, &entry)) {
      cf_receipt_t doc;
      cf_sign1_t   s;
      if (!cf_document_open(&doc, &s, &cf_receipt_table, entry, NULL) && doc.not_before.size == size) return true;
    }
  }
  return false;
}

/* docs/protocol/audit.md: a folder without it is one that an honest domain may have left, too. */
static bool may_go(char const *name) {
  cf_tile_t t;
  uint64_t  size = note_size(name);
  bool      wider = false;
  if (size) return !named_by_a_receipt(size);
  if (!strcmp(name, "archive/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")) return true; /* empty */
  if (!tile_of(&t, name)) return false;
  for (size_t i = 0; i < tree.cnt; i++) {
    cf_tile_t o;
    uint64_t  kept = note_size(tree.file[i].name);
    if (kept && t.width == (kept >> (t.row > 0 ? 8 * t.row : 0)) % CF_TILE_WIDTH) return false; /* of a kept checkpoint */
    wider |= tile_of(&o, tree.file[i].name) && o.row == t.row && o.index == t.index && o.width > t.width;
  }
  return wider;
}

/* ---- the changes ---- */

static uint64_t seed_state;
static uint64_t draw(uint64_t n) { /* splitmix64 */
  uint64_t z = seed_state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % n;
}

static void flip(file_t *f, size_t at) {
  uint8_t bit = (uint8_t)(1u << draw(8));
  if (!mine()) return;
  f->bytes[at] ^= bit;
  must(f->name, NULL, "flipped", at);
  f->bytes[at] ^= bit;
}

static void bytes(file_t *f, size_t small, size_t each) {
  if (f->len <= small)
    for (size_t at = 0; at < f->len; at++) flip(f, at);
  else
    for (size_t i = 0; i < each; i++) flip(f, i == 0 ? 0 : i == 1 ? f->len - 1 : draw(f->len));
}

static void length(file_t *f) {
  size_t const len = f->len, cut[] = {len ? len - 1 : 0, draw(len + 1), 0};
  uint8_t      last = f->bytes[len];
  for (size_t i = 0; i < CF_COUNT_OF(cut); i++)
    if (cut[i] < len && mine()) {
      f->len = cut[i];
      must(f->name, NULL, "cut", cut[i]);
      f->len = len;
    }
  for (unsigned i = 0; i < 2; i++)
    if (mine()) {
      f->bytes[len] = i ? '\n' : 0;
      f->len = len + 1;
      must(f->name, NULL, "lengthened", len);
      f->len = len;
    }
  f->bytes[len] = last;
}

static void removed(file_t *f) {
  bool named;
  if (!mine()) return;
  f->gone = true;
  cf_status_t st = ask(f->name, NULL, &named);
  f->gone = false;
  if (st == CF_OK && may_go(f->name)) sums->may++;
  else tell(st == CF_ERR_AUTH && named, f->name, "removed", 0, st, named);
}

static void put(file_t *f, file_t const *by, char const *what) {
  file_t keep = *f;
  if ((f->len == by->len && !memcmp(f->bytes, by->bytes, by->len)) || !mine()) return;
  f->bytes = by->bytes;
  f->len = by->len;
  must(f->name, NULL, what, 0);
  *f = keep;
}

static void exchange(file_t *x, file_t *y) {
  file_t kx = *x, ky = *y;
  if ((x->len == y->len && !memcmp(x->bytes, y->bytes, y->len)) || !mine()) return;
  x->bytes = ky.bytes, x->len = ky.len;
  y->bytes = kx.bytes, y->len = kx.len;
  must(x->name, y->name, "exchanged", 0);
  *x = kx, *y = ky;
}

static bool same_kind(file_t const *x, file_t const *y) {
  char const *sx = strrchr(x->name, '/'), *sy = strrchr(y->name, '/');
  return sx && sy && sx - x->name == sy - y->name && !strncmp(x->name, y->name, (size_t)(sx - x->name));
}

/* With the next of its kind, and with one of them at random. */
static void others(size_t i) {
  file_t *f = &tree.file[i], *was = find(&old, f->name);
  size_t  lo = i, hi = i + 1;
  if (was) put(f, was, "replaced by an older version of itself");
  while (lo && same_kind(f, &tree.file[lo - 1])) lo--;
  while (hi < tree.cnt && same_kind(f, &tree.file[hi])) hi++;
  if (hi - lo < 2) return;
  file_t *next = &tree.file[i + 1 < hi ? i + 1 : lo], *any = &tree.file[lo + draw(hi - lo)];
  put(f, next, "replaced by the next of its kind");
  put(f, any, "replaced by another of its kind");
  exchange(f, next);
  exchange(f, any);
}

/* A stranger beside each file, of the file's form and not, and an empty one. */
static void added(file_t const *beside) {
  static char const *const suffix[] = {"0", ".tmp", "~", "/x"};
  file_t                  *f = &tree.file[tree.cnt];
  char const              *slash = strrchr(beside->name, '/');
  int                      folder = slash ? (int)(slash - beside->name) + 1 : 0;
  for (unsigned i = 0; i < 5; i++)
    for (unsigned empty = 0; empty < 2; empty++)
      if (mine()) {
        *f = (file_t){.bytes = beside->bytes, .len = empty ? 0 : beside->len};
        if (i < 4) snprintf(f->name, sizeof f->name, "%.140s%s", beside->name, suffix[i]);
        else snprintf(f->name, sizeof f->name, "%.*s.hidden", folder, beside->name);
        if (find(&tree, f->name)) continue;
        tree.cnt++;
        must(f->name, NULL, empty ? "added, empty" : "added", 0);
        tree.cnt--;
      }
}

static void all(size_t small, size_t each) {
  for (size_t i = 0; i < tree.cnt; i++) {
    file_t *f = &tree.file[i];
    bytes(f, small, each);
    length(f);
    removed(f);
    others(i);
    added(f);
  }
}

/* ---- */

static uint64_t number(char const *s) {
  char    *end;
  uint64_t v = strtoull(s, &end, 10);
  if (*end || end == s) die("not a number: %s", s);
  return v;
}

int main(int argc, char **argv) {
  uint64_t small = 4096, each = 1000, seed = (uint64_t)time(NULL);
  bool     named;
  if (argc < 2) die("usage: alter DIR [--old DIR] [--small BYTES] [--each N] [--every N] [--seed N] [--jobs N]");
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--old")) load(&old, argv[i + 1], "");
    else if (!strcmp(argv[i], "--small")) small = number(argv[i + 1]);
    else if (!strcmp(argv[i], "--each")) each = number(argv[i + 1]);
    else if (!strcmp(argv[i], "--every")) every = number(argv[i + 1]);
    else if (!strcmp(argv[i], "--seed")) seed = number(argv[i + 1]);
    else if (!strcmp(argv[i], "--jobs")) jobs = number(argv[i + 1]);
    else die("unknown: %s", argv[i]);
  }
  if (!every || !jobs || jobs > JOBS_MAX) die("--every and --jobs are at least 1, jobs at most %d", JOBS_MAX);
  load(&tree, argv[1], "");
  if (tree.cnt + 1 >= FILES_MAX) die("more than %d files", FILES_MAX);
  qsort(tree.file, tree.cnt, sizeof *tree.file, by_name);
  if (ask("", NULL, &named)) die("%s does not hold before anything is changed", argv[1]);
  printf("seed %llu, %zu files\n", (unsigned long long)seed, tree.cnt);
  fflush(stdout);
  seed_state = seed;
  from = draw(every);
  sums_t *shared = mmap(NULL, JOBS_MAX * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) die("no memory");
  for (job = 0; job < jobs; job++) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid) continue;
    sums = &shared[job];
    all(small, each);
    if (ask("", NULL, &named)) die("the folder is not as it was");
    fflush(stdout);
    _exit(0);
  }
  int status, bad = 0;
  while (wait(&status) > 0) bad |= status;
  sums_t sum = {0};
  for (size_t i = 0; i < jobs; i++) {
    sum.changes += shared[i].changes;
    sum.found += shared[i].found;
    sum.may += shared[i].may;
  }
  if (bad) die("a job ended badly");
  printf("public: %llu changes, %llu found, %llu that leave a whole folder\n", (unsigned long long)sum.changes,
         (unsigned long long)sum.found, (unsigned long long)sum.may);
  return sum.changes && sum.found == sum.changes ? 0 : 1;
}
