#include "gateway/cf_sender_fees.h"

static uint64_t low64(cf_wei_t v) { return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v; }
static uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t max(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* A tenth more, rounded up, and at least one more.  2^64 is nobody's: no cap allows it. */
static cf_wei_t tenth_more(uint64_t v) { return v ? ((cf_wei_t)v * 11 + 9) / 10 : 1; }

static uint64_t wanted(cf_fee_hint_t hint, uint64_t tip) { return low64(2 * (cf_wei_t)hint.base_wei + tip); }

bool cf_fees_first(cf_fees_t *out, cf_fee_hint_t hint, uint64_t gas, cf_wei_t cap_wei) {
  if (gas == 0) return false;
  uint64_t most = low64(cap_wei / gas);
  if ((cf_wei_t)hint.base_wei + hint.tip_wei > most) return false;
  *out = (cf_fees_t){ .tip_wei = hint.tip_wei, .fee_wei = min(wanted(hint, hint.tip_wei), most) };
  return true;
}

bool cf_fees_bump(cf_fees_t *out, cf_fees_t last, cf_fee_hint_t hint, uint64_t gas, cf_wei_t cap_wei) {
  if (gas == 0) return false;
  uint64_t most = low64(cap_wei / gas);
  cf_wei_t tip  = tenth_more(last.tip_wei), fee = tenth_more(last.fee_wei);
  if (fee > most || tip > most) return false;
  out->tip_wei = min(max((uint64_t)tip, hint.tip_wei), most);
  out->fee_wei = min(max((uint64_t)fee, wanted(hint, out->tip_wei)), most);
  if (out->tip_wei > out->fee_wei) out->tip_wei = out->fee_wei; /* not below its tenth: last's tip was not above its fee */
  return true;
}

bool cf_fees_replaces(cf_fees_t a, cf_fees_t b) { return b.tip_wei >= tenth_more(a.tip_wei) && b.fee_wei >= tenth_more(a.fee_wei); }
