#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cf_commands.h"
#include "cli/cf_folder.h"
#include "cli/cf_web.h"

/* The members of one JSON object, a line each. */
static void print_members(cf_json_t root) {
  cf_span_t key;
  cf_json_t v;
  for (size_t at = 0; cf_json_each(root, &at, &key, &v);) {
    bool text = v.type == CF_JSON_STRING;
    printf("%-14.*s %.*s\n", (int)key.len, key.ptr, (int)v.text.len - 2 * text, v.text.ptr + text);
  }
}

/* What the launcher wrote at its last start: the operator's alone to see. */
static void print_confinement(cf_folder_t const *f) {
  cf_span_t   text;
  char const *path = cf_folder_path(f, "enclave/confinement");
  if (access(path, R_OK) || cf_slurp(&text, path, 512)) return;
  printf("%-14s %.*s", "enclave", (int)text.len, text.ptr);
}

int cf_cmd_status(cf_args_t const *a) {
  cf_folder_t f = {0};
  char const *url = cf_dir(a);
  if (strncmp(url, "http://", 7)) {
    int code = cf_folder_open(&f, url);
    if (code) return code;
    url = cf_folder_url(&f, f.port);
  }
  for (;;) {
    cf_span_t body;
    cf_json_t root;
    int       code = cf_web_get(&body, "status", url, "/v1/status");
    if (code) return code;
    if (cf_json_parse(&root, body, NULL)) return cf_web_malformed("status", url, "/v1/status");
    if (cf_json_mode()) printf("%.*s\n", (int)body.len, body.ptr);
    else {
      print_members(root);
      if (f.dir) print_confinement(&f);
    }
    fflush(stdout);
    if (!cf_flag(a, "watch")) return 0;
    cf_web_sleep(1000);
    if (!cf_json_mode()) putchar('\n');
  }
}
