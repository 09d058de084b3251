/* cf-attest-fake DIR PLATFORM: mounts the interfaces of a machine of that platform (fake.h) at DIR, prints "ready", and serves
   until it is ended.  Status 77: this system lets nobody mount FUSE. */
#include "fake.h"

static void say(void *ctx) {
  (void)ctx;
  puts("ready");
  fflush(stdout);
}

int main(int argc, char **argv) {
  static struct {
    char const   *name;
    cf_platform_t platform;
  } const platforms[] = {
      {"tdx", CF_PLATFORM_TDX}, {"snp", CF_PLATFORM_SNP}, {"sgx", CF_PLATFORM_SGX}, {"nitro", CF_PLATFORM_NITRO}};
  if (argc != 3 || !fake_alloc()) return 2;
  for (size_t i = 0; i < sizeof platforms / sizeof platforms[0]; i++)
    if (!strcmp(argv[2], platforms[i].name)) fake_set(platforms[i].platform);
  if (!fake->platform) return 2;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  return fake_serve(argv[1], say, NULL) ? 77 : 0;
}
