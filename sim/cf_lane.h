/* The side lane of a node (base/cf_effect.h): effects that wait their turn, with bytes of their own. */
#ifndef CF_SIM_LANE_H
#define CF_SIM_LANE_H

#include "base/cf_effect.h"

typedef struct cf_sim_job {
  struct cf_sim_job *next;
  cf_effect_t        effect;
} cf_sim_job_t;

typedef struct {
  cf_sim_job_t *first, *last;
} cf_sim_lane_t;

void cf_lane_push(cf_sim_lane_t *l, cf_effect_t const *e);
/* How many PUTs at the head are joined: each of them may come first.  1 for anything else, 0 for an empty lane. */
size_t cf_lane_group(cf_sim_lane_t const *l);
/* Takes number n of the group out: caller frees. */
cf_sim_job_t *cf_lane_take(cf_sim_lane_t *l, size_t n);
void          cf_lane_drop(cf_sim_lane_t *l);

#endif
