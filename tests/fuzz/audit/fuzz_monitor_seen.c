/* What a monitor kept, read back: the input is bodies of records, each behind its length in two bytes, whose sums are made here, and then bytes as
   they are.  What is taken back is whole, is taken back again as the same, and does not keep the monitor from a head that it never saw, nor
   from keeping it. */
#include <assert.h>
#include <stdlib.h>

#include "audit/cf_monitor.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

enum { NEW_SIZE = 77 };

typedef struct {
  uint8_t *bytes; /* with room for one more record */
  size_t   len;
} disk_t;

static cf_status_t keep(void *ctx, cf_span_t record) {
  disk_t *d = ctx;
  assert(record.len <= CF_MONITOR_RECORD_MAX);
  memcpy(d->bytes + d->len, record.ptr, record.len);
  d->len += record.len;
  return CF_OK;
}

static cf_status_t fetch(void *ctx, uint64_t offset, uint8_t *buf, size_t n) {
  disk_t *d = ctx;
  assert(offset <= d->len && n <= d->len - offset);
  memcpy(buf, d->bytes + offset, n);
  return CF_OK;
}

static cf_status_t proof(void *ctx, char const *id, cf_span_t fork) { return CF_OK; }
static void        tell(void *ctx, cf_incident_t const *i, bool over) {}

static cf_witness_set_t    set;
static cf_monitor_config_t cfg = {.set = &set, .stale_s = 1000, .silent_s = 60, .grace_s = 300};

static cf_monitor_t *monitor(disk_t *d) {
  cf_monitor_out_t out = {keep, fetch, proof, tell, d};
  cf_monitor_t    *m = cf_monitor_new(&cfg, &out);
  (void)cf_monitor_source(m, "http://a", false);
  return m;
}

/* What the source showed at most, by these records; UINT64_MAX: they are not taken back whole. */
static uint64_t recalled(disk_t *d) {
  cf_monitor_t     *m = monitor(d);
  cf_monitor_view_t v;
  size_t            good;
  bool              whole = !cf_monitor_recall(m, CF_SPAN(d->bytes, d->len), &good, NULL) && good == d->len;
  cf_monitor_view(m, 0, &v);
  cf_monitor_free(m);
  return whole ? v.size : UINT64_MAX;
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t const seed[32] = {7}, witness[32] = {8};
  cf_ed25519_pub_t     pub;
  uint8_t              note[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t              nwr = cf_wr_init(note, sizeof note), wr;
  cf_rd_t              rd = cf_rd_init(data, size);
  size_t               max = size + 12 * (size / 2 + 1) + CF_MONITOR_RECORD_MAX, good;
  disk_t               d = {malloc(max), 0};
  cf_ed25519_pub(&pub, seed);
  assert(!cf_vkey_make(&set.log, CF_SPAN_LIT("example.com/seen"), CF_VKEY_LOG, &pub));
  cf_ed25519_pub(&pub, witness);
  assert(!cf_vkey_make(&set.member[0], CF_SPAN_LIT("example.com/w1"), CF_VKEY_WITNESS, &pub));
  set.cnt = set.k = 1;
  wr = cf_wr_init(d.bytes, max);
  for (size_t n; (n = cf_rd_u16(&rd)) != 0 && n <= cf_rd_left(&rd);) {
    cf_span_t body = cf_rd_take_span(&rd, n);
    size_t    at = wr.len;
    cf_wr_u32(&wr, (uint32_t)n);
    cf_wr_span(&wr, body);
    cf_hash_t sum = cf_sha256(CF_SPAN(d.bytes + at, wr.len - at));
    cf_wr_bytes(&wr, sum.b, 8);
  }
  if (!rd.bad) cf_wr_bytes(&wr, data + rd.pos, cf_rd_left(&rd));
  d.len = wr.len;
  cf_monitor_t *m = monitor(&d);
  if (!cf_monitor_recall(m, CF_SPAN(d.bytes, d.len), &good, NULL)) {
    assert(good <= d.len);
    d.len = good; /* as its files do it */
    uint64_t before = recalled(&d);
    cf_hash_t root = cf_tree_empty();
    assert(before != UINT64_MAX);
    cf_checkpoint_sign(&nwr, &set.log, seed, NEW_SIZE, &root);
    cf_monitor_begin(m, 1);
    assert(!cf_monitor_note(m, 0, cf_wr_out(&nwr)));
    cf_monitor_end(m);
    assert(recalled(&d) == (before > NEW_SIZE ? before : NEW_SIZE) || d.len == good); /* a head that was known from another is kept as its */
  }
  cf_monitor_free(m);
  free(d.bytes);
  return 0;
}
