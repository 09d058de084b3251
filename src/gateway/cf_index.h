/* Which receipt holds an envelope, and where its results are: a bounded table of
   the newest ones.  Everything in it can be made again from log, archive and result files; an older envelope's receipt
   is in the log and its manifest in the archive. */
#ifndef CF_GATEWAY_INDEX_H
#define CF_GATEWAY_INDEX_H

#include "base/cf_bytes.h"

#define CF_INDEX_BATCHES 16384 /* newest batches whose trees are kept */
#define CF_INDEX_PATH_MAX 32
#define CF_INDEX_NONE UINT64_MAX

typedef struct {
  cf_hash_t id;
  uint64_t  sequence; /* of its receipt; 0: not known */
  uint32_t  position; /* in the manifest */
  uint64_t  results;  /* its newest result, number + 1; 0: none */
} cf_index_entry_t;

typedef struct {
  uint64_t sequence; /* 0: none */
  uint32_t cnt;
  uint64_t first; /* entry */
  uint64_t node;  /* first of its tree's nodes: leaves, then each level above */
} cf_index_batch_t;

typedef struct {
  cf_hash_t id;
  uint64_t  sequence; /* of the receipt that it is a leaf of */
  uint64_t  file;
  uint32_t  offset, len;
  uint64_t  before; /* older result of the same envelope, number + 1 */
} cf_index_result_t;

/* Entries, nodes and results are rings, addressed by numbers that only rise. */
typedef struct {
  uint64_t           cap, nodes_cap, mask;
  cf_index_entry_t  *entry;
  uint32_t          *slot; /* entry mod cap, + 1; open addressing, half full at most */
  cf_hash_t         *node;
  cf_index_result_t *result;
  cf_index_batch_t  *batch;
  uint64_t           entries, nodes, results;
} cf_index_t;

size_t cf_index_sz(uint64_t cap);
/* mem is zeroed, cf_index_sz(cap) bytes, aligned to 64. */
void cf_index_init(cf_index_t *x, uint64_t cap, void *mem);

/* cf_index_add takes a batch; *root receives the tree's root over ids.  cnt <= cap / 2. */
void cf_index_add(cf_index_t *x, uint64_t sequence, cf_hash_t const *ids, uint32_t cnt, cf_hash_t *root);
/* NULL when the envelope is not known (any more). */
cf_index_entry_t *cf_index_find(cf_index_t const *x, cf_hash_t const *id);
/* The ids of a batch in order, into out (cnt of them); false when they are gone. */
bool cf_index_manifest(cf_index_t const *x, uint64_t sequence, cf_hash_t *out, uint32_t *cnt);
/* The inclusion path of a position; false when the tree is gone. */
bool cf_index_path(cf_index_t const *x, uint64_t sequence, uint32_t position, cf_hash_t path[CF_INDEX_PATH_MAX],
                   size_t *path_cnt);

/* A result's place.  The same (envelope, receipt) again changes nothing. */
void cf_index_result(cf_index_t *x, cf_hash_t const *id, uint64_t sequence, uint64_t file, uint32_t offset, uint32_t len);
/* Walks an envelope's results, newest first: *at starts as entry->results; false at the end. */
bool cf_index_result_next(cf_index_t const *x, cf_hash_t const *id, uint64_t *at, cf_index_result_t *out);

/* The tree over cnt leaf hashes, level by level into nodes (leaves first, at most 2 cnt + 32); returns how many.  A node without
   a sibling rises unchanged, which is RFC 9162's tree.  cf_levels_path follows one position up. */
size_t cf_levels_make(cf_hash_t *nodes, size_t cnt);
size_t cf_levels_path(cf_hash_t const *nodes, size_t cnt, size_t position, cf_hash_t path[CF_INDEX_PATH_MAX]);

#endif
