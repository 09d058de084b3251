#include "cli/cf_vkey_arg.h"

int cf_vkey_arg(cf_vkey_t *key, char const *what, cf_args_t const *a) {
  cf_span_t text;
  int       code = cf_slurp(&text, cf_arg(a, "vkey"), 4096);
  if (code) return code;
  while (text.len && text.ptr[text.len - 1] == '\n') text.len--;
  return cf_vkey_parse(key, text) ? cf_fail(CF_EXIT_FAILS, what, "format", cf_arg(a, "vkey"), "found", "not name+id+key", NULL) : 0;
}

int cf_quorum_arg(cf_tlog_policy_t *policy, char const *what, cf_args_t const *a) {
  cf_span_t   text;
  cf_error_t  err = {0};
  int         code = cf_slurp(&text, cf_arg(a, "quorum"), CF_TLOG_POLICY_MAX);
  cf_status_t st = code ? CF_OK : cf_tlog_policy_parse(policy, text, &err);
  return st ? cf_fail(CF_EXIT_FAILS, what, cf_status_name(st), cf_arg(a, "quorum"), "found", err.text, NULL) : code;
}
