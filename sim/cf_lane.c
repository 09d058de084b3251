#include "cf_lane.h"

#include <assert.h>
#include <stdlib.h>

void cf_lane_push(cf_sim_lane_t *l, cf_effect_t const *e) {
  cf_sim_job_t *j = malloc(sizeof *j + e->name.len + e->body.len);
  assert(j);
  uint8_t *at = (uint8_t *)(j + 1);
  *j = (cf_sim_job_t){.effect = *e};
  if (e->name.len) memcpy(at, e->name.ptr, e->name.len);
  if (e->body.len) memcpy(at + e->name.len, e->body.ptr, e->body.len);
  j->effect.name = CF_SPAN(at, e->name.len);
  j->effect.body = CF_SPAN(at + e->name.len, e->body.len);
  *(l->last ? &l->last->next : &l->first) = j;
  l->last = j;
}

size_t cf_lane_group(cf_sim_lane_t const *l) {
  size_t n = l->first != NULL;
  for (cf_sim_job_t const *j = l->first; n && j->effect.kind == CF_FX_PUT && j->next && j->next->effect.joined; j = j->next) n++;
  return n;
}

cf_sim_job_t *cf_lane_take(cf_sim_lane_t *l, size_t n) {
  cf_sim_job_t *before = NULL, *j = l->first;
  for (; n; n--, j = j->next) before = j;
  if (!before && j->next && j->next->effect.joined) j->next->effect.joined = false; /* it leads the group now */
  *(before ? &before->next : &l->first) = j->next;
  if (l->last == j) l->last = before;
  return j;
}

void cf_lane_drop(cf_sim_lane_t *l) {
  while (l->first) free(cf_lane_take(l, 0));
}
