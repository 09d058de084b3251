#include "evidence/cf_dates.h"

#include <stdio.h>
#include <string.h>

void cf_dates_add(cf_dates_t *dates, char const *item, int64_t from_s, int64_t to_s) {
  if (!dates || dates->cnt == CF_DATES_MAX) return;
  cf_date_t *d = &dates->at[dates->cnt];
  snprintf(d->item, sizeof d->item, "%s", item);
  d->from_s = from_s;
  d->to_s = to_s;
  for (size_t i = 0; i < dates->cnt; i++)
    if (!strcmp(dates->at[i].item, d->item) && dates->at[i].from_s == from_s && dates->at[i].to_s == to_s) return;
  dates->cnt++;
}

void cf_dates_sort(cf_dates_t *dates) {
  for (size_t i = 1; i < dates->cnt; i++) {
    cf_date_t const d = dates->at[i];
    size_t          at = i;
    for (; at > 0 && dates->at[at - 1].to_s > d.to_s; at--) dates->at[at] = dates->at[at - 1];
    dates->at[at] = d;
  }
}
