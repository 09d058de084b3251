/* What ends when: each dated thing that a judgement rests on, noted as it is met. */
#ifndef CF_EVIDENCE_DATES_H
#define CF_EVIDENCE_DATES_H

#include <stddef.h>
#include <stdint.h>

#define CF_DATES_MAX 64

typedef struct {
  char    item[32];     /* as verdicts name it */
  int64_t from_s, to_s; /* both included */
} cf_date_t;

typedef struct {
  cf_date_t at[CF_DATES_MAX];
  size_t    cnt;
} cf_dates_t;

/* cf_dates_add notes an item once; of one that comes again with other dates both are kept.  dates may be NULL: nobody asks.  What
   does not fit is left out; CF_DATES_MAX is more than a judgement can meet. */
void cf_dates_add(cf_dates_t *dates, char const *item, int64_t from_s, int64_t to_s);

/* cf_dates_sort puts what ends first first, and of equals what was met first. */
void cf_dates_sort(cf_dates_t *dates);

#endif
