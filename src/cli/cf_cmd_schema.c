#include <string.h>

#include "cli/cf_commands.h"
#include "document/cf_documents.h"
#include "evidence/cf_judgement_bundle.h"

/* Document i: those that everybody speaks, and then evidence's own; NULL past the end. */
static cf_table_t const *document(size_t i) {
  static cf_table_t const *const evidence[] = {&cf_statement_table, &cf_appraisal_table, &cf_judgement_bundle_table};
  size_t                         cnt = 0;
  while (cf_tables[cnt]) cnt++;
  if (i < cnt) return cf_tables[i];
  return i - cnt < CF_COUNT_OF(evidence) ? evidence[i - cnt] : NULL;
}

int cf_cmd_schema(cf_args_t const *a) {
  cf_wr_t           wr = cf_room(1 << 20);
  cf_table_t const *t;
  char             *names = cf_fmt("%s", "");
  for (size_t i = 0; (t = document(i)); i++) {
    names = cf_fmt("%s%s%s", names, i ? ", " : "", t->name);
    if (!a->word_cnt || !strcmp(t->name, a->word[0])) cf_table_schema(&wr, t);
  }
  if (!wr.len) return cf_fail(CF_EXIT_USAGE, "schema", "unknown document", a->word[0], "next", names, NULL);
  if (!cf_json_mode()) return cf_emit(cf_wr_out(&wr), NULL);
  cf_wr_t out = cf_room((1 << 21) + 4096);
  cf_jw_t j = cf_json_begin(&out);
  cf_jw_obj(&j, NULL);
  cf_jw_text(&j, "cddl", cf_wr_out(&wr));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}
