/* Any bytes as the journal of a log that has nothing else: a start takes over records whose roots the log then has, or says what is
   wrong, and what it took over is a log again. */
#include <assert.h>
#include <stdlib.h>

#include "translog/cf_logwriter.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static uint8_t        seed[32], scratch[CF_LOGWRITER_SCRATCH_MAX];
static cf_logwriter_t w;
static void          *mem;

/* The entries of the records of good form, up to that size, make the writer's root. */
static void
check_taken(cf_span_t file) {
  cf_frontier_t  f  = { .size = 0 };
  cf_rd_t        rd = cf_rd_span(file);
  cf_logrecord_t r  = { .first = 0 };
  cf_span_t      entry;
  while (f.size < w.size) {
    assert(cf_logrecord_next(&rd, &r));
    uint64_t index = r.first;
    for (cf_rd_t in = cf_rd_span(r.entries); cf_bundle_next(&in, &entry); index++) {
      if (index < f.size) continue;
      cf_hash_t leaf = cf_tree_leaf(entry);
      cf_frontier_add(&f, &leaf);
    }
  }
  cf_hash_t root = cf_frontier_root(&f);
  assert(f.size == w.size && cf_hash_eq(&root, &w.root) && (!w.size || cf_hash_eq(&root, &r.root)));
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_ed25519_pub_t pub;
  cf_vkey_t        log;
  cf_ed25519_pub(&pub, seed);
  if (cf_vkey_make(&log, CF_SPAN_LIT("fuzz"), CF_VKEY_LOG, &pub)) abort();
  if (!mem) mem = malloc(cf_logwriter_mem_sz(256));
  cf_logwriter_init(&w, &(cf_logwriter_config_t){
                            .log = log, .seed = seed, .cap = 256, .mem = mem, .journal = "journal", .id = 1, .key = cf_log_entry_key });
  cf_effects_t fx = { .scratch = scratch, .scratch_max = sizeof scratch };
  cf_logwriter_start(&w, &fx);
  for (int i = 0; w.phase < CF_LOGWRITER_READY && i < 10; i++) {
    cf_event_t ev = { .kind = CF_EV_DONE, .id = 1, .code = 404 };
    if (w.phase == CF_LOGWRITER_JOURNAL) ev.code = 200, ev.body = CF_SPAN_LIT("00000000000000000000\0");
    if (w.phase == CF_LOGWRITER_SEGMENT || w.phase == CF_LOGWRITER_REPLAY) ev.code = 200, ev.body = CF_SPAN(data, size);
    fx.cnt = fx.scratch_len = 0;
    cf_logwriter_step(&w, &fx, &ev);
  }
  assert(w.phase == CF_LOGWRITER_READY || w.phase == CF_LOGWRITER_FAILED);
  if (w.phase == CF_LOGWRITER_READY) {
    check_taken(CF_SPAN(data, size));
    assert(w.filed == w.size && w.signed_size == w.size && !w.segment_len);
  }
  return 0;
}
