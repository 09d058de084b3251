/* Who lives and what counts (PROTOCOL P7): told cases, and random logs held against an audit that reads the whole log again after
   every entry, knows no waiting list and forgets nothing. */
#include "document/cf_history.h"

#include "document_world.h"

#define LOG_MAX 96
#define INSTANCES 8
#define VERIFIERS 3 /* of which 2 certify */
#define RECEIPTS_MAX 400

static example_t ex;

/* ---- what the audit is told of an entry: no bytes, no signatures ---- */

typedef enum { OTHER, BOOT, CERTIFICATE, RESULT, RECEIPT } what_t;
typedef struct {
  what_t   what;
  unsigned who;     /* instance */
  unsigned member;  /* RESULT: verifier */
  size_t   receipt; /* RECEIPT: which */
} said_t;

typedef struct {
  unsigned  who;
  uint64_t  sequence;
  cf_hash_t hash, previous, before, after;
} made_t;

typedef struct {
  said_t     log[LOG_MAX];
  size_t     size;
  instance_t inst[INSTANCES];
  bool       booted[INSTANCES], certificate[INSTANCES]; /* logged */
  made_t     made[RECEIPTS_MAX];
  size_t     made_cnt;
} told_t;

/* ---- the slow audit ---- */

typedef struct {
  uint64_t index; /* entry that made it count */
  size_t   receipt;
} counted_t;

typedef struct {
  counted_t at[RECEIPTS_MAX];
  size_t    cnt;
  int       newest;    /* instance of the newest boot entry, -1: none */
  int       certified; /* of the newest certified one                 */
} audit_t;

static size_t find(told_t const *t, size_t n, what_t what, unsigned who, unsigned member) {
  for (size_t i = 0; i < n; i++)
    if (t->log[i].what == what && t->log[i].who == who && (what != RESULT || t->log[i].member == member)) return i;
  return SIZE_MAX;
}

/* Where the k-th result for who stands, if no later boot entry stands before it; each verifier's first result behind the
 * certificate. */
static size_t certified_at(told_t const *t, size_t n, unsigned who) {
  size_t boot = find(t, n, BOOT, who, 0), cert = find(t, n, CERTIFICATE, who, 0), results = 0;
  bool   said[VERIFIERS] = {false};
  if (boot == SIZE_MAX || cert == SIZE_MAX) return SIZE_MAX;
  for (size_t i = boot + 1; i < n; i++) {
    said_t const *s = &t->log[i];
    if (s->what == BOOT && find(t, i, BOOT, s->who, 0) == SIZE_MAX) return SIZE_MAX;
    if (s->what != RESULT || s->who != who || i < cert || said[s->member]) continue;
    said[s->member] = true;
    if (++results == 2) return i;
  }
  return SIZE_MAX;
}

/* A receipt at i is its epoch's: behind its k-th result, beyond what its instance adopted, and no later certified boot entry left
 * it out. */
static bool eligible(told_t const *t, size_t n, size_t i) {
  made_t const *r = &t->made[t->log[i].receipt];
  size_t        c = certified_at(t, n, r->who);
  if (c == SIZE_MAX || i < c || r->sequence <= t->inst[r->who].tip.sequence) return false;
  for (unsigned w = 0; w < INSTANCES; w++)
    if (certified_at(t, n, w) != SIZE_MAX && find(t, n, BOOT, w, 0) > find(t, n, BOOT, r->who, 0) &&
        r->sequence > t->inst[w].tip.sequence)
      return false;
  return true;
}

static uint64_t last_sequence(told_t const *t, audit_t const *a) {
  return a->cnt ? t->made[a->at[a->cnt - 1].receipt].sequence : 0;
}

static cf_hash_t last_hash(told_t const *t, audit_t const *a) {
  return a->cnt ? t->made[a->at[a->cnt - 1].receipt].hash : cf_receipt_first_previous(&ex.domain);
}

static cf_hash_t last_state(told_t const *t, audit_t const *a) {
  return a->cnt ? t->made[a->at[a->cnt - 1].receipt].after : cf_receipt_first_state(&ex.domain);
}

/* The adopted stretch, whole: from the tip back to what counts, through eligible receipts of others. */
static bool adopt(told_t const *t, size_t n, audit_t *a, unsigned certified) {
  size_t    at[RECEIPTS_MAX], cnt = 0;
  cf_tip_t  tip = t->inst[certified].tip;
  cf_hash_t want, base = last_hash(t, a);
  memcpy(want.b, tip.hash, 32);
  for (uint64_t seq = tip.sequence; seq > last_sequence(t, a); seq--) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < n && found == SIZE_MAX; i++) {
      if (t->log[i].what != RECEIPT) continue;
      made_t const *r = &t->made[t->log[i].receipt];
      if (r->sequence == seq && cf_hash_eq(&r->hash, &want) && eligible(t, n, i)) found = t->log[i].receipt;
    }
    if (found == SIZE_MAX) return false;
    at[cnt++] = found;
    want = t->made[found].previous;
  }
  if (!cf_hash_eq(&want, &base)) return false;
  while (cnt) a->at[a->cnt++] = (counted_t){n - 1, at[--cnt]};
  return true;
}

/* The next receipt of the certified instance itself: logged before any later boot entry, but for uncertified ones that are past.
 */
static bool own(told_t const *t, size_t n, audit_t *a, unsigned certified, uint64_t before) {
  cf_hash_t hash = last_hash(t, a), state = last_state(t, a);
  for (size_t i = 0; i < n && i < before; i++) {
    if (t->log[i].what != RECEIPT || !eligible(t, n, i)) continue;
    made_t const *r = &t->made[t->log[i].receipt];
    if (r->who != certified || r->sequence != last_sequence(t, a) + 1 || !cf_hash_eq(&r->previous, &hash) ||
        !cf_hash_eq(&r->before, &state))
      continue;
    a->at[a->cnt++] = (counted_t){n - 1, t->log[i].receipt};
    return true;
  }
  return false;
}

/* What the first size entries say. */
static void audit(audit_t *a, told_t const *t, size_t size) {
  *a = (audit_t){.newest = -1, .certified = -1};
  for (size_t n = 1; n <= size; n++) {
    said_t const *s = &t->log[n - 1];
    if (s->what == BOOT && find(t, n - 1, BOOT, s->who, 0) == SIZE_MAX) {
      /* Another boot entry: one that is not certified by now never binds anybody, and what waited for it counts after all. */
      if (a->certified >= 0)
        while (own(t, n, a, (unsigned)a->certified, n - 1)) {}
      a->newest = (int)s->who;
    }
    if (a->newest >= 0 && certified_at(t, n, (unsigned)a->newest) != SIZE_MAX) a->certified = a->newest;
    if (a->certified < 0) continue;
    if (last_sequence(t, a) < t->inst[a->certified].tip.sequence && !adopt(t, n, a, (unsigned)a->certified)) continue;
    uint64_t before = a->newest == a->certified ? UINT64_MAX : find(t, n, BOOT, (unsigned)a->newest, 0);
    while (own(t, n, a, (unsigned)a->certified, before)) {}
  }
}

/* ---- what the machine says ---- */

typedef struct {
  uint64_t             sequence[RECEIPTS_MAX];
  cf_hash_t            hash[RECEIPTS_MAX];
  size_t               cnt;
  cf_history_kind_t    last;
  uint64_t             events;
  bool                 text; /* a FAULT or VOID came without a reason */
  cf_history_event_t   first;
  cf_history_receipt_t receipt;
} heard_t;

static void hear(void *ctx, cf_history_event_t const *ev) {
  heard_t *h = ctx;
  if (h->events++ == 0) h->first = *ev;
  h->last = ev->kind;
  if ((ev->kind == CF_HISTORY_FAULT || ev->kind == CF_HISTORY_VOID) && !ev->text) h->text = true;
  if (ev->kind != CF_HISTORY_COUNTS) return;
  h->sequence[h->cnt] = ev->receipt->sequence;
  h->hash[h->cnt++] = ev->receipt->hash;
}

typedef struct {
  told_t       told;
  cf_history_t h;
  heard_t      heard;
} run_t;

static void run_init(run_t *r) {
  memset(r, 0, sizeof *r);
  for (unsigned i = 0; i < INSTANCES; i++) r->told.inst[i] = instance_make(i);
  cf_history_init(&r->h, &ex.domain, &ex.genesis, &ex.policy);
}

static void run_free(run_t *r) {
  for (unsigned i = 0; i < INSTANCES; i++) instance_free(&r->told.inst[i]);
}

static cf_history_kind_t feed(run_t *r, said_t said, cf_span_t entry) {
  r->heard.events = 0;
  assert_int_equal(cf_history_feed(&r->h, r->told.size, entry, hear, &r->heard), CF_OK);
  assert_true(r->heard.events > 0 && !r->heard.text);
  r->told.log[r->told.size++] = said;
  return r->heard.first.kind;
}

static uint8_t entry_buf[CF_ENTRY_MAX];
#define BUF entry_buf, sizeof entry_buf

static cf_history_kind_t log_boot(run_t *r, unsigned who) {
  instance_t *i = &r->told.inst[who];
  if (!r->told.booted[who]) i->boot = r->told.size;
  r->told.booted[who] = true;
  return feed(r, (said_t){.what = BOOT, .who = who}, entry_boot(BUF, &ex, i));
}

/* Only entries that mean something are told to the audit: a certificate before its boot entry, say, means nothing. */
static cf_history_kind_t log_certificate(run_t *r, unsigned who) {
  bool first = r->told.booted[who] && !r->told.certificate[who];
  r->told.certificate[who] |= first;
  return feed(r, (said_t){.what = first ? CERTIFICATE : OTHER, .who = who}, entry_certificate(BUF, &ex, &r->told.inst[who]));
}

static cf_history_kind_t log_result(run_t *r, unsigned who, unsigned member) {
  return feed(r, (said_t){.what = r->told.certificate[who] ? RESULT : OTHER, .who = who, .member = member},
              entry_result(BUF, &ex, &r->told.inst[who], member));
}

/* Makes a receipt behind previous (SIZE_MAX: the first), and returns its number. */
static size_t make_receipt(run_t *r, unsigned who, size_t previous) {
  told_t       *t = &r->told;
  made_t const *prev = previous == SIZE_MAX ? NULL : &t->made[previous];
  made_t       *m = &t->made[t->made_cnt];
  m->who = who;
  m->sequence = prev ? prev->sequence + 1 : 1;
  m->previous = prev ? prev->hash : cf_receipt_first_previous(&ex.domain);
  m->before = prev ? prev->after : cf_receipt_first_state(&ex.domain);
  m->after = example_hash("state", (unsigned)t->made_cnt);
  cf_receipt_t doc = example_receipt(&ex, &t->inst[who], m->sequence, &m->previous, &m->before, &m->after);
  (void)entry_receipt(BUF, &m->hash, &doc, t->inst[who].receipt);
  return t->made_cnt++;
}

static cf_history_kind_t log_receipt(run_t *r, size_t n) {
  made_t const *m = &r->told.made[n];
  cf_receipt_t  doc = example_receipt(&ex, &r->told.inst[m->who], m->sequence, &m->previous, &m->before, &m->after);
  bool          real = r->told.certificate[m->who];
  cf_hash_t     hash;
  cf_span_t     e = entry_receipt(BUF, &hash, &doc, r->told.inst[m->who].receipt);
  assert_hash(hash, m->hash);
  return feed(r, (said_t){.what = real ? RECEIPT : OTHER, .who = m->who, .receipt = n}, e);
}

static void set_tip(run_t *r, unsigned who, size_t receipt) {
  cf_tip_t *tip = &r->told.inst[who].tip;
  *tip = (cf_tip_t){0};
  if (receipt == SIZE_MAX) return;
  tip->sequence = r->told.made[receipt].sequence;
  memcpy(tip->hash, r->told.made[receipt].hash.b, 32);
}

static void certify(run_t *r, unsigned who) {
  assert_int_equal(log_boot(r, who), CF_HISTORY_BOOTED);
  assert_int_equal(log_certificate(r, who), CF_HISTORY_CERTIFICATE);
  assert_int_equal(log_result(r, who, 0), CF_HISTORY_RESULT);
  assert_null(r->heard.first.boot->certified_index == CF_NO_INDEX ? NULL : (void *)1);
  assert_int_equal(log_result(r, who, 2), CF_HISTORY_RESULT);
  assert_int_equal(cf_history_certified(&r->h)->index, r->told.inst[who].boot);
}

static uint64_t failing; /* seed */

static void dump(run_t const *r, audit_t const *a) {
  static char const *const words[] = {"other", "boot", "certificate", "result", "receipt"};
  told_t const            *t = &r->told;
  for (size_t i = 0; i < t->size; i++) {
    said_t const *s = &t->log[i];
    made_t const *m = &t->made[s->receipt];
    print_error("%3zu %s of %u", i, words[s->what], s->who);
    if (s->what == BOOT)
      print_error(", tip %llu %02x", (unsigned long long)t->inst[s->who].tip.sequence, t->inst[s->who].tip.hash[0]);
    if (s->what == RESULT) print_error(", by %u", s->member);
    if (s->what == RECEIPT)
      print_error(", sequence %llu, %02x behind %02x", (unsigned long long)m->sequence, m->hash.b[0], m->previous.b[0]);
    print_error("\n");
  }
  print_error("the audit counts %zu, the machine %zu; CF_SEED=%llu\n", a->cnt, r->heard.cnt, (unsigned long long)failing);
}

/* The machine and the audit agree on all that counts so far. */
static void agree(run_t *r) {
  static audit_t a;
  audit(&a, &r->told, r->told.size);
  if (a.cnt != r->heard.cnt) dump(r, &a);
  assert_int_equal(a.cnt, r->heard.cnt);
  for (size_t i = 0; i < a.cnt; i++) {
    assert_int_equal(r->told.made[a.at[i].receipt].sequence, r->heard.sequence[i]);
    assert_hash(r->told.made[a.at[i].receipt].hash, r->heard.hash[i]);
  }
  assert_int_equal(r->h.sequence, last_sequence(&r->told, &a));
  cf_hash_t hash = last_hash(&r->told, &a), state = last_state(&r->told, &a);
  assert_hash(r->h.hash, hash);
  assert_hash(r->h.state, state);
}

static void begin(run_t *r) {
  run_init(r);
  assert_int_equal(feed(r, (said_t){.what = OTHER}, ex.genesis_entry), CF_HISTORY_OTHER);
  assert_int_equal(feed(r, (said_t){.what = OTHER}, ex.deployment_entry), CF_HISTORY_OTHER);
}

/* ---- told cases ---- */

static run_t run, other;

static void test_one_life(void **state) {
  begin(&run);
  certify(&run, 0);
  size_t a = make_receipt(&run, 0, SIZE_MAX), b = make_receipt(&run, 0, a), c = make_receipt(&run, 0, b);
  assert_int_equal(log_receipt(&run, a), CF_HISTORY_WAITS); /* and then counts, in the same feed */
  assert_int_equal(run.heard.last, CF_HISTORY_COUNTS);
  assert_int_equal(log_receipt(&run, c), CF_HISTORY_WAITS); /* b is missing */
  assert_int_equal(run.heard.last, CF_HISTORY_WAITS);
  assert_int_equal(log_receipt(&run, c), CF_HISTORY_AGAIN);
  assert_int_equal(log_receipt(&run, b), CF_HISTORY_WAITS);
  assert_int_equal(run.heard.last, CF_HISTORY_COUNTS);
  assert_int_equal(run.h.sequence, 3);
  assert_int_equal(log_receipt(&run, c), CF_HISTORY_AGAIN);
  assert_int_equal(log_receipt(&run, b), CF_HISTORY_VOID);
  agree(&run);
  run_free(&run);
}

/* A twin from an older disk: from its boot entry on the first one waits, and when the twin is certified, ends. */
static void test_twin(void **state) {
  begin(&run);
  certify(&run, 0);
  size_t a = make_receipt(&run, 0, SIZE_MAX), b = make_receipt(&run, 0, a), c = make_receipt(&run, 0, b);
  log_receipt(&run, a);
  set_tip(&run, 1, a);
  log_boot(&run, 1);
  assert_int_equal(log_receipt(&run, b), CF_HISTORY_WAITS);
  assert_int_equal(run.h.sequence, 1);
  log_certificate(&run, 1);
  log_result(&run, 1, 0);
  log_result(&run, 1, 1);
  assert_int_equal(run.h.sequence, 1);
  assert_int_equal(log_receipt(&run, c), CF_HISTORY_VOID); /* beyond the tip, for ever */
  size_t d = make_receipt(&run, 1, a);
  log_receipt(&run, d);
  assert_int_equal(run.h.sequence, 2);
  assert_hash(run.h.hash, run.told.made[d].hash);
  agree(&run);
  run_free(&run);
}

/* A boot that never gets certified binds nobody. */
static void test_uncertified(void **state) {
  begin(&run);
  certify(&run, 0);
  size_t a = make_receipt(&run, 0, SIZE_MAX), b = make_receipt(&run, 0, a);
  log_receipt(&run, a);
  log_boot(&run, 1);
  log_receipt(&run, b);
  assert_int_equal(run.h.sequence, 1);
  set_tip(&run, 2, b);
  assert_int_equal(log_boot(&run, 2), CF_HISTORY_COUNTS); /* b, after all */
  assert_int_equal(run.heard.last, CF_HISTORY_BOOTED);
  assert_int_equal(run.h.sequence, 2);
  log_certificate(&run, 1); /* too late: another boot entry stands */
  log_result(&run, 1, 0);
  log_result(&run, 1, 1);
  assert_int_equal(cf_history_certified(&run.h)->index, run.told.inst[0].boot);
  agree(&run);
  run_free(&run);
}

/* What a restart adopted counts whenever it is logged, but only whole. */
static void test_adopted_late(void **state) {
  begin(&run);
  certify(&run, 0);
  size_t a = make_receipt(&run, 0, SIZE_MAX), b = make_receipt(&run, 0, a), c = make_receipt(&run, 0, b);
  log_receipt(&run, a);
  set_tip(&run, 1, c);
  certify(&run, 1);
  size_t d = make_receipt(&run, 1, c);
  log_receipt(&run, d);
  log_receipt(&run, c);
  assert_int_equal(run.h.sequence, 1);
  log_receipt(&run, b);
  assert_int_equal(run.h.sequence, 4);
  agree(&run);
  run_free(&run);
}

static void test_never_certified_never_counts(void **state) {
  begin(&run);
  log_boot(&run, 0);
  size_t a = make_receipt(&run, 0, SIZE_MAX);
  assert_int_equal(log_receipt(&run, a), CF_HISTORY_FAULT); /* no certificate yet: nobody's */
  log_certificate(&run, 0);
  assert_int_equal(log_receipt(&run, a), CF_HISTORY_VOID);
  set_tip(&run, 1, a);
  certify(&run, 1);
  assert_int_equal(log_receipt(&run, a), CF_HISTORY_VOID); /* adopted, but by an epoch that nobody certified */
  assert_int_equal(run.h.sequence, 0);
  agree(&run);
  run_free(&run);
}

/* ---- faults: entries that no honest appender logs ---- */

static void test_faults(void **state) {
  begin(&run);
  certify(&run, 0);
  instance_t    *i = &run.told.inst[0];
  said_t         o = {.what = OTHER};
  static uint8_t buf[CF_ENTRY_MAX];
  cf_hash_t      hash;

  assert_int_equal(feed(&run, o, CF_SPAN_LIT("text")), CF_HISTORY_FAULT);
  assert_int_equal(feed(&run, o, CF_SPAN_LIT("")), CF_HISTORY_FAULT);
  assert_int_equal(feed(&run, o, ex.genesis_entry), CF_HISTORY_FAULT); /* by the log's key, which signs entry 0 alone */
  assert_int_equal(feed(&run, o, ex.deployment_entry), CF_HISTORY_OTHER);
  assert_int_equal(log_boot(&run, 0), CF_HISTORY_AGAIN);
  assert_int_equal(log_certificate(&run, 0), CF_HISTORY_AGAIN);
  assert_int_equal(log_result(&run, 0, 2), CF_HISTORY_AGAIN);
  assert_int_equal(log_result(&run, 0, 1), CF_HISTORY_RESULT); /* one more than k */

  instance_t second = *i; /* another boot entry of one instance */
  second.tip = (cf_tip_t){.sequence = 9};
  assert_int_equal(feed(&run, o, entry_boot(buf, sizeof buf, &ex, &second)), CF_HISTORY_FAULT);
  assert_non_null(run.heard.first.boot);

  cf_epoch_t doc = instance_epoch(&ex, i); /* another certificate of one epoch */
  cf_wr_t    wr = cf_wr_init(buf, sizeof buf);
  doc.not_after++;
  cf_document_seal(&wr, NULL, &cf_epoch_table, &doc, i->identity, "enclave", "epoch");
  assert_int_equal(feed(&run, o, cf_wr_out(&wr)), CF_HISTORY_FAULT);
  assert_non_null(run.heard.first.boot);
  doc.sealing[0] ^= 1; /* keys other than its opening entry's */
  wr = cf_wr_init(buf, sizeof buf);
  cf_document_seal(&wr, NULL, &cf_epoch_table, &doc, i->identity, "enclave", "epoch");
  assert_int_equal(feed(&run, o, cf_wr_out(&wr)), CF_HISTORY_FAULT);
  doc = instance_epoch(&ex, i); /* signed by another key */
  wr = cf_wr_init(buf, sizeof buf);
  cf_document_seal(&wr, NULL, &cf_epoch_table, &doc, i->receipt, "enclave", "epoch");
  assert_int_equal(feed(&run, o, cf_wr_out(&wr)), CF_HISTORY_FAULT);

  size_t        a = make_receipt(&run, 0, SIZE_MAX);
  made_t const *m = &run.told.made[a];
  cf_receipt_t  r = example_receipt(&ex, i, 1, &m->previous, &m->before, &m->after), bad;
  bad = r;
  bad.domain[0] ^= 1; /* another domain */
  assert_int_equal(feed(&run, o, entry_receipt(buf, sizeof buf, &hash, &bad, i->receipt)), CF_HISTORY_FAULT);
  bad = r;
  bad.epoch++; /* another epoch */
  assert_int_equal(feed(&run, o, entry_receipt(buf, sizeof buf, &hash, &bad, i->receipt)), CF_HISTORY_FAULT);
  bad = r; /* another key */
  assert_int_equal(feed(&run, o, entry_receipt(buf, sizeof buf, &hash, &bad, i->identity)), CF_HISTORY_FAULT);
  bad = r;
  bad.state_before[0] ^= 1; /* its own, but starting from another state: it waits for one that never comes */
  assert_int_equal(feed(&run, o, entry_receipt(buf, sizeof buf, &hash, &bad, i->receipt)), CF_HISTORY_WAITS);
  cf_span_t e = entry_receipt(buf, sizeof buf, &hash, &r, i->receipt);
  buf[e.len - 1] ^= 1; /* the signature */
  assert_int_equal(feed(&run, o, e), CF_HISTORY_FAULT);

  cf_ear_t       ear = example_ear(&ex, i);
  cf_p256_key_t *key = example_p256("gateway", 0); /* no verifier's */
  wr = cf_wr_init(buf, sizeof buf);
  cf_ear_seal(&wr, &ear, key, "verifier");
  assert_int_equal(feed(&run, o, cf_wr_out(&wr)), CF_HISTORY_FAULT);
  cf_p256_key_free(key);
  key = example_p256("verifier es256", 0);
  ear.status = CF_EAR_CONTRAINDICATED; /* a refusal certifies nothing */
  ear.verdict = CF_SPAN_LIT("measurement");
  wr = cf_wr_init(buf, sizeof buf);
  cf_ear_seal(&wr, &ear, key, "verifier");
  assert_int_equal(feed(&run, o, cf_wr_out(&wr)), CF_HISTORY_OTHER);
  cf_p256_key_free(key);

  assert_int_equal(run.h.sequence, 0);
  assert_int_equal(cf_history_feed(&run.h, run.h.next + 1, ex.genesis_entry, hear, &run.heard), CF_ERR_FORMAT);
  assert_int_equal(cf_history_feed(&run.h, run.h.next - 1, ex.genesis_entry, hear, &run.heard), CF_ERR_FORMAT);
  run_free(&run);
}

/* A receipt that the caller knows is taken at its word for the signature, and for nothing else. */
static cf_span_t known_entry;
static bool      is_known(void *ctx, uint64_t sequence, cf_span_t entry) { return sequence == 1 && cf_span_eq(entry, known_entry); }

static cf_history_kind_t feed_known(run_t *r, cf_span_t entry) {
  r->heard.events = 0;
  assert_int_equal(cf_history_feed_known(&r->h, r->told.size++, entry, hear, is_known, &r->heard), CF_OK);
  return r->heard.first.kind;
}

static void test_known(void **state) {
  begin(&run);
  certify(&run, 0);
  instance_t    *i = &run.told.inst[0];
  static uint8_t buf[CF_ENTRY_MAX], strange[CF_ENTRY_MAX];
  cf_hash_t      hash;
  made_t const  *m = &run.told.made[make_receipt(&run, 0, SIZE_MAX)];
  cf_receipt_t   r = example_receipt(&ex, i, 1, &m->previous, &m->before, &m->after);
  known_entry = entry_receipt(strange, sizeof strange, &hash, &r, i->identity);
  assert_int_equal(feed_known(&run, known_entry), CF_HISTORY_FAULT); /* names another key */
  known_entry = CF_SPAN(NULL, 0);
  cf_span_t e = entry_receipt(buf, sizeof buf, &hash, &r, i->receipt);
  buf[e.len - 1] ^= 1; /* the signature */
  assert_int_equal(feed_known(&run, e), CF_HISTORY_FAULT); /* not known */
  assert_int_equal(run.h.sequence, 0);
  known_entry = e;
  assert_int_equal(feed_known(&run, e), CF_HISTORY_WAITS);
  assert_int_equal(run.h.sequence, 1);
  run_free(&run);
}

/* Entry 0 is the log's own. */
static void test_entry_0(void **state) {
  run_init(&run);
  assert_int_equal(feed(&run, (said_t){.what = OTHER}, ex.deployment_entry), CF_HISTORY_FAULT);
  run_free(&run);
}

/* ---- bounds ---- */

static void test_waiting_full(void **state) {
  static uint8_t buf[8192];
  begin(&run);
  certify(&run, 0);
  instance_t *i = &run.told.inst[0];
  cf_hash_t   zero = {{0}}, hash;
  for (uint64_t n = 0;; n++) { /* none of them follows from anything */
    cf_receipt_t r = example_receipt(&ex, i, 2 + n, &zero, &zero, &zero);
    cf_span_t    e = entry_receipt(buf, sizeof buf, &hash, &r, i->receipt);
    cf_status_t  st = cf_history_feed(&run.h, run.h.next, e, hear, &run.heard);
    if (n < CF_HISTORY_WAITING_MAX) {
      assert_int_equal(st, CF_OK);
      continue;
    }
    assert_int_equal(st, CF_ERR_BOUND);
    assert_int_equal(run.h.waiting_cnt, CF_HISTORY_WAITING_MAX);
    break;
  }
  run_free(&run);
}

/* Of very many boot entries the newest are kept, and the certified one. */
static void test_boots_full(void **state) {
  begin(&run);
  certify(&run, 0);
  uint64_t boot = run.told.inst[0].boot;
  for (unsigned n = 0; n < 3 * CF_HISTORY_BOOTS_MAX; n++) {
    instance_t i = instance_make(100 + n);
    run.heard.events = 0;
    assert_int_equal(cf_history_feed(&run.h, run.h.next, entry_boot(BUF, &ex, &i), hear, &run.heard), CF_OK);
    assert_int_equal(cf_history_newest(&run.h)->index, run.h.next - 1);
    assert_hash(cf_history_newest(&run.h)->instance, i.instance);
    assert_ptr_equal(cf_history_by_instance(&run.h, &i.instance), cf_history_newest(&run.h));
    instance_free(&i);
  }
  assert_int_equal(run.h.boots_cnt, CF_HISTORY_BOOTS_MAX);
  assert_int_equal(cf_history_certified(&run.h)->index, boot);
  assert_ptr_equal(cf_history_by_index(&run.h, boot), cf_history_certified(&run.h));
  assert_null(cf_history_by_index(&run.h, boot + 1));
  run_free(&run);
}

/* ---- random logs ---- */

static uint64_t rnd(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static bool is_certified(run_t const *r, unsigned who) { return certified_at(&r->told, r->told.size, who) != SIZE_MAX; }

/* The newest receipt of who, or the one it adopted; SIZE_MAX: none. */
static size_t last_of(told_t const *t, unsigned who) {
  size_t last = SIZE_MAX;
  for (size_t i = 0; i < t->made_cnt; i++)
    if (t->made[i].who == who || !memcmp(t->made[i].hash.b, t->inst[who].tip.hash, 32)) last = i;
  return last;
}

static int newest_booted(run_t const *r, bool certified) {
  int who = -1;
  for (unsigned w = 0; w < INSTANCES; w++)
    if (r->told.booted[w] && (!certified || is_certified(r, w)) && (who < 0 || r->told.inst[w].boot > r->told.inst[who].boot))
      who = (int)w;
  return who;
}

/* A boot from the disk of the newest, from an older one, or from any. */
static void random_boot(run_t *r, uint64_t *seed, unsigned who) {
  int    c = newest_booted(r, true);
  size_t tip = SIZE_MAX, made = r->told.made_cnt;
  if (c >= 0 && rnd(seed) % 4) {
    tip = last_of(&r->told, (unsigned)c);
    if (rnd(seed) % 3 == 0 && tip != SIZE_MAX && tip > 0) tip = rnd(seed) % tip;
  } else if (made && rnd(seed) % 2) {
    tip = rnd(seed) % made;
  }
  if (!r->told.booted[who]) set_tip(r, who, tip);
  (void)log_boot(r, who);
}

static void random_receipt(run_t *r, uint64_t *seed, unsigned who) {
  told_t *t = &r->told;
  size_t  previous = t->made_cnt && rnd(seed) % 10 == 0 ? rnd(seed) % t->made_cnt : last_of(t, who);
  size_t  n = make_receipt(r, who, previous);
  if (rnd(seed) % 12 == 0) {
    made_t *m = &t->made[n]; /* from a state that is not its predecessor's */
    m->before = example_hash("wrong state", 0);
    cf_receipt_t doc = example_receipt(&ex, &t->inst[who], m->sequence, &m->previous, &m->before, &m->after);
    (void)entry_receipt(BUF, &m->hash, &doc, t->inst[who].receipt);
  }
  if (rnd(seed) % 5) (void)log_receipt(r, n); /* else later, or never */
}

/* One more entry of a log that anybody may write to: boots from any tip, certificates and results at any time, receipts that
   continue any chain, in any order and again. */
static void random_entry(run_t *r, uint64_t *seed) {
  told_t  *t = &r->told;
  unsigned who = (unsigned)(rnd(seed) % INSTANCES);
  int      newest = newest_booted(r, false), lives = newest_booted(r, true);
  unsigned dice = (unsigned)(rnd(seed) % 16);
  if (dice == 0 || newest < 0) {
    random_boot(r, seed, who);
  } else if (dice < 5 || lives < 0) {
    if (rnd(seed) % 8) who = (unsigned)newest;
    if (!t->booted[who]) return;
    if (!t->certificate[who]) (void)log_certificate(r, who);
    else (void)log_result(r, who, (unsigned)(rnd(seed) % VERIFIERS));
  } else if (dice < 8 && t->made_cnt) {
    (void)log_receipt(r, rnd(seed) % t->made_cnt);
  } else {
    if (rnd(seed) % 6) who = (unsigned)lives;
    if (t->booted[who]) random_receipt(r, seed, who);
  }
}

/* From a snapshot taken anywhere, the same is said of everything behind it. */
static void check_snapshot(run_t *r) {
  static uint8_t one[1 << 20], two[1 << 20];
  cf_wr_t        a = cf_wr_init(one, sizeof one), b = cf_wr_init(two, sizeof two);
  cf_history_encode(&a, &r->h);
  cf_history_init(&r->h, &ex.domain, &ex.genesis, &ex.policy);
  cf_rd_t rd = cf_rd_span(cf_wr_out(&a));
  assert_int_equal(cf_history_decode(&r->h, &rd), CF_OK);
  assert_true(cf_rd_done(&rd));
  cf_history_encode(&b, &r->h);
  assert_span(cf_wr_out(&b), cf_wr_out(&a));
}

static void test_random(void **state) {
  char const *from = getenv("CF_SEED");
  uint64_t    first = from ? strtoull(from, NULL, 10) : 1, runs = from ? 1 : 120, counted = 0, certified = 0, adopted = 0;
  for (uint64_t n = 0; n < runs; n++) {
    uint64_t seed = (first + n) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    print_message(n ? "" : "seeds %llu to %llu\n", (unsigned long long)first, (unsigned long long)(first + runs - 1));
    failing = first + n;
    begin(&run);
    while (run.told.size < LOG_MAX - 8 && run.told.made_cnt < RECEIPTS_MAX - 1) {
      random_entry(&run, &seed);
      agree(&run);
      if (rnd(&seed) % 8 == 0) check_snapshot(&run);
    }
    counted += run.heard.cnt;
    certified += run.h.certified_ever;
    for (size_t i = 0; i < run.heard.cnt; i++)
      adopted += cf_history_certified(&run.h) && run.heard.sequence[i] <= cf_history_certified(&run.h)->tip_sequence;
    run_free(&run);
  }
  print_message("%llu runs: %llu receipts count, %llu boots were certified, %llu receipts were adopted\n",
                (unsigned long long)runs, (unsigned long long)counted, (unsigned long long)certified,
                (unsigned long long)adopted);
  if (from) return;
  assert_true(counted > 4 * runs && certified > runs && adopted > runs); /* the logs were not empty of what is compared */
}

/* ---- the snapshot's bytes ---- */

static void test_snapshot_cut(void **state) {
  static uint8_t buf[1 << 18];
  begin(&run);
  certify(&run, 0);
  size_t a = make_receipt(&run, 0, SIZE_MAX), b = make_receipt(&run, 0, a);
  log_receipt(&run, b);
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_history_encode(&wr, &run.h);
  cf_history_init(&other.h, &ex.domain, &ex.genesis, &ex.policy);
  for (size_t n = 0; n < wr.len; n++) {
    cf_rd_t rd = cf_rd_init(buf, n);
    assert_int_equal(cf_history_decode(&other.h, &rd), CF_ERR_FORMAT);
  }
  run_free(&run);
}

static int set_up(void **state) {
  cf_hash_t code = example_hash("block 0", 0);
  example_init(&ex);
  example_found(&ex);
  example_deploy(&ex, &code);
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_one_life),
      cmocka_unit_test(test_twin),
      cmocka_unit_test(test_uncertified),
      cmocka_unit_test(test_adopted_late),
      cmocka_unit_test(test_never_certified_never_counts),
      cmocka_unit_test(test_known), cmocka_unit_test(test_faults),
      cmocka_unit_test(test_entry_0),
      cmocka_unit_test(test_waiting_full),
      cmocka_unit_test(test_boots_full),
      cmocka_unit_test(test_snapshot_cut),
      cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
