/* verify log: every entry, tile and kept checkpoint of a log against each other and its key. */
#include <string.h>

#include "audit/cf_verify.h"
#include "cli/cf_commands.h"
#include "cli/cf_tree_reader.h"
#include "cli/cf_vkey_arg.h"

int cf_cmd_verify_log(cf_args_t const *a) {
  cf_audit_reader_t reader;
  cf_verify_log_t   log;
  cf_vkey_t         key;
  cf_error_t        err = {0};
  int               code = cf_tree_reader(&reader, cf_dir(a));
  if (!code && cf_arg(a, "vkey")) code = cf_vkey_arg(&key, "verify log", a);
  if (code) return code;
  if (cf_verify_log(&log, &reader, cf_arg(a, "vkey") ? &key : NULL, &err)) return cf_fail_error("verify log", &err);
  char const *whose = cf_arg(a, "vkey") ? key.name : "by the key beside it: --vkey F names one that you trust";
  char       *line = cf_json_mode()
                         ? cf_fmt("{\"ok\":true,\"size\":%llu,\"root\":\"%s\",\"checkpoints\":%llu}\n", (unsigned long long)log.size,
                                  cf_hex(CF_SPAN_OF(log.root.b)), (unsigned long long)log.checkpoints)
                         : cf_fmt("OK   %llu entries, root %s, %llu checkpoints   %s\n", (unsigned long long)log.size,
                                  cf_hex_short(CF_SPAN_OF(log.root.b)), (unsigned long long)log.checkpoints, whose);
  return cf_emit(CF_SPAN(line, strlen(line)), NULL);
}
