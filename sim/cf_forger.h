/* Answers and views that are not what was asked for. */
#ifndef CF_SIM_FORGER_H
#define CF_SIM_FORGER_H

#include "cf_town.h"

/* cf_forger_answer is what arrives of an answer, for cf_world_t. */
cf_span_t cf_forger_answer(void *town, unsigned from, unsigned to, char const *path, unsigned code, cf_span_t body);
/* cf_forger_fork leaves one honest witness behind on a fork of the log; once, and not where another may lie. */
void      cf_forger_fork(cf_town_t *t);
void      cf_forger_view(cf_town_t *t, cf_machine_t *m);
void      cf_forger_fini(cf_forger_t *f);

#endif
