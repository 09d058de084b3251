/* Does what was judged then still hold, offline?   recheck BUNDLE [POLICY]
   A bundle is what `counterfoil bundle make` writes; POLICY is the reader's own. */
#include <counterfoil/bundle.h>

#include "read_file.h"

int main(int argc, char **argv) {
  counterfoil_bytes_t none = {NULL, 0};
  counterfoil_t      *c = counterfoil_new();
  int64_t             at_s = 0;
  bool                holds;
  if (argc < 2 || !c) return fprintf(stderr, "recheck BUNDLE [POLICY]\n"), 2;

  counterfoil_bytes_t          bundle = read_file(argv[1], COUNTERFOIL_BUNDLE_MAX);
  counterfoil_bytes_t          policy = argc > 2 ? read_file(argv[2], COUNTERFOIL_POLICY_MAX) : none;
  counterfoil_code_t           code = counterfoil_bundle_check(c, &holds, bundle, policy);
  counterfoil_verdict_t const *v = counterfoil_verdict(c);
  if (code == COUNTERFOIL_OK && counterfoil_bundle_at(c, &at_s)) printf("holds: ok as of %lld\n", (long long)at_s);
  else printf("%s: %s  %s: %s\n", holds ? "holds, and is refused" : "does not hold", v->name, v->item, v->found);
  counterfoil_free(c);
  return code == COUNTERFOIL_OK ? 0 : code == COUNTERFOIL_MISUSE ? 2 : 1;
}
