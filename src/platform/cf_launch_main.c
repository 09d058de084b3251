/* counterfoil-launch: measures and starts the enclave, and speaks to its TPM. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "crypto/cf_sign.h"
#include "document/cf_boundary.h"
#include "platform/cf_confine.h"
#include "platform/cf_launch.h"

static char const usage[] = "counterfoil-launch DIR PROGRAM [TCTI]\n"
                            "  measures PROGRAM, DIR/configuration and DIR/public/genesis into the TPM, starts the program and serves it.\n"
                            "  TCTI, e.g. device:/dev/tpmrm0, names a TPM; without it a software TPM in DIR/tpm is started: the genuine protocol,\n"
                            "  but a TPM that its owner controls.\n"
                            "  example: counterfoil-launch ./domain ./counterfoil-enclave\n";

/* One line for the log and for "counterfoil status": what confines the program, and what this kernel or a limit did not grant. */
static void
say_layers(cf_launch_t *l) {
  char     text[512];
  unsigned n = 0;
  for (unsigned lacks = 0; lacks < 2; lacks++)
    for (unsigned bit = 0; bit < CF_LAYER_CNT; bit++)
      if ((l->layers >> bit & 1) != lacks)
        n += (unsigned)snprintf(text + n, sizeof text - n, "%s%s%s", n ? ", " : "system call filter, ", lacks ? "NOT " : "", cf_layer_name(bit));
  printf("confined: %s\n", text);
  text[n++] = '\n';
  (void)!cf_launch_put(l, "confinement", CF_SPAN(text, n), NULL);
}

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
  if (cf_confine_begin(&err) || cf_secret_pool_init(1 << 16)) return 3;
  cf_crypto_init();
  cf_launch_config_t config = { .dir = argv[1], .program = argv[2], .tcti = argc > 3 ? argv[3] : NULL };
  cf_status_t        st     = cf_launch_start(&l, &config, &err);
  if (!st) { /* the TPM is open, the program runs: from here on it only answers and keeps its blobs */
    char         folder[512];
    cf_confine_t c = { .whole = { folder }, .whole_cnt = 1, .signals = true };
    snprintf(folder, sizeof folder, "%s/enclave", config.dir);
    say_layers(&l);
    st = cf_confine(&c, NULL, &err);
  }
  if (!st) {
    puts("ready"); /* one line, for whoever supervises */
    fflush(stdout);
    st = cf_launch_serve(&l, stop_fd, &err);
  }
  cf_launch_stop(&l);
  if (st) fprintf(stderr, "launch: %s  %s: %s\n", cf_status_name(st), err.item, err.text);
  return st ? 3 : 0;
}
