/* Results of fallible functions.  A code exists because some caller acts
   differently on it; offsets and text go to a cf_error_t (cf_error.h). */
#ifndef CF_BASE_STATUS_H
#define CF_BASE_STATUS_H

#define CF_MUST_CHECK __attribute__((warn_unused_result))

typedef enum {
  CF_OK = 0,
  CF_ERR_FORMAT,      /* not a well-formed instance of the format          */
  CF_ERR_UNSUPPORTED, /* well formed, in a version or suite we don't speak */
  CF_ERR_BOUND,       /* a documented limit would be exceeded              */
  CF_ERR_AUTH,        /* a signature, tag or proof does not verify         */
  CF_ERR_POLICY,      /* authentic, and the policy says no                 */
  CF_ERR_STALE,       /* authentic, outside its validity window            */
  CF_ERR_IO,          /* the outside world failed; a retry may help        */
} cf_status_t;

/* cf_status_name returns the lower-case word for st ("ok", "format", ...): a
   static string. */
char const *cf_status_name(cf_status_t st);

#endif
