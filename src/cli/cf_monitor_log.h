/* One log of the monitor: its core, and its files under the monitor's folder (docs/monitor.md, "Its folder"). */
#ifndef CF_CLI_MONITOR_LOG_H
#define CF_CLI_MONITOR_LOG_H

#include "audit/cf_logscan.h"
#include "audit/cf_monitor.h"
#include "cli/cf_state_file.h"
#include "ledger/cf_domain.h"

#define CF_MONITOR_PLACES_MAX 8 /* of one log */

/* A URL or a folder, as a reader that gives up on who is slower than CF_MONITOR_RATE after CF_MONITOR_PATIENCE_MS. */
#define CF_MONITOR_PATIENCE_MS 30000u
#define CF_MONITOR_RATE        (64u << 10) /* bytes per second */
typedef struct {
  char const       *where;
  cf_audit_reader_t under, reader;
  uint64_t          began_ms, bytes; /* of this round */
  cf_span_t         genesis;         /* as it was at first contact */
  unsigned          source;
  cf_state_file_t   state;
  cf_checkpoint_t   audited; /* the head that was audited last, or of STRANGER read, without its spans */
  uint64_t          audited_s;
  bool              clean;
  cf_logreader_t   *log;    /* STRANGER: what was read of it; NULL: entries are not */
  cf_error_t        fault;  /* STRANGER: of the last reading */
  bool              failed; /* STRANGER: a file could not be read */
} cf_monitor_place_t;

typedef struct {
  char                dir[512];
  cf_domain_t         domain;   /* of a stranger's log: its key, and as id the hash of that */
  bool                stranger; /* it is no domain's: heads, tiles and entries are followed, nothing is audited */
  cf_tlog_policy_t const *policy; /* STRANGER: NULL, or whose witnesses are the domain's */
  cf_monitor_t       *monitor;
  int                 seen; /* append-only */
  size_t              place_cnt, witness_cnt;
  cf_monitor_place_t *place[CF_MONITOR_PLACES_MAX];
  char const        **witness; /* URLs; their sources follow the places' */
  unsigned            first_witness;
  uint64_t            audit_every_s;
} cf_monitor_log_t;

typedef struct {
  uint64_t stale_s, silent_s, quorum_s, audit_every_s;
} cf_monitor_times_t;

/* cf_monitor_place_open finds the place's genesis: what it was at first contact, else as it is now, which is kept. 0, or an exit status. */
int cf_monitor_place_open(cf_monitor_place_t *p, char const *where, char const *folder);
/* cf_monitor_place_stranger opens a place of a log that has no genesis; entries: they are read, too. */
int cf_monitor_place_stranger(cf_monitor_place_t *p, char const *where, bool entries);
/* cf_monitor_log_open makes the log's folder and takes back what it knew; places and witnesses are in l. */
int cf_monitor_log_open(cf_monitor_log_t *l, char const *folder, cf_monitor_times_t const *times);
/* cf_monitor_log_round asks every witness, then every place, audits what is new, and tells.  0, or CF_EXIT_WORLD when the monitor's own files fail. */
int cf_monitor_log_round(cf_monitor_log_t *l, uint64_t now_s);

#endif
