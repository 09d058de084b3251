/* Whether a call ends the process by abort: for asserts that only our own bug can break. */
#ifndef CF_TEST_DIES_H
#define CF_TEST_DIES_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool
dies(void (*call)(void *), void *arg) {
  pid_t pid = fork();
  if (pid < 0) abort();
  if (pid == 0) {
    signal(SIGABRT, SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    call(arg);
    _exit(0);
  }
  int status;
  return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
