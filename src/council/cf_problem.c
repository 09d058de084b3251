#include "council/cf_problem.h"

#include <assert.h>
#include <stdio.h>

#include "codec/cf_json.h"

void cf_problem(cf_effects_t *fx, uint64_t request, unsigned code, char const *class, char const *title, char const *detail,
                char const *item) {
  char    buf[1024], type[96];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t j = cf_jw_init(&wr);
  snprintf(type, sizeof type, "urn:counterfoil:%s", class);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "type", type);
  cf_jw_str(&j, "title", title);
  cf_jw_u64(&j, "status", code);
  if (detail) cf_jw_str(&j, "detail", detail);
  if (item) cf_jw_str(&j, "item", item);
  cf_jw_end(&j, '}');
  assert(!wr.bad);
  cf_fx_reply(fx, request, code, "application/problem+json", cf_fx_dup(fx, cf_wr_out(&wr)));
  if (code == 503) fx->at[fx->cnt - 1].retry_after_s = 1;
}
