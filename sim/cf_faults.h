/* What may go wrong, how often, and what did. */
#ifndef CF_SIM_FAULTS_H
#define CF_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
  CF_FAULT_LOST_REQUEST, /* a message never arrives: the asker's time runs out */
  CF_FAULT_LOST_REPLY,
  CF_FAULT_REPEAT,     /* a request arrives twice */
  CF_FAULT_DELAY,      /* ... much later than others: reordered */
  CF_FAULT_CRASH,      /* a process ends at an effect */
  CF_FAULT_LOST_WRITE, /* ... and that write is not there */
  CF_FAULT_TORN_WRITE, /* ... and of that append any sectors are missing */
  CF_FAULT_SLOW_FILE,  /* the side lane stands still for a while */
  CF_FAULT_ENCLAVE,    /* the enclave ends */
  CF_FAULT_CLOCK,      /* a wall clock jumps */
  CF_FAULT_OLD_DISK,   /* restart with some files as they were */
  CF_FAULT_TWIN,       /* a copy of the host's disk starts elsewhere */
  CF_FAULT_REPLAY,     /* the host puts an old envelope into a batch */
  CF_FAULT_EARLY,      /* the host shows the enclave what k - 1 witnesses stand behind */
  CF_FAULT_STALE_VIEW, /* the host shows the enclave an old view */
  CF_FAULT_FORGETFUL,  /* a witness, of those that may lie, forgets what it signed */
  CF_FAULT_ZOMBIE,     /* an enclave goes on when its successor starts */
  CF_FAULT_WITHHELD,   /* ... and is shown a log that ends early */
  CF_FAULT_MIXED_VIEW, /* the host shows the enclave a view made of two */
  CF_FAULT_HIDDEN,     /* a party is told of a refusal, and its input was taken */
  CF_FAULT_HALF_BOOT,  /* an enclave boots without the journal's end, which then comes back */
  CF_FAULT_PLANTED,    /* a root of the host's own, and a snapshot written under it */
  CF_FAULT_LYING_WITNESS,  /* of those that may lie: cosigns anything, at any time, or denies it */
  CF_FAULT_LYING_OBSERVER, /* signs false finality */
  CF_FAULT_LYING_VERIFIER, /* signs results that do not hold */
  CF_FAULT_LYING_LEDGER,   /* the ledger's endpoint: answers of yesterday, parts of two, bytes changed */
  CF_FAULT_STALE_LOG,      /* who follows the log is shown one that ends earlier */
  CF_FAULT_UNFINAL,        /* the host shows the enclave a block that is not final, or none */
  CF_FAULT_FORKED,         /* one witness is shown a fork of the log */
  CF_FAULT_PAUSE,      /* guardians pause the domain */
  CF_FAULT_ALARM,      /* somebody raises the alarm: the head must move, or the domain is dead */
  CF_FAULT_EXIT,       /* a party leaves without the enclave */
  CF_FAULT_FORGED,     /* a stolen settlement key signs what does not sum to zero */
  CF_FAULT_KINDS,
} cf_fault_t;
extern char const *const cf_fault_names[CF_FAULT_KINDS];

typedef struct {
  bool     on;
  unsigned rate[CF_FAULT_KINDS]; /* of 100,000 */
} cf_sim_faults_t;

/* What happened, for the table at the end: a row that stays 0 in a long run is a failure of the simulator. */
typedef enum {
  CF_HAPPENED_RECEIPT,
  CF_HAPPENED_INPUT,   /* accepted into a batch */
  CF_HAPPENED_REFUSED, /* refused at once */
  CF_HAPPENED_PROMISE,
  CF_HAPPENED_BOOT,     /* boot entries */
  CF_HAPPENED_REGISTER, /* epochs that started */
  CF_HAPPENED_RESULT,   /* results that parties opened */
  CF_HAPPENED_CONTENT,  /* settlements let out */
  CF_HAPPENED_SETTLED,  /* of them executed */
  CF_HAPPENED_DEPOSIT, /* while the domain runs */
  CF_HAPPENED_EXIT,    /* lanes paid to those who left */
  CF_HAPPENED_ABANDON,
  CF_HAPPENED_SNAPSHOT,
  CF_HAPPENED_ROLLED_BACK, /* an enclave refused an older disk */
  CF_HAPPENED_STOPPED,     /* an enclave erased its keys: a twin */
  CF_HAPPENED_RESTORED,    /* the newest disk was put back */
  CF_HAPPENED_SPLIT,       /* witnesses were left on two forks, without a quorum for either: the log stands still, safely */
  CF_HAPPENED_AUDIT,       /* towns of which no disk was lost */
  CF_HAPPENED_KINDS,
} cf_happened_t;
extern char const *const cf_happened_names[CF_HAPPENED_KINDS];

typedef struct {
  uint64_t fault[CF_FAULT_KINDS];
  uint64_t happened[CF_HAPPENED_KINDS];
  uint64_t events, effects, messages;
} cf_sim_counts_t;

#endif
