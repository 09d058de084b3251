// link: evidence enclave session workload ledger translog
/* The launcher with the real program and a software TPM: measured start, the boundary over its socket, the root sealed and found
   again, evidence that verifies, and a program that is not the policy's. */
#include "../enclave/world.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "evidence/cf_evidence.h"
#include "platform/cf_launch.h"

static char dir[64], program[512];

static void
put(char const *name, cf_span_t body) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(body.ptr, 1, body.len, f), body.len);
  fclose(f);
}

static cf_hash_t
digest_of(char const *path) {
  static uint8_t buf[1 << 16];
  cf_sha256_t    ctx;
  size_t         n;
  FILE          *f = fopen(path, "r");
  assert_non_null(f);
  cf_sha256_init(&ctx);
  while ((n = fread(buf, 1, sizeof buf, f)) > 0) cf_sha256_add(&ctx, buf, n);
  fclose(f);
  return cf_sha256_end(&ctx);
}

static void
make_folder(world_t *w) {
  char sub[128];
  snprintf(dir, sizeof dir, "/tmp/cf-launch-XXXXXX");
  assert_non_null(mkdtemp(dir));
  char const *const subs[] = { "enclave", "public", "tpm" };
  for (int i = 0; i < 3; i++) {
    snprintf(sub, sizeof sub, "%s/%s", dir, subs[i]);
    assert_int_equal(mkdir(sub, 0700), 0);
  }
  put("configuration", CF_SPAN(w->configuration, w->configuration_sz));
  put("public/genesis", w->genesis_entry);
}

/* ---- the launcher in a thread, the gateway here ---- */

typedef struct {
  cf_launch_t *l;
  pthread_t    thread;
  int          stop, fd;
} launched_t;

static void *
serve(void *arg) {
  launched_t *x   = arg;
  cf_error_t  err = { 0 };
  (void)!cf_launch_serve(x->l, x->stop, &err);
  return NULL;
}

static int
connect_to(char const *name) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s/enclave/%s", dir, name);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  return fd;
}

static void
start(launched_t *x) {
  cf_launch_config_t config = { .dir = dir, .program = program };
  cf_error_t         err    = { 0 };
  x->l                      = calloc(1, sizeof *x->l);
  if (cf_launch_start(x->l, &config, &err)) fail_msg("%s: %s", err.item, err.text);
  x->stop = eventfd(0, 0);
  assert_int_equal(pthread_create(&x->thread, NULL, serve, x), 0);
  x->fd = connect_to("boundary.sock");
}

static void
stop(launched_t *x) {
  uint64_t one = 1;
  assert_int_equal(write(x->stop, &one, sizeof one), sizeof one);
  pthread_join(x->thread, NULL);
  cf_launch_stop(x->l);
  close(x->stop);
  close(x->fd);
  free(x->l);
}

static void
exchange(int fd, cf_span_t request, cf_wr_t *answer) {
  uint8_t head[4] = { (uint8_t)(request.len >> 24), (uint8_t)(request.len >> 16), (uint8_t)(request.len >> 8), (uint8_t)request.len };
  assert_int_equal(write(fd, head, 4), 4);
  for (size_t at = 0; at < request.len;) {
    ssize_t n = write(fd, request.ptr + at, request.len - at);
    assert_true(n > 0);
    at += (size_t)n;
  }
  assert_int_equal(recv(fd, head, 4, MSG_WAITALL), 4);
  size_t   n  = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
  uint8_t *at = cf_wr_room(answer, n);
  assert_int_equal(recv(fd, at, n, MSG_WAITALL), n);
}

static void
carry(void *ctx, cf_span_t request, cf_wr_t *answer) {
  exchange(((launched_t *)ctx)->fd, request, answer);
}

static cf_span_t
ask_launcher(int fd, uint8_t type, cf_span_t body, uint8_t *out, size_t max) {
  uint8_t req[1024] = { CF_BOUNDARY_VERSION, type };
  cf_wr_t wr        = cf_wr_init(out, max);
  if (body.len) memcpy(req + 2, body.ptr, body.len);
  exchange(fd, CF_SPAN(req, body.len + 2), &wr);
  assert_int_equal(out[1], type);
  return out[2] ? CF_SPAN(NULL, 0) : CF_SPAN(out + 3, wr.len - 3);
}

/* The evidence of the binding that CERTIFY gave verifies, and says which program it was. */
static void
check_evidence(world_t *w, launched_t *x) {
  static uint8_t out[1 << 18];
  uint8_t        nonces[33] = { 1, 7 };
  assert_int_equal(ask(w, CF_MSG_CERTIFY, CF_SPAN(nonces, 33)), CF_REFUSE_NONE);
  cf_rd_t rd = cf_rd_span(w->body);
  (void)r_span(&rd);
  (void)cf_rd_hash(&rd);
  cf_hash_t binding = cf_rd_hash(&rd), other = { { 1 } };
  int       fd = connect_to("launch.sock");
  assert_null(ask_launcher(fd, 1, CF_SPAN_OF(other.b), out, sizeof out).ptr); /* nobody asked for that */
  cf_span_t a = ask_launcher(fd, 1, CF_SPAN_OF(binding.b), out, sizeof out);
  assert_non_null(a.ptr);
  rd                          = cf_rd_span(a);
  cf_evidence_item_t item     = { CF_ROLE_EVIDENCE, r_span(&rd) };
  cf_root_t          root     = { CF_CLASS_OWNER, r_span(&rd) };
  cf_evidence_ask_t  question = { .items = &item, .item_cnt = 1, .roots = &root, .root_cnt = 1, .domain = w->domain, .at_s = time(NULL) };
  cf_facts_t        *facts    = calloc(1, sizeof *facts);
  cf_verdict_t       v;
  if (cf_evidence_verify(facts, &question, &v)) fail_msg("%s: %s", cf_verdict_name(v.code), v.text);
  assert_memory_equal(facts->program.b, x->l->program.b, 32);
  assert_memory_equal(facts->instance.b, x->l->instance.b, 32);
  question.domain = other;
  assert_int_not_equal(cf_evidence_verify(facts, &question, &v), CF_VERDICT_OK);
  free(facts);
  close(fd);
}

static void
test_measured_life(void **state) {
  launched_t x;
  batch_t    b;
  if (access(program, X_OK)) {
    print_message("no %s in this build: not run\n", program);
    skip();
  }
  world_program = digest_of(program);
  world_time    = (uint64_t)time(NULL); /* the software TPM has certificates of today */
  world_t *w    = world_new(21, true);
  make_folder(w);
  start(&x);
  w->carry   = carry;
  w->carrier = &x;
  bootstrap(w);
  check_evidence(w, &x);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  log_and_read(w, b.receipt);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  cf_hash_t first = x.l->instance;
  stop(&x);

  start(&x); /* a TPM reset: the same root, another instance */
  assert_memory_not_equal(first.b, x.l->instance.b, 32);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  certify(w);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  assert_int_equal(b.doc.sequence, 2);
  stop(&x);

  /* another configuration is another measurement: the blob does not open, and the book stays shut */
  uint8_t changed[512];
  memcpy(changed, w->configuration, w->configuration_sz);
  cf_configuration_t conf;
  assert_int_equal(cf_table_decode(&conf, &cf_configuration_table, CF_SPAN(changed, w->configuration_sz), NULL), CF_OK);
  conf.batch_max = 63;
  cf_wr_t wr     = cf_wr_init(w->configuration, sizeof w->configuration);
  cf_table_encode(&wr, &cf_configuration_table, &conf);
  put("configuration", cf_wr_out(&wr));
  start(&x);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_ROOT);
  stop(&x);
  w->carry = NULL;
  world_free(w);
  char cmd[128];
  snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
  assert_int_equal(system(cmd), 0);
}

static int
setup(void **state) {
  char    self[400];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  self[n]   = '\0';
  *strrchr(self, '/') = '\0';
  snprintf(program, sizeof program, "%s/../bin/counterfoil-enclave", self);
  setenv("TSS2_LOG", "all+none", 0);
  signal(SIGPIPE, SIG_IGN);
  cf_crypto_init();
  return 0;
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_measured_life) };
  return cmocka_run_group_tests(tests, setup, NULL);
}
