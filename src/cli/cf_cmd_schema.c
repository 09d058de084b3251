#include <string.h>

#include "cli/cf_commands.h"
#include "document/cf_documents.h"

int cf_cmd_schema(cf_args_t const *a) {
  cf_wr_t wr = cf_room(1 << 20);
  if (a->word_cnt && !cf_table_by_name(a->word[0])) {
    char *names = cf_fmt("%s", "");
    for (size_t i = 0; cf_tables[i]; i++) names = cf_fmt("%s%s%s", names, i ? ", " : "", cf_tables[i]->name);
    return cf_fail(CF_EXIT_USAGE, "schema", "unknown document", a->word[0], "next", names, NULL);
  }
  for (size_t i = 0; cf_tables[i]; i++)
    if (!a->word_cnt || !strcmp(cf_tables[i]->name, a->word[0])) cf_table_schema(&wr, cf_tables[i]);
  if (!cf_json_mode()) return cf_emit(cf_wr_out(&wr), NULL);
  cf_wr_t out = cf_room((1 << 21) + 4096);
  cf_jw_t j = cf_json_begin(&out);
  cf_jw_obj(&j, NULL);
  cf_jw_text(&j, "cddl", cf_wr_out(&wr));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}
