/* Values that telemetry may carry.  Metrics, log lines and traces take these
   types and no others, so that a plaintext, a balance or a key given to them is
   a compile error (tests/check_public_types.sh tries).  Each constructor is
   the place, and the word to search for, where a value is declared public. */
#ifndef CF_OBSERVE_PUBLIC_H
#define CF_OBSERVE_PUBLIC_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

/* The fields have one long name so that nobody fills them in by hand: a check
   of the tree finds it outside observe/. */
typedef struct {
  uint64_t made_by_cf_public;
} cf_public_u64_t; /* a count, size, height, index, code or duration */

typedef struct {
  uint8_t made_by_cf_public[32];
} cf_public_id_t; /* the hash that names a public thing: envelope, receipt, checkpoint, block, ... */

typedef struct {
  char const *made_by_cf_public;
} cf_public_text_t; /* static text of ours, never built at run time */

static inline cf_public_u64_t
cf_public_u64(uint64_t v) {
  return (cf_public_u64_t){ v };
}

static inline cf_public_id_t
cf_public_id(cf_hash_t const *id) {
  cf_public_id_t pub;
  memcpy(pub.made_by_cf_public, id->b, sizeof pub.made_by_cf_public);
  return pub;
}

/* CF_PUBLIC_TEXT takes a string literal; anything else does not compile. */
#define CF_PUBLIC_TEXT(literal) ((cf_public_text_t){ "" literal "" })

static inline cf_public_text_t
cf_public_status(cf_status_t st) {
  return (cf_public_text_t){ cf_status_name(st) };
}

/* What became of an envelope, as its sender is told at once: accepted into a
   batch, or a header-level class of refusal.  Numbered as the enclave answers
   (cf_refuse_t); the last two are the gateway's own. */
typedef enum {
  CF_INPUT_ACCEPTED,
  CF_INPUT_MALFORMED,
  CF_INPUT_TOO_LARGE,
  CF_INPUT_DOMAIN,
  CF_INPUT_EPOCH,
  CF_INPUT_SUITE,
  CF_INPUT_JURISDICTION,
  CF_INPUT_SESSION_UNKNOWN,
  CF_INPUT_REPLAYED,
  CF_INPUT_UNAUTHENTIC,
  CF_INPUT_POLICY_CHANGED,
  CF_INPUT_BUSY,
  CF_INPUT_PROMISED,    /* the enclave could not answer at once */
  CF_INPUT_UNAVAILABLE, /* 503: the mode takes no input         */
  CF_INPUT_CLASSES,
} cf_input_class_t;

/* cf_public_input_class, cf_public_mode and cf_public_settlement give the word
   for a class, for a mode (row of the table of modes, normal = 0) and for a
   settlement's state (authorised = 0).  Asserts that there is such a row. */
cf_public_text_t cf_public_input_class(cf_input_class_t c);
#define CF_PUBLIC_MODES 9
cf_public_text_t cf_public_mode(unsigned mode);
#define CF_PUBLIC_SETTLEMENTS 5
cf_public_text_t cf_public_settlement(unsigned state);

#endif
