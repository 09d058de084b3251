/* Trust policies (C2SP tlog-policy): which logs, which witnesses, and the rule by which cosignatures are enough.  Pure, thread-safe; nothing
   allocates; spans borrow the text. */
#ifndef CF_TRANSLOG_TLOG_POLICY_H
#define CF_TRANSLOG_TLOG_POLICY_H

#include "translog/cf_note.h"

#define CF_TLOG_POLICY_MAX           65536u /* bytes of text */
#define CF_TLOG_POLICY_LOGS_MAX      32
#define CF_TLOG_POLICY_WITNESSES_MAX 32
#define CF_TLOG_POLICY_GROUPS_MAX    32
#define CF_TLOG_POLICY_NAME_MAX      127  /* of a witness or group; opaque bytes */
#define CF_TLOG_POLICY_URL_MAX       1024
#define CF_TLOG_POLICY_NONE          64u  /* the quorum that needs nobody */

/* Whoever signs is a node: witness i is number i, group i number CF_TLOG_POLICY_WITNESSES_MAX + i. */
typedef struct {
  size_t log_cnt, witness_cnt, group_cnt;
  struct {
    cf_vkey_t key;
    cf_span_t url; /* empty: none is given */
  } log[CF_TLOG_POLICY_LOGS_MAX];
  struct {
    cf_span_t name;
    cf_vkey_t key;
    cf_span_t url;
  } witness[CF_TLOG_POLICY_WITNESSES_MAX];
  struct {
    cf_span_t name;
    unsigned  k;       /* of the members must have signed */
    uint64_t  members; /* bits by node, all of them defined before the group */
  } group[CF_TLOG_POLICY_GROUPS_MAX];
  unsigned quorum; /* a node, or CF_TLOG_POLICY_NONE */
} cf_tlog_policy_t;

/* cf_tlog_policy_parse reads a policy strictly: what is not in the specification is refused, and so is a name that is a member twice.  err says line and
   why, its offset is the line's.  CF_ERR_FORMAT; CF_ERR_BOUND: one of the above; CF_ERR_UNSUPPORTED: a key that is not Ed25519. */
CF_MUST_CHECK cf_status_t cf_tlog_policy_parse(cf_tlog_policy_t *out, cf_span_t text, cf_error_t *err);

/* cf_tlog_policy_met: are these witnesses (bits) enough? */
bool cf_tlog_policy_met(cf_tlog_policy_t const *p, uint32_t signers);
/* cf_tlog_policy_short writes for people, when they are not, which witness or which groups are short, and of whom; cut to fit, NUL-terminated.  Returns out. */
char *cf_tlog_policy_short(char *out, size_t out_max, cf_tlog_policy_t const *p, uint32_t signers);

/* cf_tlog_policy_log is the first of the policy's logs that a line of the note bears name and id of; NULL: none does. */
cf_vkey_t const *cf_tlog_policy_log(cf_tlog_policy_t const *p, cf_note_t const *note);

/* cf_tlog_policy_verify takes from a checkpoint's note, whose log signature the caller has judged, which witnesses cosigned it.
   CF_ERR_AUTH: one that the policy names signed badly; CF_ERR_POLICY: too few, err says which; CF_ERR_BOUND: text over CF_CHECKPOINT_TEXT_MAX. */
CF_MUST_CHECK cf_status_t cf_tlog_policy_verify(uint32_t *signers, cf_tlog_policy_t const *p, cf_note_t const *note, cf_error_t *err);

#endif
