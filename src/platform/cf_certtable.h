/* The table of certificates that an SNP host hands its guest beside a report (GHCB specification, "SNP Extended Guest Request"):
   entries of 24 bytes (GUID as RFC 4122 writes it, offset and length little-endian), one of zeros behind the last, then what they
   point to.  The host writes it: nothing in it is believed. */
#ifndef CF_PLATFORM_CERTTABLE_H
#define CF_PLATFORM_CERTTABLE_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_CERTTABLE_ENTRIES_MAX 16

/* VEK is VCEK or VLEK, ASK also ASVK. */
typedef enum { CF_CERTTABLE_VEK, CF_CERTTABLE_ASK, CF_CERTTABLE_ARK, CF_CERTTABLE_CRL, CF_CERTTABLE_CNT } cf_certtable_part_t;

/* Spans borrow the table; empty: not there. */
typedef struct {
  cf_span_t part[CF_CERTTABLE_CNT];
} cf_certtable_t;

/* cf_certtable_decode reads a table; an empty one, or one of zeros, has no parts.  Entries of GUIDs that we do not know are
   passed over, and what stands behind the terminator is not looked at, but for what entries point to.  CF_ERR_FORMAT: no
   terminator, an entry that points outside, a part twice (VCEK and VLEK are one part); CF_ERR_BOUND: too many entries. */
CF_MUST_CHECK cf_status_t cf_certtable_decode(cf_certtable_t *out, cf_span_t in, cf_error_t *err);

#endif
