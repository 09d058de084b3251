/* A second, slow ledger: plain arrays, written from ONCHAIN 4 without slots, words or digests; what it decides about
   signatures it knows from how the call was made.  And random calls, mostly good ones. */
#ifndef TEST_LEDGER_MODEL_H
#define TEST_LEDGER_MODEL_H

#include "root_naive.h"

enum { ACCOUNTS = 64, ASSETS = 8, KEYS = 160, POLICIES = 64, INSTANCES = 12, VERSIONS = 64, MEASUREMENTS = 3, ROWS = 12 };
enum { V = 100, PAUSE = 50, EXIT_DELAY = 450, NOTICE = 500, DEAD_AFTER = 4000, KEY_DELAY = 20, DAY = 86400 };

static uint64_t seed;
static uint64_t rnd(uint64_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed % n;
}
static bool chance(unsigned percent) { return rnd(100) < percent; }

/* ---- the slow ledger ---- */

typedef struct {
  bool     open;
  uint64_t units;
} mlane_t;

typedef struct { /* mode root */
  wide_t   deposited;
  uint32_t position;
  bool     closed;
} mroot_t;

typedef struct {
  bool     exists, closed;
  unsigned owner;
  uint64_t exit_at;
} maccount_t;

typedef struct {
  bool     known, listed;
  uint64_t from;
  wide_t   level;    /* in units / 86,400 */
  uint64_t cap, at, next_cap, next_at;
} masset_t;

typedef struct {
  int      state;
  uint64_t epoch, policy, from, until;
} mkey_t;

typedef struct {
  bool     known;
  unsigned mask;
} mpolicy_t;

typedef struct {
  bool     known, gone[3][5];
  unsigned k[3], n[3];
  uint64_t from;
} mcouncil_t;

typedef struct {
  uint64_t   now;
  bool       dead, embedded;
  uint64_t   paused_until, policy_a, policy_b, switch_at, floor_epoch, top_epoch, min_policy, alarm_at, inbox, act_number[3];
  unsigned   accounts, assets, council, prev_council, instance; /* instance 0: none */
  uint64_t   prev_until;
  cf_hash_t  head, alarm_head;
  mlane_t    lane[ASSETS][ACCOUNTS], freed[ASSETS][ACCOUNTS];
  uint64_t   held[ASSETS];
  maccount_t account[ACCOUNTS];
  masset_t   asset[ASSETS];
  mkey_t     key[KEYS];
  mpolicy_t  policy[POLICIES];
  struct { uint64_t from, until; } measurement[POLICIES][MEASUREMENTS];
  mcouncil_t councils[VERSIONS];
  bool       revoked[INSTANCES];
  /* mode root, with the enclave's book as of the last settlement */
  bool            is_root, sealed, settled, faults; /* faults: the enclave makes some, too */
  uint32_t        next_position, settled_positions;
  mroot_t         root[ASSETS][ACCOUNTS];
  mleaf_t         leaf[ASSETS][ACCOUNTS];
  cf_hash_t       reserved;
  cf_settlement_t last;
} model_t;

/* What a call says, and how it was signed. */
typedef struct {
  cf_op_kind_t         kind;
  unsigned             sender; /* 0 nobody, 1 issuer, 100 + i owner i */
  uint32_t             id, asset;
  uint64_t             units;
  unsigned             owner; /* open: whose; withdraw, finalizeExit: recipient, 0 none */
  cf_settlement_meta_t meta;
  bool                 spare, signature_fits;
  unsigned             key;
  row_t                rows[ROWS];
  size_t               rows_cnt;
  cf_hash_t            digest;
  cf_registration_terms_t terms;
  unsigned             instance, measurement, seats_signing[5], seats_cnt;
  cf_act_t             act;
  unsigned             act_council, act_version;
  uint64_t             act_number, act_until;
  bool                 possession;
  bool                 honest, data, bad_data, head_fits, leaf_fits; /* mode root */
  uint8_t              da;
  cf_settlement_t      settlement;
  mleaf_t              leaf;
} mcall_t;

typedef char const *refusal_t; /* "" accepted */

static bool council_now(model_t const *m, unsigned *version) {
  *version = m->now >= m->councils[m->council].from ? m->council : m->prev_council;
  return true;
}

static uint64_t policy_now(model_t const *m) { return m->now >= m->switch_at ? m->policy_b : m->policy_a; }

static void refill_until(masset_t *a, uint64_t until) {
  if (until <= a->at) return;
  a->level += (wide_t)a->cap * (until - a->at);
  if (a->level > (wide_t)a->cap * DAY) a->level = (wide_t)a->cap * DAY;
  a->at = until;
}

static void refill(masset_t *a, uint64_t now) {
  if (a->next_at && a->next_at <= now) {
    refill_until(a, a->next_at);
    a->cap     = a->next_cap;
    a->next_at = a->next_cap = 0;
  }
  refill_until(a, now);
}

static bool k_of_n(model_t const *m, unsigned council, unsigned version, mcall_t const *c) {
  mcouncil_t const *s = &m->councils[version];
  if (!s->known || c->seats_cnt != s->k[council] || !c->signature_fits) return false;
  for (unsigned i = 0; i < c->seats_cnt; i++) {
    if (c->seats_signing[i] >= s->n[council] || s->gone[council][c->seats_signing[i]]) return false;
    if (i && c->seats_signing[i] <= c->seats_signing[i - 1]) return false;
  }
  return true;
}

static bool rows_well_formed(mcall_t const *c, bool root) {
  if (c->bad_data) return false;
  for (size_t i = 0; i < c->rows_cnt; i++) {
    row_t const *r = &c->rows[i], *p = i ? &c->rows[i - 1] : NULL;
    if (r->kind > (root ? 2 : 1) || (root && r->kind == 0) || r->id == 0 || r->amount == 0 || (r->kind != 0 && r->amount < 0))
      return false;
    if (!p) continue;
    bool same = p->kind == r->kind && p->asset == r->asset;
    if (same && r->id <= p->id) return false;
    if (!same && (r->asset < p->asset || (r->asset == p->asset && r->kind <= p->kind))) return false;
  }
  return true;
}

static void book_settled(model_t *m, mcall_t const *c);

static refusal_t m_settle(model_t *m, mcall_t const *c) {
  static model_t t; /* tried on a copy: all or nothing */
  mkey_t const  *k = &m->key[c->key];
  if (m->dead) return "Dead";
  if (m->now < m->paused_until) return "Paused";
  if (m->now > c->meta.valid_until_s) return "Expired";
  if (c->meta.valid_until_s > c->meta.as_of_s + V || c->meta.as_of_s > m->now) return "Validity";
  bool a = c->meta.policy == m->policy_a && m->now <= m->switch_at + V,
       b = c->meta.policy == m->policy_b && m->now >= m->switch_at;
  if (!a && !b) return "Policy";
  if (c->meta.mode != 1 + m->is_root || c->spare) return "Mode";
  if (!c->signature_fits || k->state != 1 || k->epoch < m->floor_epoch || k->policy < m->min_policy || m->now < k->from ||
      m->now > k->until)
    return "Key";
  if (!rows_well_formed(c, m->is_root)) return "Entries";
  t = *m;
  for (size_t i = 0; i < c->rows_cnt; i++) {
    row_t const *r = &c->rows[i];
    if (r->asset >= ASSETS || r->id >= ACCOUNTS) return "Lane"; /* nothing is open out there */
    mlane_t *l   = r->kind ? &t.freed[r->asset][r->id] : &t.lane[r->asset][r->id];
    wide_t   sum = (wide_t)l->units + r->amount;
    if ((!l->open && r->kind == 0) || sum < 0 || sum > INT64_MAX) return "Lane";
    l->open  = true;
    l->units = (uint64_t)sum;
  }
  for (size_t i = 0; i < c->rows_cnt; i++) {
    maccount_t const *who = &m->account[c->rows[i].id]; /* below ACCOUNTS, or the lane was refused */
    if (c->rows[i].kind == 2 && (!who->exit_at || m->now < who->exit_at + EXIT_DELAY)) return "ExitDelay";
  }
  for (unsigned asset = 0; asset < ASSETS; asset++) {
    wide_t released = 0;
    bool   any      = false;
    for (size_t i = 0; i < c->rows_cnt; i++)
      if (c->rows[i].kind == 1 && c->rows[i].asset == asset) released += c->rows[i].amount, any = true;
    if (!any) continue;
    refill(&t.asset[asset], m->now);
    if (released > t.asset[asset].level / DAY) return "Cap";
    t.asset[asset].level -= released * DAY;
  }
  if (m->is_root) book_settled(&t, c);
  for (unsigned asset = 0; asset < ASSETS && !m->is_root; asset++) {
    wide_t sum = 0;
    for (size_t i = 0; i < c->rows_cnt; i++)
      if (c->rows[i].asset == asset) sum += c->rows[i].amount;
    if (sum) return "Unbalanced";
  }
  t.head = c->digest;
  *m     = t;
  return "";
}

static refusal_t m_register(model_t *m, mcall_t const *c) {
  cf_registration_terms_t const *t = &c->terms;
  unsigned now_version;
  council_now(m, &now_version);
  bool before = t->council != 0 && t->council == m->prev_council && m->now <= m->prev_until;
  if (t->council != now_version && !before) return "Council";
  if (!k_of_n(m, 2, t->council, c)) return "Signatures";
  if (!c->possession) return "Possession";
  if (m->key[c->key].state) return "KeyKnown";
  if (t->not_after_s > t->not_before_s + 30 * DAY) return "Term";
  if (t->policy >= POLICIES || !m->policy[t->policy].known || t->policy > policy_now(m)) return "Policy";
  if (m->now < m->measurement[t->policy][c->measurement].from || t->not_after_s > m->measurement[t->policy][c->measurement].until)
    return "Measurement";
  if (t->policy < m->min_policy) return "KeyPolicy";
  if (t->tcb > 7 || !(m->policy[t->policy].mask >> t->tcb & 1)) return "Tcb";
  if (t->epoch <= m->floor_epoch) return "Epoch";
  if (m->revoked[c->instance]) return "Revoked";
  uint64_t from = m->now + KEY_DELAY > t->not_before_s ? m->now + KEY_DELAY : t->not_before_s;
  if (from >= t->not_after_s) return "Delay";
  if (t->fence > 1 || (t->fence == 0 && m->instance != c->instance)) return "Fence";
  if (t->fence) m->floor_epoch = t->epoch, m->instance = c->instance;
  if (t->epoch > m->top_epoch) m->top_epoch = t->epoch;
  m->key[c->key] = (mkey_t){ 1, t->epoch, t->policy, from, t->not_after_s };
  return "";
}

static refusal_t m_act_body(model_t *m, cf_act_t const *a, unsigned instance) {
  bool notice = a->from_s >= m->now + NOTICE;
  if (a->kind >= CF_ACT_SCHEDULE_POLICY && a->kind <= CF_ACT_RAISE_CAP && !notice) return "Notice";
  masset_t *asset = a->asset < ASSETS ? &m->asset[a->asset] : NULL;
  switch (a->kind) {
  case CF_ACT_REVOKE:
    if (m->revoked[instance]) return "Revoked";
    m->revoked[instance] = true;
    if (m->instance == instance) m->floor_epoch = m->top_epoch + 1;
    return "";
  case CF_ACT_PAUSE:
    if (m->paused_until && m->now < m->paused_until + EXIT_DELAY) return "Cooldown";
    m->paused_until = m->now + PAUSE;
    return "";
  case CF_ACT_SCHEDULE_POLICY:
    if (m->now >= m->switch_at && m->now <= m->switch_at + V) return "Pending";
    if (a->policy <= m->policy_b) return "Version";
    if (m->now < m->switch_at) m->policy[m->policy_b].known = false;
    else m->policy_a = m->policy_b;
    m->policy_b  = a->policy;
    m->switch_at = a->from_s;
    m->policy[a->policy] = (mpolicy_t){ true, a->tcb_mask.b[31] };
    return "";
  case CF_ACT_SCHEDULE_MEASUREMENT:
    if (!m->policy[a->policy].known) return "Policy";
    if (a->until_s <= a->from_s || m->measurement[a->policy][a->scale].until >= m->now) return "Measurement";
    m->measurement[a->policy][a->scale].from  = a->from_s;
    m->measurement[a->policy][a->scale].until = a->until_s;
    return "";
  case CF_ACT_SCHEDULE_COUNCILS: {
    bool waits = m->now < m->councils[m->council].from;
    if (!waits && m->now <= m->prev_until) return "Pending";
    if (a->version <= m->council) return "Version";
    mcouncil_t s = { .known = true, .from = a->from_s };
    for (unsigned i = 0; i < 3; i++) {
      s.k[i] = a->councils[i].k, s.n[i] = a->councils[i].n;
      if (s.k[i] < 1 || s.k[i] > s.n[i] || s.k[i] <= a->councils[i].f) return "Seats";
    }
    if (!waits) m->prev_council = m->council;
    m->council             = a->version;
    m->prev_until          = a->from_s + V;
    m->councils[a->version] = s;
    return "";
  }
  case CF_ACT_SCHEDULE_ASSET:
    if (a->asset != m->assets) return "Asset";
    m->assets++;
    *asset = (masset_t){ true, true, a->from_s, (wide_t)a->cap * DAY, a->cap, a->from_s, 0, 0 };
    return "";
  case CF_ACT_RAISE_CAP:
    if (!asset || !asset->known) return "Asset";
    refill(asset, m->now);
    if (a->cap <= asset->cap) return "NotLess";
    asset->next_cap = a->cap, asset->next_at = a->from_s;
    return "";
  case CF_ACT_LOWER_CAP:
    if (!asset || !asset->known) return "Asset";
    refill(asset, m->now);
    if (a->cap > asset->cap || (a->cap == asset->cap && !asset->next_at)) return "NotLess";
    asset->cap      = a->cap;
    asset->next_cap = asset->next_at = 0;
    if (asset->level > (wide_t)a->cap * DAY) asset->level = (wide_t)a->cap * DAY;
    return "";
  case CF_ACT_END_MEASUREMENT:
    if (a->until_s >= m->measurement[a->policy][a->scale].until) return "NotLess";
    m->measurement[a->policy][a->scale].until = a->until_s;
    return "";
  case CF_ACT_DELIST_ASSET:
    if (!asset || !asset->known) return "Asset";
    if (!asset->listed) return "NotLess";
    asset->listed = false;
    return "";
  case CF_ACT_RAISE_KEY_POLICY:
    if (a->policy <= m->min_policy) return "NotLess";
    if (a->policy > policy_now(m)) return "Policy";
    m->min_policy = a->policy;
    return "";
  case CF_ACT_REMOVE_MEMBER: {
    mcouncil_t *s = a->version < VERSIONS && a->council >= 1 && a->council <= 3 ? &m->councils[a->version] : NULL;
    unsigned    i = a->council - 1u, live = 0;
    if (!s || !s->known || a->member >= s->n[i]) return "Council";
    if (s->gone[i][a->member]) return "NotLess";
    for (unsigned j = 0; j < s->n[i]; j++) live += !s->gone[i][j];
    if (live - 1 < s->k[i]) return "Seats";
    s->gone[i][a->member] = true;
    return "";
  }
  }
  return "Act";
}

static refusal_t m_act(model_t *m, mcall_t const *c) {
  static model_t t;
  unsigned       now_version, council = c->act_council - 1u;
  council_now(m, &now_version);
  bool guardians = c->act.kind == CF_ACT_REVOKE || c->act.kind == CF_ACT_PAUSE;
  if (council != (guardians ? 1u : 0u)) return "Act";
  if (c->act_version != now_version) return "Council";
  if (c->act_number <= m->act_number[council]) return "ActNumber";
  if (m->now > c->act_until) return "ActExpired";
  if (!k_of_n(m, council, c->act_version, c)) return "Signatures";
  t = *m;
  refusal_t no = m_act_body(&t, &c->act, c->instance);
  if (*no) return no;
  t.act_number[council] = c->act_number;
  t.inbox++;
  *m = t;
  return "";
}

static refusal_t m_accounts(model_t *m, mcall_t const *c) {
  maccount_t *a      = c->id < ACCOUNTS && m->account[c->id].exists ? &m->account[c->id] : NULL;
  masset_t   *asset  = c->asset < ASSETS && m->asset[c->asset].known ? &m->asset[c->asset] : NULL;
  bool        owner  = a && c->sender == 100 + a->owner;
  switch ((int)c->kind) {
  case CF_OP_OPEN:
    if (c->owner == 0) return "Owner";
    for (unsigned i = 1; i <= m->accounts; i++)
      if (m->account[i].owner == c->owner) return "AlreadyOpen";
    m->account[++m->accounts] = (maccount_t){ .exists = true, .owner = c->owner };
    m->inbox++;
    return "";
  case CF_OP_OPEN_LANE:
    if (!a) return "Account";
    if (!asset) return "Asset";
    if (m->lane[c->asset][c->id].open) return "AlreadyOpen";
    m->lane[c->asset][c->id].open = true;
    m->inbox++;
    return "";
  case CF_OP_DEPOSIT:
    if (m->now < m->paused_until) return "Paused";
    if (!a) return "Account";
    if (a->exit_at || a->closed) return "Exiting";
    if (!asset || !asset->listed || m->now < asset->from) return "Asset";
    if (m->embedded && c->sender != 1) return "Issuer";
    if (c->units == 0) return "Units";
    if ((wide_t)m->held[c->asset] + c->units > INT64_MAX) return "Held";
    if (m->is_root) {
      mroot_t *r = &m->root[c->asset][c->id];
      if (!r->position) r->position = m->next_position++;
      r->deposited += c->units;
    } else {
      m->lane[c->asset][c->id].open = true;
      m->lane[c->asset][c->id].units += c->units;
    }
    m->held[c->asset] += c->units;
    m->inbox++;
    return "";
  case CF_OP_WITHDRAW:
    if (!a) return "Account";
    if (!owner) return "Owner";
    if (!asset) return "Asset";
    if (c->owner == 0) return "Recipient";
    if (c->units == 0) return "Units";
    if (m->freed[c->asset][c->id].units < c->units) return "Free";
    m->freed[c->asset][c->id].units -= c->units;
    m->held[c->asset] -= c->units;
    return "";
  case CF_OP_REQUEST_EXIT:
    if (!a) return "Account";
    if (!owner) return "Owner";
    if (a->exit_at || a->closed) return "Exiting";
    a->exit_at = m->now;
    m->inbox++;
    return "";
  default: {
    if (!a) return "Account";
    if (!asset) return "Asset";
    bool due = a->exit_at && m->now >= a->exit_at + EXIT_DELAY;
    if (!due && !m->dead) return "ExitDelay";
    if (c->owner && c->owner != a->owner && !owner) return "Owner";
    uint64_t units = m->lane[c->asset][c->id].units + m->freed[c->asset][c->id].units;
    if (a->closed && units == 0) return "Nothing";
    a->closed = true;
    m->lane[c->asset][c->id].units = m->freed[c->asset][c->id].units = 0;
    m->held[c->asset] -= units;
    m->inbox++;
    return "";
  }
  }
}

static refusal_t m_root_exit(model_t *m, mcall_t const *c) {
  if (!m->dead) return "Alive";
  if (c->id >= ACCOUNTS || !m->account[c->id].exists) return "Account";
  if (c->asset >= ASSETS || !m->asset[c->asset].known) return "Asset";
  if (m->settled && !c->head_fits) return "Head";
  mroot_t *r    = &m->root[c->asset][c->id];
  wide_t   paid = m->settled ? c->leaf.balance + r->deposited - c->leaf.credited : r->deposited;
  if (!r->position || (m->settled && (!c->leaf_fits || c->leaf.credited > r->deposited)) || paid > INT64_MAX) return "Leaf";
  if (r->closed) return "Nothing";
  r->closed = true;
  m->held[c->asset] -= (uint64_t)paid;
  return "";
}

static refusal_t m_apply(model_t *m, mcall_t const *c) {
  if (m->is_root && (c->kind == CF_OP_OPEN_LANE || c->kind == CF_OP_FINALIZE_EXIT)) return "Mode";
  bool out = c->kind == CF_OP_WITHDRAW || c->kind == CF_OP_FINALIZE_EXIT || c->kind == CF_OP_ROOT_EXIT || c->kind == CF_OP_SETTLE;
  if (m->dead && !out) return "Dead";
  bool same_head = memcmp(m->alarm_head.b, m->head.b, 32) == 0;
  switch ((int)c->kind) {
  case CF_OP_SETTLE: return m_settle(m, c);
  case CF_OP_REGISTER: return m_register(m, c);
  case CF_OP_ACT: return m_act(m, c);
  case CF_OP_ROOT_EXIT: return m->is_root ? m_root_exit(m, c) : "Mode";
  case CF_OP_ALARM:
    if (same_head) return "Alarmed";
    m->alarm_head = m->head, m->alarm_at = m->now, m->inbox++;
    return "";
  case CF_OP_DECLARE_DEAD:
    if (!same_head) return "NoAlarm";
    if (m->now < m->alarm_at + DEAD_AFTER) return "DeadDelay";
    m->dead = true, m->inbox++;
    return "";
  case CF_OP_REVOKE_KEY:
    if (!c->signature_fits) return "Possession";
    if (m->key[c->key].state == 2) return "KeyKnown";
    m->key[c->key].state = 2, m->inbox++;
    return "";
  default: return m_accounts(m, c);
  }
}

/* ---- making calls: mostly good ones, each part wrong now and then ---- */

static bool    quiet; /* nobody settles: the ledger dies */
static actor_t owners[ACCOUNTS], keys[KEYS], governors[5], guardians[5], verifiers[5];
static model_t m;

static char const *instance_name(unsigned i) {
  static char text[16];
  snprintf(text, sizeof text, "instance %u", i);
  return text;
}
static cf_hash_t instance_hash(unsigned i) { return hash_of(instance_name(i)); }
static cf_hash_t measurement_hash(unsigned i) {
  char text[24];
  snprintf(text, sizeof text, "measurement %u", i + 1);
  return hash_of(text);
}

static uint32_t some_id(void) { return chance(97) && m.accounts ? (uint32_t)(1 + rnd(m.accounts)) : (uint32_t)rnd(ACCOUNTS); }
static uint32_t some_asset(void) { return chance(97) ? (uint32_t)rnd(m.assets) : (uint32_t)rnd(ASSETS); }
static unsigned some_sender(uint32_t id) {
  if (chance(90) && id < ACCOUNTS) return 100 + m.account[id].owner;
  return chance(50) ? 1 : chance(50) ? 0 : 100 + (unsigned)rnd(ACCOUNTS);
}

#include "root_model.h"

static void book_settled(model_t *after, mcall_t const *c) {
  after->settled           = true;
  after->settled_positions = (uint32_t)book_positions;
  after->last              = c->settlement;
  after->reserved          = book_leaf[0];
  memcpy(after->leaf, book_next, sizeof book_next);
}

static void make_rows(mcall_t *c) {
  size_t n = 0;
  for (uint32_t asset = 0; asset < m.assets && n + 4 <= ROWS; asset++) {
    if (chance(50)) continue;
    uint32_t a = some_id(), b = some_id();
    for (unsigned tries = 0; tries < 60 && chance(98) && !m.lane[asset][a % ACCOUNTS].units; tries++) a = some_id();
    for (unsigned tries = 0; tries < 60 && chance(98) && (!m.lane[asset][b % ACCOUNTS].open || a == b); tries++) b = some_id();
    if (a == b) continue;
    uint64_t have = m.lane[asset][a % ACCOUNTS].units, move = have ? 1 + rnd(chance(95) ? have : have + 3) : rnd(3);
    uint64_t release = chance(30) ? rnd(chance(80) ? move + 1 : 1000000) : 0;
    if (release > move) move = release;
    row_t debit = { 0, asset, a, -(int64_t)move }, credit = { 0, asset, b, (int64_t)(move - release) };
    bool  both = credit.amount != 0;
    c->rows[n++] = a < b || !both ? debit : credit;
    if (both) c->rows[n++] = a < b ? credit : debit;
    if (release) c->rows[n++] = (row_t){ 1, asset, a, (int64_t)release };
  }
  c->rows_cnt = n;
  if (n == 0 || chance(80)) return;
  row_t *r = &c->rows[rnd(n)];
  switch (rnd(7)) {
  case 0: r->amount += (int64_t)rnd(3) - 1; break;
  case 1: r->id = (uint32_t)rnd(ACCOUNTS); break;
  case 2: r->kind = (uint8_t)rnd(4); break;
  case 3: r->asset = (uint32_t)rnd(ASSETS); break;
  case 4: r->amount = INT64_MIN; break;
  case 5: r->amount = INT64_MAX; break;
  case 6: r->amount = -r->amount; break;
  }
}

static cf_op_t make_settle(world_t *w, mcall_t *c) {
  uint64_t back = rnd(20);
  c->meta       = (cf_settlement_meta_t){ rnd(1000), m.now + rnd(60), m.now - back,
                                          (uint32_t)(chance(90)   ? policy_now(&m)
                                                     : chance(50) ? m.policy_a
                                                                  : m.policy_b),
                                          w->g.config.mode };
  if (chance(3)) c->meta.as_of_s += rnd(40);
  if (chance(3)) c->meta.valid_until_s += rnd(100);
  if (chance(3)) c->meta.valid_until_s -= rnd(100);
  if (chance(3)) c->meta.policy = (uint32_t)rnd(4);
  if (chance(2)) c->meta.mode = (uint8_t)rnd(3);
  c->key = (unsigned)rnd(KEYS);
  for (unsigned i = 0; i < KEYS && chance(98); i++) { /* one that may sign, if there is one */
    mkey_t const *k = &m.key[(c->key + i) % KEYS];
    if (k->state != 1 || k->epoch < m.floor_epoch || k->policy < m.min_policy || m.now < k->from || m.now > k->until) continue;
    c->key = (c->key + i) % KEYS;
    break;
  }
  cf_span_t body;
  if (m.is_root) body = make_root_body(w, c);
  else make_rows(c), body = body_of(w, c->rows, c->rows_cnt);
  cf_hash_t meta = cf_settlement_meta_pack(&c->meta);
  c->spare       = chance(1);
  if (c->spare) meta.b[rnd(9)] ^= 1;
  cf_op_t         op = op_settle_word(w, &keys[c->key], meta, body);
  cf_settlement_t s  = { op.meta, head_of(w), op.state_root, cf_settlement_entries(op.body), op.receipts };
  c->settlement      = s;
  c->digest          = cf_settlement_digest(&w->g.config.separator, &s);
  c->signature_fits  = chance(97);
  if (!c->signature_fits) op.sig[rnd(32)] ^= 1;
  return op;
}

/* Signs by the council's first present members, or by a choice that need not do. */
static void seats_sign(mcall_t *c, cf_member_sigs_t *sigs, actor_t const *members, unsigned council, unsigned version,
                       cf_hash_t digest) {
  mcouncil_t const *s = &m.councils[version < VERSIONS ? version : 0];
  unsigned k = s->known ? s->k[council] : 2;
  c->seats_cnt = 0;
  for (unsigned i = 0; i < 5 && c->seats_cnt < k; i++)
    if (!s->gone[council][i] || chance(2)) c->seats_signing[c->seats_cnt++] = i;
  if (chance(2) && c->seats_cnt) c->seats_signing[rnd(c->seats_cnt)] = (unsigned)rnd(5);
  if (chance(2) && c->seats_cnt) c->seats_cnt--;
  sigs->cnt = (uint8_t)c->seats_cnt;
  for (unsigned i = 0; i < c->seats_cnt; i++) {
    sigs->at[i].member = (uint8_t)c->seats_signing[i];
    sign_by(sigs->at[i].sig, &members[c->seats_signing[i]], digest);
  }
  c->signature_fits = chance(97) || c->seats_cnt == 0;
  if (!c->signature_fits) sigs->at[rnd(c->seats_cnt)].sig[rnd(32)] ^= 1;
}

static cf_op_t make_register(world_t *w, mcall_t *c) {
  unsigned version;
  council_now(&m, &version);
  c->key         = (unsigned)rnd(KEYS);
  for (unsigned i = 0; i < KEYS && m.key[c->key].state && chance(96); i++) c->key = (c->key + 1) % KEYS;
  c->instance    = (unsigned)(1 + rnd(INSTANCES - 1));
  bool fence     = chance(8) || m.instance == 0;
  if (!fence && chance(95)) c->instance = m.instance;
  uint32_t policy = (uint32_t)(chance(90) ? policy_now(&m) : rnd(6));
  c->measurement  = (unsigned)rnd(MEASUREMENTS);
  for (unsigned i = 0; i < MEASUREMENTS && chance(95); i++) /* one in force, if there is one */
    if (m.now >= m.measurement[policy][i].from && m.now + 900 <= m.measurement[policy][i].until) c->measurement = i;
  c->terms = (cf_registration_terms_t){ m.floor_epoch + rnd(6),
                                        policy,
                                        m.now + rnd(40),
                                        m.now + 200 + rnd(1500),
                                        (uint8_t)rnd(chance(90) ? 2 : 5),
                                        (uint8_t)(chance(98) ? fence : 2),
                                        7,
                                        chance(90) ? version : (unsigned)rnd(4) };
  if (chance(3)) c->terms.not_after_s += 30 * DAY;
  if (chance(3)) c->terms.not_after_s = m.now + rnd(60);
  cf_op_t   op     = { .kind         = CF_OP_REGISTER,
                       .registration = { keys[c->key].addr, cf_registration_terms_pack(&c->terms), instance_hash(c->instance),
                                         hash_of("c"), measurement_hash(c->measurement), hash_of("e") } };
  cf_hash_t digest = cf_registration_digest(&w->g.config.separator, &w->g.config.domain, &op.registration);
  seats_sign(c, &op.sigs, verifiers, 2, c->terms.council, digest);
  sign_by(op.sig, &keys[c->key], cf_possession_digest(&w->g.config.separator, &digest));
  c->possession = chance(98);
  if (!c->possession) op.sig[rnd(32)] ^= 1;
  return op;
}

static uint64_t some_time(void) { return m.now + (chance(90) ? NOTICE : NOTICE - 1) + rnd(30); }

static void make_act_body(world_t *w, mcall_t *c) {
  static cf_act_kind_t const kinds[] = {
    CF_ACT_REVOKE,           CF_ACT_PAUSE,        CF_ACT_SCHEDULE_POLICY, CF_ACT_SCHEDULE_MEASUREMENT, CF_ACT_SCHEDULE_COUNCILS,
    CF_ACT_SCHEDULE_ASSET,   CF_ACT_RAISE_CAP,    CF_ACT_END_MEASUREMENT, CF_ACT_DELIST_ASSET,         CF_ACT_LOWER_CAP,
    CF_ACT_RAISE_KEY_POLICY, CF_ACT_REMOVE_MEMBER
  };
  cf_act_t *a = &c->act;
  a->kind     = kinds[rnd(12)];
  if ((a->kind == CF_ACT_REVOKE || a->kind == CF_ACT_RAISE_KEY_POLICY) && chance(70)) a->kind = CF_ACT_PAUSE;
  if ((a->kind == CF_ACT_DELIST_ASSET || a->kind == CF_ACT_REMOVE_MEMBER || a->kind == CF_ACT_END_MEASUREMENT) && chance(70))
    a->kind = CF_ACT_SCHEDULE_MEASUREMENT;
  bool names_measurement = a->kind == CF_ACT_SCHEDULE_MEASUREMENT || a->kind == CF_ACT_END_MEASUREMENT;
  c->instance = (unsigned)(1 + rnd(INSTANCES - 1));
  a->from_s   = some_time();
  a->until_s  = a->kind == CF_ACT_END_MEASUREMENT ? m.now + rnd(4000) : a->from_s + rnd(90000);
  a->policy              = (uint32_t)(a->kind == CF_ACT_SCHEDULE_POLICY ? m.policy_b + (chance(95) ? 1 : 0)
                                      : chance(90)                      ? policy_now(&m)
                                                                        : rnd(5));
  a->asset    = a->kind == CF_ACT_SCHEDULE_ASSET && chance(90) ? m.assets : some_asset();
  if (a->kind == CF_ACT_SCHEDULE_ASSET && a->asset >= ASSETS - 1) a->asset = 100; /* room in the model ends */
  a->cap      = rnd(3) == 0 ? 86400 : rnd(2000000);
  a->version     = a->kind == CF_ACT_REMOVE_MEMBER ? (uint32_t)(m.council - (chance(50) && m.council ? 1 : 0))
                                                   : m.council + (chance(95) ? 1 : 0);
  a->council  = (uint8_t)rnd(5);
  a->member   = (uint8_t)rnd(6);
  a->token    = w->issuer.addr;
  a->tcb_mask = cf_word_u64(rnd(8));
  a->scale    = (uint8_t)(names_measurement ? rnd(MEASUREMENTS) : 2); /* the model's name of the measurement */
  a->hash        = names_measurement          ? measurement_hash(a->scale)
                   : a->kind == CF_ACT_REVOKE ? instance_hash(c->instance)
                                              : hash_of("policy");
  a->councils[0] = seats(governors, (uint8_t)(chance(95) ? 2 + rnd(2) : rnd(7)), 4);
  a->councils[1] = seats(guardians, 2, 3);
  a->councils[2] = seats(verifiers, 3, (uint8_t)(4 + rnd(2)));
}

static cf_op_t make_act(world_t *w, mcall_t *c) {
  static uint8_t buf[CF_ACT_BODY_MAX];
  unsigned version;
  council_now(&m, &version);
  make_act_body(w, c);
  cf_op_t op = op_act(w, &c->act, 1, buf);
  if (chance(2)) op.council = (uint8_t)(3 - op.council);
  c->act_council = op.council;
  c->act_version = op.version = chance(95) ? version : (unsigned)rnd(5);
  c->act_number  = op.number  = m.act_number[op.council - 1] + (chance(95) ? 1 + rnd(3) : 0);
  c->act_until   = op.not_after_s = m.now + 20 - (chance(95) ? 0 : rnd(40));
  cf_hash_t body = cf_keccak256(op.body);
  seats_sign(c, &op.sigs, op.council == 2 ? guardians : governors, op.council - 1u, c->act_version,
             cf_act_digest(&w->g.config.separator, op.council, op.version, op.number, op.not_after_s, &body));
  return op;
}

/* Mode net's calls seldom, and rootExit when it is time. */
static void as_root(mcall_t *c) {
  if (c->kind == CF_OP_FINALIZE_EXIT && (m.dead || chance(10)) && chance(95)) c->kind = CF_OP_ROOT_EXIT;
  else if (c->kind == CF_OP_FINALIZE_EXIT && chance(90)) c->kind = chance(15) ? CF_OP_REQUEST_EXIT : CF_OP_SETTLE;
  if (c->kind == CF_OP_OPEN_LANE && chance(90)) c->kind = CF_OP_DEPOSIT;
  if (c->kind == CF_OP_SETTLE && quiet && !m.dead) c->kind = CF_OP_DECLARE_DEAD;
}

static cf_op_t make_call(world_t *w, mcall_t *c) {
  static cf_op_kind_t const often[] = {
    CF_OP_SETTLE,   CF_OP_SETTLE,       CF_OP_SETTLE,       CF_OP_SETTLE,        CF_OP_SETTLE,        CF_OP_SETTLE,
    CF_OP_SETTLE,   CF_OP_SETTLE,       CF_OP_SETTLE,       CF_OP_SETTLE,        CF_OP_SETTLE,        CF_OP_OPEN,
    CF_OP_OPEN,     CF_OP_OPEN_LANE,    CF_OP_OPEN_LANE,    CF_OP_DEPOSIT,       CF_OP_DEPOSIT,       CF_OP_DEPOSIT,
    CF_OP_WITHDRAW, CF_OP_WITHDRAW,     CF_OP_REQUEST_EXIT, CF_OP_FINALIZE_EXIT, CF_OP_FINALIZE_EXIT, CF_OP_ROOT_EXIT,
    CF_OP_ALARM,    CF_OP_DECLARE_DEAD, CF_OP_REGISTER,     CF_OP_REGISTER,      CF_OP_REGISTER,      CF_OP_ACT,
    CF_OP_ACT,      CF_OP_ACT,          CF_OP_ACT,          CF_OP_REVOKE_KEY
  };
  *c = (mcall_t){ .kind = often[rnd(sizeof often / sizeof *often)] };
  if (c->kind == CF_OP_REQUEST_EXIT && chance(70)) c->kind = CF_OP_FINALIZE_EXIT;
  if (c->kind == CF_OP_REVOKE_KEY && chance(80)) c->kind = CF_OP_REGISTER;
  if (c->kind == CF_OP_ROOT_EXIT && chance(80)) c->kind = CF_OP_DEPOSIT;
  if (c->kind == CF_OP_SETTLE && quiet && !m.dead) c->kind = chance(50) ? CF_OP_DECLARE_DEAD : CF_OP_DEPOSIT;
  if (c->kind == CF_OP_SETTLE && m.dead && chance(80)) c->kind = CF_OP_FINALIZE_EXIT;
  if (m.is_root) as_root(c);
  c->id     = some_id();
  c->asset  = some_asset();
  c->sender = some_sender(c->id);
  c->owner  = c->id < ACCOUNTS ? m.account[c->id].owner : 0;
  cf_addr_t zero = { { 0 } };
  switch (c->kind) {
  case CF_OP_SETTLE: return make_settle(w, c);
  case CF_OP_REGISTER: return make_register(w, c);
  case CF_OP_ACT: return make_act(w, c);
  case CF_OP_OPEN:
    c->owner = m.accounts + 1 < ACCOUNTS - 20 && chance(60) ? m.accounts + 1 : (unsigned)rnd(m.accounts + 1u);
    return op_open(c->owner ? owners[c->owner].addr : zero);
  case CF_OP_DEPOSIT:
    if (chance(95)) c->sender = 1;
    c->units = chance(95) ? rnd(2000) : INT64_MAX - rnd(2000);
    return op_deposit(c->asset, c->id, c->units);
  case CF_OP_WITHDRAW:
    for (unsigned tries = 0; tries < 50 && chance(95) && !m.freed[c->asset % ASSETS][c->id % ACCOUNTS].units; tries++) {
      c->id    = some_id();
      c->asset = some_asset();
      c->owner = m.account[c->id % ACCOUNTS].owner;
      c->sender = some_sender(c->id);
    }
    c->units = rnd((c->asset < ASSETS && c->id < ACCOUNTS ? m.freed[c->asset][c->id].units : 0) + 2);
    if (chance(5)) c->owner = 0;
    return op_withdraw(c->asset, c->id, c->units, c->owner ? owners[c->owner].addr : zero);
  case CF_OP_FINALIZE_EXIT: {
    if (chance(40)) c->owner = (unsigned)rnd(ACCOUNTS);
    cf_op_t op = op_finalize(c->asset, c->id);
    op.addr    = c->owner ? owners[c->owner].addr : zero;
    return op;
  }
  case CF_OP_REVOKE_KEY: {
    c->key            = (unsigned)rnd(KEYS);
    c->signature_fits = chance(90);
    cf_op_t op        = { .kind = CF_OP_REVOKE_KEY, .addr = keys[c->key].addr };
    sign_by(op.sig, c->signature_fits ? &keys[c->key] : &owners[1], cf_key_revocation_digest(&w->g.config.separator, &op.addr));
    return op;
  }
  case CF_OP_OPEN_LANE: return op_lane(c->asset, c->id);
  case CF_OP_REQUEST_EXIT: return op_exit(c->id);
  case CF_OP_ROOT_EXIT: return m.is_root ? make_root_exit(w, c) : op_root_exit(c->asset, c->id);
  case CF_OP_ALARM:
  case CF_OP_DECLARE_DEAD: return op_plain(c->kind);
  }
  fail();
  return op_plain(c->kind);
}

/* A new ledger and a new model of it. */
static void model_start(world_t *w) {
  for (unsigned i = 0; i < ACCOUNTS; i++) owners[i] = actor("owner", i);
  for (unsigned i = 0; i < KEYS; i++) keys[i] = actor("key", i);
  for (unsigned i = 0; i < 5; i++)
    governors[i] = actor("governor", i), guardians[i] = actor("guardian", i), verifiers[i] = actor("verifier", i);
  cf_ledger_config_t *cfg = &w->g.config;
  cfg->max_validity_s = cfg->overlap_s = V;
  cfg->max_pause_s = PAUSE, cfg->exit_delay_s = EXIT_DELAY, cfg->notice_s = NOTICE, cfg->dead_after_s = DEAD_AFTER,
  cfg->key_delay_s   = KEY_DELAY;
  w->g.councils[0] = seats(governors, 2, 4);
  w->g.councils[1] = seats(guardians, 2, 3);
  w->g.councils[2] = seats(verifiers, 3, 5);
  w->g.assets_cnt  = 3;
  w->g.assets[2]   = w->g.assets[0];
  w->g.assets[0].cap = 1000;
  w->g.assets[2].cap = 86400;
  world_found(w);
  m                         = (model_t){ .now        = T0,
                                         .embedded   = cfg->embedded,
                                         .policy_a   = 1,
                                         .policy_b   = 1,
                                         .min_policy = 1,
                                         .assets     = 3,
                                         .council    = 1,
                                         .is_root    = cfg->mode == CF_MODE_ROOT,
                                         .sealed     = w->sealed,
                                         .faults     = true,
                                         .next_position = 1,
                                         .head       = head_of(w) };
  m.policy[1]            = (mpolicy_t){ true, 3 };
  m.measurement[1][0].until = T0 + 300 * DAY;
  m.councils[1]          = (mcouncil_t){ .known = true, .k = { 2, 2, 3 }, .n = { 4, 3, 5 } };
  uint64_t const caps[]  = { 1000, 1000000, 86400 };
  for (unsigned i = 0; i < 3; i++) m.asset[i] = (masset_t){ true, true, 0, (wide_t)caps[i] * DAY, caps[i], T0, 0, 0 };
}

/* The sender's address of a call. */
static cf_addr_t sender_of(world_t const *w, mcall_t const *c) {
  return c->sender == 1 ? w->issuer.addr : c->sender >= 100 ? owners[c->sender - 100].addr : (cf_addr_t){ { 0 } };
}

#endif
