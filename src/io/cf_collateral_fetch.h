/* Collateral from the makers' services into a folder (io/cf_collateral_dir.h), for a program that asks and waits: never on the
   way of a verification, which reads the folder alone.

   One process fetches into a folder at a time; another waits, and then finds what the first one brought.  A source is asked one
   thing at a time, CF_FETCH_GAP_MS apart, and is left alone for as long as it says, or as its failures suggest, by every process
   that uses the folder.  An answer is kept only when cf_vendor_read finds it good, and none that is older than what is held. */
#ifndef CF_IO_COLLATERAL_FETCH_H
#define CF_IO_COLLATERAL_FETCH_H

#include "evidence/cf_vendor_answer.h"
#include "io/cf_collateral_dir.h"

#define CF_SOURCES_MAX 8
#define CF_FETCH_GAP_MS 100
#define CF_FETCH_TIMEOUT_MS 10000
#define CF_FETCH_FIELDS_MAX (64u << 10) /* bytes of an answer's head; its body: CF_VENDOR_PART_MAX */

typedef struct {
  cf_source_kind_t kind;
  char const      *url; /* https:// */
} cf_source_t;

/* The makers' own. */
#define CF_SOURCES_DEFAULT_CNT 3
extern cf_source_t const cf_sources_default[CF_SOURCES_DEFAULT_CNT];

/* What is asked; all borrowed. */
typedef struct {
  cf_source_t const *sources; /* in the order in which they are asked */
  size_t             source_cnt;
  char const        *ca_file; /* PEM of roots for TLS; NULL: the system's */
  cf_root_t const   *roots;   /* trust anchors of what is fetched; none: the makers' */
  size_t             root_cnt;
  int64_t            at_s;        /* as of which answers are judged: now, as a rule */
  int64_t            max_age_ms;  /* what was asked for within it is not asked for again; 0: everything is */
  unsigned           timeout_ms;  /* of one question; 0: CF_FETCH_TIMEOUT_MS */
  uint64_t           patience_ms; /* for all waiting together: another process, and sources that want to be left alone */
} cf_fetch_ask_t;

typedef enum {
  CF_FETCH_FAILED,
  CF_FETCH_HELD, /* not asked for: it is not due                 */
  CF_FETCH_SAME, /* asked for, and what came was there already   */
  CF_FETCH_NEW,
} cf_fetch_outcome_t;

/* What became of one item. */
typedef struct {
  cf_fetch_outcome_t outcome;
  bool               found; /* record is there: the newest as of at_s, also when fetching failed */
  cf_vendor_record_t record;
  char               why[CF_SOURCES_MAX][400]; /* "URL: reason" of each source that was asked in vain, or could not be */
  size_t             why_cnt;
  bool               refused; /* a source gave something, and it was not what it must be */
} cf_fetched_t;

typedef struct cf_collateral_fetch cf_collateral_fetch_t;

/* cf_collateral_fetch_open takes the folder's lock, waiting as ask->patience_ms says, and connects to nobody yet.
   CF_ERR_POLICY: another process has it; CF_ERR_FORMAT, CF_ERR_BOUND: a URL; CF_ERR_UNSUPPORTED: no libcurl; CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_collateral_fetch_open(cf_collateral_fetch_t **out, char const *folder, cf_fetch_ask_t const *ask,
                                                   cf_error_t *err);
void                      cf_collateral_fetch_close(cf_collateral_fetch_t *f); /* NULL is fine */

/* cf_collateral_fetch gets one item, and first what its answer can only be understood by.  That nobody has it is an outcome, not
   an error: errors are the folder's. */
CF_MUST_CHECK cf_status_t cf_collateral_fetch(cf_fetched_t *out, cf_collateral_fetch_t *f, cf_vendor_item_t const *item,
                                              cf_error_t *err);

/* cf_collateral_fetch_dir is the folder. */
cf_files_t const *cf_collateral_fetch_dir(cf_collateral_fetch_t const *f);

#endif
