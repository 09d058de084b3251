/* The end of a file that is written ahead with zeros and appended to, one record at a time (decision 8). */
#ifndef CF_BASE_TORN_H
#define CF_BASE_TORN_H

#include "base/cf_bytes.h"

#define CF_TORN_SECTOR 512

/* cf_torn_ended says of a file in which no whole record stands at `at` whether a crash can have left it so: nothing follows, or zeros, or one
   append that was cut short, of which any sectors may be missing: nothing that stood on it ever happened.  False means that the file was
   damaged.  A record begins with u32, 1..max: the size of what follows behind head bytes more.  file is whole, from its first byte. */
bool cf_torn_ended(cf_span_t file, size_t at, size_t head, size_t max);

#endif
