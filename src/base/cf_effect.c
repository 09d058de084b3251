#include "base/cf_effect.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

cf_effect_t *
cf_fx(cf_effects_t *fx, cf_effect_kind_t kind) {
  assert(fx->cnt < CF_EFFECTS_MAX);
  cf_effect_t *e = &fx->at[fx->cnt++];
  *e = (cf_effect_t){ .kind = kind };
  return e;
}

uint8_t *
cf_fx_room(cf_effects_t *fx, size_t n) {
  assert(n <= fx->scratch_max - fx->scratch_len);
  uint8_t *at = fx->scratch + fx->scratch_len;
  fx->scratch_len += n;
  return at;
}

cf_span_t
cf_fx_dup(cf_effects_t *fx, cf_span_t s) {
  uint8_t *at = cf_fx_room(fx, s.len);
  if (s.len) memcpy(at, s.ptr, s.len);
  return CF_SPAN(at, s.len);
}

cf_span_t
cf_fx_printf(cf_effects_t *fx, char const *fmt, ...) {
  char   *at   = (char *)fx->scratch + fx->scratch_len;
  size_t  left = fx->scratch_max - fx->scratch_len; /* the NUL needs a place, too, and is not kept */
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(at, left, fmt, ap);
  va_end(ap);
  assert(n >= 0 && (size_t)n < left);
  return CF_SPAN(cf_fx_room(fx, (size_t)n), (size_t)n);
}

static void
named(cf_effects_t *fx, cf_effect_kind_t kind, cf_span_t name, cf_span_t body) {
  cf_effect_t *e = cf_fx(fx, kind);
  e->name = name;
  e->body = body;
}

void cf_fx_put(cf_effects_t *fx, cf_span_t name, cf_span_t body) { named(fx, CF_FX_PUT, name, body); }
void cf_fx_append(cf_effects_t *fx, cf_span_t name, cf_span_t body) { named(fx, CF_FX_APPEND, name, body); }

void
cf_fx_join(cf_effects_t *fx, size_t from) {
  for (size_t i = from + 1; i < fx->cnt; i++) fx->at[i].joined = fx->at[i].kind == CF_FX_PUT;
}

void
cf_fx_get(cf_effects_t *fx, uint64_t id, cf_span_t name) {
  cf_effect_t *e = cf_fx(fx, CF_FX_GET);
  e->id   = id;
  e->name = name;
}

void
cf_fx_ask(cf_effects_t *fx, uint64_t id, unsigned peer, cf_span_t name, cf_span_t body, unsigned timeout_ms) {
  cf_effect_t *e = cf_fx(fx, CF_FX_ASK);
  e->id         = id;
  e->peer       = peer;
  e->name       = name;
  e->body       = body;
  e->timeout_ms = timeout_ms;
}

void
cf_fx_reply(cf_effects_t *fx, uint64_t id, unsigned code, char const *type, cf_span_t body) {
  cf_effect_t *e = cf_fx(fx, CF_FX_REPLY);
  e->id   = id;
  e->code = code;
  e->type = type;
  e->body = body;
}
