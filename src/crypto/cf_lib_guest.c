/* In libcounterfoil the process is somebody else's: its libcrypto keeps its configuration, its generator and its heap, and nothing is
   made that verifying does not need.  The link has this in the place of cf_lib_own.c. */
#include "crypto/cf_lib.h"

void
cf_lib_own(cf_lib_t *lib) {
  (void)lib;
}
