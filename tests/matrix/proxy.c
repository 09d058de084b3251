/* cf-proxy FILE SEED NODE PORT...: stands between the processes of a domain and a node of a chain (127.0.0.1:NODE), once for each PORT.
   While FILE holds a word it does that to some of the questions, on every port or, when it lies, on the last alone:
     drop    the question does not arrive, or its answer does not
     delay   the question arrives late, or its answer does
     double  the question arrives twice
     lie     the answer is another one: as of some time ago, with a digit changed, empty, an error, too long; or a transaction is said to be
             taken and is not
   A thread for each connection; HTTP/1.1 in, HTTP/1.0 out, so that an answer ends where its connection does. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORTS_MAX = 8, HEAD_MAX = 16384, MESSAGE_MAX = 32 << 20, LATE_MS = 3000, OLD_MAX = 64, TOO_LONG = 9 << 20 };

typedef struct {
  char  *text;
  size_t len, max;
} message_t;

static char const     *file;
static uint16_t        node;
static unsigned        port_cnt;
static uint64_t        state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static message_t       old[OLD_MAX]; /* answers that were given */
static unsigned        old_cnt;

/* splitmix64 */
static uint64_t draw(uint64_t n) {
  pthread_mutex_lock(&lock);
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  pthread_mutex_unlock(&lock);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (z ^ (z >> 31)) % n;
}

static void pause_ms(uint64_t ms) {
  struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  nanosleep(&t, NULL);
}

static bool told(char const *word) {
  char    text[16] = "";
  int     fd = open(file, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  return n > 0 && !strncmp(text, word, strlen(word));
}

/* ---- messages ---- */

static bool grow(message_t *m, size_t want) {
  if (want > MESSAGE_MAX) return false;
  if (want <= m->max) return true;
  char *to = realloc(m->text, 2 * want);
  if (!to) return false;
  m->text = to;
  m->max = 2 * want;
  return true;
}

static bool put(message_t *m, char const *text, size_t len) {
  if (!grow(m, m->len + len + 1)) return false;
  memcpy(m->text + m->len, text, len);
  m->text[m->len += len] = 0;
  return true;
}

static void keep(message_t const *m) {
  pthread_mutex_lock(&lock);
  message_t *o = &old[old_cnt++ % OLD_MAX];
  o->len = 0;
  (void)put(o, m->text, m->len);
  pthread_mutex_unlock(&lock);
}

static bool write_all(int fd, char const *text, size_t len) {
  for (ssize_t n; len; text += n, len -= (size_t)n)
    if ((n = send(fd, text, len, MSG_NOSIGNAL)) <= 0) return false;
  return true;
}

/* More of a message; false at its connection's end. */
static bool more(int fd, message_t *m) {
  char    part[65536];
  ssize_t n = recv(fd, part, sizeof part, 0);
  return n > 0 && put(m, part, (size_t)n);
}

/* The body of one request; what stands behind it stays in *in. */
static bool request(int fd, message_t *in, message_t *body) {
  char *end;
  while (!in->len || !(end = strstr(in->text, "\r\n\r\n")))
    if (in->len > HEAD_MAX || !more(fd, in)) return false;
  *end = 0;
  char const *length = strcasestr(in->text, "content-length:");
  size_t      at = (size_t)(end + 4 - in->text), len = length ? strtoul(length + 15, NULL, 10) : 0;
  if (len > MESSAGE_MAX) return false;
  while (in->len < at + len)
    if (!more(fd, in)) return false;
  body->len = 0;
  if (!put(body, in->text + at, len)) return false;
  memmove(in->text, in->text + at + len, in->len - at - len + 1);
  in->len -= at + len;
  return true;
}

/* What the node answers. */
static bool ask(message_t *answer, message_t const *body) {
  char               head[128];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(node), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int  n = snprintf(head, sizeof head, "POST / HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body->len);
  bool ok = fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to) && write_all(fd, head, (size_t)n) && write_all(fd, body->text, body->len);
  message_t whole = {0};
  while (ok && more(fd, &whole)) {}
  if (fd >= 0) close(fd);
  char const *start = whole.len ? strstr(whole.text, "\r\n\r\n") : NULL;
  answer->len = 0;
  ok = ok && start && put(answer, start + 4, whole.len - (size_t)(start + 4 - whole.text));
  free(whole.text);
  return ok;
}

static bool reply(int fd, message_t const *answer) {
  char head[128];
  int  n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", answer->len);
  return write_all(fd, head, (size_t)n) && write_all(fd, answer->text, answer->len);
}

/* ---- lies ---- */

static void change_digits(message_t *m) {
  for (uint64_t times = 1 + draw(3), tries = 0; times && tries < 10000; tries++) {
    char *c = m->text + draw(m->len);
    if (!strchr("0123456789abcdef", *c)) continue;
    *c = "0123456789abcdef"[draw(16)];
    times--;
  }
}

static void of_some_time_ago(message_t *m) {
  pthread_mutex_lock(&lock);
  unsigned n = old_cnt < OLD_MAX ? old_cnt : OLD_MAX;
  pthread_mutex_unlock(&lock);
  if (!n) return;
  unsigned i = (unsigned)draw(n);
  pthread_mutex_lock(&lock);
  m->len = 0;
  (void)put(m, old[i].text, old[i].len);
  pthread_mutex_unlock(&lock);
}

static void say(message_t *m, char const *text) {
  m->len = 0;
  (void)put(m, text, strlen(text));
}

static bool lie(message_t *answer, message_t const *body) {
  char const *send = strstr(body->text, "eth_sendRawTransaction");
  if (send && draw(2)) { /* swallowed */
    say(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1111111111111111111111111111111111111111111111111111111111111111\"}");
    return true;
  }
  if (!ask(answer, body)) return false;
  switch (draw(8)) {
  case 0: say(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}"); break;
  case 1: say(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"nonce too low\"}}"); break;
  case 2: of_some_time_ago(answer); break;
  case 3: answer->text[answer->len /= 2] = 0; break;
  case 4:
    if (!grow(answer, TOO_LONG + 1)) break;
    memset(answer->text + answer->len, ' ', TOO_LONG - answer->len);
    answer->len = TOO_LONG;
    break;
  default: change_digits(answer); break;
  }
  return true;
}

/* ---- connections ---- */

typedef struct {
  int  fd;
  bool liar;
} connection_t;

/* false: the connection ends without an answer. */
static bool serve(connection_t const *c, message_t *answer, message_t const *body) {
  bool sometimes = draw(3) == 0;
  if (sometimes && told("drop") && draw(2)) return false;
  if (sometimes && told("delay") && draw(2)) pause_ms(draw(LATE_MS));
  if (sometimes && told("double") && !ask(answer, body)) return false;
  bool ok = sometimes && c->liar && told("lie") ? lie(answer, body) : ask(answer, body);
  if (sometimes && told("drop")) return false;
  if (sometimes && told("delay")) pause_ms(draw(LATE_MS));
  if (ok && body->len < 4096) keep(answer);
  return ok;
}

static void *talk(void *arg) {
  connection_t *c = arg;
  message_t     in = {0}, body = {0}, answer = {0};
  while (request(c->fd, &in, &body) && serve(c, &answer, &body) && reply(c->fd, &answer)) {}
  close(c->fd);
  free(in.text);
  free(body.text);
  free(answer.text);
  free(c);
  return NULL;
}

static int listen_at(char const *port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 64)) err(1, "port %s", port);
  return fd;
}

int main(int argc, char **argv) {
  struct pollfd  p[PORTS_MAX];
  pthread_attr_t attr;
  if (argc < 5 || argc - 4 > PORTS_MAX) errx(2, "cf-proxy FILE SEED NODE PORT...");
  file = argv[1];
  state = strtoull(argv[2], NULL, 10);
  node = (uint16_t)atoi(argv[3]);
  for (; argv[4 + port_cnt]; port_cnt++) p[port_cnt] = (struct pollfd){.fd = listen_at(argv[4 + port_cnt]), .events = POLLIN};
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  for (;;) {
    if (poll(p, port_cnt, -1) < 0 && errno != EINTR) err(1, "poll");
    for (unsigned i = 0; i < port_cnt; i++) {
      if (!(p[i].revents & POLLIN)) continue;
      connection_t *c = calloc(1, sizeof *c);
      pthread_t     thread;
      if (!c) errx(1, "out of memory");
      *c = (connection_t){.fd = accept4(p[i].fd, NULL, NULL, SOCK_CLOEXEC), .liar = i + 1 == port_cnt};
      if (c->fd >= 0 && !pthread_create(&thread, &attr, talk, c)) continue;
      if (c->fd >= 0) close(c->fd);
      free(c);
    }
  }
}
