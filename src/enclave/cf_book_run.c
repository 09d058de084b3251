/* The runtime: drives the workload, and checks what it posts. */
#include <assert.h>
#include <endian.h>

#include "enclave/cf_book_state.h"

__extension__ typedef __int128 sum_t;

/* ---- what the workload may ask ---- */

static uint32_t
ctx_account(void *host, uint32_t account) {
  account_t const *a = cf_book_account_find(host, account);
  return a ? (a->admitted ? CF_ACCOUNT_ADMITTED : 0u) | (uint32_t)a->account_class << 8 : 0;
}

/* An exit that was paid may leave less than contents that can no longer execute hold. */
static uint64_t
leaf_available(leaf_t const *leaf) {
  return leaf->balance > leaf->held ? leaf->balance - leaf->held : 0;
}

static int64_t
ctx_available(void *host, uint32_t account, uint32_t asset) {
  leaf_t const *leaf = cf_book_leaf_find(host, account, asset);
  return leaf ? (int64_t)leaf_available(leaf) : -1;
}

static uint64_t
ctx_amount_max(void *host, uint32_t asset) {
  cf_book_t const *b = host;
  int              i = cf_book_asset_find(b, asset);
  return i < 0 ? 0 : b->params.assets[i].amount_max;
}

static uint64_t
ctx_release_max(void *host, uint32_t asset) {
  cf_book_t const *b = host;
  int              i = cf_book_asset_find(b, asset);
  return i < 0 ? 0 : b->params.assets[i].release_max;
}

/* The bucket's level at the view, less the releases in flight. */
static uint64_t
ctx_release_room(void *host, uint32_t asset) {
  cf_book_t *b = host;
  int        i = cf_book_asset_find(b, asset);
  uint64_t   room = i < 0 ? 0 : b->levels[i];
  for (uint32_t k = 0; k < b->content_cnt; k++) {
    cf_book_content_t const *content = cf_book_content_at(b, k);
    for (uint32_t e = 0; e < content->entry_cnt; e++) {
      if (content->entries[e].kind != 1 || content->entries[e].asset != asset) continue;
      uint64_t out = (uint64_t)content->entries[e].amount;
      room = out < room ? room - out : 0;
    }
  }
  return room;
}

static void
ctx_ahead(void *host, uint32_t account, uint32_t asset) {
  cf_book_ahead(host, account, asset);
}

/* ---- what it may post ---- */

/* Before a leaf's hold changes while an input is decided, its value is kept. */
static bool
undo_keep(cf_book_t *b, leaf_t const *leaf) {
  if (b->phase != PHASE_INPUT) return b->phase != PHASE_IDLE;
  if (b->undo_cnt == CF_BOOK_UNDO_MAX) return false;
  b->undo[b->undo_cnt++] = (undo_t){ (uint32_t)(leaf - b->leaves), leaf->held };
  return true;
}

static void
undo_all(cf_book_t *b) {
  while (b->undo_cnt) {
    undo_t const *u = &b->undo[--b->undo_cnt];
    b->leaves[u->leaf].held = u->held;
  }
}

static void
ctx_hold(void *host, uint32_t account, uint32_t asset, uint64_t amount) {
  cf_book_t *b = host;
  leaf_t    *leaf = cf_book_leaf_find(b, account, asset);
  if (!leaf || !amount || amount > leaf_available(leaf) || !undo_keep(b, leaf)) {
    b->fault = true;
    return;
  }
  leaf->held += amount;
  cf_book_touch(b, leaf);
}

static void
ctx_unhold(void *host, uint32_t account, uint32_t asset, uint64_t amount) {
  cf_book_t *b = host;
  leaf_t    *leaf = cf_book_leaf_find(b, account, asset);
  if (!leaf || !amount || amount > leaf->held - leaf->flying || !undo_keep(b, leaf)) {
    b->fault = true;
    return;
  }
  leaf->held -= amount;
  cf_book_touch(b, leaf);
}

static void
stage(cf_book_t *b, cf_book_entry_t entry) {
  if (b->phase != PHASE_CLOSE || b->staged_cnt == b->params.entries_max) b->fault = true;
  else b->staged[b->staged_cnt++] = entry;
}

static void
ctx_move(void *host, uint32_t account, uint32_t asset, int64_t amount) {
  stage(host, (cf_book_entry_t){ .account = account, .asset = asset, .kind = 0, .amount = amount });
}

static void
ctx_release(void *host, uint32_t account, uint32_t asset, uint64_t amount) {
  /* above 2^63 it turns negative, which the content's check refuses */
  stage(host, (cf_book_entry_t){ .account = account, .asset = asset, .kind = 1, .amount = (int64_t)amount });
}

static void
ctx_result(void *host, uint32_t account, cf_span_t bytes) {
  cf_book_t *b = host;
  if (!bytes.len || bytes.len > CF_RESULT_MAX || !cf_book_account_find(b, account)) b->fault = true;
  else b->sink(b->sink_host, account, bytes);
}

void
cf_book_ctx_init(cf_book_t *b) {
  b->ctx = (cf_workload_ctx_t){
    .host = b, .account = ctx_account, .available = ctx_available, .amount_max = ctx_amount_max, .release_max = ctx_release_max,
    .release_room = ctx_release_room, .hold = ctx_hold, .unhold = ctx_unhold, .move = ctx_move, .release = ctx_release,
    .result = ctx_result, .ahead = ctx_ahead,
  };
}

/* ---- inputs ---- */

/* v as n big-endian bytes; n is a constant where this is inlined. */
static inline uint8_t *
put(uint8_t *at, uint64_t v, size_t n) {
  uint64_t be = htobe64(v << (64 - 8 * n));
  memcpy(at, &be, n);
  return at + n;
}

static cf_class_t
order_class(cf_window_verdict_t verdict) {
  switch (verdict) {
  case CF_WINDOW_FRESH: return CF_CLASS_ACCEPTED;
  case CF_WINDOW_USED: return CF_CLASS_DUPLICATE;
  case CF_WINDOW_TOO_OLD: return CF_CLASS_TOO_OLD;
  case CF_WINDOW_TOO_FAR: return CF_CLASS_JUMP;
  }
  return CF_CLASS_JUMP;
}

/* What the runtime decides before the workload sees the input.  The number is used up first, whatever follows. */
static cf_class_t
admit(cf_book_t *b, account_t *a, uint64_t order) {
  if (!a) return CF_CLASS_ACCESS;
  cf_class_t class = order_class(cf_window_use(&a->orders, order));
  if (class != CF_CLASS_ACCEPTED) return class;
  if (!a->admitted || a->closed) return CF_CLASS_ACCESS;
  if (a->exit_at_s) return CF_CLASS_EXITING;
  if (a->inputs_window != b->window) a->inputs = 0;
  a->inputs_window = b->window;
  if (a->inputs == b->params.inputs_max) return CF_CLASS_LIMIT;
  a->inputs++;
  return CF_CLASS_ACCEPTED;
}

/* Two records, what became of the input and what it was, hashed at once: there is one for every input. */
static void
note_input(cf_book_t *b, uint32_t account, uint64_t order, cf_class_t class, cf_span_t input) {
  uint8_t buf[2 * CF_BOOK_NOTE_HEAD_SZ + 13 + 64], *at = buf;
  at = put(at, 3, 1);
  at = put(at, 13, 4);
  at = put(at, account, 4);
  at = put(at, order, 8);
  at = put(at, (uint64_t)class, 1);
  at = put(at, 4, 1);
  at = put(at, input.len, 4);
  bool fits = input.len <= 64;
  if (fits && input.len) memcpy(at, input.ptr, input.len);
  cf_sha256_add(&b->activity, buf, (size_t)(at - buf) + (fits ? input.len : 0));
  if (!fits) cf_sha256_s(&b->activity, input);
}

cf_status_t
cf_book_input(cf_book_t *b, cf_class_t *class, uint32_t account, uint64_t order, cf_span_t input) {
  assert(b->in_batch);
  if (b->fault) return CF_ERR_POLICY;
  if (b->workload->ahead) b->workload->ahead(b->state, &b->ctx, account, input);
  *class = admit(b, cf_book_account_find(b, account), order);
  if (*class == CF_CLASS_ACCEPTED) {
    b->phase = PHASE_INPUT;
    *class = b->workload->apply(b->state, &b->ctx, account, order, input);
    b->phase = PHASE_IDLE;
    if (b->fault || *class != CF_CLASS_ACCEPTED) undo_all(b); /* a refused input leaves no posting */
    b->undo_cnt = 0;
  }
  note_input(b, account, order, *class, input);
  return b->fault ? CF_ERR_POLICY : CF_OK;
}

/* ---- contents ---- */

size_t
cf_book_content_cnt(cf_book_t const *b) {
  return b->content_cnt;
}

cf_book_content_t const *
cf_book_content(cf_book_t const *b, size_t i) {
  assert(i < b->content_cnt);
  return &b->contents[(b->content_head + i) % CF_WINDOWS_MAX];
}

void
cf_book_content_body(cf_wr_t *wr, cf_book_content_t const *content) {
  cf_book_entry_t const *e = content->entries, *end = e + content->entry_cnt;
  while (e < end) {
    cf_book_entry_t const *last = e;
    while (last < end && last->asset == e->asset && last->kind == e->kind) last++;
    cf_wr_u8(wr, e->kind);
    cf_wr_u24(wr, e->asset);
    cf_wr_u16(wr, (uint16_t)(last - e));
    for (; e < last; e++) {
      cf_wr_u32(wr, e->account);
      cf_wr_u64(wr, (uint64_t)e->amount);
    }
  }
}

uint64_t
cf_book_content_deadline(cf_book_t const *b, cf_book_content_t const *content) {
  uint64_t deadline = UINT64_MAX;
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    if (content->entries[i].kind != 0 || content->entries[i].amount > 0) continue;
    account_t const *a = cf_book_account_find(b, content->entries[i].account);
    if (!a->exit_at_s) continue;
    uint64_t paid = a->exit_at_s + b->params.exit_delay_s;
    if (paid < deadline) deadline = paid;
  }
  return deadline;
}

static bool
entry_ok(cf_book_t const *b, cf_book_entry_t const *e) {
  leaf_t const *leaf = cf_book_leaf_find(b, e->account, e->asset);
  if (!leaf || e->kind > 1 || e->amount == 0 || e->amount == INT64_MIN) return false;
  if (e->kind == 1) return e->amount > 0;
  return e->amount > 0 || (uint64_t)-e->amount <= leaf->held - leaf->flying;
}

cf_status_t
cf_book_content_check(cf_book_t const *b, cf_book_content_t const *content) {
  sum_t sum = 0;
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    cf_book_entry_t const *e = &content->entries[i];
    if (i && cf_book_entry_key(e) <= cf_book_entry_key(e - 1)) return CF_ERR_POLICY;
    if (!entry_ok(b, e)) return CF_ERR_POLICY;
    sum += e->amount;
    bool last = i + 1 == content->entry_cnt || e[1].asset != e->asset;
    if (last && sum != 0) return CF_ERR_POLICY; /* money out of nothing, or into it */
  }
  return CF_OK;
}

void
cf_book_content_fly(cf_book_t *b, cf_book_content_t const *content, int sign) {
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    cf_book_entry_t const *e = &content->entries[i];
    if (e->kind != 0 || e->amount > 0) continue;
    leaf_t *leaf = cf_book_leaf_find(b, e->account, e->asset);
    if (sign > 0) leaf->flying += (uint64_t)-e->amount;
    else leaf->flying -= (uint64_t)-e->amount;
  }
}

/* Releases of one asset stand together; their sum stays within the room. */
static bool
releases_ok(cf_book_t *b, cf_book_content_t const *content) {
  for (uint32_t i = 0; i < content->entry_cnt;) {
    uint32_t asset = content->entries[i].asset;
    sum_t    out = 0;
    for (; i < content->entry_cnt && content->entries[i].asset == asset; i++) {
      if (content->entries[i].kind == 1) out += content->entries[i].amount;
    }
    if (out && out > (sum_t)ctx_release_room(b, asset)) return false;
  }
  return true;
}

static cf_status_t
content_commit(cf_book_t *b) {
  cf_sort_t *order = b->sort + b->params.leaves_max + 1; /* behind the changed leaves */
  for (uint32_t i = 0; i < b->staged_cnt; i++) order[i] = (cf_sort_t){ cf_book_entry_key(&b->staged[i]), i };
  cf_sort(order, b->scratch, b->staged_cnt);

  cf_book_content_t *content = cf_book_content_at(b, b->content_cnt);
  content->window = b->window;
  content->entry_cnt = b->staged_cnt;
  for (uint32_t i = 0; i < b->staged_cnt; i++) content->entries[i] = b->staged[order[i].idx];
  if (cf_book_content_check(b, content) || !releases_ok(b, content)) return cf_book_fault(b);
  cf_book_content_fly(b, content, 1);
  b->content_cnt++;
  b->window++;
  return CF_OK;
}

static void
note_window(cf_book_t *b, uint8_t kind, uint64_t window) {
  uint8_t buf[16];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u64(&wr, window);
  cf_wr_u64(&wr, b->now_s);
  cf_book_note(b, kind, cf_wr_out(&wr));
}

cf_status_t
cf_book_window_close(cf_book_t *b, bool *closed) {
  assert(b->in_batch);
  *closed = false;
  if (b->fault) return CF_ERR_POLICY;
  if (b->content_cnt == CF_WINDOWS_MAX) return CF_OK; /* the ledger is behind: carried over */
  note_window(b, 5, b->window);
  b->staged_cnt = 0;
  b->phase = PHASE_CLOSE;
  bool done = b->workload->close(b->state, &b->ctx, b->window);
  b->phase = PHASE_IDLE;
  if (b->fault || (!done && b->staged_cnt)) return cf_book_fault(b);
  if (!done) return CF_OK;
  *closed = true;
  return content_commit(b);
}

/* After a content settled: what is held covers what is in flight, and is covered by the balance. */
static bool
lanes_ok(cf_book_t const *b, cf_book_content_t const *content) {
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    cf_book_entry_t const *e = &content->entries[i];
    leaf_t const          *leaf = cf_book_leaf_find(b, e->account, e->asset);
    if (leaf->flying > leaf->held) return false;
    if (leaf->held > leaf->balance && !cf_book_account_find(b, e->account)->closed) return false;
  }
  return true;
}

/* The ledger did what the content says; a lane that could not have is a contradiction. */
static bool
content_apply(cf_book_t *b, cf_book_content_t const *content) {
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    cf_book_entry_t const *e = &content->entries[i];
    if (e->kind != 0) continue;
    leaf_t  *leaf = cf_book_leaf_find(b, e->account, e->asset);
    uint64_t amount = e->amount < 0 ? (uint64_t)-e->amount : (uint64_t)e->amount;
    if (e->amount < 0 ? amount > leaf->balance : amount > CF_AMOUNT_MAX - leaf->balance) return false;
    leaf->balance = e->amount < 0 ? leaf->balance - amount : leaf->balance + amount;
    cf_book_touch(b, leaf);
  }
  return true;
}

cf_status_t
cf_book_content_executed(cf_book_t *b, uint64_t window) {
  assert(b->in_batch);
  if (b->fault) return CF_ERR_POLICY;
  cf_book_content_t *content = cf_book_content_at(b, 0);
  if (!b->content_cnt || content->window != window) return cf_book_fault(b);
  note_window(b, 6, window);
  if (!content_apply(b, content)) return cf_book_fault(b);
  cf_book_content_fly(b, content, -1);
  b->content_head = (b->content_head + 1) % CF_WINDOWS_MAX;
  b->content_cnt--;

  b->phase = PHASE_OTHER;
  b->workload->settled(b->state, &b->ctx, window);
  b->phase = PHASE_IDLE;
  return b->fault || !lanes_ok(b, content) ? cf_book_fault(b) : CF_OK;
}

cf_status_t
cf_book_content_void(cf_book_t *b, uint64_t first) {
  assert(b->in_batch);
  if (b->fault) return CF_ERR_POLICY;
  if (!first || !b->content_cnt || cf_book_content_at(b, b->content_cnt - 1)->window < first) return cf_book_fault(b);
  note_window(b, 7, first);
  while (b->content_cnt && cf_book_content_at(b, b->content_cnt - 1)->window >= first)
    cf_book_content_fly(b, cf_book_content_at(b, --b->content_cnt), -1);
  for (uint32_t i = 0; i < b->account_cnt; i++) b->accounts[i].defaulted = false;

  b->phase = PHASE_OTHER;
  b->workload->reopen(b->state, &b->ctx, first);
  b->phase = PHASE_IDLE;
  return b->fault ? CF_ERR_POLICY : CF_OK;
}

cf_status_t
cf_book_defaults(cf_book_t *b) {
  assert(b->in_batch);
  if (b->fault) return CF_ERR_POLICY;
  for (uint32_t i = 0; i < b->account_cnt; i++) {
    account_t *a = &b->accounts[i];
    if (!a->exit_at_s || a->defaulted) continue;
    if (b->as_of_s + b->params.validity_s < a->exit_at_s + b->params.exit_delay_s) continue; /* it can still settle */
    note_window(b, 8, a->id);
    a->defaulted = true;
    b->phase = PHASE_OTHER;
    b->workload->quit(b->state, &b->ctx, a->id);
    b->phase = PHASE_IDLE;
    if (b->fault) return CF_ERR_POLICY;
  }
  return CF_OK;
}
