/* Tables of the enclave: sessions by id, correspondents by account, sealing keys by epoch. */
#include "enclave/cf_enclave_state.h"

#include <assert.h>

#include "base/cf_secret.h"

static uint32_t
hash32(uint8_t const *p, size_t n) { /* ids are SHA-256's already; accounts are spread by a multiplication */
  uint64_t h = 0;
  for (size_t i = 0; i < n && i < 8; i++) h = h << 8 | p[i];
  return (uint32_t)(h * 0x9e3779b97f4a7c15ULL >> 32);
}

/* place is where id stands, or the free place where it would. */
static uint32_t *
place(cf_enclave_t *e, uint8_t const id[CF_SESSION_ID_SZ]) {
  uint32_t i = hash32(id, CF_SESSION_ID_SZ) & e->session_mask;
  while (e->session_index[i] && memcmp(e->sessions[e->session_index[i] - 1].to.session, id, CF_SESSION_ID_SZ))
    i = (i + 1) & e->session_mask;
  return &e->session_index[i];
}

cf_session_t *
cf_session_find(cf_enclave_t *e, uint8_t const id[CF_SESSION_ID_SZ]) {
  uint32_t n = *place(e, id);
  return n ? &e->sessions[n - 1] : NULL;
}

cf_session_t *
cf_session_add(cf_enclave_t *e, cf_session_t const *s) {
  if (e->sessions_cnt == e->configuration.sessions_max) return NULL;
  uint32_t *at = place(e, s->to.session);
  assert(!*at);
  e->sessions[e->sessions_cnt] = *s;
  *at                          = ++e->sessions_cnt;
  return &e->sessions[e->sessions_cnt - 1];
}

cf_correspondent_t *
cf_correspondent(cf_enclave_t *e, uint32_t account, bool add) {
  uint8_t const key[4] = { (uint8_t)(account >> 24), (uint8_t)(account >> 16), (uint8_t)(account >> 8), (uint8_t)account };
  uint32_t      i      = hash32(key, sizeof key) & e->correspondent_mask;
  for (; e->correspondent_index[i]; i = (i + 1) & e->correspondent_mask) { /* at most half full: it ends */
    cf_correspondent_t *c = &e->correspondents[e->correspondent_index[i] - 1];
    if (c->account == account) return c;
  }
  if (!add || !account || e->correspondents_cnt == e->configuration.parties_max) return NULL;
  cf_correspondent_t *c     = &e->correspondents[e->correspondents_cnt++];
  e->correspondent_index[i] = e->correspondents_cnt;
  *c                        = (cf_correspondent_t){ .account = account };
  return c;
}

cf_epoch_key_t *
cf_epoch_key(cf_enclave_t *e, uint64_t epoch) {
  for (size_t i = 0; i < e->epochs_cnt; i++)
    if (e->epochs[i].epoch == epoch) return &e->epochs[i];
  return NULL;
}

static void
erase(cf_epoch_key_t *k) {
  cf_x25519_key_free(k->key);
  cf_secret_free(k->sealing);
  k->key     = NULL;
  k->sealing = NULL;
}

/* The oldest goes when the table is full: its grace is the shortest. */
void cf_epoch_key_add(cf_enclave_t *e, uint64_t epoch, cf_hash_t const *certificate, cf_hash_t const *policy,
                      uint8_t const sealing[32]) {
  if (e->epochs_cnt == CF_EPOCHS_MAX) {
    erase(&e->epochs[0]);
    memmove(&e->epochs[0], &e->epochs[1], (CF_EPOCHS_MAX - 1) * sizeof e->epochs[0]);
    e->epochs_cnt--;
  }
  cf_epoch_key_t *k = &e->epochs[e->epochs_cnt++];
  *k                = (cf_epoch_key_t){ .epoch = epoch, .certificate = *certificate, .policy = *policy };
  k->sealing        = cf_secret_new(32);
  assert(k->sealing);
  memcpy(k->sealing, sealing, 32);
  k->key = cf_x25519_key_from(sealing);
}

void
cf_epoch_keys_erase(cf_enclave_t *e, uint64_t now_s) {
  for (size_t i = 0; i < e->epochs_cnt; i++)
    if (e->epochs[i].until_s && now_s > e->epochs[i].until_s) erase(&e->epochs[i]);
}

/* Sessions end with their epoch; who is left is told by its result key.  The order of those that stay does not change. */
static void
sessions_purge(cf_enclave_t *e) {
  uint32_t kept = 0;
  memset(e->session_index, 0, ((size_t)e->session_mask + 1) * sizeof *e->session_index);
  for (uint32_t i = 0; i < e->sessions_cnt; i++) {
    if (!cf_epoch_key(e, e->sessions[i].to.epoch)) continue;
    e->sessions[kept] = e->sessions[i];
    *place(e, e->sessions[kept].to.session) = kept + 1;
    kept++;
  }
  cf_wipe(e->sessions + kept, (e->sessions_cnt - kept) * sizeof *e->sessions);
  if (kept < e->sessions_cnt) { /* one of their keys may be the last that was used */
    cf_aead_forget(e->ciphers.session);
    cf_aead_forget(e->ciphers.hpke);
  }
  e->sessions_cnt = kept;
  for (uint32_t i = 0; i < e->correspondents_cnt; i++) e->correspondents[i].session = *place(e, e->correspondents[i].to.session);
}

void
cf_epochs_turn(cf_enclave_t *e, cf_batch_t const *b) {
  size_t kept = 0, before = e->epochs_cnt;
  cf_epoch_keys_erase(e, e->batch_s);
  for (size_t i = 0; i < e->epochs_cnt; i++)
    if (!e->epochs[i].until_s || e->batch_s <= e->epochs[i].until_s) e->epochs[kept++] = e->epochs[i];
  e->epochs_cnt = kept;
  bool full     = kept == CF_EPOCHS_MAX;
  for (size_t i = 0; b->opens && i < kept; i++)
    if (!e->epochs[i].until_s) e->epochs[i].until_s = e->batch_s + e->domain.policy.grace_s;
  if (b->opens) cf_epoch_key_add(e, b->opens->epoch, &b->opens->certificate, &b->opens->policy, b->opens->sealing);
  if (kept < before || (b->opens && full)) sessions_purge(e);
}
