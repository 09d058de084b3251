/* Frames over UNIX stream sockets: how a host and an enclave, or two processes
   of one machine, ask each other.  A frame is u32 length (big-endian) and that
   many bytes, at most CF_FRAME_BODY_MAX; nothing else is on the wire.  Answers come in
   the order of the questions. */
#ifndef CF_IO_FRAME_H
#define CF_IO_FRAME_H

#include "base/cf_bytes.h"
#include "io/cf_done.h"
#include "io/cf_loop.h"

#define CF_FRAME_BODY_MAX      (16u << 20)
#define CF_FRAME_ASKS_MAX 1024       /* under way on one connection */
#define CF_FRAME_HELD_MAX (64u << 20) /* bytes waiting to be sent   */

/* ---- asking ---- */

typedef struct cf_frame_peer cf_frame_peer_t;

/* cf_frame_peer_new asks whoever listens at path; or, with path NULL, at the
   other end of fd (connected; the peer owns it from then on).  A path is connected
   to at the first question and again after a loss, then no sooner than a pause
   that doubles from 50 ms to 2 s; a lost fd stays lost.  NULL when path is too
   long, fd cannot be used or memory is out. */
cf_frame_peer_t *cf_frame_peer_new(cf_loop_t *loop, cf_done_queue_t *done, char const *path, int fd);
void             cf_frame_peer_free(cf_frame_peer_t *peer);

/* cf_frame_ask sends body (copied).  Exactly one entry with id follows in the
   queue: CF_OK with code 200 and the answer, CF_ERR_BOUND for a body over
   CF_FRAME_BODY_MAX, or CF_ERR_IO when there is no connection, it was lost, or
   timeout_ms (0: 10 s) went by; then the late answer is dropped. */
void     cf_frame_ask(cf_frame_peer_t *peer, uint64_t id, cf_span_t body, unsigned timeout_ms);
uint64_t cf_frame_peer_next_ms(cf_frame_peer_t const *peer);
void     cf_frame_peer_sweep(cf_frame_peer_t *peer);

/* ---- answering ---- */

#define CF_FRAME_CONNS_MAX 64

typedef struct cf_frame_server cf_frame_server_t;

/* cf_frame_server_new serves a listener (not closed by _free), or, with
   listener -1, the one connection fd, which it owns.  NULL when memory is out. */
cf_frame_server_t *cf_frame_server_new(cf_loop_t *loop, int listener, int fd);
void               cf_frame_server_free(cf_frame_server_t *srv);

/* cf_frame_take hands out a question; one of a connection at a time.  body is
   borrowed until cf_frame_reply of id or the next cf_loop_wait.  False when none is whole. */
bool cf_frame_take(cf_frame_server_t *srv, uint64_t *id, cf_span_t *body);

/* cf_frame_reply answers id (copied; at most CF_FRAME_BODY_MAX bytes); one whose
   asker is gone is forgotten. */
void   cf_frame_reply(cf_frame_server_t *srv, uint64_t id, cf_span_t body);
bool   cf_frame_quiet(cf_frame_server_t const *srv); /* nothing is left to send */
size_t cf_frame_waiting(cf_frame_server_t const *srv); /* connections with a whole question not yet taken */

#endif
