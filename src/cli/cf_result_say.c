#include "cli/cf_result_say.h"

#include <stdio.h>

#include "cli/cf_advice.h"
#include "workload/cf_clearing.h"

static char const *notice_name(cf_clearing_notice_kind_t k) {
  switch (k) {
  case CF_CLEARING_NETTED:
    return "netted";
  case CF_CLEARING_SETTLED:
    return "settled";
  case CF_CLEARING_REOPENED:
    return "reopened";
  case CF_CLEARING_DEFAULTED:
    return "defaulted";
  }
  return "unknown";
}

static void notice_json(cf_jw_t *j, cf_clearing_notice_t const *n) {
  cf_jw_str(j, "notice", notice_name(n->kind));
  if (n->kind == CF_CLEARING_DEFAULTED) {
    cf_jw_u64(j, "reason", n->reason);
    cf_jw_u64(j, "payer", n->payer);
    cf_jw_u64(j, "payee", n->payee);
    cf_jw_u64(j, "asset", n->asset);
    cf_jw_u64(j, "amount", n->amount);
    return;
  }
  cf_jw_arr(j, "positions");
  for (size_t i = 0; i < n->position_cnt; i++) {
    cf_jw_obj(j, NULL);
    cf_jw_u64(j, "asset", n->positions[i].asset);
    cf_jw_dec(j, "net", n->positions[i].net);
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, ']');
}

static char *notice_text(cf_clearing_notice_t const *n) {
  if (n->kind == CF_CLEARING_DEFAULTED)
    return cf_fmt("defaulted: %llu of asset %u from %u to %u", (unsigned long long)n->amount, n->asset, n->payer, n->payee);
  char *text = cf_fmt("%s", notice_name(n->kind));
  for (size_t i = 0; i < n->position_cnt; i++)
    text = cf_fmt("%s  asset %u %+lld", text, n->positions[i].asset, (long long)n->positions[i].net);
  return text;
}

void cf_result_say(cf_jw_t *j, cf_result_t const *r) {
  cf_clearing_notice_t notice;
  bool                 told = r->class == CF_RESULT_NOTICE && cf_clearing_notice_decode(&notice, r->body) == CF_OK;
  cf_advice_t          advice = cf_advice_result(r->class);
  char const          *state = r->status == CF_RESULT_FINAL ? "final" : "not final";
  if (!j) {
    printf("receipt %llu  %s  %s\n", (unsigned long long)r->sequence,
           told ? notice_text(&notice) : cf_result_class_name(r->class), state);
    if (advice.found) printf("  found     %s\n  next      %s\n", advice.found, advice.next);
    return;
  }
  cf_jw_obj(j, NULL);
  cf_jw_u64(j, "receipt", r->sequence);
  cf_jw_hex(j, "envelope", CF_SPAN_OF(r->envelope));
  cf_jw_u64(j, "order", r->order);
  cf_jw_str(j, "class", cf_result_class_name(r->class));
  cf_jw_u64(j, "window", r->window);
  cf_jw_str(j, "state", state);
  if (advice.found) cf_jw_str(j, "found", advice.found), cf_jw_str(j, "next", advice.next);
  if (told) notice_json(j, &notice);
  cf_jw_end(j, '}');
}
