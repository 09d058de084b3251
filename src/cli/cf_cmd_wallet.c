#include "cli/cf_commands.h"
#include "cli/cf_wallet_file.h"

static int print(char const *dir) {
  cf_wallet_file_t *w;
  int               code = cf_wallet_file_open(&w, dir);
  if (code) return code;
  char *addr = cf_hex(CF_SPAN_OF(w->key.addr.b));
  if (!cf_json_mode()) return cf_emit(CF_SPAN(cf_fmt("%s\n", addr), 41), NULL);
  cf_wr_t wr = cf_room(1024);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "address", addr);
  cf_jw_hex(&j, "result_key", CF_SPAN_OF(w->key.result_pub.b));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

int cf_cmd_wallet_new(cf_args_t const *a) {
  int code = cf_wallet_file_new(a->word[0]);
  return code ? code : print(a->word[0]);
}

int cf_cmd_wallet_show(cf_args_t const *a) { return print(a->word[0]); }
