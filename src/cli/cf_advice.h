/* What a class says to whoever it is told, in words: what was found, and what to do next. */
#ifndef CF_CLI_ADVICE_H
#define CF_CLI_ADVICE_H

#include <stdint.h>

#include "document/cf_boundary.h"

typedef struct {
  char const *found, *next; /* static; NULL: it is no refusal */
} cf_advice_t;

/* cf_advice_refused is about an envelope that was refused at once, with a public class. */
cf_advice_t cf_advice_refused(cf_refuse_t class);

/* cf_advice_result is about an input that was decided on: cf_result_class_t, told in the sealed result alone. */
cf_advice_t cf_advice_result(uint64_t class);

#endif
