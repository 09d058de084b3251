/* The world that cores live in under the simulator: hosts with disks, nodes with clocks, a network between them, one queue of
   events. One deterministic process: whatever happens follows from the seed.  A node is a core behind the contract of
   base/cf_effect.h; the world performs effects as io/cf_host does, and faults (cf_faults.h) come between. */
#ifndef CF_SIM_WORLD_H
#define CF_SIM_WORLD_H

#include <stdio.h>

#include "base/cf_effect.h"
#include "cf_disk.h"
#include "cf_faults.h"
#include "cf_lane.h"
#include "crypto/cf_entropy.h"

#define CF_SIM_NODES_MAX 40
#define CF_SIM_HOSTS_MAX 40
#define CF_SIM_PEERS_MAX 64
#define CF_SIM_NAME_MAX 24
#define CF_SIM_SCRATCH_SZ (4u << 20)

typedef struct cf_world cf_world_t;

/* splitmix64: fast, and the same everywhere. */
typedef struct {
  uint64_t state;
} cf_prng_t;
uint64_t cf_prng_next(cf_prng_t *p);
uint64_t cf_prng_below(cf_prng_t *p, uint64_t n);     /* 0..n-1; n > 0 */
bool     cf_prng_chance(cf_prng_t *p, unsigned rate); /* of 100,000 */

/* Who an index of CF_FX_ASK is.  A frame's request comes with path = port ("enclave", "launcher"); port NULL: HTTP. */
typedef struct {
  unsigned    node;
  char const *port;
} cf_sim_peer_t;

typedef struct {
  char     name[CF_SIM_NAME_MAX];
  unsigned host; /* its disk */
  void    *ctx;
  /* start makes the core of a new life, end frees it; both may be NULL for none. */
  void (*start)(void *ctx);
  void (*end)(void *ctx);
  void (*step)(void *ctx, cf_effects_t *fx, cf_event_t const *ev);
  bool          serves_public; /* GETs of files under public/ are answered from the disk, as a host's mounts do */
  bool          left_alone;    /* nobody starts it again when it ends */
  cf_sim_peer_t peer[CF_SIM_PEERS_MAX];
  /* the world's */
  bool     up;
  uint32_t life;
  uint64_t born_ms;
  int64_t  skew_ms; /* of its wall clock */
  uint64_t tick_at_ms;
  cf_sim_lane_t side;
} cf_sim_node_t;

typedef enum {
  CF_SIM_TICK,
  CF_SIM_REQUEST,
  CF_SIM_DONE,
  CF_SIM_TIMEOUT,
  CF_SIM_SIDE, /* the next of the side lane */
  CF_SIM_START,
  CF_SIM_FAULT,
  CF_SIM_EVENT_KINDS
} cf_sim_event_kind_t;

typedef struct {
  uint64_t            at_ms, seq;
  cf_sim_event_kind_t kind;
  unsigned            node;
  uint32_t            life;
  uint64_t            id;    /* ask, for REQUEST, DONE, TIMEOUT; FAULT: the fault's own */
  bool                again; /* REQUEST: a repeated delivery, whose answer goes nowhere */
  cf_status_t         status;
  unsigned            code;
  uint8_t            *body;
  size_t              body_len;
} cf_sim_event_t;

/* A question under way. */
typedef struct {
  uint64_t id; /* 0: free */
  unsigned from, to;
  uint32_t from_life;
  uint64_t effect;
  bool     answered; /* or given up */
  bool     frame;
  char     path[192], query[256];
  uint8_t *body;
  size_t   body_len;
  unsigned refs; /* events that name it */
} cf_sim_ask_t;

struct cf_world {
  uint64_t        seed, now_ms, seq, next_ask;
  cf_prng_t       net, dice; /* dice: faults */
  cf_sim_node_t   node[CF_SIM_NODES_MAX];
  unsigned        nodes;
  cf_disk_t       disk[CF_SIM_HOSTS_MAX];
  unsigned        disks;
  cf_sim_event_t *queue; /* a heap by (at, seq) */
  size_t          queue_cnt, queue_max;
  cf_sim_ask_t   *ask;
  size_t          ask_max;
  cf_effects_t    fx;
  cf_sim_faults_t faults;
  cf_sim_counts_t counts;
  uint64_t        hash;  /* of every event and effect so far: two runs of a seed that differ anywhere differ here */
  FILE           *trace; /* NULL: quiet */
  char            violation[512];
  /* what the town hangs on: told of every effect before it is performed, and of every frame's answer */
  void (*on_effect)(void *ctx, unsigned node, cf_effect_t const *e);
  void (*on_fault)(void *ctx, uint64_t id); /* a cf_world_later came */
  cf_span_t (*on_answer)(void *ctx, unsigned from, unsigned to, char const *path, unsigned code, cf_span_t body); /* what arrives of it */
  void *ctx;
};

void     cf_world_init(cf_world_t *w, uint64_t seed, FILE *trace);
void     cf_world_fini(cf_world_t *w);
unsigned cf_world_host(cf_world_t *w);
unsigned cf_world_add(cf_world_t *w, cf_sim_node_t const *n);

/* A life begins; a life ends, at once and without a word. */
void cf_world_start(cf_world_t *w, unsigned node);
void cf_world_start_at(cf_world_t *w, unsigned node, uint64_t at_ms);
void cf_world_kill(cf_world_t *w, unsigned node);

/* cf_world_turn handles the next event; false when there is none up to until_ms (now_ms is then until_ms), or after a violation.
 */
bool cf_world_turn(cf_world_t *w, uint64_t until_ms);

/* cf_world_fail keeps the first violation. */
void     cf_world_fail(cf_world_t *w, unsigned invariant, char const *fmt, ...) __attribute__((format(printf, 3, 4)));
void     cf_world_say(cf_world_t *w, char const *fmt, ...) __attribute__((format(printf, 2, 3)));
cf_now_t cf_world_clock(cf_world_t const *w, unsigned node);
/* cf_world_send asks in a node's name what it did not ask; the answer goes nowhere that it looks. */
void cf_world_send(cf_world_t *w, unsigned from, cf_effect_t const *ask);
/* cf_world_chance is a fault that comes or not, by its rate, and is counted. */
bool cf_world_chance(cf_world_t *w, cf_fault_t f);
void cf_world_later(cf_world_t *w, uint64_t at_ms, uint64_t id); /* a FAULT event */

#endif
