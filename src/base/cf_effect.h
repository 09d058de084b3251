/* The one vocabulary between cores and the world.

   A core is a deterministic state machine: cf_<core>_step(core, event, effects).
   It does no I/O, asks no clock and keeps no statics.  A driver (io/cf_host for
   processes, sim/ for the simulator) turns the world into events and performs
   the effects, in the order given.  A durable effect (PUT, APPEND, REMOVE, STORE) is a
   barrier: nothing after it is performed before it is durable; if it fails, the rest of the step's
   effects are dropped and the process stops (the core then starts anew from what is on disk).

   The side lane is for slow files that the core's other business need not wait for (decision 7).  An effect that is marked
   "side" comes after everything that was given before it, marked or not, in this step or an earlier one; what is not marked waits only for what is
   not marked.  So whatever relies on a side effect is a side effect itself, or waits for an answer: a durable effect with
   an id ends by DONE.  EXIT waits for both lanes; a failure in either stops the process, and what the other has not done by then is lost,
   as in a crash, which may cut each lane at a place of its own.

   Spans in an event are borrowed for the step; spans in effects point into the
   core and stay valid until its next step. */
#ifndef CF_BASE_EFFECT_H
#define CF_BASE_EFFECT_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

/* Time is a field of every event.  mono_ms never falls within a process life; wall_ms is the platform's clock, recorded, never trusted. */
typedef struct {
  uint64_t mono_ms;
  uint64_t wall_ms; /* Unix time */
} cf_now_t;

typedef enum {
  CF_EV_START,   /* first event of a process life */
  CF_EV_REQUEST, /* somebody asks: id is the handle for CF_FX_REPLY, path says what ("POST /v1/envelopes", without query), query, body */
  CF_EV_DONE,    /* an effect with an answer ended: id is the effect's, status, code, body */
  CF_EV_TICK,    /* time passed: at least every CF_TICK_MS, or as CF_FX_WAKE asked */
  CF_EV_STOP,    /* the operator asks to drain and end; the core answers with CF_FX_EXIT when it may */
} cf_event_kind_t;

#define CF_TICK_MS 100

typedef struct {
  cf_event_kind_t kind;
  cf_now_t        now;
  uint64_t        id;
  cf_status_t     status; /* DONE: CF_OK when an answer came (whatever its code), CF_ERR_IO otherwise */
  unsigned        code;   /* DONE of an ASK: HTTP status; of a GET: 200 or 404 */
  cf_span_t       path;
  cf_span_t       query; /* text behind '?', may be empty */
  cf_span_t       type;  /* REQUEST: content type as it came, may be empty */
  cf_span_t       body;
} cf_event_t;

typedef enum {
  CF_FX_PUT,    /* durable: replace file name by body (temporary, fsync, rename, fsync of the directory); makes directories */
  CF_FX_APPEND, /* durable: append body to file name (fdatasync).  Behind it the file may be written ahead with zeros, which GET returns, too */
  CF_FX_REMOVE, /* durable: remove file name if it exists */
  CF_FX_GET,    /* read file name whole; ends by DONE with body, code 200 or 404 */
  CF_FX_LIST,   /* list directory name; ends by DONE, body = names, sorted, each ended by NUL */
  CF_FX_STORE,  /* durable: commit body (cf_store_wr_t's bytes, base/cf_store.h) all or nothing; a stale fence ends the process */
  CF_FX_SCAN,   /* read the store: name = kind; ends by DONE, body = entries as in STORE */
  CF_FX_ASK,    /* ask peer: name = "GET /path?query" or "POST /path", body; ends by DONE with code, body, or CF_ERR_IO after timeout_ms */
  CF_FX_REPLY,  /* answer request id with code, content type, body; name, where there is one, is its Location */
  CF_FX_WAKE,   /* TICK no later than at mono_ms = id */
  CF_FX_LOG,    /* a line for the operator: body is one JSON object (observe/) */
  CF_FX_EXIT,   /* end the process with status code */
} cf_effect_kind_t;

typedef struct {
  cf_effect_kind_t kind;
  unsigned         peer; /* ASK: index into the driver's table of peers */
  uint64_t         id;   /* chosen by the core, unique among those under way; 0 for those without an answer */
  unsigned         code;
  unsigned         timeout_ms; /* ASK */
  unsigned         retry_after_s; /* REPLY: header Retry-After when not 0 */
  char const      *type; /* REPLY: content type, static */
  bool             side;   /* in the side lane; not WAKE, LOG, EXIT */
  bool             joined; /* PUT: this one and the PUT before it in its lane may become durable in either order, or only one of them; of different names */
  cf_span_t        name;
  cf_span_t        body;
} cf_effect_t;

/* The ring of one step.  A core that finds it full has broken its own documented bound: cf_fx asserts. */
#define CF_EFFECTS_MAX 384
typedef struct {
  cf_effect_t at[CF_EFFECTS_MAX];
  size_t      cnt;
  /* scratch for names and bodies made in this step; reset by the driver before each step */
  uint8_t    *scratch;
  size_t      scratch_max;
  size_t      scratch_len;
} cf_effects_t;

/* cf_fx appends an effect of that kind and returns it, zeroed but for the kind. */
cf_effect_t *cf_fx(cf_effects_t *fx, cf_effect_kind_t kind);
/* cf_fx_room takes n bytes of the step's scratch (asserts that they are there); cf_fx_dup copies into it; cf_fx_printf formats into it. */
uint8_t  *cf_fx_room(cf_effects_t *fx, size_t n);
cf_span_t cf_fx_dup(cf_effects_t *fx, cf_span_t s);
cf_span_t cf_fx_printf(cf_effects_t *fx, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Short forms. */
void cf_fx_put(cf_effects_t *fx, cf_span_t name, cf_span_t body);
void cf_fx_append(cf_effects_t *fx, cf_span_t name, cf_span_t body);
/* cf_fx_join marks PUTs from that place on, the first excepted: they are one group. */
void cf_fx_join(cf_effects_t *fx, size_t from);
void cf_fx_get(cf_effects_t *fx, uint64_t id, cf_span_t name);
void cf_fx_ask(cf_effects_t *fx, uint64_t id, unsigned peer, cf_span_t name, cf_span_t body, unsigned timeout_ms);
void cf_fx_reply(cf_effects_t *fx, uint64_t id, unsigned code, char const *type, cf_span_t body);

#endif
