#include "document/cf_history.h"

typedef struct {
  cf_history_t    *h;
  uint64_t         index;
  cf_history_fn_t *fn;
  void            *ctx;
  cf_history_known_fn_t *known; /* NULL: nothing is */
} feed_t;

static cf_status_t
tell(feed_t const *f, cf_history_kind_t kind, cf_history_boot_t const *boot, cf_history_receipt_t const *receipt, char const *text) {
  cf_history_event_t ev = { kind, f->index, boot, receipt, text };
  f->fn(f->ctx, &ev);
  return CF_OK;
}

void
cf_history_init(cf_history_t *h, cf_hash_t const *domain, cf_genesis_t const *g, cf_policy_t const *policy) {
  memset(h, 0, offsetof(cf_history_t, boots));
  h->domain    = *domain;
  h->verifiers = *cf_genesis_council(g, CF_VERIFIERS);
  memcpy(h->log_es256.b, g->log.es256, sizeof h->log_es256.b);
  memcpy(h->gateways, policy->gateway_keys, sizeof policy->gateway_keys);
  h->gateways_cnt = policy->gateway_keys_cnt;
  h->certified    = SIZE_MAX;
  h->hash         = cf_receipt_first_previous(domain);
  h->state        = cf_receipt_first_state(domain);
}

void
cf_history_copy(cf_history_t *to, cf_history_t const *from) {
  memcpy(to, from, offsetof(cf_history_t, boots));
  memcpy(to->boots, from->boots, from->boots_cnt * sizeof *from->boots);
  memcpy(to->waiting, from->waiting, from->waiting_cnt * sizeof *from->waiting);
}

cf_history_boot_t const *
cf_history_newest(cf_history_t const *h) {
  return h->boots_cnt ? &h->boots[h->boots_cnt - 1] : NULL;
}

cf_history_boot_t const *
cf_history_certified(cf_history_t const *h) {
  return h->certified == SIZE_MAX ? NULL : &h->boots[h->certified];
}

cf_history_boot_t const *
cf_history_by_instance(cf_history_t const *h, cf_hash_t const *instance) {
  for (size_t i = h->boots_cnt; i > 0; i--)
    if (cf_hash_eq(&h->boots[i - 1].instance, instance)) return &h->boots[i - 1];
  return NULL;
}

cf_history_boot_t const *
cf_history_by_index(cf_history_t const *h, uint64_t boot_index) {
  for (size_t i = h->boots_cnt; i > 0; i--)
    if (h->boots[i - 1].index == boot_index) return &h->boots[i - 1];
  return NULL;
}

/* ---- what counts ---- */

static bool
follows(cf_history_t const *h, cf_history_receipt_t const *r) {
  return r->sequence == h->sequence + 1 && cf_hash_eq(&r->previous, &h->hash) && cf_hash_eq(&r->state_before, &h->state);
}

static void
count(feed_t const *f, cf_history_receipt_t const *r) {
  f->h->sequence = r->sequence;
  f->h->hash     = r->hash;
  f->h->state    = r->state_after;
  (void)tell(f, CF_HISTORY_COUNTS, cf_history_by_index(f->h, r->boot), r, NULL);
}

/* next_own finds the waiting receipt of the certified instance that is due and may count: it was logged before `before`. */
static size_t
next_own(cf_history_t const *h, uint64_t before) {
  cf_history_boot_t const *c = cf_history_certified(h);
  for (size_t i = 0; c && i < h->waiting_cnt; i++)
    if (h->waiting[i].boot == c->index && h->waiting[i].index < before && follows(h, &h->waiting[i])) return i;
  return SIZE_MAX;
}

/* chain walks back from the certified instance's adopted tip to the last counting receipt through what waits.  at[] receives the places, newest
   first; returns how many, 0 while the chain is not complete. */
static size_t
chain(cf_history_t const *h, cf_history_boot_t const *c, size_t at[CF_HISTORY_WAITING_MAX]) {
  cf_hash_t want = c->tip_hash;
  size_t    n    = 0;
  for (uint64_t seq = c->tip_sequence; seq > h->sequence; seq--) {
    size_t i = 0;
    while (i < h->waiting_cnt && !(h->waiting[i].sequence == seq && h->waiting[i].boot != c->index && cf_hash_eq(&h->waiting[i].hash, &want))) i++;
    if (i == h->waiting_cnt || n == CF_HISTORY_WAITING_MAX) return 0;
    at[n++] = i;
    want    = h->waiting[i].previous;
  }
  return cf_hash_eq(&want, &h->hash) ? n : 0;
}

/* forget drops what can never count any more: sequences that are decided, and strangers beyond an adopted tip. */
static void
forget(cf_history_t *h) {
  cf_history_boot_t const *c    = cf_history_certified(h);
  size_t                   kept = 0;
  for (size_t i = 0; i < h->waiting_cnt; i++) {
    cf_history_receipt_t const *r    = &h->waiting[i];
    bool                        dead = r->sequence <= h->sequence || (c && r->boot < c->index && r->sequence > c->tip_sequence);
    if (!dead) h->waiting[kept++] = *r;
  }
  h->waiting_cnt = kept;
}

/* settle_waiting counts all that may: first the adopted stretch, whole, then the certified instance's own.  Own receipts
   logged behind a later boot entry wait for that one's fate. */
static void
settle_waiting(feed_t const *f) {
  cf_history_t            *h = f->h;
  cf_history_boot_t const *c = cf_history_certified(h);
  if (!c) return;
  if (h->sequence < c->tip_sequence) {
    size_t at[CF_HISTORY_WAITING_MAX], n = chain(h, c, at);
    for (size_t i = n; i > 0; i--) count(f, &h->waiting[at[i - 1]]);
  }
  if (h->sequence >= c->tip_sequence) {
    cf_history_boot_t const *newest = cf_history_newest(h);
    uint64_t                 before = newest == c ? CF_NO_INDEX : newest->index;
    for (size_t i; (i = next_own(h, before)) != SIZE_MAX;) count(f, &h->waiting[i]);
  }
  forget(h);
}

/* ---- entries ---- */

static bool
of_domain(cf_history_t const *h, uint8_t const domain[32]) {
  return !memcmp(h->domain.b, domain, 32);
}

/* kid_is: the key id of an ES256 signature of ours is always the signing key's thumbprint. */
static bool
kid_is(cf_sign1_t const *s, cf_p256_pub_t const *pub) {
  cf_hash_t t = cf_p256_thumbprint(pub);
  return cf_span_eq(s->hdr.kid, CF_SPAN_OF(t.b));
}

static bool
signed_by(cf_sign1_t const *s, cf_p256_pub_t const *pub) {
  return kid_is(s, pub) && cf_sign1_verify(s, pub) == CF_OK;
}

static cf_status_t
on_boot(feed_t const *f, cf_span_t entry) {
  cf_history_t *h = f->h;
  cf_boot_t     doc;
  cf_sign1_t    s;
  if (cf_document_open(&doc, &s, &cf_boot_table, entry, NULL)) return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a malformed boot entry");
  cf_p256_pub_t pub;
  memcpy(pub.b, doc.identity, sizeof pub.b);
  if (!of_domain(h, doc.domain) || !signed_by(&s, &pub)) return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a boot entry of another domain, or badly signed");
  cf_hash_t                instance = cf_p256_thumbprint(&pub), hash = cf_document_hash(s.protected_hdr, s.payload);
  cf_history_boot_t const *old      = cf_history_by_instance(h, &instance);
  if (old && cf_hash_eq(&old->hash, &hash)) return tell(f, CF_HISTORY_AGAIN, old, NULL, NULL);
  if (old) return tell(f, CF_HISTORY_FAULT, old, NULL, "a second boot entry of one instance");

  /* The boot entry before this one, if uncertified, binds nothing now: what waited for it counts after all. */
  if (h->boots_cnt && h->certified != SIZE_MAX && h->certified != h->boots_cnt - 1)
    for (size_t i; (i = next_own(h, f->index)) != SIZE_MAX;) count(f, &h->waiting[i]);
  forget(h);

  if (h->boots_cnt == CF_HISTORY_BOOTS_MAX) { /* the oldest goes; the certified one stays */
    size_t out = h->certified == 0 ? 1 : 0;
    memmove(&h->boots[out], &h->boots[out + 1], (CF_HISTORY_BOOTS_MAX - 1 - out) * sizeof h->boots[0]);
    h->boots_cnt--;
    if (h->certified != SIZE_MAX && h->certified > out) h->certified--;
  }
  cf_history_boot_t *b = &h->boots[h->boots_cnt++];
  memset(b, 0, sizeof *b);
  b->index       = f->index;
  b->hash        = hash;
  b->instance    = instance;
  b->identity    = pub;
  b->root_number = doc.root_number;
  memcpy(b->keys.b, doc.keys, 32);
  memcpy(b->commitment.b, doc.commitment, 32);
  b->tip_sequence = doc.tip.sequence;
  memcpy(b->tip_hash.b, doc.tip.hash, 32);
  b->cert_index = b->certified_index = CF_NO_INDEX;
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) b->result_index[i] = CF_NO_INDEX;
  return tell(f, CF_HISTORY_BOOTED, b, NULL, NULL);
}

static cf_status_t
on_certificate(feed_t const *f, cf_span_t entry) {
  cf_history_t *h = f->h;
  cf_epoch_t    doc;
  cf_sign1_t    s;
  if (cf_document_open(&doc, &s, &cf_epoch_table, entry, NULL) || !of_domain(h, doc.domain))
    return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a malformed epoch certificate, or of another domain");
  cf_history_boot_t *b = NULL;
  for (size_t i = 0; i < h->boots_cnt; i++)
    if (h->boots[i].index == doc.boot) b = &h->boots[i];
  if (!b || doc.epoch != b->index || memcmp(b->instance.b, doc.instance, 32) || !signed_by(&s, &b->identity))
    return tell(f, CF_HISTORY_FAULT, NULL, NULL, "an epoch certificate whose boot entry does not stand at its index, or badly signed");
  cf_hash_t keys = cf_epoch_keys_hash(doc.suite, doc.sealing, doc.receipt, doc.settlement), hash = cf_document_hash(s.protected_hdr, s.payload);
  if (!cf_hash_eq(&keys, &b->keys)) return tell(f, CF_HISTORY_FAULT, b, NULL, "an epoch certificate with keys other than its opening entry's");
  if (b->cert_index != CF_NO_INDEX)
    return cf_hash_eq(&hash, &b->cert_hash) ? tell(f, CF_HISTORY_AGAIN, b, NULL, NULL)
                                            : tell(f, CF_HISTORY_FAULT, b, NULL, "a second certificate of one epoch");
  b->cert_index = f->index;
  b->cert_hash  = hash;
  memcpy(b->receipt.b, doc.receipt, 64);
  memcpy(b->settlement, doc.settlement, 20);
  memcpy(b->sealing, doc.sealing, 32);
  memcpy(b->configuration.b, doc.configuration, 32);
  memcpy(b->policy.b, doc.policy, 32);
  b->suite      = doc.suite;
  b->not_before = doc.not_before;
  b->not_after  = doc.not_after;
  return tell(f, CF_HISTORY_CERTIFICATE, b, NULL, NULL);
}

static cf_status_t
on_result(feed_t const *f, cf_span_t entry) {
  cf_history_t *h = f->h;
  cf_ear_t      ear;
  cf_sign1_t    s;
  if (cf_ear_open(&ear, &s, entry, NULL) || !of_domain(h, ear.domain)) return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a malformed result, or of another domain");
  size_t m = 0;
  for (; m < h->verifiers.members_cnt; m++) {
    cf_p256_pub_t pub;
    memcpy(pub.b, h->verifiers.members[m].es256, sizeof pub.b);
    if (kid_is(&s, &pub)) {
      if (cf_sign1_verify(&s, &pub)) return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a badly signed result");
      break;
    }
  }
  if (m == h->verifiers.members_cnt) return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a result by no verifier of the council");
  cf_history_boot_t *b = NULL;
  for (size_t i = 0; i < h->boots_cnt; i++)
    if (h->boots[i].cert_index != CF_NO_INDEX && !memcmp(h->boots[i].cert_hash.b, ear.certificate, 32)) b = &h->boots[i];
  if (!b || ear.status != CF_EAR_AFFIRMING) return tell(f, CF_HISTORY_OTHER, b, NULL, NULL);
  if (b->result_index[m] != CF_NO_INDEX) return tell(f, CF_HISTORY_AGAIN, b, NULL, NULL);
  b->result_index[m] = f->index;
  b->results++;
  bool newest = b == &h->boots[h->boots_cnt - 1];
  if (newest && b->results == h->verifiers.k) {
    b->certified_index = f->index;
    h->certified       = h->boots_cnt - 1;
    h->certified_ever++;
  }
  (void)tell(f, CF_HISTORY_RESULT, b, NULL, NULL);
  if (b->certified_index == f->index) settle_waiting(f);
  return CF_OK;
}

/* left_out: a later certified boot entry adopted less; that holds for ever, whatever still later ones adopt. */
static bool
left_out(cf_history_t const *h, cf_history_boot_t const *b, uint64_t sequence) {
  for (size_t i = h->boots_cnt; i > 0 && h->boots[i - 1].index > b->index; i--)
    if (h->boots[i - 1].certified_index != CF_NO_INDEX && sequence > h->boots[i - 1].tip_sequence) return true;
  return false;
}

/* may_count: why a receipt can never count, NULL when it may, now or later. */
static char const *
may_count(cf_history_t const *h, cf_history_boot_t const *b, cf_history_receipt_t const *r) {
  if (r->sequence <= h->sequence) return "its sequence number is decided";
  if (b->certified_index == CF_NO_INDEX) return "its epoch is not certified";
  if (r->sequence <= b->tip_sequence) return "a sequence number that its instance adopted";
  if (left_out(h, b, r->sequence)) return "beyond the tip that a certified boot entry adopted";
  return NULL;
}

static bool
receipt_signed(feed_t const *f, uint64_t sequence, cf_span_t entry, cf_sign1_t const *s, cf_p256_pub_t const *pub) {
  if (f->known && kid_is(s, pub) && f->known(f->ctx, sequence, entry)) return true;
  return signed_by(s, pub);
}

static cf_status_t
on_receipt(feed_t const *f, cf_span_t entry) {
  cf_history_t *h = f->h;
  cf_receipt_t  doc;
  cf_sign1_t    s;
  if (cf_document_open(&doc, &s, &cf_receipt_table, entry, NULL) || !of_domain(h, doc.domain)) {
    return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a malformed receipt, or of another domain");
  }
  cf_hash_t instance;
  memcpy(instance.b, doc.instance, 32);
  cf_history_boot_t const *b = cf_history_by_instance(h, &instance);
  if (!b || b->cert_index == CF_NO_INDEX || doc.epoch != b->index || !receipt_signed(f, doc.sequence, entry, &s, &b->receipt)) {
    return tell(f, CF_HISTORY_FAULT, NULL, NULL, "a receipt of no known epoch, or badly signed");
  }
  cf_history_receipt_t r = { .sequence = doc.sequence, .index = f->index, .boot = b->index };
  r.hash                 = cf_document_hash(s.protected_hdr, s.payload);
  memcpy(r.previous.b, doc.previous, 32);
  memcpy(r.state_before.b, doc.state_before, 32);
  memcpy(r.state_after.b, doc.state_after, 32);
  if (r.sequence == h->sequence && cf_hash_eq(&r.hash, &h->hash)) {
    return tell(f, CF_HISTORY_AGAIN, b, &r, NULL);
  }
  for (size_t i = 0; i < h->waiting_cnt; i++)
    if (cf_hash_eq(&h->waiting[i].hash, &r.hash)) {
      return tell(f, CF_HISTORY_AGAIN, b, &r, NULL);
    }
  char const *why = may_count(h, b, &r);
  if (why) {
    return tell(f, CF_HISTORY_VOID, b, &r, why);
  }
  if (h->waiting_cnt == CF_HISTORY_WAITING_MAX) return CF_ERR_BOUND;
  h->waiting[h->waiting_cnt++] = r;
  (void)tell(f, CF_HISTORY_WAITS, b, &r, NULL);
  settle_waiting(f);
  return CF_OK;
}

/* All else is appended by a gateway key (or, genesis, by the log's), and read by others. */
static cf_status_t
on_other(feed_t const *f, cf_sign1_t const *s) {
  if (f->index == 0)
    return signed_by(s, &f->h->log_es256) ? tell(f, CF_HISTORY_OTHER, NULL, NULL, NULL)
                                          : tell(f, CF_HISTORY_FAULT, NULL, NULL, "entry 0 is not signed by the log's key");
  for (size_t i = 0; i < f->h->gateways_cnt; i++)
    if (signed_by(s, &f->h->gateways[i])) return tell(f, CF_HISTORY_OTHER, NULL, NULL, NULL);
  return tell(f, CF_HISTORY_FAULT, NULL, NULL, "appended by no gateway key of the policy");
}

static bool
typ_is(cf_sign1_t const *s, char const *typ) {
  return cf_span_eq(s->hdr.typ, CF_SPAN(typ, strlen(typ)));
}

cf_status_t
cf_history_feed(cf_history_t *h, uint64_t index, cf_span_t entry, cf_history_fn_t *fn, void *ctx) {
  return cf_history_feed_known(h, index, entry, fn, NULL, ctx);
}

cf_status_t
cf_history_feed_known(cf_history_t *h, uint64_t index, cf_span_t entry, cf_history_fn_t *fn, cf_history_known_fn_t *known, void *ctx) {
  if (index != h->next) return CF_ERR_FORMAT;
  feed_t      f  = { h, index, fn, ctx, known };
  cf_status_t st = CF_OK;
  cf_sign1_t  s;
  if (cf_sign1_decode(&s, entry, NULL, NULL)) st = tell(&f, CF_HISTORY_FAULT, NULL, NULL, "not a signed statement");
  else if (typ_is(&s, cf_boot_table.typ)) st = on_boot(&f, entry);
  else if (typ_is(&s, cf_epoch_table.typ)) st = on_certificate(&f, entry);
  else if (typ_is(&s, CF_EAR_TYP)) st = on_result(&f, entry);
  else if (typ_is(&s, cf_receipt_table.typ)) st = on_receipt(&f, entry);
  else st = on_other(&f, &s);
  if (!st) h->next++;
  return st;
}

/* ---- snapshot form: counts, then records, big-endian; what genesis fixes is not in it ---- */

static void
encode_boot(cf_wr_t *wr, cf_history_boot_t const *b, size_t verifiers) {
  cf_wr_u64(wr, b->index);
  cf_wr_hash(wr, &b->hash);
  cf_wr_hash(wr, &b->instance);
  cf_wr_bytes(wr, b->identity.b, 64);
  cf_wr_hash(wr, &b->keys);
  cf_wr_hash(wr, &b->commitment);
  cf_wr_u64(wr, b->root_number);
  cf_wr_u64(wr, b->tip_sequence);
  cf_wr_hash(wr, &b->tip_hash);
  cf_wr_u64(wr, b->cert_index);
  cf_wr_hash(wr, &b->cert_hash);
  cf_wr_bytes(wr, b->receipt.b, 64);
  cf_wr_bytes(wr, b->settlement, 20);
  cf_wr_bytes(wr, b->sealing, 32);
  cf_wr_hash(wr, &b->configuration);
  cf_wr_hash(wr, &b->policy);
  cf_wr_u64(wr, b->suite);
  cf_wr_u64(wr, b->not_before);
  cf_wr_u64(wr, b->not_after);
  cf_wr_u64(wr, b->certified_index);
  for (size_t i = 0; i < verifiers; i++) cf_wr_u64(wr, b->result_index[i]);
}

static void
decode_boot(cf_rd_t *rd, cf_history_boot_t *b, size_t verifiers) {
  memset(b, 0, sizeof *b);
  b->index        = cf_rd_u64(rd);
  b->hash         = cf_rd_hash(rd);
  b->instance     = cf_rd_hash(rd);
  cf_rd_copy(rd, b->identity.b, 64);
  b->keys         = cf_rd_hash(rd);
  b->commitment   = cf_rd_hash(rd);
  b->root_number  = cf_rd_u64(rd);
  b->tip_sequence = cf_rd_u64(rd);
  b->tip_hash     = cf_rd_hash(rd);
  b->cert_index   = cf_rd_u64(rd);
  b->cert_hash    = cf_rd_hash(rd);
  cf_rd_copy(rd, b->receipt.b, 64);
  cf_rd_copy(rd, b->settlement, 20);
  cf_rd_copy(rd, b->sealing, 32);
  b->configuration   = cf_rd_hash(rd);
  b->policy          = cf_rd_hash(rd);
  b->suite           = cf_rd_u64(rd);
  b->not_before      = cf_rd_u64(rd);
  b->not_after       = cf_rd_u64(rd);
  b->certified_index = cf_rd_u64(rd);
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) b->result_index[i] = CF_NO_INDEX;
  for (size_t i = 0; i < verifiers; i++) {
    b->result_index[i] = cf_rd_u64(rd);
    b->results += b->result_index[i] != CF_NO_INDEX;
  }
}

void
cf_history_encode(cf_wr_t *wr, cf_history_t const *h) {
  cf_wr_u64(wr, h->next);
  cf_wr_u64(wr, h->sequence);
  cf_wr_hash(wr, &h->hash);
  cf_wr_hash(wr, &h->state);
  cf_wr_u64(wr, h->certified_ever);
  cf_wr_u16(wr, (uint16_t)h->boots_cnt);
  cf_wr_u16(wr, (uint16_t)(h->certified == SIZE_MAX ? UINT16_MAX : h->certified));
  cf_wr_u16(wr, (uint16_t)h->waiting_cnt);
  for (size_t i = 0; i < h->boots_cnt; i++) encode_boot(wr, &h->boots[i], h->verifiers.members_cnt);
  for (size_t i = 0; i < h->waiting_cnt; i++) {
    cf_history_receipt_t const *r = &h->waiting[i];
    cf_wr_u64(wr, r->sequence);
    cf_wr_hash(wr, &r->hash);
    cf_wr_hash(wr, &r->previous);
    cf_wr_hash(wr, &r->state_before);
    cf_wr_hash(wr, &r->state_after);
    cf_wr_u64(wr, r->index);
    cf_wr_u64(wr, r->boot);
  }
}

cf_status_t
cf_history_decode(cf_history_t *h, cf_rd_t *rd) {
  h->next           = cf_rd_u64(rd);
  h->sequence       = cf_rd_u64(rd);
  h->hash           = cf_rd_hash(rd);
  h->state          = cf_rd_hash(rd);
  h->certified_ever = cf_rd_u64(rd);
  h->boots_cnt      = cf_rd_u16(rd);
  size_t certified  = cf_rd_u16(rd);
  h->waiting_cnt    = cf_rd_u16(rd);
  if (rd->bad || h->boots_cnt > CF_HISTORY_BOOTS_MAX || h->waiting_cnt > CF_HISTORY_WAITING_MAX) return CF_ERR_FORMAT;
  if (certified != UINT16_MAX && certified >= h->boots_cnt) return CF_ERR_FORMAT;
  h->certified = certified == UINT16_MAX ? SIZE_MAX : certified;
  for (size_t i = 0; i < h->boots_cnt; i++) {
    decode_boot(rd, &h->boots[i], h->verifiers.members_cnt);
    if (i && h->boots[i].index <= h->boots[i - 1].index) return CF_ERR_FORMAT;
  }
  for (size_t i = 0; i < h->waiting_cnt; i++) {
    cf_history_receipt_t *r = &h->waiting[i];
    r->sequence             = cf_rd_u64(rd);
    r->hash                 = cf_rd_hash(rd);
    r->previous             = cf_rd_hash(rd);
    r->state_before         = cf_rd_hash(rd);
    r->state_after          = cf_rd_hash(rd);
    r->index                = cf_rd_u64(rd);
    r->boot                 = cf_rd_u64(rd);
  }
  return rd->bad ? CF_ERR_FORMAT : CF_OK;
}
