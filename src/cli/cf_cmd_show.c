#include "cli/cf_commands.h"
#include "cli/cf_show.h"
#include "ledger/cf_domain.h"

enum { FILE_MAX = 8 << 20 };

void cf_show_pretty(cf_wr_t *wr, cf_span_t json) {
  unsigned depth = 0;
  bool     string = false;
  for (size_t i = 0; i < json.len; i++) {
    char c = (char)json.ptr[i], next = i + 1 < json.len ? (char)json.ptr[i + 1] : 0;
    bool open = !string && (c == '{' || c == '['), close = !string && (c == '}' || c == ']');
    bool empty_open = open && (next == '}' || next == ']'),
         empty_close = close && i && (json.ptr[i - 1] == '{' || json.ptr[i - 1] == '[');
    if (close) depth--;
    if (close && !empty_close) {
      cf_wr_u8(wr, '\n');
      for (unsigned d = 0; d < depth; d++) cf_wr_bytes(wr, "  ", 2);
    }
    cf_wr_u8(wr, (uint8_t)c);
    if (c == '"') string = !string;
    if (string && c == '\\') cf_wr_u8(wr, json.ptr[++i]);
    if (open) depth++;
    if ((open && !empty_open) || (!string && c == ',')) {
      cf_wr_u8(wr, '\n');
      for (unsigned d = 0; d < depth; d++) cf_wr_bytes(wr, "  ", 2);
    }
    if (!string && c == ':') cf_wr_u8(wr, ' ');
  }
  cf_wr_u8(wr, '\n');
}

/* Whose word on a domain's log counts, for other people's clients. */
static int tlog_policy(cf_args_t const *a, cf_span_t genesis) {
  static cf_domain_t domain;
  cf_error_t         err = {0};
  if (cf_domain_open(&domain, genesis, NULL, &err)) return cf_fail_error("show", &err);
  cf_wr_t text = cf_room(CF_WITNESS_POLICY_MAX);
  cf_witness_set_policy(&text, &domain.witnesses);
  if (!cf_json_mode()) return cf_emit(cf_wr_out(&text), cf_arg(a, "o"));
  cf_wr_t wr = cf_room(2 * CF_WITNESS_POLICY_MAX);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_text(&j, "tlog_policy", cf_wr_out(&text));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, cf_arg(a, "o"));
}

int cf_cmd_show(cf_args_t const *a) {
  cf_span_t  in;
  cf_error_t err = {0};
  int        code = cf_slurp(&in, a->word[0], FILE_MAX);
  if (code) return code;
  if (cf_flag(a, "tlog-policy")) return tlog_policy(a, in);
  cf_wr_t wr = cf_room(17 * in.len + (1 << 20));
  if (!cf_show_value(&wr, in, &err)) return cf_fail_error("show", &err);
  if (cf_json_mode()) {
    cf_wr_u8(&wr, '\n');
    return cf_emit(cf_wr_out(&wr), cf_arg(a, "o"));
  }
  cf_wr_t text = cf_room(8 * wr.len + 4096);
  cf_show_pretty(&text, cf_wr_out(&wr));
  return cf_emit(cf_wr_out(&text), cf_arg(a, "o"));
}
