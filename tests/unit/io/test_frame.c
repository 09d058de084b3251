/* Framed UNIX sockets: order, lateness, loss and reconnection, from both ends. */
#include "io_util.h"

#include "io/cf_frame.h"

static cf_loop_t        loop;
static cf_done_queue_t  done;
static cf_frame_peer_t *peer;
static int              theirs; /* the other end, ours to script */

static int
setup(void **state) {
  if (tmp_make(state) || cf_loop_init(&loop, NULL)) return -1;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return -1;
  theirs = pair[1];
  peer   = cf_frame_peer_new(&loop, &done, NULL, pair[0]);
  return peer ? 0 : -1;
}

static int
teardown(void **state) {
  cf_frame_peer_free(peer);
  for (cf_done_t *d; (d = cf_done_take(&done));) cf_done_free(d);
  cf_loop_fini(&loop);
  if (theirs >= 0) close(theirs);
  return tmp_remove(state);
}

static void
frame(int fd, char const *body) {
  uint8_t buf[1024];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u32(&wr, (uint32_t)strlen(body));
  cf_wr_span(&wr, TEXT_SPAN(body));
  say(fd, buf, wr.len);
}

static void
assert_frame(int fd, char const *want) {
  uint8_t  buf[1024];
  uint32_t n = 0;
  assert_int_equal(recv(fd, buf, 4, MSG_WAITALL), 4);
  cf_rd_t rd = cf_rd_init(buf, 4);
  n          = cf_rd_u32(&rd);
  assert_int_equal(n, strlen(want));
  if (n) assert_int_equal(recv(fd, buf, n, MSG_WAITALL), n);
  assert_memory_equal(buf, want, n);
}

static void
turn(unsigned ms) {
  cf_loop_wait(&loop, ms);
  cf_frame_peer_sweep(peer);
}

static void
assert_done(uint64_t id, cf_status_t want, char const *body) {
  for (int i = 0; i < 100 && !done.first; i++) turn(20);
  cf_done_t *d = cf_done_take(&done);
  assert_non_null(d);
  assert_int_equal(d->id, id);
  assert_int_equal(d->status, want);
  assert_int_equal(d->code, want ? 0 : 200);
  if (!want) assert_true(cf_span_eq(d->body, TEXT_SPAN(body)));
  cf_done_free(d);
}

static void
test_order(void **state) {
  cf_frame_ask(peer, 10, S("one"), 1000);
  cf_frame_ask(peer, 11, CF_SPAN(NULL, 0), 1000);
  cf_frame_ask(peer, 12, S("three"), 1000);
  assert_frame(theirs, "one");
  assert_frame(theirs, "");
  assert_frame(theirs, "three");
  frame(theirs, "1");
  frame(theirs, "");
  say(theirs, "\0\0\0\5th", 6); /* in pieces */
  assert_done(10, CF_OK, "1");
  assert_done(11, CF_OK, "");
  turn(20);
  assert_null(done.first);
  say(theirs, "ree", 3);
  assert_done(12, CF_OK, "three");
}

/* the answer to one that was given up is dropped, and the next still meets its own */
static void
test_late(void **state) {
  cf_frame_ask(peer, 1, S("slow"), 50);
  cf_frame_ask(peer, 2, S("patient"), 2000);
  assert_done(1, CF_ERR_IO, NULL);
  frame(theirs, "too late");
  frame(theirs, "in time");
  assert_done(2, CF_OK, "in time");
  assert_null(done.first);
}

static void
test_lost(void **state) {
  cf_frame_ask(peer, 1, S("a"), 1000);
  cf_frame_ask(peer, 2, S("b"), 1000);
  frame(theirs, "last words");
  close(theirs);
  theirs = -1;
  assert_done(1, CF_OK, "last words");
  assert_done(2, CF_ERR_IO, NULL);
  cf_frame_ask(peer, 3, S("c"), 1000); /* an inherited socket does not come back */
  assert_done(3, CF_ERR_IO, NULL);
}

static void
test_wrong(void **state) {
  static uint8_t large[CF_FRAME_BODY_MAX + 1];
  cf_frame_ask(peer, 1, CF_SPAN_OF(large), 1000);
  assert_done(1, CF_ERR_BOUND, NULL);
  cf_frame_ask(peer, 2, S("a"), 1000);
  say(theirs, "\x01\x00\x00\x01", 4); /* 2^24 + 1: no frame */
  assert_done(2, CF_ERR_IO, NULL);
  assert_true(is_closed(theirs, 1000));
}

static void
test_unasked(void **state) {
  frame(theirs, "nobody asked");
  turn(50);
  assert_true(is_closed(theirs, 1000));
}

static void
test_bound(void **state) {
  for (uint64_t i = 0; i < CF_FRAME_ASKS_MAX; i++) cf_frame_ask(peer, i, S("x"), 10000);
  assert_null(done.first);
  cf_frame_ask(peer, 5000, S("x"), 10000);
  assert_done(5000, CF_ERR_IO, NULL);
}

static void
test_reconnect(void **state) {
  cf_frame_peer_t *p = cf_frame_peer_new(&loop, &done, tmp_path("sock"), -1), *inherited = peer;
  int              listener;
  assert_non_null(p);
  peer = p;
  cf_frame_ask(p, 1, S("nobody there"), 1000);
  assert_done(1, CF_ERR_IO, NULL);
  assert_int_equal(cf_net_listen_unix(&listener, tmp_path("sock"), NULL), CF_OK);
  struct stat is;
  assert_int_equal(stat(tmp_path("sock"), &is), 0);
  assert_int_equal(is.st_mode & 0777, 0600);
  fcntl(listener, F_SETFL, 0);
  cf_frame_ask(p, 2, S("too soon"), 1000); /* within the pause */
  assert_done(2, CF_ERR_IO, NULL);
  for (uint64_t id = 3; id < 5; id++) {
    usleep(id == 3 ? 120000 : 120000);
    cf_frame_ask(p, id, S("now"), 1000);
    int fd = accept(listener, NULL, NULL);
    assert_frame(fd, "now");
    frame(fd, "yes");
    assert_done(id, CF_OK, "yes");
    close(fd);
    turn(20);
  }
  /* a path is taken over from the dead, not from the living */
  int other;
  assert_int_equal(cf_net_listen_unix(&other, tmp_path("sock"), NULL), CF_ERR_IO);
  close(listener);
  assert_int_equal(cf_net_listen_unix(&other, tmp_path("sock"), NULL), CF_OK);
  close(other);
  cf_frame_peer_free(p);
  peer = inherited;
  char long_path[200];
  memset(long_path, 'a', sizeof long_path);
  long_path[199] = 0;
  assert_null(cf_frame_peer_new(&loop, &done, long_path, -1));
}

/* a peer who does not read: what waits for him is bounded */
static void
test_unread(void **state) {
  static uint8_t large[CF_FRAME_BODY_MAX];
  unsigned       refused = 0;
  for (uint64_t i = 0; i < 8; i++) cf_frame_ask(peer, i, CF_SPAN_OF(large), 10000);
  for (cf_done_t *d; (d = cf_done_take(&done)); refused++) {
    assert_int_equal(d->status, CF_ERR_IO);
    cf_done_free(d);
  }
  assert_in_range(refused, 3, 5);
}

/* ---- the answering end ---- */

static void
test_server(void **state) {
  int listener;
  assert_int_equal(cf_net_listen_unix(&listener, tmp_path("srv"), NULL), CF_OK);
  cf_frame_server_t *srv = cf_frame_server_new(&loop, listener, -1);
  cf_frame_peer_t   *a = cf_frame_peer_new(&loop, &done, tmp_path("srv"), -1),
                  *b = cf_frame_peer_new(&loop, &done, tmp_path("srv"), -1);
  uint64_t           id[3];
  cf_span_t          body;
  cf_frame_ask(a, 1, S("a1"), 1000);
  cf_frame_ask(a, 2, S("a2"), 1000);
  cf_frame_ask(b, 3, S("b1"), 1000);
  for (int i = 0; i < 10 && cf_frame_waiting(srv) < 2; i++) cf_loop_wait(&loop, 50);
  assert_int_equal(cf_frame_waiting(srv), 2);
  assert_true(cf_frame_take(srv, &id[0], &body) && cf_span_eq(body, S("a1")));
  assert_true(cf_frame_take(srv, &id[1], &body) && cf_span_eq(body, S("b1")));
  assert_false(cf_frame_take(srv, &id[2], &body)); /* a's second waits for his first answer */
  cf_frame_reply(srv, id[1], S("to b"));
  cf_frame_reply(srv, id[0], S("to a"));
  cf_frame_reply(srv, id[0], S("again")); /* spent */
  assert_true(cf_frame_take(srv, &id[2], &body) && cf_span_eq(body, S("a2")));
  assert_done(3, CF_OK, "to b");
  assert_done(1, CF_OK, "to a");
  cf_frame_peer_free(a); /* he leaves: his answer goes nowhere */
  cf_loop_wait(&loop, 50);
  cf_frame_reply(srv, id[2], S("late"));
  cf_frame_ask(b, 4, S("b2"), 1000);
  for (int i = 0; i < 10 && !cf_frame_waiting(srv); i++) cf_loop_wait(&loop, 50);
  assert_true(cf_frame_take(srv, &id[0], &body) && cf_span_eq(body, S("b2")));
  cf_frame_reply(srv, id[0], S("still here"));
  assert_done(4, CF_OK, "still here");
  assert_true(cf_frame_quiet(srv));
  cf_frame_peer_free(b);
  cf_frame_server_free(srv);
  close(listener);
}

int
main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(test_order), T(test_late),      T(test_lost),   T(test_wrong),  T(test_unasked),
    T(test_bound), T(test_reconnect), T(test_unread), T(test_server),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
