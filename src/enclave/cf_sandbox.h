/* What the enclave's process gives up before it reads its first byte. */
#ifndef CF_ENCLAVE_SANDBOX_H
#define CF_ENCLAVE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cf_status.h"

/* A system call that the filter lets through; every other one kills the process.  use says what for; a rare one may not be made in
   a whole life. */
typedef struct {
  int         number;
  bool        rare;
  char const *name;
  char const *use;
} cf_sandbox_call_t;
extern cf_sandbox_call_t const cf_sandbox_calls[];
extern size_t const            cf_sandbox_calls_cnt;

/* cf_sandbox_enter confines the process for good: no new privileges, no capability, not dumpable, no core files; namespaces of its
   own and a Landlock domain without any right, each where the kernel grants it (*layers gets CF_LAYER_ bits, document/cf_boundary.h); then a seccomp filter that
   kills the process on every call that is not in cf_sandbox_calls, and on accept4 but on listen_fd.

   Open and map everything before: neither can be done afterwards.  listen_fd is the descriptor that gateways connect to.
   CF_ERR_IO when what every kernel has cannot be set: the caller must end.  *what (may be NULL) then names the step. */
CF_MUST_CHECK cf_status_t cf_sandbox_enter(int listen_fd, unsigned *layers, char const **what);

#endif
