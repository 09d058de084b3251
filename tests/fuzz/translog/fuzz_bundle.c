/* A writer's recovery over a log whose first bundle is the input: it takes the entries of a well-formed bundle and writes the
   same bytes again, refuses everything else, and never gets into another state than READY or FAILED. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "translog/cf_logwriter.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static uint8_t        seed[32], scratch[CF_LOGWRITER_SCRATCH_MAX];
static cf_logwriter_t w;
static void          *mem;

static bool
is_bundle(cf_span_t in, unsigned *cnt) {
  static uint8_t again[1 << 20];
  cf_rd_t        rd = cf_rd_span(in);
  cf_wr_t        wr = cf_wr_init(again, sizeof again);
  cf_span_t      entry;
  for (*cnt = 0; cf_bundle_next(&rd, &entry); ++*cnt) cf_bundle_add(&wr, entry);
  if (!cf_rd_done(&rd)) return false;
  assert(cf_span_eq(cf_wr_out(&wr), in));
  return true;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_ed25519_pub_t pub;
  cf_vkey_t        log;
  unsigned         cnt;
  cf_ed25519_pub(&pub, seed);
  if (cf_vkey_make(&log, CF_SPAN_LIT("fuzz"), CF_VKEY_LOG, &pub)) abort();
  if (!mem) mem = malloc(cf_logwriter_mem_sz(256));
  bool ok = is_bundle(CF_SPAN(data, size), &cnt) && cnt >= 1 && cnt < CF_TILE_WIDTH;
  cf_logwriter_init(&w, &(cf_logwriter_config_t){ .log = log, .seed = seed, .cap = 256, .mem = mem, .journal = "journal", .id = 1, .key = cf_log_entry_key });

  /* No checkpoint, no whole bundle; the listing names a partial one of as many entries as the input has (1 when it is none). */
  char       name[4];
  cf_event_t ev = { .kind = CF_EV_DONE, .id = 1, .code = 404 };
  cf_span_t  width = CF_SPAN(name, (size_t)sprintf(name, "%u", ok ? cnt : 1) + 1);
  for (int i = 0; w.phase < CF_LOGWRITER_READY && i < 10; i++) {
    cf_effects_t fx = { .scratch = scratch, .scratch_max = sizeof scratch };
    if (i == 0) {
      cf_logwriter_start(&w, &fx);
      continue;
    }
    ev.code = 404, ev.body = CF_SPAN(NULL, 0);
    if (w.phase == CF_LOGWRITER_WIDTHS) ev.code = 200, ev.body = width;
    if (w.phase == CF_LOGWRITER_PART) ev.code = 200, ev.body = CF_SPAN(data, size);
    cf_logwriter_step(&w, &fx, &ev);
  }
  assert(w.phase == (ok ? CF_LOGWRITER_READY : CF_LOGWRITER_FAILED));
  assert(w.size == (ok ? cnt : 0));
  return 0;
}
