/* cf-make-log DIR ENTRIES [FROM]   writes a whole log in tlog-tiles form, for what reads logs of millions of entries: DIR/log.vkey and DIR/log/
   with bundles, tiles and a signed checkpoint.  Entry i is 256 bytes: i in eight bytes, the lowest first, and what xorshift64* makes of it; from FROM on, another.
   The key is a test's, known to all: seed 07 07 ... 07, origin example.com/made.  It streams: a few hundred kilobytes, whatever the
   size.  Nothing is synced, and nothing in DIR is kept: a log there already is refused. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "translog/cf_note.h"
#include "translog/cf_tile.h"

enum { ENTRY_SZ = 256 };

static char const *dir;
static uint64_t    other_from = UINT64_MAX;
static char        made[512]; /* the folder made last */

static void make_folder_of(char const *path) {
  size_t len = (size_t)(strrchr(path, '/') - path);
  if (strlen(made) == len && !memcmp(made, path, len)) return;
  memcpy(made, path, len);
  made[len] = 0;
  for (char *at = made + 1; (at = strchr(at, '/')); at++) {
    *at = 0;
    if (mkdir(made, 0755) && errno != EEXIST) err(1, "%s", made);
    *at = '/';
  }
  if (mkdir(made, 0755) && errno != EEXIST) err(1, "%s", made);
}

static void put(char const *name, cf_span_t bytes) {
  char path[512];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path) errx(1, "%s: too long a name", dir);
  make_folder_of(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) err(1, "%s", path);
  for (size_t at = 0; at < bytes.len;) {
    ssize_t n = write(fd, bytes.ptr + at, bytes.len - at);
    if (n < 0) err(1, "%s", path);
    at += (size_t)n;
  }
  if (close(fd)) err(1, "%s", path);
}

static void put_tile(int row, uint64_t index, unsigned width, cf_span_t bytes) {
  char name[4 + CF_TILE_PATH_MAX] = "log/";
  cf_tile_path(name + 4, &(cf_tile_t){.row = row, .index = index, .width = width});
  put(name, bytes);
}

/* ---- the tree ---- */

static struct {
  uint64_t  index; /* of the tile under way */
  unsigned  cnt;
  cf_hash_t hash[CF_TILE_WIDTH];
} row[CF_TILE_ROWS];
static cf_frontier_t frontier;

/* Writes the tile under way in a row; a full one goes on into the row above. */
static void put_row(unsigned level) {
  put_tile((int)level, row[level].index, row[level].cnt, CF_SPAN((uint8_t const *)row[level].hash, 32 * (size_t)row[level].cnt));
  if (row[level].cnt < CF_TILE_WIDTH) return;
  cf_hash_t root = cf_tree_root_of(row[level].hash, CF_TILE_WIDTH);
  row[level].index++;
  row[level].cnt = 0;
  if (level == 0) cf_frontier_add_tree(&frontier, 8, &root);
  row[level + 1].hash[row[level + 1].cnt++] = root;
  if (row[level + 1].cnt == CF_TILE_WIDTH) put_row(level + 1);
}

static void make_entry(uint8_t out[ENTRY_SZ], uint64_t index) {
  uint64_t x = index + 0x9e3779b97f4a7c15u + (index >= other_from ? (uint64_t)1 << 40 : 0);
  for (size_t i = 0; i < ENTRY_SZ; i += 8) {
    uint64_t v = i ? x * 0x2545f4914f6cdd1du : index;
    for (size_t k = 0; k < 8; k++) out[i + k] = (uint8_t)(v >> 8 * k);
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
  }
}

static void make_bundle(uint64_t index, unsigned cnt) {
  static uint8_t bytes[CF_TILE_WIDTH * (2 + ENTRY_SZ)];
  cf_span_t      entry[CF_TILE_WIDTH];
  cf_wr_t        wr = cf_wr_init(bytes, sizeof bytes);
  for (unsigned i = 0; i < cnt; i++) {
    uint8_t own[ENTRY_SZ];
    make_entry(own, index * CF_TILE_WIDTH + i);
    cf_bundle_add(&wr, CF_SPAN_OF(own));
    entry[i] = CF_SPAN(bytes + wr.len - ENTRY_SZ, ENTRY_SZ);
  }
  put_tile(CF_TILE_ENTRIES, index, cnt, cf_wr_out(&wr));
  cf_sha256_leaves(row[0].hash, entry, cnt);
  row[0].cnt = cnt;
  put_row(0);
}

int main(int argc, char **argv) {
  static uint8_t   seed[32], text[CF_VKEY_TEXT_MAX + 1], note[CF_CHECKPOINT_NOTE_MAX];
  cf_ed25519_pub_t pub;
  cf_vkey_t        key;
  char            *end;
  uint64_t         size = argc == 3 || argc == 4 ? strtoull(argv[2], &end, 10) : 0;
  if (argc == 4 && !*end) other_from = strtoull(argv[3], &end, 10);
  if (argc < 3 || argc > 4 || *end || !size || size > CF_TREE_SIZE_MAX) errx(2, "usage: cf-make-log DIR ENTRIES [FROM]");
  dir = argv[1];
  memset(seed, 7, sizeof seed);
  cf_ed25519_pub(&pub, seed);
  if (cf_vkey_make(&key, CF_SPAN_LIT("example.com/made"), CF_VKEY_LOG, &pub)) errx(1, "key");
  for (uint64_t i = 0; i < size; i += CF_TILE_WIDTH)
    make_bundle(i / CF_TILE_WIDTH, size - i < CF_TILE_WIDTH ? (unsigned)(size - i) : CF_TILE_WIDTH);
  for (unsigned level = 1; level < CF_TILE_ROWS; level++)
    if (row[level].cnt) put_row(level);
  cf_frontier_add_all(&frontier, row[0].hash, row[0].cnt); /* uses them up */
  cf_hash_t root = cf_frontier_root(&frontier);
  cf_wr_t   wr = cf_wr_init(text, sizeof text);
  cf_vkey_format(&wr, &key);
  cf_wr_u8(&wr, '\n');
  put("log.vkey", cf_wr_out(&wr));
  wr = cf_wr_init(note, sizeof note);
  cf_checkpoint_sign(&wr, &key, seed, size, &root);
  put("log/checkpoint", cf_wr_out(&wr));
  return 0;
}
