/* Input: how it is cut, then bytes on a UNIX socket.  Whole frames come out as questions, in order and as they were sent, one at a time; what
   is longer than the bound, or cut off, never does, and the connection ends. */
#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/cf_frame.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

enum { SENT_MAX = 4096 };

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_loop_t loop;
  int       pair[2];
  if (size < 2 || size > SENT_MAX) return 0;
  size_t cut = 1 + data[0];
  assert(!cf_loop_init(&loop, NULL) && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
  cf_frame_server_t *srv  = cf_frame_server_new(&loop, -1, pair[0]);
  size_t             sent = 1;
  cf_rd_t            left = cf_rd_init(data + 1, size - 1);
  assert(srv);
  for (bool open = true; sent < size || open;) {
    size_t n = cut < size - sent ? cut : size - sent;
    if (n && send(pair[1], data + sent, n, MSG_NOSIGNAL) < 0) break; /* it hung up */
    sent += n;
    cf_loop_wait(&loop, 0);
    uint64_t  id;
    cf_span_t body;
    open = false;
    while (cf_frame_take(srv, &id, &body)) {
      cf_span_t want = cf_rd_take_span(&left, cf_rd_u32(&left));
      assert(!left.bad && left.pos <= sent && want.len <= CF_FRAME_BODY_MAX && cf_span_eq(body, want));
      cf_frame_reply(srv, id, CF_SPAN("ok", 2));
      open = true;
    }
  }
  /* What is left is no whole frame. */
  if (sent == size && cf_rd_left(&left) >= 4) {
    uint32_t n = cf_rd_u32(&left);
    assert(n > cf_rd_left(&left));
  }
  cf_frame_server_free(srv);
  close(pair[1]);
  cf_loop_fini(&loop);
  return 0;
}
