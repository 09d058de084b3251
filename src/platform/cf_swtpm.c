#include "platform/cf_swtpm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "codec/cf_pem.h"

#define READY_TRIES 1000
#define READY_STEP_NS 5000000 /* 5 ms: five seconds in all */

/* A path below one of the two folders. */
typedef struct {
  char s[CF_SWTPM_PATH_MAX + 64];
} path_t;

static path_t path_of(char const *dir, char const *name) {
  path_t p;
  snprintf(p.s, sizeof p.s, "%s/%s", dir, name);
  return p;
}

static cf_status_t io_error(cf_error_t *err, char const *what, char const *path) {
  return cf_error_set(err, CF_ERR_IO, what, 0, "%.100s: %s", path, strerror(errno));
}

static cf_status_t check_path(char const *dir, cf_error_t *err) {
  if (strlen(dir) < CF_SWTPM_PATH_MAX) return CF_OK;
  return cf_error_set(err, CF_ERR_BOUND, "swtpm", 0, "path of a folder is longer than %d", CF_SWTPM_PATH_MAX - 1);
}

static cf_status_t make_dir(char const *path, cf_error_t *err) {
  return mkdir(path, 0700) == 0 || errno == EEXIST ? CF_OK : io_error(err, "swtpm", path);
}

static cf_status_t write_text(char const *path, char const *text, cf_error_t *err) {
  FILE *f = fopen(path, "w");
  if (!f) return io_error(err, "swtpm", path);
  bool ok = fputs(text, f) >= 0;
  ok = fclose(f) == 0 && ok;
  return ok ? CF_OK : io_error(err, "swtpm", path);
}

/* ---- processes ---- */

/* Runs argv with its output in log; it dies with the thread that started it.  Returns its pid, -1 when there is none. */
static pid_t spawn(char *const argv[], char const *log) {
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid) return pid;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL); /* whoever starts it may have blocked the signal that ends it */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (getppid() != parent) _exit(127); /* it was already gone */
  int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), in = open("/dev/null", O_RDONLY);
  if (fd < 0 || in < 0 || dup2(in, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) _exit(127);
  closefrom(3);
  execvp(argv[0], argv);
  _exit(127);
}

static bool ended_well(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- making ---- */

static cf_status_t write_configuration(char const *dir, char const *ca_dir, cf_error_t *err) {
  char        text[1024];
  path_t      ca = path_of(dir, "localca.conf"), options = path_of(dir, "localca.options"), setup = path_of(dir, "setup.conf");
  cf_status_t st;
  snprintf(text, sizeof text,
           "statedir = %s\nsigningkey = %s/signkey.pem\nissuercert = %s/issuercert.pem\ncertserial = %s/certserial\n", ca_dir,
           ca_dir, ca_dir, ca_dir);
  st = write_text(ca.s, text, err);
  if (!st)
    st = write_text(options.s, "--platform-manufacturer Counterfoil\n--platform-version 1\n--platform-model software\n", err);
  snprintf(text, sizeof text,
           "create_certs_tool = swtpm_localca\ncreate_certs_tool_config = %s\ncreate_certs_tool_options = %s\nactive_pcr_banks = "
           "sha256\n",
           ca.s, options.s);
  if (!st) st = write_text(setup.s, text, err);
  return st;
}

cf_status_t cf_swtpm_make(char const *dir, char const *ca_dir, cf_error_t *err) {
  cf_status_t st = check_path(dir, err);
  if (!st) st = check_path(ca_dir, err);
  if (st) return st;
  path_t state = path_of(dir, "state"), made = path_of(dir, "state/tpm2-00.permall"), setup = path_of(dir, "setup.conf"),
         log = path_of(dir, "setup.log");
  if (access(made.s, F_OK) == 0) return CF_OK;
  if ((st = make_dir(dir, err)) || (st = make_dir(state.s, err)) || (st = make_dir(ca_dir, err))) return st;
  if ((st = write_configuration(dir, ca_dir, err))) return st;
  char *argv[] = {"swtpm_setup", "--tpm2", "--tpmstate",  state.s,  "--create-ek-cert", "--lock-nvram",
                  "--config",    setup.s,  "--pcr-banks", "sha256", "--overwrite",      NULL};
  pid_t pid = spawn(argv, log.s);
  if (pid < 0) return io_error(err, "swtpm_setup", "fork");
  if (ended_well(pid) && access(made.s, F_OK) == 0) return CF_OK;
  (void)unlink(made.s); /* half a TPM is none */
  return cf_error_set(err, CF_ERR_IO, "swtpm_setup", 0, "failed; %.100s says why (is the package swtpm-tools installed?)", log.s);
}

/* ---- running ---- */

static bool answers(char const *path) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
  bool ok = connect(fd, (struct sockaddr const *)&addr, sizeof addr) == 0;
  close(fd);
  return ok;
}

cf_status_t cf_swtpm_start(cf_swtpm_t *tpm, char const *dir, cf_error_t *err) {
  *tpm = (cf_swtpm_t){0};
  cf_status_t st = check_path(dir, err);
  if (st) return st;
  path_t state = path_of(dir, "state"), sock = path_of(dir, "sock"), ctrl = path_of(dir, "sock.ctrl"),
         log = path_of(dir, "swtpm.log");
  char state_arg[sizeof state.s + 8], server_arg[sizeof sock.s + 24], ctrl_arg[sizeof ctrl.s + 24];
  snprintf(state_arg, sizeof state_arg, "dir=%s", state.s);
  snprintf(server_arg, sizeof server_arg, "type=unixio,path=%s", sock.s);
  snprintf(ctrl_arg, sizeof ctrl_arg, "type=unixio,path=%s", ctrl.s);
  char *argv[] = {"swtpm",
                  "socket",
                  "--tpm2",
                  "--tpmstate",
                  state_arg,
                  "--server",
                  server_arg,
                  "--ctrl",
                  ctrl_arg,
                  "--flags",
                  "not-need-init,startup-clear",
                  NULL};
  (void)unlink(sock.s); /* of a life before */
  (void)unlink(ctrl.s);
  tpm->pid = spawn(argv, log.s);
  if (tpm->pid < 0) return io_error(err, "swtpm", "fork");
  snprintf(tpm->dir, sizeof tpm->dir, "%s", dir);
  for (int i = 0; i < READY_TRIES; i++) {
    if (answers(sock.s) && answers(ctrl.s)) return CF_OK;
    if (waitpid(tpm->pid, NULL, WNOHANG) != 0) {
      tpm->pid = 0;
      break;
    }
    nanosleep(&(struct timespec){.tv_nsec = READY_STEP_NS}, NULL);
  }
  cf_swtpm_stop(tpm);
  return cf_error_set(err, CF_ERR_IO, "swtpm", 0, "does not start; %.100s says why", log.s);
}

void cf_swtpm_stop(cf_swtpm_t *tpm) {
  if (tpm->pid > 0) {
    (void)kill(tpm->pid, SIGTERM);
    (void)ended_well(tpm->pid);
  }
  tpm->pid = 0;
}

bool cf_swtpm_ended(cf_swtpm_t *tpm) {
  if (tpm->pid <= 0 || waitpid(tpm->pid, NULL, WNOHANG) == 0) return false;
  tpm->pid = 0;
  return true;
}

void cf_swtpm_tcti(char *out, size_t out_max, char const *dir) { snprintf(out, out_max, "swtpm:path=%s/sock", dir); }

/* ---- the CA ---- */

static cf_status_t read_certificate(uint8_t *out, size_t *out_sz, char const *path, cf_error_t *err) {
  char  text[2 * CF_SWTPM_CERT_MAX];
  FILE *f = fopen(path, "re");
  if (!f) return io_error(err, "swtpm-ca", path);
  size_t n = fread(text, 1, sizeof text, f);
  fclose(f);
  cf_rd_t  rd = cf_rd_init(text, n);
  cf_pem_t pem;
  if (n == sizeof text || !cf_pem_find(&rd, &pem, "CERTIFICATE") || cf_pem_decode(out, CF_SWTPM_CERT_MAX, &pem))
    return cf_error_set(err, CF_ERR_FORMAT, "swtpm-ca", 0, "%.100s holds no certificate", path);
  *out_sz = pem.data_sz;
  return CF_OK;
}

cf_status_t cf_swtpm_ca(cf_swtpm_ca_t *out, char const *ca_dir, cf_error_t *err) {
  cf_status_t st = check_path(ca_dir, err);
  if (st) return st;
  path_t issuer = path_of(ca_dir, "issuercert.pem"), root = path_of(ca_dir, "swtpm-localca-rootca-cert.pem");
  st = read_certificate(out->issuer, &out->issuer_sz, issuer.s, err);
  if (!st) st = read_certificate(out->root, &out->root_sz, root.s, err);
  return st;
}
