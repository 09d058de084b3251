/* Members of councils that lie: what an honest core answered, made into something else. */
#ifndef CF_SIM_LIARS_H
#define CF_SIM_LIARS_H

#include "cf_town.h"

void cf_liar_witness(cf_councillor_t *c, cf_effects_t *fx, cf_event_t const *ev);
void cf_liar_observer(cf_councillor_t *c, cf_effects_t *fx);
void cf_liar_verifier(cf_councillor_t *c, cf_effects_t *fx);

#endif
