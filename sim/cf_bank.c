#include "cf_member.h"

enum { ID_ACTS = 1, TIMEOUT_MS = 3000, RETRY_MS = 500 };

static bool has(cf_span_t text, char const *word) { return text.len && memmem(text.ptr, text.len, word, strlen(word)); }

void cf_bank_step(void *bank, cf_effects_t *fx, cf_event_t const *ev) {
  cf_bank_t *b = bank;
  if (ev->kind == CF_EV_START) b->busy = false;
  if (ev->kind == CF_EV_DONE && ev->id == ID_ACTS) {
    b->busy = false;
    b->retry_ms = ev->now.mono_ms + RETRY_MS;
    b->done = !ev->status && ev->code == 200 && !has(ev->body, "\"refusal\"") && has(ev->body, "\"block\"");
  }
  if (b->busy || b->done || ev->now.mono_ms < b->retry_ms) return;
  b->busy = true;
  cf_fx_ask(fx, ID_ACTS, CF_PEER_LEDGER, CF_SPAN_LIT("POST /ledger/acts"), CF_SPAN(b->calls, b->len), TIMEOUT_MS);
}
