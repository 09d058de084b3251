#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_cli.h"

/* Finds name (of n bytes) in a command's list; *takes tells whether a value follows.  NULL: not an option of it. */
static char const *option_known(cf_command_t const *c, char const *name, size_t n, bool *takes) {
  *takes = false;
  if (n == 4 && !memcmp(name, "json", 4)) return "json";
  for (char const *at = c->options; at && *at;) {
    size_t len = strcspn(at, " "), bare = strcspn(at, " =");
    if (bare == n && !memcmp(at, name, n)) {
      *takes = len > bare;
      return cf_fmt("%.*s", (int)bare, at);
    }
    at += len + strspn(at + len, " ");
  }
  return NULL;
}

/* argv[*i] begins with "-" and is not "-" itself. */
static int option_read(cf_args_t *a, int argc, char **argv, int *i) {
  char const *text = argv[*i], *name = text + (text[1] == '-' ? 2 : 1), *value = "";
  size_t      n = strcspn(name, "=");
  bool        takes, small = text[1] != '-';
  char const *known = small && n != 1 ? NULL : option_known(a->command, name, n, &takes);
  if (!known || (!small && n == 1)) return cf_fail_usage(a->command, "unknown option", text);
  if (takes && name[n] == '=') value = name + n + 1;
  else if (takes && *i + 1 < argc) value = argv[++*i];
  else if (takes) return cf_fail_usage(a->command, "an option without its value", text);
  else if (name[n] == '=') return cf_fail_usage(a->command, "an option that takes no value", text);
  if (a->option_cnt == CF_OPTIONS_MAX) return cf_fail_usage(a->command, "too many options", text);
  a->option[a->option_cnt++] = (cf_option_t){known, value};
  if (!strcmp(known, "json")) cf_json_mode_set();
  return 0;
}

int cf_args_read(cf_args_t *a, cf_command_t const *c, int argc, char **argv) {
  bool only_words = false;
  *a = (cf_args_t){.command = c};
  for (int i = 0; i < argc; i++) {
    int code = 0;
    if (!only_words && !strcmp(argv[i], "--")) only_words = true;
    else if (!only_words && argv[i][0] == '-' && argv[i][1]) code = option_read(a, argc, argv, &i);
    else if (a->word_cnt == c->words_max || a->word_cnt == CF_WORDS_MAX) code = cf_fail_usage(c, "one word too many", argv[i]);
    else a->word[a->word_cnt++] = argv[i];
    if (code) return code;
  }
  return a->word_cnt < c->words_min ? cf_fail_usage(c, "something is missing", c->synopsis) : 0;
}

char const *cf_arg_at(cf_args_t const *a, char const *name, size_t i) {
  for (size_t k = 0; k < a->option_cnt; k++)
    if (!strcmp(a->option[k].name, name) && i-- == 0) return a->option[k].value;
  return NULL;
}

int cf_arg_u64(uint64_t *out, cf_args_t const *a, char const *name, uint64_t min, uint64_t max) {
  char const *text = cf_arg(a, name);
  uint64_t    v;
  if (!text) return 0;
  if (cf_dec_u64(&v, CF_SPAN(text, strlen(text))) || v < min || v > max)
    return cf_fail_usage(
        a->command, cf_fmt("--%s is a whole number, %llu to %llu", name, (unsigned long long)min, (unsigned long long)max), text);
  *out = v;
  return 0;
}

int cf_arg_hash(cf_hash_t *out, bool *given, cf_args_t const *a, char const *name) {
  char const *text = cf_arg(a, name);
  *given = text != NULL;
  if (text && cf_hex_decode(out->b, 32, CF_SPAN(text, strlen(text))))
    return cf_fail_usage(a->command, cf_fmt("--%s is 64 hex digits", name), text);
  return 0;
}
