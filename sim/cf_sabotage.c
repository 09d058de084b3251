/* What a host does to the enclave's files while it is down, and takes back later: the journal's end is missing for a while, or a root
   and a snapshot of the host's own stand in their place. */
#include <assert.h>
#include <stdlib.h>

#include "cf_town.h"
#include "enclave/cf_journal.h"
#include "gateway/cf_post.h"

#define ENCLAVE_DIR "enclave/"
#define JOURNAL "enclave/journal-"
#define BLOB "enclave/root-"
enum { BLOB_SZ = 8 + 32, NUMBER_SZ = 8 };

static cf_span_t name_of(cf_disk_file_t const *f) { return CF_SPAN(f->name, strlen(f->name)); }
static bool      begins(cf_disk_file_t const *f, char const *with) { return !strncmp(f->name, with, strlen(with)); }

static bool begin(cf_town_t *t, cf_fault_t kind) {
  if (t->rolled || t->twin || t->sabotaged) return false;
  t->world.counts.fault[kind]++;
  t->sabotaged = kind;
  cf_town_stop(t, t->primary, true);
  cf_disk_copy(&t->saved, cf_town_disk(t, t->primary));
  t->saved_instance = t->site[t->primary].machine.instance;
  cf_world_say(&t->world, "---- %s ----", cf_fault_names[kind]);
  return true;
}

static void run_for(cf_town_t *t, uint64_t ms) {
  cf_town_go(t, t->primary);
  cf_world_later(&t->world, t->world.now_ms + ms, CF_TOWN_WHOLE);
}

/* ---- the journal's end ---- */

/* The newest journal file without its last chunks, which the log may not have yet. */
static void cut_journal(cf_town_t *t, cf_disk_t *d) {
  cf_disk_file_t *newest = NULL;
  for (size_t i = 0; i < d->files; i++)
    if (begins(&d->file[i], JOURNAL) && (!newest || strcmp(d->file[i].name, newest->name) > 0)) newest = &d->file[i];
  if (!newest) return;
  size_t     at[512], cnt = 0;
  cf_rd_t    rd = cf_rd_span(cf_disk_bytes(newest));
  cf_chunk_t chunk;
  for (at[0] = 0; cf_chunk_next(&rd, &chunk); at[cnt % CF_COUNT_OF(at)] = rd.pos) cnt++;
  size_t less = 1 + cf_prng_below(&t->world.dice, 2);
  if (cnt > less && cnt < CF_COUNT_OF(at)) newest->len = at[cnt - less]; /* the first chunk is the file's header */
}

void cf_sabotage_half_boot(cf_town_t *t) {
  if (!begin(t, CF_FAULT_HALF_BOOT)) return;
  t->check.lossy = true; /* should the half be certified, it is all there is */
  cut_journal(t, cf_town_disk(t, t->primary));
  run_for(t, 150 + cf_prng_below(&t->world.dice, 3000));
}

/* ---- a planted root ---- */

static cf_disk_file_t *blob_of(cf_disk_t const *d) {
  for (size_t i = 0; i < d->files; i++)
    if (begins(&d->file[i], BLOB) && d->file[i].len == BLOB_SZ) return &d->file[i];
  return NULL;
}

/* The strongest plant there is: the book as it stands, under a root that the host knows. */
static bool reseal(cf_wr_t *out, cf_span_t snapshot, uint8_t const from[32], uint8_t const to[32]) {
  cf_file_header_t h;
  cf_journal_t     j = {.key = NULL};
  cf_aead_t       *aead = cf_aead_new(CF_AEAD_AES256GCM);
  cf_rd_t          rd = cf_rd_span(snapshot);
  bool             ok = !cf_file_header_read(&h, &rd, CF_FILE_SNAPSHOT);
  cf_span_t        record = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  uint8_t         *plain = malloc(record.len + 1);
  assert(plain);
  if (ok) cf_journal_begin(&j, &h, from);
  ok = ok && !rd.bad && !cf_journal_open(&j, aead, plain, record);
  if (ok) {
    h.random[0] ^= 1;
    cf_file_header_write(out, &h);
    cf_journal_begin(&j, &h, to);
    cf_journal_seal(&j, aead, out, CF_SPAN(plain, record.len - CF_AEAD_TAG_SZ));
  }
  cf_journal_end(&j);
  cf_aead_free(aead);
  free(plain);
  return ok && !out->bad;
}

void cf_sabotage_plant(cf_town_t *t) {
  cf_disk_t            *d = cf_town_disk(t, t->primary);
  cf_disk_file_t       *blob = blob_of(d);
  cf_disk_file_t const *snapshot = cf_disk_file(d, CF_SPAN_LIT("enclave/snapshot"));
  uint8_t               planted[32];
  if (!blob || !snapshot || t->rolled || t->twin || t->sabotaged) return;
  for (size_t i = 0; i < sizeof planted; i++) planted[i] = (uint8_t)cf_prng_next(&t->world.dice);
  uint8_t *buf = malloc(snapshot->len + 256);
  cf_wr_t  wr = cf_wr_init(buf, snapshot->len + 256);
  assert(buf);
  if (reseal(&wr, cf_disk_bytes(snapshot), blob->bytes + NUMBER_SZ, planted) && begin(t, CF_FAULT_PLANTED)) {
    memcpy(blob_of(d)->bytes + NUMBER_SZ, planted, sizeof planted);
    cf_disk_put(d, CF_SPAN_LIT("enclave/snapshot"), cf_wr_out(&wr));
    run_for(t, 500 + cf_prng_below(&t->world.dice, 2000));
  }
  free(buf);
}

/* ---- and back ---- */

static void ignore(void *ctx, cf_history_event_t const *ev) {}

static void feed(void *ctx, uint64_t index, cf_span_t entry) {
  cf_status_t st = cf_history_feed(ctx, index, entry, ignore, NULL);
  (void)st; /* as far as it can be read */
}

static void pass_over(void *ctx, uint64_t index, cf_span_t entry) {}

/* The newest boot entry, or the newest certified one, of the log on d, whether or not witnesses have seen it, or its checkpoint tells of
   it; 0: none. */
static uint64_t newest_boot(cf_town_t const *t, cf_disk_t const *d, bool certified) {
  cf_history_t *h = malloc(sizeof *h);
  assert(h);
  cf_history_init(h, &t->domain->id, &t->domain->genesis, &t->domain->policy);
  uint64_t size = cf_log_size(d);
  while (cf_read_log(d, size + 1, pass_over, NULL)) size++;
  (void)cf_read_log(d, size, feed, h);
  cf_history_boot_t const *c = certified ? cf_history_certified(h) : cf_history_newest(h);
  uint64_t                 index = c ? c->index : 0;
  free(h);
  return index;
}

/* k verifiers have spoken for the instance that ran last: its results come into the log, if they are not there. */
static bool attested(cf_town_t const *t, unsigned site) {
  cf_council_t const *c = cf_genesis_council(&t->domain->genesis, CF_VERIFIERS);
  unsigned            n = 0;
  for (unsigned i = 0; i < c->members_cnt; i++) {
    cf_disk_t const      *d = &t->world.disk[t->world.node[t->verifier[i].node].host];
    cf_disk_file_t const *f = cf_disk_file(d, CF_SPAN_LIT("seen"));
    n += f && f->len >= 32 && !memcmp(f->bytes, t->site[site].machine.instance.b, 32);
  }
  return n >= c->k;
}

bool cf_sabotage_undo(cf_town_t *t, cf_disk_t *d) {
  bool later = !cf_hash_eq(&t->site[t->primary].machine.instance, &t->saved_instance);
  if (newest_boot(t, d, true) > newest_boot(t, &t->saved, false) || (later && attested(t, t->primary))) return false;
  for (size_t i = d->files; i > 0; i--)
    if (begins(&d->file[i - 1], ENCLAVE_DIR) && !cf_disk_file(&t->saved, name_of(&d->file[i - 1])))
      cf_disk_remove(d, name_of(&d->file[i - 1]));
  for (size_t i = 0; i < t->saved.files; i++)
    if (begins(&t->saved.file[i], ENCLAVE_DIR)) cf_disk_put(d, name_of(&t->saved.file[i]), cf_disk_bytes(&t->saved.file[i]));
  return true;
}

void cf_sabotage_end(cf_town_t *t) {
  if (!t->sabotaged) return;
  t->sabotaged = 0;
  cf_town_stop(t, t->primary, true);
  if (cf_sabotage_undo(t, cf_town_disk(t, t->primary))) cf_world_say(&t->world, "---- the enclave's files are back ----");
  cf_town_go(t, t->primary);
  cf_disk_fini(&t->saved);
}
