/* Addresses and sockets: what the loop's users listen on and connect to.  TLS
   is not spoken here: a proxy in front does it. */
#ifndef CF_IO_NET_H
#define CF_IO_NET_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/cf_error.h"

/* cf_url_t is http://HOST[:PORT][/PATH], HOST a numeric address or localhost:
   a process that follows names would need a resolver and trust it. */
typedef struct {
  char                    authority[64]; /* as in the Host field */
  char                    path[256];     /* without a '/' at the end, may be "" */
  struct sockaddr_storage addr;
  socklen_t               addr_sz;
} cf_url_t;

/* cf_url_parse reads text.  CF_ERR_UNSUPPORTED for another scheme or a name,
   CF_ERR_FORMAT, CF_ERR_BOUND; err (may be NULL) says what to do. */
CF_MUST_CHECK cf_status_t cf_url_parse(cf_url_t *out, char const *text, cf_error_t *err);

/* cf_net_listen makes a non-blocking listener on a numeric address; port 0 is
   any free one, and cf_net_port tells which.  CF_ERR_FORMAT, CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_net_listen(int *fd, char const *addr, uint16_t port, cf_error_t *err);
uint16_t                  cf_net_port(int fd);

/* cf_net_listen_unix makes a non-blocking listener at path, readable by this
   user alone.  A socket left there by a dead process is replaced; one that
   answers is not.  CF_ERR_BOUND when path is too long, CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_net_listen_unix(int *fd, char const *path, cf_error_t *err);

/* cf_net_unix_addr fills out for path.  CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_net_unix_addr(struct sockaddr_storage *out, socklen_t *out_sz, char const *path);

/* cf_net_connect starts a non-blocking connection, done when *fd is writable
   and SO_ERROR is 0.  CF_ERR_IO when it failed at once. */
CF_MUST_CHECK cf_status_t cf_net_connect(int *fd, struct sockaddr_storage const *addr, socklen_t addr_sz);

#endif
