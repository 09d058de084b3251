/* Checks the files of a log against a checkpoint: entries against tiles, tiles
   against each other, both against the root.  It is told what a file holds and
   says which one it wants next, so audit, feed and `verify log` drive it with whatever reads files for them. */
#ifndef CF_TRANSLOG_LOGREADER_H
#define CF_TRANSLOG_LOGREADER_H

#include "base/cf_error.h"
#include "translog/cf_tile.h"
#include "translog/cf_tree.h"

typedef enum {
  CF_LOG_FAULT_MISSING,   /* the file is not there                                                       */
  CF_LOG_FAULT_MALFORMED, /* not the number of entries or hashes that its name promises                  */
  CF_LOG_FAULT_ENTRY,     /* entry `at` hashes to `is`, the level 0 tile says `says`                     */
  CF_LOG_FAULT_TILE,      /* hash `at` of the row is `says`, the level below gives `is`                  */
  CF_LOG_FAULT_FORK,      /* the first `at` entries have root `is`, the checkpoint read before `says`    */
  CF_LOG_FAULT_ROOT,      /* all `at` entries have root `is` by entries and tiles, the checkpoint `says` */
} cf_log_fault_kind_t;

typedef struct {
  cf_log_fault_kind_t kind;
  cf_tile_t           file; /* the file that was given when it was found; not for FORK and ROOT */
  uint64_t            at;
  cf_hash_t           is;
  cf_hash_t           says;
} cf_log_fault_t;

/* Where findings go; both may be NULL.  entry is called once for every entry of every bundle that can be read, in
   order, whether or not its tile agrees; bytes are borrowed for the call. */
typedef struct {
  void (*entry)(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf);
  void (*fault)(void *ctx, cf_log_fault_t const *fault);
  void *ctx;
} cf_logreader_sink_t;

typedef struct {
  cf_logreader_sink_t sink;
  uint64_t            size, old_size;
  cf_hash_t           root, old_root;
  cf_tile_t           want;
  bool                done;
  unsigned            trail;        /* the next level whose partial tile ends the reading */
  bool                entries_lost; /* a bundle could not be read: nothing follows from entries any more */
  uint64_t            fault_cnt;
  cf_log_fault_t      first;
  cf_frontier_t       by_entries, by_tiles;       /* of what was read                                 */
  cf_frontier_t       whole_entries, whole_tiles; /* the same at the last whole tile: where to extend */
  unsigned            leaf_cnt;                   /* of the bundle given last */
  cf_hash_t           leaf[CF_TILE_WIDTH];
  cf_hash_t           row[CF_TILE_ROWS][CF_TILE_WIDTH]; /* the tile under way in each row, as the row below gives it */
} cf_logreader_t;

/* cf_logreader_init; then cf_logreader_begin for a checkpoint that the caller believes; then, while
   cf_logreader_want, give or missing; then cf_logreader_end.  After a clean end begin again with a larger
   checkpoint reads only what is new, and checks that it extends the old one.  About 80 KiB; allocates nothing. */
void cf_logreader_init(cf_logreader_t *r, cf_logreader_sink_t const *sink);
/* CF_ERR_BOUND: smaller than before, or over CF_TREE_SIZE_MAX.  CF_ERR_AUTH: the last reading did not end clean. */
CF_MUST_CHECK cf_status_t cf_logreader_begin(cf_logreader_t *r, uint64_t size, cf_hash_t const *root);
bool                      cf_logreader_want(cf_logreader_t const *r, cf_tile_t *file);
/* cf_logreader_give takes the wanted file's bytes.  When a partial tile is gone because the full one exists, its
   bytes may be given in its place (full = true): the reader cuts them. */
void cf_logreader_give(cf_logreader_t *r, cf_span_t bytes, bool full);
void cf_logreader_missing(cf_logreader_t *r);
/* cf_logreader_end: CF_OK when everything agrees; CF_ERR_AUTH, err naming file, entry, both hashes and whose side the
   checkpoint takes.  Asserts that nothing is wanted any more. */
CF_MUST_CHECK cf_status_t cf_logreader_end(cf_logreader_t *r, cf_error_t *err);

#endif
