/* The log's files over HTTP: hashes for proofs, entries for receipts. */
#include <stdio.h>
#include <string.h>

#include "cli/cf_remote.h"
#include "cli/cf_web.h"
#include "translog/cf_tile.h"

typedef struct {
  char const *what, *url;
  uint64_t    size; /* of the published checkpoint */
  int         code;
} log_t;

static int log_open(log_t *l, char const *what, char const *url) {
  cf_span_t       text;
  cf_note_t       note;
  cf_checkpoint_t cp;
  *l = (log_t){.what = what, .url = url};
  int code = cf_web_get(&text, what, url, "/log/checkpoint");
  if (code) return code;
  if (cf_note_parse(&note, text, NULL) || cf_checkpoint_parse(&cp, note.text, NULL))
    return cf_web_malformed(what, url, "/log/checkpoint");
  l->size = cp.size;
  return 0;
}

/* A tile of the published tree, cut to what exists. */
static int tile_get(cf_span_t *out, log_t const *l, cf_tile_t t) {
  char     name[CF_TILE_PATH_MAX];
  unsigned level = t.row < 0 ? 0 : (unsigned)t.row;
  uint64_t there = (l->size >> (8 * level)) - t.index * 256;
  t.width = there < 256 ? (unsigned)there : 256;
  name[cf_tile_path(name, &t)] = 0;
  return cf_web_get(out, l->what, l->url, cf_fmt("/log/%s", name));
}

static cf_status_t node_read(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  log_t    *l = ctx;
  unsigned  first, cnt = 1u << (level % 8);
  cf_tile_t t = cf_tile_of_node(level, index, &first);
  cf_span_t bytes;
  cf_hash_t h[256];
  l->code = tile_get(&bytes, l, t);
  if (l->code) return CF_ERR_IO;
  if (bytes.len < 32u * (first + cnt)) return CF_ERR_FORMAT;
  memcpy(h, bytes.ptr + 32u * first, 32u * cnt);
  for (; cnt > 1; cnt /= 2)
    for (unsigned i = 0; i < cnt / 2; i++) h[i] = cf_sha256_node(&h[2 * i], &h[2 * i + 1]);
  *out = h[0];
  return CF_OK;
}

int cf_remote_consistency(cf_hash_t path[CF_TREE_PATH_MAX], size_t *cnt, char const *what, char const *url, uint64_t from,
                          uint64_t to) {
  log_t                  l;
  cf_tree_reader_t const reader = {node_read, &l};
  int                    code = log_open(&l, what, url);
  if (code) return code;
  if (l.size < to) return cf_web_malformed(what, url, "/log/checkpoint");
  cf_status_t st = cf_tree_consistency_prove(path, cnt, &reader, from, to);
  return l.code ? l.code : st ? cf_web_malformed(what, url, "/log/tile") : 0;
}

int cf_remote_entries(char const *what, char const *url, void (*fn)(void *ctx, cf_span_t entry), void *ctx) {
  log_t l;
  int   code = log_open(&l, what, url);
  for (uint64_t n = 0; !code && n * 256 < l.size; n++) {
    cf_span_t bundle, entry;
    code = tile_get(&bundle, &l, (cf_tile_t){.row = CF_TILE_ENTRIES, .index = n});
    cf_rd_t rd = cf_rd_span(code ? CF_SPAN(NULL, 0) : bundle);
    while (cf_bundle_next(&rd, &entry)) fn(ctx, entry);
  }
  return code;
}

int cf_remote_entry(cf_span_t *out, char const *what, char const *url, uint64_t index) {
  log_t     l;
  cf_span_t bundle;
  int       code = log_open(&l, what, url);
  if (!code) code = tile_get(&bundle, &l, (cf_tile_t){.row = CF_TILE_ENTRIES});
  cf_rd_t rd = cf_rd_span(code ? CF_SPAN(NULL, 0) : bundle);
  for (uint64_t i = 0; !code && cf_bundle_next(&rd, out); i++)
    if (i == index) return 0;
  return code ? code
              : cf_fail(CF_EXIT_WORLD, what, "not in the log", cf_fmt("entry %llu", (unsigned long long)index), "next", "ask again when it is published",
                        NULL);
}

/* The receipt of that sequence in a bundle of entries; *at is its place there. */
static bool receipt_in(cf_span_t *out, uint64_t *at, cf_span_t bundle, uint64_t sequence) {
  cf_rd_t      rd = cf_rd_span(bundle);
  cf_span_t    entry;
  cf_receipt_t receipt;
  cf_sign1_t   s;
  for (*at = 0; cf_bundle_next(&rd, &entry); ++*at)
    if (!cf_document_open(&receipt, &s, &cf_receipt_table, entry, NULL) && receipt.sequence == sequence)
      return *out = entry, true;
  return false;
}

int cf_remote_receipt(cf_span_t *out, uint64_t *index, char const *what, char const *url, uint64_t sequence) {
  log_t    l;
  uint64_t at;
  int      code = log_open(&l, what, url);
  for (uint64_t n = (l.size + 255) / 256; !code && n-- > 0;) {
    cf_span_t bundle;
    code = tile_get(&bundle, &l, (cf_tile_t){.row = CF_TILE_ENTRIES, .index = n});
    if (code || !receipt_in(out, &at, bundle, sequence)) continue;
    *index = 256 * n + at;
    return 0;
  }
  return code ? code
              : cf_fail(CF_EXIT_FAILS, what, "not in the log", cf_fmt("receipt %llu", (unsigned long long)sequence), "next",
                        "it is provisional until its entry is witnessed: ask again", NULL);
}
