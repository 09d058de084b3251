/* What the enclave's process gives up before it reads its first byte. */
#ifndef CF_ENCLAVE_SANDBOX_H
#define CF_ENCLAVE_SANDBOX_H

#include "base/cf_status.h"

/* cf_sandbox_enter confines the process for good: no new privileges, not dumpable, no core files; namespaces of its own (user, network, mounts, IPC,
   UTS, cgroup) and a Landlock domain without any right, each where the kernel grants it; then a
   seccomp filter that kills the process on every call but: read, write, close on what it holds; accept4 on listen_fd; poll;
   futex, getrandom, clock_gettime; anonymous non-executable memory; sigreturn and exit.

   Open everything before: nothing can be opened afterwards.  listen_fd is the descriptor that gateways connect to.
   CF_ERR_IO when the filter or no-new-privileges cannot be set: the caller must end.  *what (may be NULL) then names the step. */
CF_MUST_CHECK cf_status_t cf_sandbox_enter(int listen_fd, char const **what);

#endif
