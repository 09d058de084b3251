#include "audit/cf_monitor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/cf_tiles.h"
#include "base/cf_text.h"
#include "translog/cf_fork.h"

typedef unsigned long long ull_t;
enum { SUM_SZ = 8, RECORD_HEAD = 4 };

typedef struct {
  uint64_t  size;
  cf_hash_t root;
  uint64_t  offset; /* of the note with the most cosignatures, in the records */
  uint32_t  len;
  uint16_t  signers; /* bits by member */
  uint64_t  time_s;  /* when it was first seen */
  uint32_t  checked; /* bits by place whose tree it was held against */
} head_t;

typedef struct {
  char const *name;
  uint64_t    size; /* the largest that it showed */
  bool        witness;
  uint64_t    shown;     /* in this round */
  bool        answered;
  uint64_t    failing_s; /* since when it does not answer; 0: it does */
} source_t;

struct cf_monitor {
  cf_monitor_config_t cfg;
  cf_monitor_out_t    out;
  uint64_t            now_s;
  uint64_t            end; /* of the records */
  unsigned            source_cnt, fork_cnt;
  source_t            source[CF_MONITOR_SOURCES_MAX];
  size_t              open_cnt, head_cnt;
  cf_incident_t       open[CF_MONITOR_OPEN_MAX];
  head_t              head[CF_MONITOR_HEADS_MAX];
  uint8_t             fork[CF_FORK_MAX];
  cf_tiles_t          tiles;
};

char const *cf_incident_name(cf_incident_kind_t kind) {
  static char const *const names[CF_INCIDENTS] = {"fork",       "rollback", "stale", "enclave", "verdict",
                                                  "settlement", "silence",  "lie",   "altered", "quorum"};
  return names[kind];
}

cf_monitor_t *cf_monitor_new(cf_monitor_config_t const *cfg, cf_monitor_out_t const *out) {
  cf_monitor_t *m = calloc(1, sizeof *m);
  if (!m) abort();
  assert(!cfg->policy || cfg->policy->witness_cnt == cfg->set->cnt);
  m->cfg = *cfg;
  m->out = *out;
  return m;
}

void cf_monitor_free(cf_monitor_t *m) { free(m); }

unsigned cf_monitor_source(cf_monitor_t *m, char const *name, bool witness) {
  assert(m->source_cnt < CF_MONITOR_SOURCES_MAX);
  m->source[m->source_cnt].name = name;
  m->source[m->source_cnt].witness = witness;
  return m->source_cnt++;
}

/* ---- incidents ---- */

/* An incident is what it is by kind, source and key; of a lasting one, by kind and key, for whoever shows it. */
static cf_incident_t *find_or_open(cf_monitor_t *m, cf_incident_kind_t kind, unsigned source, bool lasting, char const *key, bool *opened) {
  char        name[512], id[17];
  char const *whose = lasting ? "" : m->source[source].name;
  snprintf(name, sizeof name, "%s\n%s\n%s\n%s", cf_incident_name(kind), m->cfg.set->log.name, key, whose);
  cf_hash_t h = cf_sha256(CF_SPAN(name, strlen(name)));
  cf_hex_encode(id, CF_SPAN(h.b, 8));
  *opened = false;
  for (size_t i = 0; i < m->open_cnt; i++)
    if (!strcmp(m->open[i].id, id)) {
      m->open[i].again = true;
      return &m->open[i];
    }
  if (m->open_cnt == CF_MONITOR_OPEN_MAX) return NULL;
  cf_incident_t *i = &m->open[m->open_cnt++];
  *i = (cf_incident_t){.kind = kind, .source = source, .since_s = m->now_s, .lasting = lasting, .again = true};
  memcpy(i->id, id, sizeof id);
  *opened = true;
  return i;
}

static void raise_it(cf_monitor_t *m, cf_incident_kind_t kind, unsigned source, char const *key, char const *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void raise_it(cf_monitor_t *m, cf_incident_kind_t kind, unsigned source, char const *key, char const *fmt, ...) {
  bool           opened;
  cf_incident_t *i = find_or_open(m, kind, source, false, key, &opened);
  va_list        ap;
  if (!i || !opened) return;
  va_start(ap, fmt);
  vsnprintf(i->text, sizeof i->text, fmt, ap);
  va_end(ap);
  m->out.tell(m->out.ctx, i, false);
}

/* The proof is durable before anybody hears of it. */
static cf_status_t raise_fork(cf_monitor_t *m, unsigned source, cf_span_t fork) {
  cf_fork_t      f;
  cf_forked_t    v;
  char           key[200], x[65], y[65];
  bool           opened;
  if (cf_fork_parse(&f, fork, NULL) || cf_fork_verify(&v, &f, NULL)) return CF_OK; /* not proven, not told */
  snprintf(key, sizeof key, "%llu %.16s %llu %.16s", (ull_t)v.head[0].size, cf_hex_encode(x, CF_SPAN_OF(v.head[0].root.b)),
           (ull_t)v.head[1].size, cf_hex_encode(y, CF_SPAN_OF(v.head[1].root.b)));
  if (m->fork_cnt >= CF_MONITOR_FORKS_MAX) return CF_OK;
  cf_incident_t *i = find_or_open(m, CF_INCIDENT_FORK, source, true, key, &opened);
  if (!i || !opened) return CF_OK;
  m->fork_cnt++;
  size_t lied = 0;
  for (size_t j = 0; j < f.witness_cnt; j++) lied += v.cosig[0][j].have && v.cosig[1][j].have;
  snprintf(i->text, sizeof i->text, "heads of %llu entries, root %.8s, and of %llu, root %.8s, contradict each other; %zu witnesses signed both",
           (ull_t)v.head[0].size, x, (ull_t)v.head[1].size, y, lied);
  i->proven = true;
  cf_status_t st = m->out.proof(m->out.ctx, i->id, fork);
  if (st) m->open_cnt--;
  else m->out.tell(m->out.ctx, i, false);
  return st;
}

void cf_monitor_begin(cf_monitor_t *m, uint64_t now_s) {
  m->now_s = now_s;
  for (size_t i = 0; i < m->open_cnt; i++) m->open[i].again = m->open[i].lasting;
  for (unsigned i = 0; i < m->source_cnt; i++) m->source[i].shown = 0, m->source[i].answered = false;
}

/* A log publishes before its witnesses sign, and they were asked first: what they signed, one place at least must have. */
static void look_behind(cf_monitor_t *m) {
  unsigned witness = m->source_cnt, place = m->source_cnt;
  for (unsigned i = 0; i < m->source_cnt; i++) {
    unsigned *best = m->source[i].witness ? &witness : &place;
    if (m->source[i].answered && (*best == m->source_cnt || m->source[i].shown > m->source[*best].shown)) *best = i;
  }
  if (witness == m->source_cnt || place == m->source_cnt || m->source[place].shown >= m->source[witness].shown) return;
  raise_it(m, CF_INCIDENT_ROLLBACK, place, "witness", "shows %llu entries, and the witness at %.100s cosigned %llu", (ull_t)m->source[place].shown,
           m->source[witness].name, (ull_t)m->source[witness].shown);
}

/* Who cosigned a head does so after it was shown, and perhaps the next one only: heads up to one that a quorum cosigned ask for no more. */
static void look_at_quorum(cf_monitor_t *m, unsigned source) {
  cf_tlog_policy_t const *p = m->cfg.policy;
  uint64_t                shown = m->source[source].shown, behind = 0, since_s = UINT64_MAX;
  uint32_t                signers = 0;
  char                    why[160];
  for (size_t i = 0; i < m->head_cnt; i++) {
    head_t const *h = &m->head[i];
    if (h->size > behind && cf_tlog_policy_met(p, h->signers)) behind = h->size;
    if (h->size == shown) signers |= h->signers;
  }
  for (size_t i = 0; i < m->head_cnt; i++)
    if (m->head[i].size > behind && m->head[i].size <= shown && m->head[i].time_s < since_s) since_s = m->head[i].time_s;
  if (since_s == UINT64_MAX || m->now_s < since_s + m->cfg.quorum_s) return;
  raise_it(m, CF_INCIDENT_QUORUM, source, "", "no quorum behind more than %llu of %llu entries: %s", (ull_t)behind, (ull_t)shown,
           cf_tlog_policy_short(why, sizeof why, p, signers));
}

void cf_monitor_end(cf_monitor_t *m) {
  size_t n = 0;
  look_behind(m);
  for (unsigned i = 0; m->cfg.policy && i < m->source_cnt; i++)
    if (m->source[i].answered && !m->source[i].witness) look_at_quorum(m, i);
  for (size_t i = 0; i < m->open_cnt; i++) {
    if (m->open[i].again) m->open[n++] = m->open[i];
    else m->out.tell(m->out.ctx, &m->open[i], true);
  }
  m->open_cnt = n;
}

size_t               cf_monitor_open_count(cf_monitor_t const *m) { return m->open_cnt; }
cf_incident_t const *cf_monitor_open_at(cf_monitor_t const *m, size_t i) { return &m->open[i]; }
unsigned             cf_monitor_sources(cf_monitor_t const *m) { return m->source_cnt; }

void cf_monitor_view(cf_monitor_t const *m, unsigned source, cf_monitor_view_t *out) {
  source_t const *s = &m->source[source];
  *out = (cf_monitor_view_t){.name = s->name, .answers = !s->failing_s, .size = s->size};
}

/* ---- records: u32 length of what follows but for the sum, u64 time, u16 length, source, note, the first 8 bytes of SHA-256 ---- */

typedef struct {
  uint8_t          text[CF_CHECKPOINT_TEXT_MAX], sig[64];
  size_t           text_len;
  cf_checkpoint_t  c; /* its spans are not used */
  cf_cosig_t       cosig[CF_WITNESSES_MAX];
} gathered_t;

static cf_status_t gather(cf_monitor_t const *m, gathered_t *g, cf_span_t note) {
  cf_span_t   text;
  cf_status_t st = cf_checkpoint_gather(&g->c, &text, g->sig, g->cosig, note, m->cfg.set, NULL);
  if (st) return st;
  if (text.len > sizeof g->text) return CF_ERR_BOUND;
  memcpy(g->text, text.ptr, text.len);
  g->text_len = text.len;
  return CF_OK;
}

static uint16_t signers_of(cf_monitor_t const *m, gathered_t const *g) {
  uint16_t bits = 0;
  for (size_t j = 0; j < m->cfg.set->cnt; j++)
    if (g->cosig[j].have) bits = (uint16_t)(bits | 1u << j);
  return bits;
}

static head_t *find_head(cf_monitor_t *m, uint64_t size, cf_hash_t const *root) {
  for (size_t i = m->head_cnt; i-- > 0;)
    if (m->head[i].size == size && cf_hash_eq(&m->head[i].root, root)) return &m->head[i];
  return NULL;
}

static head_t *add_head(cf_monitor_t *m, uint64_t size, cf_hash_t const *root) {
  if (m->head_cnt == CF_MONITOR_HEADS_MAX) memmove(m->head, m->head + 1, --m->head_cnt * sizeof *m->head);
  head_t *h = &m->head[m->head_cnt++];
  *h = (head_t){.size = size, .root = *root, .time_s = m->now_s};
  return h;
}

static cf_status_t note_of(cf_monitor_t *m, cf_span_t *out, uint8_t *buf, head_t const *h) {
  *out = CF_SPAN(buf, h->len);
  return h->len <= CF_MONITOR_RECORD_MAX ? m->out.fetch(m->out.ctx, h->offset, buf, h->len) : CF_ERR_BOUND;
}

/* Both of one size: the notes are enough. */
static cf_status_t same_size(cf_monitor_t *m, unsigned source, head_t const *h) {
  uint8_t     x[CF_MONITOR_RECORD_MAX], y[CF_MONITOR_RECORD_MAX];
  cf_span_t   a, b;
  cf_status_t st = CF_OK;
  for (size_t i = 0; !st && i < m->head_cnt; i++) {
    head_t const *o = &m->head[i];
    cf_wr_t       wr = cf_wr_init(m->fork, sizeof m->fork);
    if (o == h || o->size != h->size) continue;
    st = note_of(m, &a, x, h);
    if (!st) st = note_of(m, &b, y, o);
    if (!st && !cf_fork_make(&wr, a, b, m->cfg.set, NULL, NULL)) st = raise_fork(m, source, cf_wr_out(&wr));
  }
  return st;
}

static cf_status_t keep(cf_monitor_t *m, unsigned source, head_t *h, gathered_t const *g) {
  uint8_t buf[CF_MONITOR_RECORD_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  size_t  name_len = strlen(m->source[source].name);
  cf_wr_u32(&wr, 0);
  cf_wr_u64(&wr, m->now_s);
  cf_wr_u16(&wr, (uint16_t)name_len);
  cf_wr_bytes(&wr, m->source[source].name, name_len);
  size_t at = wr.len;
  cf_checkpoint_compose(&wr, CF_SPAN(g->text, g->text_len), m->cfg.set, g->sig, g->cosig);
  assert(!wr.bad && name_len <= UINT16_MAX);
  size_t  len = wr.len - RECORD_HEAD;
  cf_wr_t front = cf_wr_init(buf, RECORD_HEAD);
  cf_wr_u32(&front, (uint32_t)len);
  cf_hash_t sum = cf_sha256(cf_wr_out(&wr));
  cf_wr_bytes(&wr, sum.b, SUM_SZ);
  cf_status_t st = m->out.keep(m->out.ctx, cf_wr_out(&wr));
  if (st) return st;
  h->offset = m->end + at;
  h->len = (uint32_t)(len + RECORD_HEAD - at);
  h->signers = signers_of(m, g);
  m->end += wr.len;
  return CF_OK;
}

static bool all_zero(cf_span_t s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i]) return false;
  return true;
}

static source_t *source_named(cf_monitor_t *m, cf_span_t name) {
  for (unsigned i = 0; i < m->source_cnt; i++)
    if (cf_span_eq(name, CF_SPAN(m->source[i].name, strlen(m->source[i].name)))) return &m->source[i];
  return NULL;
}

static void went(source_t *s, cf_checkpoint_t const *c) {
  if (c->size > s->size) s->size = c->size;
}

static bool recall_one(cf_monitor_t *m, cf_span_t body, uint64_t offset) {
  gathered_t g;
  cf_rd_t    rd = cf_rd_span(body);
  uint64_t  time_s = cf_rd_u64(&rd);
  cf_span_t name = cf_rd_take_span(&rd, cf_rd_u16(&rd));
  cf_span_t note = CF_SPAN(body.ptr + rd.pos, cf_rd_left(&rd));
  if (rd.bad || gather(m, &g, note)) return false;
  head_t *h = find_head(m, g.c.size, &g.c.root);
  if (!h) {
    h = add_head(m, g.c.size, &g.c.root);
    h->time_s = time_s;
  }
  h->offset = offset + RECORD_HEAD + rd.pos;
  h->len = (uint32_t)note.len;
  h->signers = signers_of(m, &g);
  source_t *s = source_named(m, name);
  if (s) went(s, &g.c);
  return true;
}

cf_status_t cf_monitor_recall(cf_monitor_t *m, cf_span_t records, size_t *good, cf_error_t *err) {
  for (*good = 0; *good < records.len;) {
    cf_span_t rest = CF_SPAN(records.ptr + *good, records.len - *good);
    cf_rd_t   rd = cf_rd_span(rest);
    size_t    n = cf_rd_u32(&rd);
    bool      fits = !rd.bad && n <= CF_MONITOR_RECORD_MAX && n + RECORD_HEAD + SUM_SZ <= rest.len;
    cf_hash_t sum = fits ? cf_sha256(CF_SPAN(rest.ptr, RECORD_HEAD + n)) : (cf_hash_t){{0}};
    bool      whole = fits && n && !memcmp(sum.b, rest.ptr + RECORD_HEAD + n, SUM_SZ);
    if (whole && recall_one(m, CF_SPAN(rest.ptr + RECORD_HEAD, n), *good)) {
      *good += RECORD_HEAD + n + SUM_SZ;
      continue;
    }
    /* Only the last record can be one that a crash cut, and nothing that was acknowledged is behind it. */
    bool cut = !whole && (all_zero(rest) || rd.bad || n + RECORD_HEAD + SUM_SZ >= rest.len) && rest.len <= CF_MONITOR_RECORD_MAX + RECORD_HEAD + SUM_SZ;
    if (!cut) return cf_error_set(err, CF_ERR_AUTH, "seen", *good, "altered: the record at byte %zu is not what was kept", *good);
    break;
  }
  m->end = *good;
  return CF_OK;
}

/* ---- what sources say ---- */

cf_status_t cf_monitor_note(cf_monitor_t *m, unsigned source, cf_span_t note) {
  source_t  *s = &m->source[source];
  gathered_t g, old;
  uint8_t    buf[CF_MONITOR_RECORD_MAX];
  cf_span_t  before;
  s->failing_s = 0;
  if (!note.len) {
    if (s->size) raise_it(m, CF_INCIDENT_ROLLBACK, source, "head", "knows nothing of this log; it showed %llu entries before", (ull_t)s->size);
    return CF_OK;
  }
  if (gather(m, &g, note)) {
    raise_it(m, CF_INCIDENT_LIE, source, "note", "what it gives as checkpoint is none of this log's");
    return CF_OK;
  }
  head_t     *h = find_head(m, g.c.size, &g.c.root);
  bool        is_new = !h;
  cf_status_t st = CF_OK;
  if (h) { /* cosignatures of all who showed it, in one note */
    st = note_of(m, &before, buf, h);
    if (!st && !gather(m, &old, before))
      for (size_t j = 0; j < m->cfg.set->cnt; j++)
        if (old.cosig[j].have) g.cosig[j] = old.cosig[j];
  } else {
    h = add_head(m, g.c.size, &g.c.root);
  }
  if (!st && (is_new || (signers_of(m, &g) & ~h->signers))) st = keep(m, source, h, &g);
  if (st && is_new) m->head_cnt--;
  if (!st) st = same_size(m, source, h);
  if (st) return st;
  s->answered = true;
  s->shown = g.c.size;
  if (g.c.size < s->size)
    raise_it(m, CF_INCIDENT_ROLLBACK, source, "head", "shows %llu entries; it showed %llu before", (ull_t)g.c.size, (ull_t)s->size);
  went(s, &g.c);
  return CF_OK;
}

void cf_monitor_silent(cf_monitor_t *m, unsigned source, char const *why) {
  source_t *s = &m->source[source];
  if (!s->failing_s) s->failing_s = m->now_s ? m->now_s : 1;
  cf_monitor_unaudited(m, source);
  if (m->now_s - s->failing_s >= m->cfg.silent_s) raise_it(m, CF_INCIDENT_SILENCE, source, "", "%s", why);
}

void cf_monitor_lied(cf_monitor_t *m, unsigned source, char const *why) {
  cf_monitor_unaudited(m, source);
  raise_it(m, CF_INCIDENT_LIE, source, why, "%s", why);
}

void cf_monitor_altered(cf_monitor_t *m, unsigned source, char const *why) { raise_it(m, CF_INCIDENT_ALTERED, source, why, "%s", why); }

/* ---- audits ---- */

static cf_incident_kind_t kind_of(cf_audit_about_t about) {
  switch (about) {
  case CF_ABOUT_OTHER: return CF_INCIDENT_ALTERED;
  case CF_ABOUT_FORK: return CF_INCIDENT_FORK;
  case CF_ABOUT_ROLLBACK: return CF_INCIDENT_ROLLBACK;
  case CF_ABOUT_ENCLAVE: return CF_INCIDENT_ENCLAVE;
  case CF_ABOUT_VERDICT: return CF_INCIDENT_VERDICT;
  case CF_ABOUT_SETTLEMENT: return CF_INCIDENT_SETTLEMENT;
  }
  return CF_INCIDENT_ALTERED;
}

static void look_at_boots(cf_monitor_t *m, unsigned source, cf_audit_t const *a) {
  cf_audit_boot_t b;
  char            key[32];
  for (size_t i = 0; cf_audit_boot(a, &b, i); i++) {
    if (b.certified != UINT64_MAX || !b.covered_s || m->now_s < b.covered_s + m->cfg.grace_s) continue;
    snprintf(key, sizeof key, "boot %llu", (ull_t)b.entry);
    raise_it(m, CF_INCIDENT_ENCLAVE, source, key, "an enclave came to life at entry %llu, and no quorum of verifiers certified it", (ull_t)b.entry);
  }
}

static void look_at_age(cf_monitor_t *m, unsigned source, cf_audit_t const *a) {
  uint64_t size = 0, time_s = 0;
  bool     any = cf_audit_witnessed(a, &size, &time_s);
  if (any ? m->now_s < time_s + m->cfg.stale_s : cf_audit_counts(a)->faults) return; /* with faults, why there is none is told */
  raise_it(m, CF_INCIDENT_STALE, source, "", "the newest checkpoint of a quorum is of %llu entries, %llu s old", (ull_t)size,
           any ? (ull_t)(m->now_s - time_s) : 0);
}

cf_status_t cf_monitor_audited(cf_monitor_t *m, unsigned source, cf_audit_t const *a) {
  cf_audit_counts_t const *n = cf_audit_counts(a);
  cf_span_t                fork = cf_audit_fork(a);
  cf_status_t              st = fork.len ? raise_fork(m, source, fork) : CF_OK;
  for (size_t i = 0; !st && i < n->faults && i < CF_AUDIT_FAULTS_MAX; i++) {
    cf_audit_fault_t const *f = cf_audit_fault_at(a, i);
    cf_incident_kind_t      kind = kind_of(f->about);
    char                    key[400];
    if (kind == CF_INCIDENT_FORK && fork.len) continue; /* told, with its proof */
    snprintf(key, sizeof key, "%u %llu %s %s", f->check, (ull_t)f->receipt, f->file, f->text);
    raise_it(m, kind, source, key, "check %u: %s%s%s", f->check, f->file, f->file[0] ? ": " : "", f->text);
  }
  for (size_t i = 0; i < n->lies && i < CF_MONITOR_OPEN_MAX; i++) {
    cf_audit_lie_t lie = cf_audit_lie_at(a, i);
    char           key[48];
    snprintf(key, sizeof key, "lie %llu", (ull_t)lie.entry);
    raise_it(m, CF_INCIDENT_VERDICT, source, key, "verifier %llu: %s", (ull_t)lie.verifier, lie.text);
  }
  look_at_boots(m, source, a);
  look_at_age(m, source, a);
  return st;
}

void cf_monitor_unaudited(cf_monitor_t *m, unsigned source) {
  for (size_t i = 0; i < m->open_cnt; i++)
    if (m->open[i].source == source && m->open[i].kind != CF_INCIDENT_SILENCE && m->open[i].kind != CF_INCIDENT_LIE) m->open[i].again = true;
}

cf_status_t cf_monitor_compare(cf_monitor_t *m, unsigned source, cf_audit_reader_t const *tree, cf_span_t head_note) {
  uint8_t     x[CF_MONITOR_RECORD_MAX], y[CF_MONITOR_RECORD_MAX];
  gathered_t  g;
  cf_hash_t   root;
  cf_span_t   a, b = head_note;
  cf_status_t st = gather(m, &g, head_note) ? CF_ERR_FORMAT : CF_OK;
  if (st) return CF_OK; /* whose tree it is, is not known */
  cf_tiles_init(&m->tiles, tree, g.c.size);
  cf_tree_reader_t reader = cf_tiles_reader(&m->tiles);
  head_t const    *own = find_head(m, g.c.size, &g.c.root);
  if (own) st = note_of(m, &b, y, own);
  for (size_t i = 0; !st && i < m->head_cnt; i++) {
    head_t *h = &m->head[i];
    cf_wr_t wr = cf_wr_init(m->fork, sizeof m->fork);
    if (h->checked >> source & 1 || h->size > g.c.size || !h->size) continue;
    cf_status_t is = cf_tiles_root(&m->tiles, &root, h->size, &g.c.root);
    if (is) continue; /* looked at again when the tiles are there */
    h->checked |= 1u << source;
    if (cf_hash_eq(&root, &h->root)) continue;
    st = note_of(m, &a, x, h);
    if (!st && !cf_fork_make(&wr, a, b, m->cfg.set, &reader, NULL)) st = raise_fork(m, source, cf_wr_out(&wr));
  }
  return st;
}

cf_status_t cf_monitor_follow(cf_monitor_t *m, unsigned source, cf_audit_reader_t const *tree, cf_span_t head_note) {
  gathered_t  g;
  cf_status_t st = cf_monitor_compare(m, source, tree, head_note);
  if (st || gather(m, &g, head_note)) return st;
  head_t const *last = &m->head[0];
  for (size_t i = 0; i < m->head_cnt; i++) {
    head_t const *h = &m->head[i];
    if (h->size > last->size) last = h;
    if (h->checked >> source & 1 || h->size > g.c.size || !h->size) continue;
    raise_it(m, CF_INCIDENT_ALTERED, source, "tiles", "its tiles do not show that its %llu entries begin with the %llu that were seen", (ull_t)g.c.size,
             (ull_t)h->size);
  }
  if (m->now_s >= last->time_s + m->cfg.stale_s)
    raise_it(m, CF_INCIDENT_STALE, source, "", "the newest head is of %llu entries, and was seen %llu s ago", (ull_t)last->size,
             (ull_t)(m->now_s - last->time_s));
  return CF_OK;
}
