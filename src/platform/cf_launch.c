#include "platform/cf_launch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "document/cf_boundary.h"
#include "document/cf_documents.h"
#include "document/cf_measure.h"

enum { CHILD_LAUNCHER = 3, CHILD_LISTENER = 4, PATH_SZ = 512 };

static cf_status_t
io_error(cf_error_t *err, char const *what) {
  return cf_error_set(err, CF_ERR_IO, what, 0, "%s", strerror(errno));
}

/* ---- files ---- */

/* A measured file is read once, into memory that nobody can change any more; those bytes are hashed and used. */
static cf_status_t
sealed_copy(int *fd, cf_hash_t *hash, char const *path, cf_error_t *err) {
  static uint8_t buf[1 << 16];
  cf_sha256_t    ctx;
  ssize_t        n;
  int            in = open(path, O_RDONLY | O_CLOEXEC), out = memfd_create("measured", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  cf_sha256_init(&ctx);
  if (in < 0 || out < 0) goto fail;
  while ((n = read(in, buf, sizeof buf)) > 0) {
    cf_sha256_add(&ctx, buf, (size_t)n);
    if (write(out, buf, (size_t)n) != n) goto fail;
  }
  if (n < 0 || fcntl(out, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) goto fail;
  close(in);
  *hash = cf_sha256_end(&ctx);
  *fd   = out;
  return CF_OK;
fail:;
  cf_status_t st = io_error(err, path);
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  return st;
}

/* slurp reads a file of folder (AT_FDCWD: of the working directory) of less than max bytes. */
static cf_status_t
slurp(uint8_t *buf, size_t *n, size_t max, int folder, char const *path, cf_error_t *err) {
  int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error(err, path);
  size_t  len = 0;
  ssize_t got = 1;
  while (got > 0 && len < max) {
    got = read(fd, buf + len, max - len);
    if (got > 0) len += (size_t)got;
  }
  close(fd);
  if (got < 0) return io_error(err, path);
  if (len == max) return cf_error_set(err, CF_ERR_BOUND, path, 0, "longer than %zu bytes", max - 1);
  *n = len;
  return CF_OK;
}

cf_status_t
cf_launch_put(cf_launch_t *l, char const *name, cf_span_t body, cf_error_t *err) {
  char tmp[NAME_MAX + 8];
  snprintf(tmp, sizeof tmp, ".%s.new", name);
  int         fd = openat(l->folder, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool        ok = fd >= 0 && write(fd, body.ptr, body.len) == (ssize_t)body.len && !fsync(fd) && !renameat(l->folder, tmp, l->folder, name) && !fsync(l->folder);
  cf_status_t st = ok ? CF_OK : io_error(err, name);
  if (fd >= 0) close(fd);
  return st;
}

/* ---- frames ---- */

static bool
move_all(int fd, uint8_t *at, size_t n, bool out) {
  while (n) {
    ssize_t k = out ? send(fd, at, n, MSG_NOSIGNAL) : recv(fd, at, n, 0);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    at += k;
    n -= (size_t)k;
  }
  return true;
}

static bool
frame_read(int fd, uint8_t *buf, size_t *n, size_t max) {
  uint8_t head[4];
  if (!move_all(fd, head, sizeof head, false)) return false;
  *n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
  return *n <= max && move_all(fd, buf, *n, false);
}

/* The frame's head stands before its body: buf has 4 bytes of room before the writer's. */
static bool
frame_write(int fd, uint8_t *buf, size_t n) {
  uint8_t head[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
  return move_all(fd, head, sizeof head, true) && move_all(fd, buf, n, true);
}

/* ---- start ---- */

static int
listen_at(char const *dir, char const *name) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  int                n  = snprintf(sa.sun_path, sizeof sa.sun_path, "%s/enclave/%s", dir, name);
  int                fd = n > 0 && (size_t)n < sizeof sa.sun_path ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
  if (fd < 0) return -1;
  (void)unlink(sa.sun_path);
  mode_t old = umask(0077);
  int    rc  = bind(fd, (struct sockaddr *)&sa, sizeof sa);
  umask(old);
  if (rc || listen(fd, 8)) {
    close(fd);
    return -1;
  }
  return fd;
}

static cf_status_t
tpm_open(cf_launch_t *l, cf_error_t *err) {
  char        tcti[PATH_SZ], dir[PATH_SZ], ca[PATH_SZ];
  cf_status_t st;
  snprintf(dir, sizeof dir, "%s/tpm", l->config.dir);
  snprintf(ca, sizeof ca, "%s/tpm/ca", l->config.dir);
  if (l->config.tcti) snprintf(tcti, sizeof tcti, "%s", l->config.tcti);
  else {
    if ((st = cf_swtpm_make(dir, ca, err)) || (st = cf_swtpm_start(&l->swtpm, dir, err)) || (st = cf_swtpm_ca(&l->ca, ca, err))) return st;
    cf_swtpm_tcti(tcti, sizeof tcti, dir);
  }
  if ((st = cf_tpmdev_init(&l->tpm, tcti, err))) return st;
  return cf_tpmdev_ek_certificate(&l->tpm, l->ek_certificate, &l->ek_certificate_sz, sizeof l->ek_certificate, err);
}

/* The attestation key outlives restarts in its blob: credential statements name it. */
static cf_status_t
ak_open(cf_launch_t *l, cf_error_t *err) {
  if (!faccessat(l->folder, "ak.blob", F_OK, 0)) {
    cf_status_t st = slurp(l->ak, &l->ak_sz, sizeof l->ak, l->folder, "ak.blob", err);
    if (!st) st = cf_tpmdev_ak_check(&l->tpm, CF_SPAN(l->ak, l->ak_sz), err);
    if (!st) return CF_OK;
    fprintf(stderr, "launch: enclave/ak.blob is no key of this TPM (%s): another one is made, which verifiers will challenge\n", err->text);
  }
  cf_wr_t     wr = cf_wr_init(l->ak, sizeof l->ak);
  cf_status_t st = cf_tpmdev_ak_make(&l->tpm, &wr, err);
  if (st) return st;
  l->ak_sz = wr.len;
  return cf_launch_put(l, "ak.blob", cf_wr_out(&wr), err);
}

/* Up to two blobs, newest numbers first; one that does not open under these PCRs is left aside: the enclave will say what it misses. */
static void
roots_unseal(cf_launch_t *l, cf_wr_t *start) {
  uint8_t        blob[2048], *root = cf_secret_new(64);
  uint64_t       numbers[2] = { 0 };
  size_t         cnt        = 0, blob_sz;
  struct dirent *at;
  int            copy = fcntl(l->folder, F_DUPFD_CLOEXEC, 0);
  DIR           *d    = copy >= 0 ? fdopendir(copy) : NULL;
  assert(root);
  while (d && cnt < 2 && (at = readdir(d))) {
    uint64_t number;
    if (strncmp(at->d_name, "root-", 5) || !strstr(at->d_name, ".blob")) continue;
    if (slurp(blob, &blob_sz, sizeof blob, l->folder, at->d_name, NULL)) continue;
    if (cf_tpmdev_unseal(&l->tpm, &number, root + 32 * cnt, CF_SPAN(blob, blob_sz), NULL)) {
      fprintf(stderr, "launch: enclave/%s does not open: not as it was sealed, or another TPM, program or configuration\n", at->d_name);
      continue;
    }
    numbers[cnt++] = number;
  }
  if (d) closedir(d);
  cf_wr_u8(start, (uint8_t)cnt);
  for (size_t i = 0; i < cnt; i++) {
    cf_wr_u64(start, numbers[i]);
    cf_wr_bytes(start, root + 32 * i, 32);
  }
  cf_secret_free(root);
}

static cf_status_t
spawn(cf_launch_t *l, int program, int boundary, cf_error_t *err) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return io_error(err, "socketpair");
  l->child = fork();
  if (l->child < 0) return io_error(err, "fork");
  if (l->child == 0) {
    /* Above 4 first, then in place: dup2 also clears close-on-exec. */
    int a = fcntl(pair[1], F_DUPFD_CLOEXEC, 10), b = fcntl(boundary, F_DUPFD_CLOEXEC, 10), p = fcntl(program, F_DUPFD_CLOEXEC, 10);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || dup2(a, CHILD_LAUNCHER) < 0 || dup2(b, CHILD_LISTENER) < 0) _exit(127);
    char *argv[] = { (char[]){ "counterfoil-enclave" }, NULL }, *envp[] = { NULL };
    fexecve(p, argv, envp);
    _exit(127);
  }
  close(pair[1]);
  l->enclave = pair[0];
  return CF_OK;
}

static cf_status_t
measured_start(cf_launch_t *l, cf_span_t configuration, cf_span_t genesis, int program, cf_error_t *err) {
  static uint8_t  buf[128 << 10];
  cf_hash_t       pcrs[11];
  cf_status_t     st;
  cf_sign1_t      s;
  cf_council_doc_t doc;
  if ((st = cf_sign1_decode(&s, genesis, cf_genesis_table.typ, err)) || (st = cf_council_doc_decode(&doc, s.payload, err))) return st;
  l->domain        = cf_domain(doc.body);
  l->configuration = cf_sha256(configuration);
  if ((st = tpm_open(l, err))) return st;
  if ((st = cf_tpmdev_measure(&l->tpm, &l->program, &l->configuration, &l->domain, err))) return st;
  if ((st = cf_tpmdev_pcrs(&l->tpm, pcrs, CF_COUNT_OF(pcrs), 0x43ff, err)) || (st = ak_open(l, err))) return st;
  cf_hash_t measurement = cf_measurement(CF_PLATFORM_TPM, &l->program, &l->configuration, CF_SPAN(pcrs, sizeof pcrs));

  int boundary = listen_at(l->config.dir, "boundary.sock");
  l->listener  = listen_at(l->config.dir, "launch.sock");
  if (boundary < 0 || l->listener < 0) return io_error(err, "enclave/*.sock");
  st = spawn(l, program, boundary, err);
  close(boundary);
  if (st) return st;

  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_START);
  cf_wr_u32(&wr, (uint32_t)configuration.len);
  cf_wr_span(&wr, configuration);
  cf_wr_u32(&wr, (uint32_t)genesis.len);
  cf_wr_span(&wr, genesis);
  cf_wr_hash(&wr, &measurement);
  roots_unseal(l, &wr);
  bool   sent = !wr.bad && frame_write(l->enclave, buf, wr.len);
  size_t n;
  cf_wipe(buf, sizeof buf);
  if (!sent || !frame_read(l->enclave, buf, &n, sizeof buf) || n != 2 + 64 + 1 || buf[0] != CF_BOUNDARY_VERSION || buf[1] != CF_MSG_IDENTITY)
    return cf_error_set(err, CF_ERR_IO, l->config.program, 0, "the program ended before it named its identity: genesis, configuration or sandbox refused");
  memcpy(l->identity, buf + 2, 64);
  l->layers = buf[66];
  cf_p256_pub_t pub;
  memcpy(pub.b, l->identity, 64);
  l->instance = cf_p256_thumbprint(&pub);
  return cf_tpmdev_identify(&l->tpm, &l->instance, err);
}

cf_status_t
cf_launch_start(cf_launch_t *l, cf_launch_config_t const *config, cf_error_t *err) {
  static uint8_t configuration[2048], genesis[CF_ENTRY_MAX + 1];
  char           path[PATH_SZ];
  size_t         configuration_sz, genesis_sz;
  int            program = -1;
  memset(l, 0, sizeof *l);
  l->config  = *config;
  l->enclave = l->listener = -1;
  snprintf(path, sizeof path, "%s/enclave", config->dir);
  l->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (l->folder < 0) return io_error(err, path);
  snprintf(path, sizeof path, "%s/configuration", config->dir);
  cf_status_t st = slurp(configuration, &configuration_sz, sizeof configuration, AT_FDCWD, path, err);
  snprintf(path, sizeof path, "%s/public/genesis", config->dir);
  if (!st) st = slurp(genesis, &genesis_sz, sizeof genesis, AT_FDCWD, path, err);
  if (!st) st = sealed_copy(&program, &l->program, config->program, err);
  if (!st) st = measured_start(l, CF_SPAN(configuration, configuration_sz), CF_SPAN(genesis, genesis_sz), program, err);
  if (program >= 0) close(program);
  if (st) cf_launch_stop(l);
  return st;
}

void
cf_launch_stop(cf_launch_t *l) {
  if (l->enclave >= 0) close(l->enclave); /* the program ends when its launcher is gone */
  if (l->listener >= 0) close(l->listener);
  if (l->child > 0) {
    (void)kill(l->child, SIGKILL);
    (void)waitpid(l->child, NULL, 0);
  }
  cf_tpmdev_fini(&l->tpm);
  cf_swtpm_stop(&l->swtpm);
  if (l->folder >= 0) close(l->folder);
  l->enclave = l->listener = l->folder = -1;
  l->child   = 0;
}

/* ---- serving ---- */

#define TPM_LOOK_MS 500

/* One question of a gateway's connection; false when it is over. */
static bool
serve_one(cf_launch_t *l, int fd, bool own) {
  static uint8_t in[64 << 10], out[160 << 10];
  size_t         n;
  cf_wr_t        wr = cf_wr_init(out, sizeof out);
  if (!frame_read(fd, in, &n, sizeof in)) return false;
  if (own) cf_launch_asked(l, &wr, CF_SPAN(in, n));
  else cf_launch_answer(l, &wr, CF_SPAN(in, n));
  bool ok = frame_write(fd, out, wr.len);
  cf_wipe(in, n); /* a root may have been in it */
  return ok;
}

cf_status_t
cf_launch_serve(cf_launch_t *l, int stop_fd, cf_error_t *err) {
  struct pollfd fds[4] = { { .fd = stop_fd, .events = POLLIN }, { .fd = l->enclave, .events = POLLIN }, { .fd = l->listener, .events = POLLIN },
                           { .fd = -1, .events = POLLIN } };
  for (;;) {
    if (poll(fds, 4, TPM_LOOK_MS) < 0 && errno != EINTR) return io_error(err, "poll");
    if (cf_swtpm_ended(&l->swtpm)) { /* what stands in its PCRs is gone: program and launcher begin again with another */
      if (fds[3].fd >= 0) close(fds[3].fd);
      return cf_error_set(err, CF_ERR_IO, "swtpm", 0, "the software TPM ended");
    }
    if (fds[0].revents) {
      if (fds[3].fd >= 0) close(fds[3].fd);
      return CF_OK;
    }
    if (fds[1].revents && !serve_one(l, l->enclave, true)) {
      if (fds[3].fd >= 0) close(fds[3].fd);
      return cf_error_set(err, CF_ERR_IO, "counterfoil-enclave", 0, "the program ended");
    }
    if (fds[2].revents & POLLIN) {
      int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
      if (fd >= 0 && fds[3].fd >= 0) close(fds[3].fd); /* the newest gateway is the one */
      if (fd >= 0) fds[3] = (struct pollfd){ .fd = fd, .events = POLLIN };
    } else if (fds[3].fd >= 0 && fds[3].revents && !serve_one(l, fds[3].fd, false)) {
      close(fds[3].fd);
      fds[3].fd = -1;
    }
  }
}
