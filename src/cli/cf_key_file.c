#include "cli/cf_key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "base/cf_text.h"
#include "document/cf_table.h"
#include "party/cf_keystore.h"

enum { PASSWORD_MAX = 1024 };

/* ---- passwords ---- */

typedef struct {
  char  *text; /* of cf_secret_new */
  size_t len;
} password_t;

static int no_password(char const *why) {
  return cf_fail(CF_EXIT_USAGE, "password", "usage", "--password-file", "found", why, NULL);
}

/* Its first line; a longer file is none. */
static int read_line(password_t *p, int fd) {
  ssize_t n = 0;
  for (size_t max = PASSWORD_MAX; p->len < max && (n = read(fd, p->text + p->len, max - p->len)) > 0;) {
    p->len += (size_t)n;
    if (memchr(p->text, '\n', p->len)) break;
  }
  char *end = memchr(p->text, '\n', p->len);
  if (n < 0 || p->len == PASSWORD_MAX || (end && end + 1 != p->text + p->len)) return no_password("not one line of less than 1024 bytes");
  if (end) p->len = (size_t)(end - p->text);
  return 0;
}

static int from_file(password_t *p, char const *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cf_fail(CF_EXIT_USAGE, "password", "unreadable", path, "found", strerror(errno), NULL);
  int code = read_line(p, fd);
  close(fd);
  return code;
}

/* Who ends us at the question gets a terminal back that shows what is typed. */
static int const      ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static int            asked_at;
static struct termios as_it_was;

static void on_end(int sig) {
  tcsetattr(asked_at, TCSAFLUSH, &as_it_was);
  raise(sig); /* as without us, once we return */
}

static void guard(struct sigaction was[CF_COUNT_OF(ends)]) {
  struct sigaction act = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};
  for (size_t i = 0; i < CF_COUNT_OF(ends); i++)
    if (!sigaction(ends[i], NULL, &was[i]) && was[i].sa_handler == SIG_DFL) sigaction(ends[i], &act, NULL);
}

static int from_terminal(password_t *p, char const *prompt) {
  struct sigaction before[CF_COUNT_OF(ends)];
  struct termios   was, quiet;
  int              fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 || tcgetattr(fd, &was)) {
    if (fd >= 0) close(fd);
    return no_password("there is no terminal to ask at");
  }
  asked_at = fd;
  as_it_was = quiet = was;
  guard(before);
  quiet.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr(fd, TCSAFLUSH, &quiet);
  bool told = write(fd, prompt, strlen(prompt)) > 0;
  int  code = told ? read_line(p, fd) : no_password("the terminal does not take the question");
  tcsetattr(fd, TCSAFLUSH, &was);
  for (size_t i = 0; i < CF_COUNT_OF(ends); i++) sigaction(ends[i], &before[i], NULL);
  (void)!write(fd, "\n", 1);
  close(fd);
  return code;
}

static int password_get(password_t *p, cf_args_t const *a, char const *prompt) {
  *p = (password_t){.text = cf_secret_new(PASSWORD_MAX)};
  if (!p->text) abort();
  return cf_arg(a, "password-file") ? from_file(p, cf_arg(a, "password-file")) : from_terminal(p, prompt);
}

/* ---- files ---- */

static int slurp(cf_span_t *in, cf_keystore_t *k, bool *bare, char const *path, bool bare_fine) {
  cf_error_t err = {0};
  int        code = cf_slurp(in, path, CF_KEYSTORE_MAX);
  if (code) return code;
  *bare = in->len && in->ptr[0] != '{';
  if (*bare && !bare_fine)
    return cf_fail(CF_EXIT_FAILS, "key", "policy", path, "found", "a key without a password, or no keystore", "next",
                   "counterfoil wallet keystore F  makes one", NULL);
  return !*bare && cf_keystore_decode(k, *in, &err) ? cf_fail_error("key", &err) : 0;
}

static int open_bare(uint8_t scalar[32], cf_span_t in, char const *path) {
  size_t skip = in.len > 2 && in.ptr[0] == '0' && in.ptr[1] == 'x' ? 2 : 0, len = in.len - skip;
  len -= len && in.ptr[in.len - 1] == '\n';
  return cf_hex_decode(scalar, 32, CF_SPAN(in.ptr + skip, len))
             ? cf_fail(CF_EXIT_FAILS, "key", "format", path, "found", "neither a keystore nor 64 hex digits", NULL)
             : 0;
}

static int open_keystore(uint8_t scalar[32], cf_keystore_t const *k, cf_args_t const *a, char const *path) {
  password_t p;
  cf_error_t err = {0};
  int        code = password_get(&p, a, cf_fmt("password of %s: ", path));
  if (!code && cf_keystore_open(scalar, k, CF_SPAN(p.text, p.len), &err))
    code = cf_fail(CF_EXIT_FAILS, "key", cf_status_name(err.status), err.item, "file", path, "found", err.text, NULL);
  cf_secret_free(p.text);
  return code;
}

int cf_key_file_open(uint8_t **scalar, cf_addr_t *addr, cf_args_t const *a, char const *path, bool bare_fine) {
  cf_span_t     in = {0};
  cf_keystore_t k;
  bool          bare = false;
  *scalar = cf_secret_new(32);
  if (!*scalar) abort();
  int code = slurp(&in, &k, &bare, path, bare_fine);
  if (!code) code = bare ? open_bare(*scalar, in, path) : open_keystore(*scalar, &k, a, path);
  if (in.ptr) cf_wipe((void *)(uintptr_t)in.ptr, in.len);
  free((void *)(uintptr_t)in.ptr);
  if (!code && cf_k256_addr(addr, *scalar)) code = cf_fail(CF_EXIT_FAILS, "key", "format", path, "found", "no secp256k1 key", NULL);
  return code;
}

int cf_key_file_addr(cf_addr_t *addr, cf_args_t const *a, char const *path, bool bare_fine) {
  cf_span_t     in = {0};
  cf_keystore_t k;
  bool          bare;
  uint8_t      *scalar;
  int           code = slurp(&in, &k, &bare, path, bare_fine);
  if (code) return code;
  if (!bare && k.has_addr) return *addr = k.addr, 0;
  code = cf_key_file_open(&scalar, addr, a, path, bare_fine);
  cf_secret_free(scalar);
  return code;
}

int cf_key_file_make(char const *path, cf_args_t const *a, uint8_t const scalar[32]) {
  password_t    p, again = {0};
  cf_keystore_t k;
  cf_entropy_t  e = cf_entropy_system();
  cf_wr_t       wr = cf_room(CF_KEYSTORE_WRITTEN_MAX);
  if (access(path, F_OK) == 0)
    return cf_fail(CF_EXIT_FAILS, "key", "exists", path, "found", "a file lies there, and is not replaced", NULL);
  int code = password_get(&p, a, cf_fmt("password for %s: ", path));
  if (!code && !cf_arg(a, "password-file")) {
    code = password_get(&again, a, "once more: ");
    if (!code && !cf_span_eq(CF_SPAN(p.text, p.len), CF_SPAN(again.text, again.len))) code = no_password("typed differently");
    cf_secret_free(again.text);
  }
  if (!code && !p.len) code = no_password("an empty password protects nothing");
  if (!code && cf_keystore_make(&k, scalar, CF_SPAN(p.text, p.len), CF_KEYSTORE_N, &e))
    code = cf_fail(CF_EXIT_WORLD, "key", "io", path, "found", "no memory for the key derivation", NULL);
  cf_secret_free(p.text);
  if (code) return code;
  cf_keystore_write(&wr, &k);
  return cf_save(path, cf_wr_out(&wr), true);
}
