/* counterfoil-launch: measures and starts the enclave, and speaks to its TPM. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "crypto/cf_sign.h"
#include "platform/cf_launch.h"

static char const usage[] = "counterfoil-launch DIR PROGRAM [TCTI]\n"
                            "  measures PROGRAM, DIR/configuration and DIR/public/genesis into the TPM, starts the program and serves it.\n"
                            "  TCTI, e.g. device:/dev/tpmrm0, names a TPM; without it a software TPM in DIR/tpm is started: the genuine protocol,\n"
                            "  but a TPM that its owner controls.\n"
                            "  example: counterfoil-launch ./domain ./counterfoil-enclave\n";

int
main(int argc, char **argv) {
  static cf_launch_t l;
  cf_error_t         err = { 0 };
  sigset_t           stop;
  if (argc == 2 && !strcmp(argv[1], "--help")) return fputs(usage, stdout) < 0;
  if (argc < 3 || argc > 4) return fputs(usage, stderr) < 0 ? 3 : 2;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  setenv("TSS2_LOG", "all+none", 0); /* what matters of its words stands in our errors */
  int stop_fd = signalfd(-1, &stop, SFD_CLOEXEC);
  if (cf_secret_pool_init(1 << 16)) return 3;
  cf_crypto_init();
  cf_launch_config_t config = { .dir = argv[1], .program = argv[2], .tcti = argc > 3 ? argv[3] : NULL };
  cf_status_t        st     = cf_launch_start(&l, &config, &err);
  if (!st) {
    puts("ready"); /* one line, for whoever supervises */
    fflush(stdout);
    st = cf_launch_serve(&l, stop_fd, &err);
  }
  cf_launch_stop(&l);
  if (st) fprintf(stderr, "launch: %s  %s: %s\n", cf_status_name(st), err.item, err.text);
  return st ? 3 : 0;
}
