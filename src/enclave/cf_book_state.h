/* The book's inside, shared by cf_book*.c. */
#ifndef CF_ENCLAVE_BOOK_STATE_H
#define CF_ENCLAVE_BOOK_STATE_H

#include "crypto/cf_hash.h"
#include "enclave/cf_book.h"
#include "enclave/cf_window.h"
#include "workload/cf_sort.h"

#define CF_BOOK_UNDO_MAX 16 /* postings of one input */

typedef struct {
  uint32_t    id;
  cf_addr_t   owner;
  bool        admitted, closed, defaulted;
  uint8_t     account_class;
  uint64_t    exit_at_s;
  cf_window_t orders;
  uint64_t    inputs_window; /* inputs counts those of this window */
  uint32_t    inputs;
} account_t;

/* Leaf i is at position i + 1 of the tree. */
typedef struct {
  uint32_t account, asset;
  uint64_t balance, held;
  uint64_t flying;   /* debits of contents in flight, a part of held */
  uint64_t sequence; /* of the batch that changed it last: picks the salt */
} leaf_t;

typedef struct { uint32_t leaf; uint64_t held; } undo_t;

/* What a workload may do depends on why it was called. */
typedef enum { PHASE_IDLE, PHASE_INPUT, PHASE_CLOSE, PHASE_OTHER } phase_t;

struct cf_book {
  cf_book_params_t params;
  uint8_t const   *key;
  uint64_t         levels[CF_ASSETS_MAX]; /* of the release buckets, by asset index, at as_of_s */
  uint64_t         now_s, as_of_s;
  uint64_t         sequence, window;
  bool             in_batch, fault;

  account_t *accounts;
  uint32_t   account_cnt;
  uint32_t  *account_index, *owner_index, account_mask; /* open addressing: element + 1, 0 empty */
  leaf_t    *leaves;
  uint32_t   leaf_cnt;
  uint32_t  *leaf_index, leaf_mask;

  cf_hash_t  *nodes[CF_BOOK_DEPTH + 1]; /* level 0: leaf digests by position */
  uint32_t    node_max[CF_BOOK_DEPTH + 1];
  cf_hash_t   empty[CF_BOOK_DEPTH + 1];
  cf_sort_t  *sort, *scratch; /* changed leaves until the seal; entries while a window closes go behind */
  uint32_t    dirty_cnt;
  cf_sha256_t activity; /* of this batch */
  cf_hash_t   activity_last;

  cf_book_content_t contents[CF_WINDOWS_MAX]; /* a ring, oldest at content_head */
  uint32_t          content_head, content_cnt;
  cf_book_entry_t  *staged;
  uint32_t          staged_cnt;

  cf_workload_t const *workload;
  void                *state;
  cf_workload_ctx_t    ctx;
  cf_book_sink_fn_t   *sink;
  void                *sink_host;
  phase_t              phase;
  undo_t               undo[CF_BOOK_UNDO_MAX];
  uint32_t             undo_cnt;
};

/* cf_book.c */
account_t  *cf_book_account_find(cf_book_t const *book, uint32_t id);
account_t  *cf_book_account_add(cf_book_t *book, uint32_t id, cf_addr_t const *owner); /* NULL when full; neither is there */
leaf_t     *cf_book_leaf_find(cf_book_t const *book, uint32_t account, uint32_t asset);
void        cf_book_ahead(cf_book_t const *book, uint32_t account, uint32_t asset); /* into the cache, and nothing else */
leaf_t     *cf_book_leaf_add(cf_book_t *book, uint32_t account, uint32_t asset);
int         cf_book_asset_find(cf_book_t const *book, uint32_t asset); /* index, -1 */
cf_status_t cf_book_fault(cf_book_t *book);
static inline uint64_t
cf_book_entry_key(cf_book_entry_t const *e) {
  return (uint64_t)e->asset << 33 | (uint64_t)e->kind << 32 | e->account;
}
static inline cf_book_content_t *
cf_book_content_at(cf_book_t *book, size_t i) {
  return &book->contents[(book->content_head + i) % CF_WINDOWS_MAX];
}

/* cf_book_run.c: the functions of the workload's ctx */
void cf_book_ctx_init(cf_book_t *book);
/* Checks form, lanes, cover and zero-sum of a content: CF_ERR_POLICY. */
CF_MUST_CHECK cf_status_t cf_book_content_check(cf_book_t const *book, cf_book_content_t const *content);
/* Adds (sign 1) or takes back (-1) the debits of a content to what is in flight. */
void cf_book_content_fly(cf_book_t *book, cf_book_content_t const *content, int sign);

/* cf_book_tree.c */
void cf_book_tree_init(cf_book_t *book);
void cf_book_touch(cf_book_t *book, leaf_t *leaf); /* leaf changed in this batch */
void cf_book_tree_update(cf_book_t *book);         /* all paths of touched leaves and position 0 */
void cf_book_tree_reload(cf_book_t *book);         /* the whole tree from leaves that were read */
#define CF_BOOK_NOTE_HEAD_SZ 5 /* kind u8, length u32 */
/* cf_book_note adds a record to what the reserved leaf commits to: its kind and bytes. */
void cf_book_note(cf_book_t *book, uint8_t kind, cf_span_t record);

#endif
