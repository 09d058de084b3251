/* The keys that may settle on a chain: each slot proven, and what fences and revocations left, against registrations, messages and the
   log's certificates. */
#include "audit/cf_audit_state.h"
#include "ledger/cf_slots.h"

#define NEXT_KEYS "ask other nodes, too; if they say the same: guardians revoke the instance"

static void fault(cf_audit_t *a, char const *text, cf_addr_t const *key) {
  char        hex[16];
  uint8_t     b[32] = {0};
  cf_who_t    who = CF_WHO_ABOUT(CF_RANK_RESULTS, 3, CF_ABOUT_ENCLAVE);
  memcpy(b, key->b, sizeof key->b);
  cf_audit_fault(a, who, NULL, NEXT_KEYS, "key %s: %s", cf_short(hex, b), text);
}

/* ---- each key ---- */

static cf_audit_registered_t const *registered(cf_audit_t const *a, cf_addr_t const *key) {
  for (size_t i = 0; i < a->facts.registered_cnt; i++)
    if (cf_addr_eq(&a->facts.registered[i].key, key)) return &a->facts.registered[i];
  return NULL;
}

static cf_epoch_row_t const *epoch_of(cf_audit_t const *a, cf_addr_t const *key) {
  for (uint64_t i = 0; i < a->epochs.cnt; i++) {
    cf_epoch_row_t const *e = cf_vec_at(&a->epochs, i);
    if (!memcmp(e->boot.settlement, key->b, sizeof key->b)) return e;
  }
  return NULL;
}

static bool ended_itself(cf_audit_t const *a, cf_addr_t const *key) {
  for (size_t i = 0; i < a->facts.messages_cnt; i++) {
    cf_inbox_msg_t const *m = &a->facts.messages[i].said;
    if (m->kind == CF_INBOX_KEY_REVOKED && cf_addr_eq(&m->addr, key)) return true;
  }
  return false;
}

static bool was_revoked(cf_audit_t const *a, cf_hash_t const *instance) {
  for (size_t i = 0; i < a->facts.messages_cnt; i++) {
    cf_inbox_msg_t const *m = &a->facts.messages[i].said;
    if (m->kind == CF_INBOX_INSTANCE_REVOKED && cf_hash_eq(&m->hash, instance)) return true;
  }
  return false;
}

static bool is_on_terms(cf_ledger_key_t const *k, cf_audit_registered_t const *g, cf_epoch_row_t const *e) {
  cf_registration_terms_t const t = cf_registration_terms_unpack(&g->r.terms);
  if (k->not_before_s != g->not_before_s) return false;
  if (g->called) return k->epoch == t.epoch && k->policy == t.policy && k->not_after_s == t.not_after_s && k->tcb == t.tcb;
  return !e || (k->epoch == e->boot.index && k->not_after_s <= e->boot.not_after);
}

static void judge_key(cf_audit_t *a, cf_addr_t const *key, cf_hash_t const *word) {
  cf_audit_registered_t const *g = registered(a, key);
  cf_ledger_key_t const        k = cf_ledger_key_unpack(word);
  bool                         ended = ended_itself(a, key), early = ended && k.state == CF_KEY_REVOKED && !k.epoch;
  a->keys_live += k.state == CF_KEY_LIVE;
  a->keys_revoked += k.state == CF_KEY_REVOKED;
  if (k.state == CF_KEY_UNKNOWN && g) fault(a, "the nodes tell of its registration, and its slot has none", key);
  else if (k.state != CF_KEY_UNKNOWN && !g && !early) fault(a, "its slot is registered, and the nodes tell of no registration", key);
  else if ((k.state == CF_KEY_REVOKED) != ended)
    fault(a, ended ? "it was revoked, and its slot is live" : "its slot is revoked, and no message says so", key);
  else if (g && !is_on_terms(&k, g, epoch_of(a, key))) fault(a, "its slot has other terms than its registration", key);
}

static bool judge_keys(cf_audit_t *a) {
  uint64_t   max = a->facts.registered_cnt + a->epochs.cnt, n = 0;
  cf_hash_t *slots = cf_mem_take(&a->mem, (2 * (size_t)max + 2) * sizeof *slots), *values = slots + max;
  cf_addr_t *keys = cf_mem_take(&a->mem, ((size_t)max + 1) * sizeof *keys);
  for (size_t i = 0; i < a->facts.registered_cnt; i++) keys[n++] = a->facts.registered[i].key;
  for (uint64_t i = 0; i < a->epochs.cnt; i++) {
    cf_history_boot_t const *b = &((cf_epoch_row_t *)cf_vec_at(&a->epochs, i))->boot;
    cf_addr_t                key;
    memcpy(key.b, b->settlement, sizeof key.b);
    if (b->cert_index != CF_NO_INDEX && !registered(a, &key)) keys[n++] = key;
  }
  for (uint64_t i = 0; i < n; i++) slots[i] = cf_slot_key(&keys[i]);
  if (!cf_audit_slots(a, values, slots, n)) return false;
  for (uint64_t i = 0; i < n; i++) judge_key(a, &keys[i], &values[i]);
  return true;
}

/* ---- fences ---- */

typedef struct {
  uint64_t  floor, top;
  cf_hash_t instance;
  bool      known; /* false: of a registration through another contract it is not known whether it fences */
} fence_t;

static void fence_on(cf_audit_t const *a, fence_t *f, cf_audit_registered_t const *g) {
  cf_registration_terms_t const t = cf_registration_terms_unpack(&g->r.terms);
  cf_epoch_row_t const         *e = epoch_of(a, &g->key);
  if (!g->called && !e) return; /* that no certificate names it is told of its registration */
  uint64_t  epoch = g->called ? t.epoch : e->boot.index;
  cf_hash_t instance = g->called ? g->r.instance : e->boot.instance;
  bool      other = !cf_hash_eq(&instance, &f->instance);
  if (other || (g->called && t.fence)) {
    f->floor = epoch;
    f->instance = instance;
    f->known = true;
  } else if (!g->called) f->known = false;
  if (epoch > f->top) f->top = epoch;
}

static void revoke_on(fence_t *f, cf_inbox_msg_t const *m) {
  if (m->kind != CF_INBOX_INSTANCE_REVOKED || !cf_hash_eq(&m->hash, &f->instance)) return;
  f->floor = f->top + 1;
  f->known = true;
}

/* Registrations and revocations in the chain's order. */
static fence_t fences(cf_audit_t const *a) {
  cf_audit_chain_facts_t const *c = &a->facts;
  fence_t                       f = {.known = true};
  for (size_t r = 0, m = 0; r < c->registered_cnt || m < c->messages_cnt;) {
    cf_audit_registered_t const *g = r < c->registered_cnt ? &c->registered[r] : NULL;
    cf_audit_message_t const    *x = m < c->messages_cnt ? &c->messages[m] : NULL;
    bool                         first = g && (!x || g->block < x->block || (g->block == x->block && g->index < x->index));
    if (first) fence_on(a, &f, g), r++;
    else revoke_on(&f, &x->said), m++;
  }
  return f;
}

static bool judge_fences(cf_audit_t *a) {
  cf_hash_t const keys[] = {cf_slot_plain(CF_SLOT_STATUS), cf_slot_plain(CF_SLOT_INSTANCE), cf_slot_plain(CF_SLOT_TOP_EPOCH)};
  cf_hash_t       values[3];
  cf_who_t const  who = CF_WHO_ABOUT(CF_RANK_RESULTS, 3, CF_ABOUT_ENCLAVE);
  fence_t const   f = fences(a);
  char            is[16], want[16];
  if (!cf_audit_slots(a, values, keys, 3)) return false;
  a->floor_epoch = cf_ledger_status_unpack(&values[0]).floor_epoch;
  uint64_t top = cf_word_get(&values[2], 0, 40);
  if (!cf_hash_eq(&values[1], &f.instance))
    cf_audit_fault(a, who, NULL, NEXT_KEYS, "the contract's instance is %s; registrations lead to %s", cf_short(is, values[1].b), cf_short(want, f.instance.b));
  if (top != f.top)
    cf_audit_fault(a, who, NULL, NEXT_KEYS, "the contract's highest epoch is %llu; registrations lead to %llu", (ull_t)top, (ull_t)f.top);
  if (f.known && a->floor_epoch != f.floor)
    cf_audit_fault(a, who, NULL, NEXT_KEYS, "epochs below %llu are fenced; registrations and revocations lead to %llu", (ull_t)a->floor_epoch, (ull_t)f.floor);
  return true;
}

/* ---- revoked instances ---- */

static bool judge_instances(cf_audit_t *a) {
  cf_hash_t *slots = cf_mem_take(&a->mem, (2 * (size_t)a->epochs.cnt + 1) * sizeof *slots), *values = slots + a->epochs.cnt;
  char       is[16];
  for (uint64_t i = 0; i < a->epochs.cnt; i++) slots[i] = cf_slot_revoked(&((cf_epoch_row_t *)cf_vec_at(&a->epochs, i))->boot.instance);
  if (!cf_audit_slots(a, values, slots, a->epochs.cnt)) return false;
  for (uint64_t i = 0; i < a->epochs.cnt; i++) {
    cf_history_boot_t const *b = &((cf_epoch_row_t *)cf_vec_at(&a->epochs, i))->boot;
    if (cf_word_is_zero(&values[i]) != was_revoked(a, &b->instance)) continue;
    cf_audit_fault(a, (cf_who_t){CF_RANK_RESULTS, 3, 0, b->index, CF_ABOUT_ENCLAVE}, NULL, NEXT_KEYS,
                   cf_word_is_zero(&values[i]) ? "instance %s was revoked, and its slot does not say so" : "instance %s is revoked, and no message says so",
                   cf_short(is, b->instance.b));
  }
  return true;
}

bool cf_audit_keys(cf_audit_t *a) {
  if (!a->on_chain || !a->options.chain || !a->inbox_whole || !a->standing || a->cut) return true;
  return judge_keys(a) && judge_fences(a) && judge_instances(a);
}
