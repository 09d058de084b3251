/* verify log: every entry, tile and checkpoint of a tlog-tiles tree against the key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cf_commands.h"
#include "cli/cf_tree_reader.h"
#include "translog/cf_logreader.h"
#include "translog/cf_note.h"

enum { FILE_MAX = 32 << 20 };

/* The key stands beside the log, unless it is named. */
static int log_key(cf_vkey_t *key, cf_args_t const *a, cf_audit_reader_t const *r) {
  cf_span_t text;
  if (cf_arg(a, "vkey")) {
    int code = cf_slurp(&text, cf_arg(a, "vkey"), 4096);
    if (code) return code;
  } else if (r->read(r->ctx, "log.vkey", 4096, &text) != CF_READ_OK)
    return cf_fail(CF_EXIT_USAGE, "file", "unreadable", "log.vkey", "next", "--vkey F  names the log's key", NULL);
  while (text.len && text.ptr[text.len - 1] == '\n') text.len--;
  return cf_vkey_parse(key, text) ? cf_fail(CF_EXIT_FAILS, "verify log", "format", "log.vkey", "found", "not name+id+key", NULL)
                                  : 0;
}

static int checkpoint(cf_checkpoint_t *cp, cf_vkey_t const *key, cf_audit_reader_t const *r) {
  cf_error_t err = {0};
  cf_span_t  text;
  if (r->read(r->ctx, "log/checkpoint", CF_NOTE_MAX, &text) != CF_READ_OK)
    return cf_fail(CF_EXIT_USAGE, "file", "unreadable", "log/checkpoint", "next",
                   "the folder that holds log/, or DIR of a domain", NULL);
  return cf_checkpoint_open(cp, NULL, NULL, text, key, &err) ? cf_fail_error("verify log", &err) : 0;
}

/* The partial file, or the full one that took its place. */
static void give(cf_logreader_t *log, cf_audit_reader_t const *r, cf_tile_t t) {
  char      name[CF_TILE_PATH_MAX];
  cf_span_t bytes;
  for (int full = 0; full < (t.width < 256 ? 2 : 1); full++) {
    cf_tile_t at = t;
    if (full) at.width = 256;
    name[cf_tile_path(name, &at)] = 0;
    char     *path = cf_fmt("log/%s", name);
    cf_read_t got = r->read(r->ctx, path, FILE_MAX, &bytes);
    free(path);
    if (got == CF_READ_OK) {
      cf_logreader_give(log, bytes, full);
      return;
    }
  }
  cf_logreader_missing(log);
}

int cf_cmd_verify_log(cf_args_t const *a) {
  static cf_logreader_t log;
  cf_audit_reader_t     r;
  cf_vkey_t             key;
  cf_checkpoint_t       cp;
  cf_error_t            err = {0};
  cf_tile_t             want;
  int                   code = cf_tree_reader(&r, cf_dir(a));
  if (!code) code = log_key(&key, a, &r);
  if (!code) code = checkpoint(&cp, &key, &r);
  if (code) return code;
  cf_hash_t root = cp.root;
  uint64_t  size = cp.size;
  cf_logreader_init(&log, &(cf_logreader_sink_t){0});
  if (cf_logreader_begin(&log, size, &root)) return cf_fail(CF_EXIT_FAILS, "verify log", "bound", "log/checkpoint", NULL);
  while (cf_logreader_want(&log, &want)) give(&log, &r, want);
  if (cf_logreader_end(&log, &err)) return cf_fail_error("verify log", &err);
  char *line = cf_json_mode()
                   ? cf_fmt("{\"ok\":true,\"size\":%llu,\"root\":\"%s\"}\n", (unsigned long long)size, cf_hex(CF_SPAN_OF(root.b)))
                   : cf_fmt("OK   %llu entries, root %s, signed by %s\n", (unsigned long long)size,
                            cf_hex_short(CF_SPAN_OF(root.b)), key.name);
  return cf_emit(CF_SPAN(line, strlen(line)), NULL);
}
