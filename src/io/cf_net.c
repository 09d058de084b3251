#include "io/cf_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cf_text.h"

/* numeric address, without brackets */
static cf_status_t
addr_make(struct sockaddr_storage *out, socklen_t *out_sz, char const *host, uint16_t port) {
  struct sockaddr_in  v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
  struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
  if (!strcmp(host, "localhost")) host = "127.0.0.1";
  *out = (struct sockaddr_storage){ 0 };
  if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
    memcpy(out, &v4, *out_sz = sizeof v4);
    return CF_OK;
  }
  if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
    memcpy(out, &v6, *out_sz = sizeof v6);
    return CF_OK;
  }
  return CF_ERR_UNSUPPORTED;
}

static bool
is_path(char const *s) {
  for (; *s; s++) {
    if (*s <= ' ' || *s > '~' || *s == '?' || *s == '#') return false;
  }
  return true;
}

static cf_status_t
port_parse(uint16_t *out, char const *text, size_t len) {
  uint64_t port = 80;
  if (len && (cf_dec_u64(&port, CF_SPAN(text + 1, len - 1)) || port == 0 || port > UINT16_MAX)) return CF_ERR_FORMAT;
  *out = (uint16_t)port;
  return CF_OK;
}

cf_status_t
cf_url_parse(cf_url_t *out, char const *text, cf_error_t *err) {
  static char const scheme[] = "http://";
  if (!strncmp(text, "https://", 8))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "url", 0,
                        "https is not spoken here; put a TLS proxy in front and name its plain side");
  if (strncmp(text, scheme, sizeof scheme - 1)) return cf_error_set(err, CF_ERR_UNSUPPORTED, "url", 0, "must begin with http://");

  char const *auth = text + sizeof scheme - 1, *path = auth + strcspn(auth, "/");
  bool        v6    = *auth == '[';
  char const *host  = auth + v6;
  size_t      named = strcspn(host, v6 ? "]" : ":/");
  char const *after = host + named + (v6 && host[named] == ']');
  size_t      auth_sz = (size_t)(path - auth), path_sz = strlen(path);
  while (path_sz && path[path_sz - 1] == '/') path_sz--;

  cf_url_t url = { 0 };
  char     name[sizeof url.authority];
  uint16_t port = 0;
  if (auth_sz >= sizeof url.authority || path_sz >= sizeof url.path)
    return cf_error_set(err, CF_ERR_BOUND, "url", 0, "longer than %zu bytes of host or %zu of path", sizeof url.authority - 1,
                        sizeof url.path - 1);
  if (named == 0 || (v6 && host[named] != ']') || after > path || (after < path && *after != ':') ||
      port_parse(&port, after, (size_t)(path - after)) || !is_path(path))
    return cf_error_set(err, CF_ERR_FORMAT, "url", 0, "not http://HOST[:PORT][/PATH]");
  memcpy(name, host, named);
  name[named] = 0;
  if (addr_make(&url.addr, &url.addr_sz, name, port) || v6 != (url.addr.ss_family == AF_INET6))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "url", sizeof scheme - 1,
                        "%s is no numeric address; names are not looked up (localhost is known)", name);
  memcpy(url.authority, auth, auth_sz);
  memcpy(url.path, path, path_sz);
  *out = url;
  return CF_OK;
}

cf_status_t
cf_net_listen(int *fd, char const *addr, uint16_t port, cf_error_t *err) {
  struct sockaddr_storage sa;
  socklen_t               sa_sz;
  if (addr_make(&sa, &sa_sz, addr, port)) return cf_error_set(err, CF_ERR_FORMAT, "listen", 0, "%s is no numeric address", addr);
  int one  = 1;
  int sock = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (sock >= 0) {
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* accepted sockets inherit it */
  }
  if (sock < 0 || bind(sock, (struct sockaddr *)&sa, sa_sz) || listen(sock, 1024)) {
    cf_error_set(err, CF_ERR_IO, "listen", 0, "%s port %u: %s", addr, port, strerror(errno));
    if (sock >= 0) close(sock);
    return CF_ERR_IO;
  }
  *fd = sock;
  return CF_OK;
}

uint16_t
cf_net_port(int fd) {
  struct sockaddr_storage sa    = { 0 };
  socklen_t               sa_sz = sizeof sa;
  getsockname(fd, (struct sockaddr *)&sa, &sa_sz);
  if (sa.ss_family == AF_INET6) {
    struct sockaddr_in6 v6;
    memcpy(&v6, &sa, sizeof v6);
    return ntohs(v6.sin6_port);
  }
  struct sockaddr_in v4;
  memcpy(&v4, &sa, sizeof v4);
  return ntohs(v4.sin_port);
}

cf_status_t
cf_net_unix_addr(struct sockaddr_storage *out, socklen_t *out_sz, char const *path) {
  struct sockaddr_un un = { .sun_family = AF_UNIX };
  if (strlen(path) >= sizeof un.sun_path) return CF_ERR_BOUND;
  memcpy(un.sun_path, path, strlen(path) + 1);
  *out = (struct sockaddr_storage){ 0 };
  memcpy(out, &un, *out_sz = sizeof un);
  return CF_OK;
}

/* true when a socket at addr has nobody behind it */
static bool
is_left_over(struct sockaddr_storage const *addr, socklen_t addr_sz) {
  int  probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool dead  = probe >= 0 && connect(probe, (struct sockaddr const *)addr, addr_sz) && errno == ECONNREFUSED;
  if (probe >= 0) close(probe);
  return dead;
}

cf_status_t
cf_net_listen_unix(int *fd, char const *path, cf_error_t *err) {
  struct sockaddr_storage sa;
  socklen_t               sa_sz;
  if (cf_net_unix_addr(&sa, &sa_sz, path))
    return cf_error_set(err, CF_ERR_BOUND, "socket", 0, "path longer than 107 bytes: %s", path);
  if (is_left_over(&sa, sa_sz)) unlink(path);
  int    sock  = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  mode_t mask  = umask(0177);
  int    bound = sock < 0 ? -1 : bind(sock, (struct sockaddr *)&sa, sa_sz);
  umask(mask);
  if (bound || listen(sock, 64)) {
    cf_error_set(err, CF_ERR_IO, "socket", 0, "%s: %s", path, strerror(errno));
    if (sock >= 0) close(sock);
    return CF_ERR_IO;
  }
  *fd = sock;
  return CF_OK;
}

cf_status_t
cf_net_connect(int *fd, struct sockaddr_storage const *addr, socklen_t addr_sz) {
  int one  = 1;
  int sock = socket(addr->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (sock < 0) return CF_ERR_IO;
  if (addr->ss_family != AF_UNIX) setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(sock, (struct sockaddr const *)addr, addr_sz) && errno != EINPROGRESS) {
    close(sock);
    return CF_ERR_IO;
  }
  *fd = sock;
  return CF_OK;
}
