/* Is this quote authentic, fresh and unrevoked?   verify_quote UNIX-TIME ROLE FILE [ROLE FILE]...
   cc verify_quote.c $(pkg-config --cflags --libs libcounterfoil) */
#include <counterfoil/evidence.h>

#include "read_file.h"

int main(int argc, char **argv) {
  counterfoil_item_t items[COUNTERFOIL_ITEMS_MAX];
  counterfoil_ask_t  ask = COUNTERFOIL_ASK;
  counterfoil_t     *c = counterfoil_new();
  if (argc < 4 || !c) return fprintf(stderr, "verify_quote UNIX-TIME ROLE FILE [ROLE FILE]...\n"), 2;

  for (int i = 2; i + 1 < argc && ask.item_cnt < COUNTERFOIL_ITEMS_MAX; i += 2) {
    items[ask.item_cnt].role = argv[i];
    items[ask.item_cnt++].bytes = read_file(argv[i + 1], COUNTERFOIL_ITEM_MAX);
  }
  ask.items = items;
  ask.at_s = strtoll(argv[1], NULL, 10);

  counterfoil_code_t           code = counterfoil_verify(c, &ask);
  counterfoil_verdict_t const *v = counterfoil_verdict(c);
  if (code == COUNTERFOIL_OK) printf("ok  %s until %lld\n%s\n", v->platform, (long long)v->until_s, counterfoil_report(c));
  else printf("%s  %s: %s\n  next  %s\n", v->name, v->item, v->found, v->next);
  counterfoil_free(c);
  return code == COUNTERFOIL_OK ? 0 : code == COUNTERFOIL_MISUSE ? 2 : 1;
}
