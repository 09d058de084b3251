/* Is it the program that I trust, on a platform that I trust, and until when?   appraise POLICY UNIX-TIME ROLE FILE [ROLE FILE]...
   POLICY is a file (`counterfoil verify --policy default --show` prints one to begin with), or the word default. */
#include <counterfoil/policy.h>
#include <string.h>

#include "read_file.h"

static int refused(counterfoil_verdict_t const *v) {
  printf("%s  %s: %s%s\n  next  %s\n", v->name, v->item, v->found, v->authentic ? " (authentic, and refused)" : "", v->next);
  return v->code == COUNTERFOIL_MISUSE ? 2 : 1;
}

int main(int argc, char **argv) {
  counterfoil_item_t        items[COUNTERFOIL_ITEMS_MAX];
  counterfoil_ask_t         ask = COUNTERFOIL_ASK;
  counterfoil_bytes_t const strict = {"default", 7};
  counterfoil_t            *c = counterfoil_new();
  if (argc < 5 || !c) return fprintf(stderr, "appraise POLICY UNIX-TIME ROLE FILE [ROLE FILE]...\n"), 2;

  ask.policy = strcmp(argv[1], "default") ? read_file(argv[1], COUNTERFOIL_POLICY_MAX) : strict;
  if (counterfoil_policy_check(c, ask.policy) != COUNTERFOIL_OK) return refused(counterfoil_verdict(c));
  for (int i = 3; i + 1 < argc && ask.item_cnt < COUNTERFOIL_ITEMS_MAX; i += 2) {
    items[ask.item_cnt].role = argv[i];
    items[ask.item_cnt++].bytes = read_file(argv[i + 1], COUNTERFOIL_ITEM_MAX);
  }
  ask.items = items;
  ask.at_s = strtoll(argv[2], NULL, 10);
  if (counterfoil_expiry(c, &ask) != COUNTERFOIL_OK) return refused(counterfoil_verdict(c));

  printf("accepted  %s until %lld\n", counterfoil_verdict(c)->platform, (long long)counterfoil_verdict(c)->until_s);
  for (size_t i = 0; counterfoil_date(c, i); i++)
    printf("  %-20s ends %lld\n", counterfoil_date(c, i)->item, (long long)counterfoil_date(c, i)->to_s);
  counterfoil_free(c);
  return 0;
}
