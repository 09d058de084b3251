/* The monitor's core: what it makes of the checkpoints and audits of one log, as incidents (docs/monitor.md).

   It is told what each source says: places, which serve the log's files, and witnesses, which serve the checkpoint that they cosigned last.
   Every head that it hears of is handed out as a record, to be durable before anything follows from it.  No I/O, no clock; time is
   an argument.  Memory: one block by malloc, 6 MB at most; ends the process when there is none.  Not thread-safe. */
#ifndef CF_AUDIT_MONITOR_H
#define CF_AUDIT_MONITOR_H

#include "audit/cf_audit.h"
#include "translog/cf_tlog_policy.h"

#define CF_MONITOR_SOURCES_MAX 32
#define CF_MONITOR_HEADS_MAX   65536 /* in memory; older ones stay in the records, and are compared with no more */
#define CF_MONITOR_OPEN_MAX    1024  /* incidents; of more, the first are told */
#define CF_MONITOR_FORKS_MAX   64
#define CF_MONITOR_RECORD_MAX  8192

typedef enum {
  CF_INCIDENT_FORK,       /* two signed heads contradict each other; with a proof */
  CF_INCIDENT_ROLLBACK,   /* a source shows less than it did */
  CF_INCIDENT_STALE,      /* no quorum stood behind anything for too long */
  CF_INCIDENT_ENCLAVE,    /* one that nobody certified, or should not have */
  CF_INCIDENT_VERDICT,    /* a verdict that does not follow from its evidence */
  CF_INCIDENT_SETTLEMENT, /* one without receipt, or not as receipts say */
  CF_INCIDENT_SILENCE,    /* a source does not answer, or not in time */
  CF_INCIDENT_LIE,        /* a source answers what it cannot mean */
  CF_INCIDENT_ALTERED,    /* any other fault of an audit */
  CF_INCIDENT_QUORUM,     /* what a place shows is not cosigned as the policy asks */
  CF_INCIDENTS,
} cf_incident_kind_t;
char const *cf_incident_name(cf_incident_kind_t kind); /* "fork", ... */

typedef struct {
  cf_incident_kind_t kind;
  unsigned           source;
  char               id[17]; /* hex: the same incident has the same, in every life of the monitor */
  uint64_t           since_s;
  bool               proven; /* FORK: a proof was handed out under this id */
  bool               lasting, again; /* the core's */
  char               text[240];
} cf_incident_t;

/* What the core asks for.  A failure of keep, fetch or proof ends the round: CF_ERR_IO from whatever was called. */
typedef struct {
  cf_status_t (*keep)(void *ctx, cf_span_t record);                        /* append, durable when it returns */
  cf_status_t (*fetch)(void *ctx, uint64_t offset, uint8_t *buf, size_t n); /* bytes of kept records */
  cf_status_t (*proof)(void *ctx, char const *id, cf_span_t fork);          /* a file of its own, durable when it returns */
  void (*tell)(void *ctx, cf_incident_t const *i, bool over);
  void *ctx;
} cf_monitor_out_t;

typedef struct {
  cf_witness_set_t const *set; /* borrowed */
  uint64_t                stale_s, silent_s;
  uint64_t                grace_s; /* that an enclave may take from its boot entry to its results */
  cf_tlog_policy_t const *policy;  /* whose witnesses are the set's members, in their order; NULL: no quorum is asked for.  Borrowed */
  uint64_t                quorum_s; /* that cosignatures may come after a head */
} cf_monitor_config_t;

typedef struct cf_monitor cf_monitor_t;
cf_monitor_t *cf_monitor_new(cf_monitor_config_t const *cfg, cf_monitor_out_t const *out);
void          cf_monitor_free(cf_monitor_t *m);

/* cf_monitor_source adds one, under a name that stays the same in every life (its URL or folder; borrowed). */
unsigned cf_monitor_source(cf_monitor_t *m, char const *name, bool witness);

/* cf_monitor_recall takes what was kept, before the first round.  *good receives how much of it is whole: what is behind was cut by a crash before it was
   acknowledged, and is to be cut off.  CF_ERR_AUTH: altered. */
CF_MUST_CHECK cf_status_t cf_monitor_recall(cf_monitor_t *m, cf_span_t records, size_t *good, cf_error_t *err);

/* A round: begin, what each source says, witnesses before places, end. */
void cf_monitor_begin(cf_monitor_t *m, uint64_t now_s);
/* cf_monitor_note: what the source gives as its newest checkpoint; empty: it answers that it has none. */
CF_MUST_CHECK cf_status_t cf_monitor_note(cf_monitor_t *m, unsigned source, cf_span_t note);
/* The source did not answer, or answered what it cannot mean; why is for people. */
void cf_monitor_silent(cf_monitor_t *m, unsigned source, char const *why);
void cf_monitor_lied(cf_monitor_t *m, unsigned source, char const *why);
/* A file that the source serves is not what its head says. */
void cf_monitor_altered(cf_monitor_t *m, unsigned source, char const *why);
/* cf_monitor_audited: an audit of a place ended, well or with faults.  cf_monitor_unaudited: there was none in this round, and what the
   last one said stands. */
CF_MUST_CHECK cf_status_t cf_monitor_audited(cf_monitor_t *m, unsigned source, cf_audit_t const *a);
void                      cf_monitor_unaudited(cf_monitor_t *m, unsigned source);
/* cf_monitor_compare holds every head against a tree that was audited: its tiles, and its head's note. */
CF_MUST_CHECK cf_status_t cf_monitor_compare(cf_monitor_t *m, unsigned source, cf_audit_reader_t const *tree, cf_span_t head_note);
/* cf_monitor_follow does so with a log that nobody audits: tree is what the place serves, and must show that every smaller head is in it; and the largest
   head must not be older than stale_s, from when it was first seen. */
CF_MUST_CHECK cf_status_t cf_monitor_follow(cf_monitor_t *m, unsigned source, cf_audit_reader_t const *tree, cf_span_t head_note);
/* cf_monitor_end asks of each place that answered whether a quorum stands behind what it shows, with the cosignatures that anybody showed: behind its
   head, or behind a larger one, or its head is younger than quorum_s.  Then it tells which incidents are over. */
void cf_monitor_end(cf_monitor_t *m);

/* Open incidents, i < count; and what is known, for metrics. */
size_t               cf_monitor_open_count(cf_monitor_t const *m);
cf_incident_t const *cf_monitor_open_at(cf_monitor_t const *m, size_t i);
typedef struct {
  char const *name;
  bool        answers;
  uint64_t    size; /* largest head that it showed */
} cf_monitor_view_t;
unsigned cf_monitor_sources(cf_monitor_t const *m);
void     cf_monitor_view(cf_monitor_t const *m, unsigned source, cf_monitor_view_t *out);

#endif
