/* Clearing against a second, slow model that shares nothing with it but the
   input's bytes: lists of obligations, every net counted anew in 128 bits, the
   default rule as "somebody who is short drops his newest, until nobody is",
   in random order.  Thousands of random histories: hubs, cycles, credit, exits,
   abandoned windows, snapshots, amounts near 2^63. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "workload/cf_clearing.h"

__extension__ typedef __int128 i128;

#define PARTIES 10
#define ASSETS 2
#define LIST_MAX 400
#define ASSET(s) (100u + (uint32_t)(s))

/* ---- the world below the workload: lanes, and a record of what was posted and told ---- */

typedef struct { uint32_t payer, payee; int asset; uint64_t amount, order; } item_t; /* payee 0: a withdrawal */
typedef struct { item_t at[LIST_MAX]; int cnt; } list_t;

typedef struct {
  int64_t  balance[PARTIES + 1][ASSETS], held[PARTIES + 1][ASSETS];
  uint64_t room[ASSETS];
  int64_t  move[PARTIES + 1][ASSETS], release[PARTIES + 1][ASSETS];
  list_t   dropped; /* the payers' copies of what defaulted */
  int      reasons[5], payee_copies;
  int      told[PARTIES + 1];
  cf_clearing_notice_t notice[PARTIES + 1];
} world_t;

static uint64_t seed;

static uint64_t
draw(uint64_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (seed >> 3) % below;
}

static int
asset_of(uint32_t asset) {
  return asset >= 100 && asset < 100 + ASSETS ? (int)(asset - 100) : -1;
}

static uint32_t
w_account(void *host, uint32_t account) {
  return account >= 1 && account <= PARTIES ? CF_ACCOUNT_ADMITTED | 1u << 8 : 0;
}
static int64_t
w_available(void *host, uint32_t account, uint32_t asset) {
  world_t *w = host;
  int      s = asset_of(asset);
  if (!account || account > PARTIES || s < 0) return -1;
  if (account == PARTIES && s == 1) return -1; /* the last party has no lane in the second asset */
  return w->balance[account][s] - w->held[account][s];
}
static uint64_t w_amount_max(void *host, uint32_t asset) { return asset_of(asset) < 0 ? 0 : CF_AMOUNT_MAX; }
static uint64_t w_release_max(void *host, uint32_t asset) { return asset_of(asset) < 0 ? 0 : CF_AMOUNT_MAX; }
static uint64_t w_release_room(void *host, uint32_t asset) { return ((world_t *)host)->room[asset_of(asset)]; }
static void
w_hold(void *host, uint32_t account, uint32_t asset, uint64_t amount) {
  world_t *w = host;
  assert_true(amount > 0 && (int64_t)amount <= w_available(host, account, asset));
  w->held[account][asset_of(asset)] += (int64_t)amount;
}
static void
w_unhold(void *host, uint32_t account, uint32_t asset, uint64_t amount) {
  world_t *w = host;
  assert_true(amount > 0 && (int64_t)amount <= w->held[account][asset_of(asset)]);
  w->held[account][asset_of(asset)] -= (int64_t)amount;
}
static void
w_move(void *host, uint32_t account, uint32_t asset, int64_t amount) {
  world_t *w = host;
  assert_true(amount != 0 && w->move[account][asset_of(asset)] == 0);
  w->move[account][asset_of(asset)] = amount;
}
static void
w_release(void *host, uint32_t account, uint32_t asset, uint64_t amount) {
  world_t *w = host;
  assert_true(amount != 0 && w->release[account][asset_of(asset)] == 0);
  w->release[account][asset_of(asset)] = (int64_t)amount;
}
static void
w_result(void *host, uint32_t account, cf_span_t bytes) {
  world_t             *w = host;
  cf_clearing_notice_t n;
  assert_int_equal(cf_clearing_notice_decode(&n, bytes), CF_OK);
  if (n.kind != CF_CLEARING_DEFAULTED) {
    w->told[account]++;
    w->notice[account] = n;
    return;
  }
  if (account == n.payer) {
    w->dropped.at[w->dropped.cnt++] = (item_t){ n.payer, n.payee, asset_of(n.asset), n.amount, n.order };
    w->reasons[n.reason]++;
    assert_true(n.order != 0);
  } else {
    assert_true(account == n.payee && n.order == 0);
    w->payee_copies++;
  }
}

static cf_workload_ctx_t
ctx_make(world_t *w) {
  return (cf_workload_ctx_t){ w, 0, w_account, w_available, w_amount_max, w_release_max, w_release_room, w_hold, w_unhold, w_move,
                              w_release, w_result, NULL };
}

static void
world_forget(world_t *w) {
  memset(w->move, 0, sizeof w->move);
  memset(w->release, 0, sizeof w->release);
  memset(w->reasons, 0, sizeof w->reasons);
  memset(w->told, 0, sizeof w->told);
  w->dropped.cnt = w->payee_copies = 0;
}

/* ---- the model ---- */

typedef struct {
  uint64_t number;
  list_t   obligations, taken;
  bool     rows[PARTIES + 1][ASSETS];
} window_t;

typedef struct {
  cf_clearing_params_t p;
  world_t             *w;
  list_t               open, waiting;
  bool                 rows[PARTIES + 1][ASSETS]; /* touched since the window's rows were last made */
  window_t             closed[CF_WINDOWS_MAX];
  int                  closed_cnt;
  uint64_t             now_s, opened_s;
  list_t               dropped;
  int                  reasons[5];
} model_t;

static i128
flow(list_t const *list, uint32_t account, int asset, bool in) {
  i128 sum = 0;
  for (int i = 0; i < list->cnt; i++) {
    item_t const *it = &list->at[i];
    if (it->asset == asset && (in ? it->payee : it->payer) == account) sum += it->amount;
  }
  return sum;
}

static i128
net(list_t const *list, uint32_t account, int asset) {
  return flow(list, account, asset, true) - flow(list, account, asset, false);
}

static i128
debit(list_t const *list, uint32_t account, int asset) {
  i128 n = net(list, account, asset);
  return n < 0 ? -n : 0;
}

/* What an account has for the open window's net debit. */
static i128
funds(model_t const *m, uint32_t account, int asset) {
  i128 have = m->w->balance[account][asset] - flow(&m->waiting, account, asset, false);
  for (int i = 0; i < m->closed_cnt; i++) {
    have -= debit(&m->closed[i].obligations, account, asset) + flow(&m->closed[i].taken, account, asset, false);
  }
  return have;
}

static void
list_cut(list_t *list, int i) {
  memmove(&list->at[i], &list->at[i + 1], (size_t)(--list->cnt - i) * sizeof *list->at);
}

static void
model_drop(model_t *m, list_t *list, int i, cf_clearing_reason_t reason) {
  m->dropped.at[m->dropped.cnt++] = list->at[i];
  m->reasons[reason]++;
  list_cut(list, i);
}

static bool
is_short(model_t const *m, uint32_t account, int asset) {
  return debit(&m->open, account, asset) > funds(m, account, asset);
}

static bool
anybody_short(model_t const *m) {
  for (uint32_t a = 1; a <= PARTIES; a++) {
    for (int s = 0; s < ASSETS; s++) {
      if (is_short(m, a, s)) return true;
    }
  }
  return false;
}

/* Lanes touched, and releases: the entries that a settlement may have. */
static uint32_t
entries(model_t const *m) {
  uint32_t cnt = (uint32_t)m->waiting.cnt;
  for (uint32_t a = 1; a <= PARTIES; a++) {
    for (int s = 0; s < ASSETS; s++) cnt += m->rows[a][s];
  }
  return cnt;
}

static bool
fits(model_t const *m, item_t const *it) {
  uint32_t fresh = !m->rows[it->payer][it->asset] + !m->rows[it->payee][it->asset];
  return entries(m) + fresh <= m->p.positions_max &&
         flow(&m->open, it->payer, it->asset, false) + it->amount <= CF_AMOUNT_MAX &&
         flow(&m->open, it->payee, it->asset, true) + it->amount <= CF_AMOUNT_MAX;
}

static void
model_rebuild(model_t *m) {
  list_t all = m->open;
  m->open.cnt = 0;
  memset(m->rows, 0, sizeof m->rows);
  for (int i = 0; i < m->waiting.cnt; i++) m->rows[m->waiting.at[i].payer][m->waiting.at[i].asset] = true;
  for (int i = 0; i < all.cnt; i++) {
    item_t const *it = &all.at[i];
    if (fits(m, it)) {
      m->open.at[m->open.cnt++] = *it;
      m->rows[it->payer][it->asset] = m->rows[it->payee][it->asset] = true;
    } else {
      m->dropped.at[m->dropped.cnt++] = *it;
      m->reasons[CF_CLEARING_NO_ROOM]++;
    }
  }
  while (anybody_short(m)) {
    uint32_t a = 1 + (uint32_t)draw(PARTIES);
    int      s = (int)draw(ASSETS);
    if (!is_short(m, a, s)) continue;
    int newest = m->open.cnt - 1;
    while (m->open.at[newest].payer != a || m->open.at[newest].asset != s) newest--;
    model_drop(m, &m->open, newest, CF_CLEARING_UNCOVERED);
  }
  memset(m->rows, 0, sizeof m->rows);
  for (int i = 0; i < m->open.cnt; i++) {
    m->rows[m->open.at[i].payer][m->open.at[i].asset] = true;
    m->rows[m->open.at[i].payee][m->open.at[i].asset] = true;
  }
  for (int i = 0; i < m->waiting.cnt; i++) m->rows[m->waiting.at[i].payer][m->waiting.at[i].asset] = true;
}

static uint64_t
model_limit(model_t const *m, int asset) {
  return m->p.credit_cnt && asset == 0 ? m->p.credits[0].limit : 0;
}

static cf_class_t
model_oblige(model_t *m, item_t it, uint32_t asset) {
  if (it.asset < 0) return CF_CLASS_ASSET;
  if (it.payer == it.payee) return CF_CLASS_SELF;
  if (w_available(m->w, it.payer, asset) < 0 || w_available(m->w, it.payee, asset) < 0) return CF_CLASS_LANE;
  i128 out = flow(&m->open, it.payer, it.asset, false) + it.amount, in = flow(&m->open, it.payer, it.asset, true);
  if (!fits(m, &it)) return CF_CLASS_FULL;
  if (out > funds(m, it.payer, it.asset) + in + model_limit(m, it.asset)) return CF_CLASS_CREDIT;
  if (!m->open.cnt) m->opened_s = m->now_s;
  m->open.at[m->open.cnt++] = it;
  m->rows[it.payer][it.asset] = m->rows[it.payee][it.asset] = true;
  return CF_CLASS_ACCEPTED;
}

static cf_class_t
model_withdraw(model_t *m, item_t it, uint32_t asset) {
  if (it.asset < 0) return CF_CLASS_ASSET;
  if (w_available(m->w, it.payer, asset) < 0) return CF_CLASS_LANE;
  if (debit(&m->open, it.payer, it.asset) + it.amount > funds(m, it.payer, it.asset)) return CF_CLASS_CREDIT;
  int withdrawals = m->waiting.cnt;
  for (int i = 0; i < m->closed_cnt; i++) withdrawals += m->closed[i].taken.cnt;
  if (withdrawals == m->p.releases_max) return CF_CLASS_FULL;
  if (entries(m) + !m->rows[it.payer][it.asset] + 1 > m->p.positions_max) return CF_CLASS_FULL;
  m->waiting.at[m->waiting.cnt++] = it;
  m->rows[it.payer][it.asset] = true;
  return CF_CLASS_ACCEPTED;
}

static bool
model_ripe(model_t const *m) {
  unsigned parties = 0;
  for (uint32_t a = 1; a <= PARTIES; a++) {
    bool any = false;
    for (int s = 0; s < ASSETS; s++) any = any || net(&m->open, a, s) != 0;
    parties += any;
  }
  return m->open.cnt && (uint32_t)m->open.cnt >= m->p.min_inputs && parties >= m->p.min_parties;
}

static bool
model_close(model_t *m, uint64_t number) {
  if (m->closed_cnt == CF_WINDOWS_MAX) return false;
  bool netted = model_ripe(m);
  if (netted && anybody_short(m)) {
    model_rebuild(m);
    netted = model_ripe(m);
  }
  if (!netted && m->open.cnt && m->now_s - m->opened_s >= m->p.window_max_s) {
    while (m->open.cnt) model_drop(m, &m->open, m->open.cnt - 1, CF_CLEARING_UNSETTLED);
    model_rebuild(m);
  }
  window_t *win = &m->closed[m->closed_cnt];
  memset(win, 0, sizeof *win);
  win->number = number;
  bool blocked[ASSETS] = { false };
  i128 left[ASSETS];
  for (int s = 0; s < ASSETS; s++) left[s] = m->w->room[s];
  for (int i = 0; i < m->waiting.cnt;) {
    item_t it = m->waiting.at[i];
    blocked[it.asset] = blocked[it.asset] || it.amount > left[it.asset];
    if (blocked[it.asset]) {
      i++;
      continue;
    }
    left[it.asset] -= it.amount;
    win->taken.at[win->taken.cnt++] = it;
    list_cut(&m->waiting, i);
    win->rows[it.payer][it.asset] = true;
  }
  if (!netted && !win->taken.cnt) return false;
  if (netted) {
    win->obligations = m->open;
    m->open.cnt = 0;
    memcpy(win->rows, m->rows, sizeof win->rows);
  }
  m->closed_cnt++;
  model_rebuild(m);
  return true;
}

static void
model_quit(model_t *m, uint32_t account) {
  for (int i = m->waiting.cnt - 1; i >= 0; i--) {
    if (m->waiting.at[i].payer == account) model_drop(m, &m->waiting, i, CF_CLEARING_EXIT);
  }
  for (int i = m->open.cnt - 1; i >= 0; i--) {
    if (m->open.at[i].payer == account) model_drop(m, &m->open, i, CF_CLEARING_EXIT);
  }
  model_rebuild(m);
}

static int
by_order(void const *a, void const *b) {
  item_t const *x = a, *y = b;
  return (x->order > y->order) - (x->order < y->order);
}

static void
model_reopen(model_t *m, int from) {
  list_t open = m->open;
  m->open.cnt = 0;
  for (int i = from; i < m->closed_cnt; i++) {
    list_t const *o = &m->closed[i].obligations, *t = &m->closed[i].taken;
    for (int k = 0; k < o->cnt; k++) m->open.at[m->open.cnt++] = o->at[k];
    for (int k = 0; k < t->cnt; k++) m->waiting.at[m->waiting.cnt++] = t->at[k];
  }
  for (int k = 0; k < open.cnt; k++) m->open.at[m->open.cnt++] = open.at[k];
  qsort(m->waiting.at, (size_t)m->waiting.cnt, sizeof *m->waiting.at, by_order);
  m->closed_cnt = from;
  m->opened_s = m->now_s;
  model_rebuild(m);
}

/* ---- comparing ---- */

static void
compare_drops(model_t *m) {
  list_t *ours = &m->w->dropped, *want = &m->dropped;
  assert_int_equal(ours->cnt, want->cnt);
  qsort(ours->at, (size_t)ours->cnt, sizeof *ours->at, by_order);
  qsort(want->at, (size_t)want->cnt, sizeof *want->at, by_order);
  int obligations = 0;
  for (int i = 0; i < want->cnt; i++) {
    item_t const *a = &ours->at[i], *b = &want->at[i];
    assert_true(a->order == b->order && a->payer == b->payer && a->payee == b->payee);
    assert_true(a->asset == b->asset && a->amount == b->amount);
    obligations += b->payee != 0;
  }
  assert_int_equal(m->w->payee_copies, obligations);
  assert_memory_equal(m->w->reasons, m->reasons, sizeof m->reasons);
}

static void
compare_holds(model_t const *m) {
  for (uint32_t a = 1; a <= PARTIES; a++) {
    for (int s = 0; s < ASSETS; s++) {
      i128 fixed = m->w->balance[a][s] - funds(m, a, s), open = m->w->held[a][s] - fixed;
      i128 want = debit(&m->open, a, s);
      assert_true(m->w->held[a][s] <= m->w->balance[a][s]);
      if (model_limit(m, s)) assert_true(open >= 0 && open <= want);
      else assert_true(open == want);
    }
  }
}

static i128
window_net(window_t const *win, uint32_t a, int s) {
  return net(&win->obligations, a, s) - flow(&win->taken, a, s, false);
}

static void
compare_notices(model_t const *m, window_t const *win, cf_clearing_notice_kind_t kind) {
  for (uint32_t a = 1; a <= PARTIES; a++) {
    int rows = 0;
    for (int s = 0; s < ASSETS; s++) {
      if (!win->rows[a][s]) continue;
      cf_clearing_notice_t const *n = &m->w->notice[a];
      assert_true(m->w->told[a] == 1 && n->kind == kind && n->window == win->number);
      assert_int_equal(n->positions[rows].asset, ASSET(s));
      assert_true(n->positions[rows++].net == window_net(win, a, s));
    }
    if (!rows) assert_int_equal(m->w->told[a], 0);
    else assert_int_equal(m->w->notice[a].position_cnt, rows);
  }
}

/* What leaves for the ledger: the model's nets, zero-sum, every debit covered by
   the lane as it will be when the contents before it have settled. */
static void
compare_content(model_t const *m) {
  window_t const *win = &m->closed[m->closed_cnt - 1];
  for (int s = 0; s < ASSETS; s++) {
    i128 sum = 0;
    for (uint32_t a = 1; a <= PARTIES; a++) {
      assert_true(m->w->move[a][s] == window_net(win, a, s));
      assert_true(m->w->release[a][s] == flow(&win->taken, a, s, false));
      sum += (i128)m->w->move[a][s] + m->w->release[a][s];
      i128 lane = m->w->balance[a][s];
      for (int i = 0; i < m->closed_cnt; i++) {
        i128 n = window_net(&m->closed[i], a, s);
        if (n < 0) lane += n;
      }
      assert_true(lane >= 0); /* even if nothing that was owed to it came in before */
    }
    assert_true(sum == 0);
  }
  compare_notices(m, win, CF_CLEARING_NETTED);
}

/* ---- random histories ---- */

typedef struct {
  model_t           m;
  world_t           w;
  cf_workload_ctx_t ctx;
  uint8_t           params[64];
  cf_span_t         params_span;
  void             *state, *spare;
  uint64_t          order, window;
  bool              gone[PARTIES + 1];
  int               scale; /* bits of an amount */
} run_t;

static void
run_begin(run_t *r, bool credit, int scale) {
  memset(r, 0, sizeof *r);
  r->scale = scale;
  r->window = 1;
  r->m.w = &r->w;
  r->m.p = (cf_clearing_params_t){ .min_parties = (uint16_t)draw(5), .min_inputs = (uint32_t)draw(6), .window_max_s = 50,
                                   .positions_max = draw(4) ? 1000 : 10, .obligations_max = 150, .releases_max = 5 };
  if (credit) {
    r->m.p.credit_cnt = 1;
    r->m.p.credits[0] = (cf_clearing_credit_t){ 1, ASSET(0), 1 + draw((uint64_t)1 << scale) };
  }
  cf_wr_t wr = cf_wr_init(r->params, sizeof r->params);
  cf_clearing_params_encode(&wr, &r->m.p);
  r->params_span = cf_wr_out(&wr);
  r->ctx = ctx_make(&r->w);
  r->state = malloc(cf_clearing.state_sz(r->params_span));
  r->spare = malloc(cf_clearing.state_sz(r->params_span));
  cf_clearing.open(r->state, r->params_span);
  for (uint32_t a = 1; a <= PARTIES; a++) {
    for (int s = 0; s < ASSETS; s++) {
      if (w_available(&r->w, a, ASSET(s)) < 0 || !draw(3)) continue;
      r->w.balance[a][s] = (int64_t)draw(((uint64_t)1 << scale) / PARTIES + 2);
    }
  }
}

static uint64_t
amount_draw(run_t const *r) {
  uint64_t amount = 1 + draw((uint64_t)1 << (r->scale - (int)draw(4)));
  return amount > CF_AMOUNT_MAX ? CF_AMOUNT_MAX : amount;
}

static void
do_input(run_t *r, bool withdrawal) {
  uint32_t asset = draw(40) ? ASSET(draw(ASSETS)) : 7;
  uint32_t hub = 1 + (uint32_t)draw(2);
  item_t   it = { 1 + (uint32_t)draw(PARTIES), 0, asset_of(asset), amount_draw(r), ++r->order };
  if (!withdrawal) it.payee = draw(4) ? 1 + (uint32_t)draw(PARTIES + 1) : hub;
  if (!withdrawal && !draw(4)) it.payer = hub;
  if (r->gone[it.payer] || r->m.open.cnt > 120) return;
  int held = r->m.open.cnt;
  for (int i = 0; i < r->m.closed_cnt; i++) held += r->m.closed[i].obligations.cnt;

  cf_clearing_input_t input = { withdrawal ? CF_CLEARING_WITHDRAWAL : CF_CLEARING_OBLIGATION, it.payee, asset, it.amount };
  uint8_t             buf[32];
  cf_wr_t             wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_input_encode(&wr, &input);
  cf_class_t want = withdrawal ? model_withdraw(&r->m, it, asset) : CF_CLASS_FULL;
  if (!withdrawal && held < 150) want = model_oblige(&r->m, it, asset);
  else if (!withdrawal) return; /* the ring's bound has a case of its own */
  assert_int_equal(cf_clearing.apply(r->state, &r->ctx, it.payer, it.order, cf_wr_out(&wr)), want);
}

static void
do_close(run_t *r) {
  bool want = model_close(&r->m, r->window);
  assert_int_equal(cf_clearing.close(r->state, &r->ctx, r->window), want);
  if (want) compare_content(&r->m);
  r->window += want;
}

static void
do_settled(run_t *r) {
  if (!r->m.closed_cnt) return;
  window_t const *win = &r->m.closed[0];
  for (uint32_t a = 1; a <= PARTIES; a++) {
    for (int s = 0; s < ASSETS; s++) r->w.balance[a][s] += (int64_t)window_net(win, a, s);
  }
  cf_clearing.settled(r->state, &r->ctx, win->number);
  compare_notices(&r->m, win, CF_CLEARING_SETTLED);
  memmove(r->m.closed, r->m.closed + 1, (size_t)--r->m.closed_cnt * sizeof *r->m.closed);
}

static void
do_reopen(run_t *r) {
  if (!r->m.closed_cnt) return;
  int from = (int)draw((uint64_t)r->m.closed_cnt);
  cf_clearing.reopen(r->state, &r->ctx, r->m.closed[from].number);
  if (from + 1 == r->m.closed_cnt) {
    window_t win = r->m.closed[from];
    compare_notices(&r->m, &win, CF_CLEARING_REOPENED);
  }
  model_reopen(&r->m, from);
}

static void
do_quit(run_t *r) {
  uint32_t account = 1 + (uint32_t)draw(PARTIES);
  cf_clearing.quit(r->state, &r->ctx, account);
  model_quit(&r->m, account);
  r->gone[account] = true;
}

/* The state is saved, read back, and the copy goes on in its place. */
static void
do_snapshot(run_t *r) {
  static uint8_t one[1 << 16], two[1 << 16];
  cf_wr_t        wr = cf_wr_init(one, sizeof one), again = cf_wr_init(two, sizeof two);
  cf_clearing.save(r->state, &wr);
  assert_false(wr.bad);
  cf_clearing.open(r->spare, r->params_span);
  assert_int_equal(cf_clearing.load(r->spare, cf_wr_out(&wr)), CF_OK);
  cf_clearing.save(r->spare, &again);
  assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&again)));
  void *old = r->state;
  r->state = r->spare;
  r->spare = old;
}

static int reasons_seen[5], reopened_seen, closed_seen;

static void
history(bool credit, int scale) {
  static run_t r;
  run_begin(&r, credit, scale);
  for (int step = 0; step < 150; step++) {
    world_forget(&r.w);
    r.m.dropped.cnt = 0;
    memset(r.m.reasons, 0, sizeof r.m.reasons);
    r.ctx.now_s = r.m.now_s += draw(4);
    for (int s = 0; s < ASSETS; s++) r.w.room[s] = draw((uint64_t)1 << (scale - 1));
    uint64_t die = draw(100);
    if (die < 70) do_input(&r, false);
    else if (die < 78) do_input(&r, true);
    else if (die < 87) do_close(&r);
    else if (die < 92) do_settled(&r);
    else if (die < 95) do_reopen(&r);
    else if (die < 96) do_quit(&r);
    else if (die < 98) do_snapshot(&r);
    else if (scale < 60) r.w.balance[1 + draw(PARTIES - 1)][draw(ASSETS)] += (int64_t)draw((uint64_t)1 << scale) / 8;
    compare_drops(&r.m);
    compare_holds(&r.m);
    for (int i = 1; i < 5; i++) reasons_seen[i] += r.m.reasons[i];
    reopened_seen += die >= 92 && die < 95;
    closed_seen += die >= 78 && die < 87 && r.m.closed_cnt;
  }
  free(r.state);
  free(r.spare);
}

static void
random_histories(void **state) {
  (void)state;
  for (uint64_t round = 1; round <= 3000; round++) {
    seed = round * 0x9e3779b97f4a7c15u;
    history(round % 3 == 0, round % 4 == 0 ? 62 : 6 + (int)(round % 20)); /* a failure names its round by the seed */
  }
  for (int i = 1; i < 5; i++) assert_true(reasons_seen[i] > 20); /* every reason was met */
  assert_true(reopened_seen > 1000 && closed_seen > 1000);
}

/* ---- cases that random histories would seldom meet ---- */

typedef struct {
  world_t           w;
  cf_workload_ctx_t ctx;
  void             *state;
  uint64_t          order;
} bench_t;

static void
bench_open(bench_t *b, cf_clearing_params_t const *p) {
  uint8_t buf[64];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  memset(b, 0, sizeof *b);
  cf_clearing_params_encode(&wr, p);
  b->state = malloc(cf_clearing.state_sz(cf_wr_out(&wr)));
  cf_clearing.open(b->state, cf_wr_out(&wr));
  b->ctx = ctx_make(&b->w);
  for (uint32_t a = 1; a <= PARTIES; a++) b->w.balance[a][0] = 100;
  b->w.room[0] = 1000;
}

static cf_class_t
pay(bench_t *b, uint32_t payer, uint32_t payee, uint64_t amount) {
  uint8_t             buf[32];
  cf_wr_t             wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_input_t input = { payee ? CF_CLEARING_OBLIGATION : CF_CLEARING_WITHDRAWAL, payee, ASSET(0), amount };
  cf_clearing_input_encode(&wr, &input);
  return cf_clearing.apply(b->state, &b->ctx, payer, ++b->order, cf_wr_out(&wr));
}

static bool
close_as(bench_t *b, uint64_t window) {
  memset(b->w.move, 0, sizeof b->w.move);
  memset(b->w.release, 0, sizeof b->w.release);
  return cf_clearing.close(b->state, &b->ctx, window);
}

static cf_clearing_params_t const plain = { .min_parties = 2, .min_inputs = 2, .window_max_s = 10, .positions_max = 100,
                                            .obligations_max = 50, .releases_max = 4 };

static void
netting_saves_liquidity(void **state) {
  bench_t b;
  (void)state;
  bench_open(&b, &plain);
  assert_int_equal(pay(&b, 1, 2, 100), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 1, 2, 1), CF_CLASS_CREDIT); /* nothing left */
  assert_int_equal(pay(&b, 2, 3, 200), CF_CLASS_ACCEPTED); /* twice what it has: half of it comes from 1 */
  assert_int_equal(pay(&b, 3, 1, 300), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 1, 2, 200), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 2, 0, 101), CF_CLASS_CREDIT); /* but what is owed cannot be withdrawn */
  assert_int_equal(pay(&b, 2, 0, 100), CF_CLASS_ACCEPTED);
  assert_int_equal(b.w.held[3][0], 100);
  assert_true(close_as(&b, 1));
  assert_int_equal(b.w.move[1][0], 0);
  assert_int_equal(b.w.move[2][0], 0); /* + 100 net - 100 withdrawn */
  assert_int_equal(b.w.release[2][0], 100);
  assert_int_equal(b.w.move[3][0], -100);
  free(b.state);
}

/* Gross sums stay below 2^63 even when the same money goes round. */
static void
sums_stay_in_63_bits(void **state) {
  uint64_t const half = (uint64_t)1 << 62;
  bench_t        b;
  (void)state;
  bench_open(&b, &plain);
  b.w.balance[1][0] = (int64_t)half;
  assert_int_equal(pay(&b, 1, 2, half) | pay(&b, 2, 1, half) | pay(&b, 1, 2, half - 1), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 2, 3, half - 1), CF_CLASS_ACCEPTED); /* 2 sent as much as 1 */
  assert_int_equal(pay(&b, 1, 3, 1), CF_CLASS_FULL);            /* what 1 pays would be 2^63 */
  assert_int_equal(pay(&b, 2, 1, 1), CF_CLASS_FULL);
  free(b.state);

  bench_open(&b, &plain);
  b.w.balance[1][0] = (int64_t)half;
  b.w.balance[3][0] = (int64_t)half - 1;
  assert_int_equal(pay(&b, 1, 2, half) | pay(&b, 3, 2, half - 1), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 4, 2, 1), CF_CLASS_FULL); /* what 2 receives would be 2^63 */
  assert_true(close_as(&b, 1));
  assert_int_equal(b.w.move[2][0], INT64_MAX);
  free(b.state);
}

static void
minima(void **state) {
  static struct { char const *name; uint16_t parties; uint32_t inputs; bool closes; } const cases[] = {
    { "both met",            3, 3, true },
    { "one party short",     4, 3, false },
    { "one input short",     3, 4, false },
    { "no minimum",          0, 0, true },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_clearing_params_t p = plain;
    bench_t              b;
    p.min_parties = cases[i].parties;
    p.min_inputs = cases[i].inputs;
    bench_open(&b, &p);
    assert_int_equal(pay(&b, 1, 2, 10) | pay(&b, 2, 3, 5) | pay(&b, 4, 1, 10), CF_CLASS_ACCEPTED); /* 1 nets to zero: 3 parties */
    if (close_as(&b, 1) != cases[i].closes) fail_msg("%s", cases[i].name);
    b.ctx.now_s = 9; /* one second left */
    if (!cases[i].closes) assert_false(close_as(&b, 1));
    assert_int_equal(b.w.reasons[CF_CLEARING_UNSETTLED], 0);
    b.ctx.now_s = 10;
    assert_false(close_as(&b, 2));
    assert_int_equal(b.w.reasons[CF_CLEARING_UNSETTLED], cases[i].closes ? 0 : 3);
    if (!cases[i].closes) assert_int_equal(b.w.held[2][0] + b.w.held[4][0], 0);
    free(b.state);
  }
}

static void
withdrawals_do_not_wait_for_a_window(void **state) {
  bench_t b;
  (void)state;
  bench_open(&b, &plain);
  assert_int_equal(pay(&b, 1, 2, 10), CF_CLASS_ACCEPTED); /* one input: below the minimum */
  assert_int_equal(pay(&b, 1, 0, 40), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 3, 0, 30), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 4, 0, 20), CF_CLASS_ACCEPTED);
  b.w.room[0] = 60;
  assert_true(close_as(&b, 1));
  assert_int_equal(b.w.move[1][0], -40);
  assert_int_equal(b.w.move[2][0], 0); /* the obligation stays */
  assert_int_equal(b.w.move[3][0], 0); /* 30 does not fit any more ... */
  assert_int_equal(b.w.move[4][0], 0); /* ... and 20 does not overtake it */
  assert_int_equal(b.w.held[1][0], 50);
  assert_true(close_as(&b, 2));
  assert_int_equal(b.w.move[3][0], -30);
  assert_int_equal(b.w.move[4][0], -20);
  free(b.state);
}

static void
bounds(void **state) {
  cf_clearing_params_t p = plain;
  bench_t              b;
  (void)state;
  p.positions_max = 4;
  p.releases_max = 2;
  p.obligations_max = 5;
  bench_open(&b, &p);
  assert_int_equal(pay(&b, 1, 2, 1), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 3, 4, 1), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 1, 5, 1), CF_CLASS_FULL); /* a fifth position */
  assert_int_equal(pay(&b, 1, 0, 1), CF_CLASS_FULL); /* a release is an entry, too */
  for (int i = 0; i < 3; i++) assert_int_equal(pay(&b, 1, 3, 1), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 1, 3, 1), CF_CLASS_FULL); /* a sixth obligation */
  assert_true(close_as(&b, 1));
  assert_int_equal(pay(&b, 1, 3, 1), CF_CLASS_FULL); /* not settled: still there */
  assert_int_equal(pay(&b, 5, 0, 1) | pay(&b, 5, 0, 1), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(&b, 5, 0, 1), CF_CLASS_FULL);
  cf_clearing.settled(b.state, &b.ctx, 1);
  assert_int_equal(pay(&b, 1, 3, 1), CF_CLASS_FULL); /* two withdrawals and their row leave room for one position */
  cf_clearing.quit(b.state, &b.ctx, 5);
  assert_int_equal(pay(&b, 1, 3, 1), CF_CLASS_ACCEPTED);
  free(b.state);

  bench_open(&b, &plain);
  for (uint64_t window = 1; window <= CF_WINDOWS_MAX; window++) {
    assert_int_equal(pay(&b, 1, 2, 1) | pay(&b, 3, 2, 1), CF_CLASS_ACCEPTED);
    assert_true(close_as(&b, window));
  }
  assert_int_equal(pay(&b, 1, 2, 1) | pay(&b, 3, 2, 1), CF_CLASS_ACCEPTED);
  b.ctx.now_s = 1000;
  assert_false(close_as(&b, 9)); /* the ledger is behind: carried over, not dropped */
  assert_int_equal(b.w.dropped.cnt, 0);
  free(b.state);
}

/* A chain of payers, each living on the one before: the exit of the first takes all with it. */
static void
cascade_runs_to_its_end(void **state) {
  cf_clearing_params_t p = { .positions_max = 1000, .obligations_max = 1000, .releases_max = 1 };
  bench_t              b;
  (void)state;
  bench_open(&b, &p);
  for (uint32_t a = 2; a <= PARTIES; a++) b.w.balance[a][0] = 0;
  for (uint32_t a = 1; a < PARTIES; a++) assert_int_equal(pay(&b, a, a + 1, 100), CF_CLASS_ACCEPTED);
  cf_clearing.quit(b.state, &b.ctx, 1);
  assert_int_equal(b.w.reasons[CF_CLEARING_EXIT], 1);
  assert_int_equal(b.w.reasons[CF_CLEARING_UNCOVERED], PARTIES - 2);
  assert_int_equal(b.w.payee_copies, PARTIES - 1);
  free(b.state);
}

static void
merged_windows_may_not_fit(void **state) {
  cf_clearing_params_t p = plain;
  bench_t              b;
  (void)state;
  p.positions_max = 4;
  p.releases_max = 1;
  bench_open(&b, &p);
  assert_int_equal(pay(&b, 1, 2, 5) | pay(&b, 3, 4, 5), CF_CLASS_ACCEPTED);
  assert_true(close_as(&b, 1));
  assert_int_equal(pay(&b, 5, 6, 5) | pay(&b, 1, 3, 5), CF_CLASS_ACCEPTED);
  assert_true(close_as(&b, 2));
  cf_clearing.reopen(b.state, &b.ctx, 1);
  assert_int_equal(b.w.reasons[CF_CLEARING_NO_ROOM], 1); /* 5 to 6: two rows more; what comes after it and fits stays */
  assert_int_equal(b.w.held[1][0], 10);
  assert_int_equal(b.w.held[5][0], 0);
  free(b.state);
}

static void
bad_states(void **state) {
  static uint8_t good[4096], bad[4096];
  bench_t        b;
  (void)state;
  bench_open(&b, &plain);
  assert_int_equal(pay(&b, 1, 2, 5) | pay(&b, 3, 2, 5), CF_CLASS_ACCEPTED);
  assert_true(close_as(&b, 1));
  assert_int_equal(pay(&b, 1, 2, 5) | pay(&b, 3, 0, 5), CF_CLASS_ACCEPTED);
  cf_wr_t wr = cf_wr_init(good, sizeof good);
  cf_clearing.save(b.state, &wr);
  uint8_t buf[64];
  cf_wr_t pw = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&pw, &plain);
  for (size_t cut = 0; cut < wr.len; cut++) {
    cf_clearing.open(b.state, cf_wr_out(&pw));
    assert_true(cf_clearing.load(b.state, CF_SPAN(good, cut)) != CF_OK);
  }
  cf_clearing.open(b.state, cf_wr_out(&pw));
  assert_int_equal(cf_clearing.load(b.state, CF_SPAN(good, wr.len + 1)), CF_ERR_FORMAT);
  static struct { char const *name; size_t at; uint8_t value; cf_status_t want; } const cases[] = {
    { "9 windows",              8, 9, CF_ERR_BOUND },
    { "window 0",               16, 0, CF_ERR_FORMAT },
    { "51 closed obligations",  20, 51, CF_ERR_BOUND },
    { "101 closed rows",        24, 101, CF_ERR_BOUND },
    { "row of account 0",       28, 0, CF_ERR_FORMAT },
    { "rows fall",              28, 9, CF_ERR_FORMAT },
    { "5 withdrawals",          121, 5, CF_ERR_BOUND },
    { "withdrawal of 0",        136, 0, CF_ERR_FORMAT },
    { "withdrawal of another window", 152, 7, CF_ERR_FORMAT },
    { "101 rows",               156, 101, CF_ERR_BOUND },
    { "row twice",              175, 1, CF_ERR_FORMAT },
    { "hold without a debit",   186, 1, CF_ERR_FORMAT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memcpy(bad, good, wr.len);
    bad[cases[i].at] = cases[i].value;
    cf_clearing.open(b.state, cf_wr_out(&pw));
    cf_status_t st = cf_clearing.load(b.state, CF_SPAN(bad, wr.len));
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
  }
  free(b.state);
}

static void
malformed_input_changes_nothing(void **state) {
  bench_t b;
  (void)state;
  bench_open(&b, &plain);
  assert_int_equal(cf_clearing.apply(b.state, &b.ctx, 1, 1, CF_SPAN_LIT("\1\2\3")), CF_CLASS_MALFORMED);
  assert_int_equal(pay(&b, 1, 1, 5), CF_CLASS_SELF);
  assert_int_equal(pay(&b, 1, 11, 5), CF_CLASS_LANE);
  assert_false(close_as(&b, 1));
  free(b.state);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(netting_saves_liquidity),
    cmocka_unit_test(sums_stay_in_63_bits),
    cmocka_unit_test(minima),
    cmocka_unit_test(withdrawals_do_not_wait_for_a_window),
    cmocka_unit_test(bounds),
    cmocka_unit_test(cascade_runs_to_its_end),
    cmocka_unit_test(merged_windows_may_not_fit),
    cmocka_unit_test(malformed_input_changes_nothing),
    cmocka_unit_test(bad_states),
    cmocka_unit_test(random_histories),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
