/* Signed notes, keys, checkpoints and cosignatures (C2SP signed-note,
   tlog-checkpoint, tlog-cosignature; FORMATS-LOG sections 2 to 4), and what a
   set of witnesses makes of them.  Pure, thread-safe; nothing allocates; spans borrow their input. */
#ifndef CF_TRANSLOG_NOTE_H
#define CF_TRANSLOG_NOTE_H

#include "base/cf_error.h"
#include "crypto/cf_sign.h"
#include "translog/cf_tree.h"

#define CF_NOTE_MAX            65536
#define CF_NOTE_SIGS_MAX       64
#define CF_NOTE_NAME_MAX       127
#define CF_VKEY_TEXT_MAX       (CF_NOTE_NAME_MAX + 1 + 8 + 1 + 44)
#define CF_CHECKPOINT_TEXT_MAX 1024 /* of a note that we sign, cosign or rely on */
#define CF_WITNESSES_MAX       16

/* ---- notes ---- */

/* One signature line as it stands; b64 is that of u32 key id || signature. */
typedef struct {
  cf_span_t name;
  uint32_t  id;
  cf_span_t b64;
} cf_note_sig_t;

typedef struct {
  cf_span_t     text; /* signed bytes, last LF included */
  size_t        sig_cnt;
  cf_note_sig_t sig[CF_NOTE_SIGS_MAX];
} cf_note_t;

/* cf_note_parse checks the form: UTF-8, no control characters but LF, text, empty line, at least one signature
   line of strict base64.  It verifies nothing.  CF_ERR_FORMAT; CF_ERR_BOUND (CF_NOTE_MAX, CF_NOTE_SIGS_MAX). */
CF_MUST_CHECK cf_status_t cf_note_parse(cf_note_t *out, cf_span_t in, cf_error_t *err);
/* cf_note_lines_parse reads signature lines alone (a witness's answer); out->text becomes empty. */
CF_MUST_CHECK cf_status_t cf_note_lines_parse(cf_note_t *out, cf_span_t in, cf_error_t *err);
/* cf_note_sig_bytes decodes the signature behind the key id; CF_ERR_FORMAT unless it has exactly n <= 96 bytes. */
CF_MUST_CHECK cf_status_t cf_note_sig_bytes(uint8_t *out, size_t n, cf_note_sig_t const *sig);

/* ---- keys ---- */

typedef enum {
  CF_VKEY_LOG     = 0x01, /* Ed25519 over the note's text */
  CF_VKEY_WITNESS = 0x04, /* Ed25519 cosignature/v1       */
} cf_vkey_type_t;

typedef struct {
  char             name[CF_NOTE_NAME_MAX + 1]; /* NUL-terminated */
  uint32_t         id;
  cf_vkey_type_t   type;
  cf_ed25519_pub_t pub;
} cf_vkey_t;

static inline cf_span_t cf_vkey_name(cf_vkey_t const *k) { return CF_SPAN(k->name, strlen(k->name)); }
/* cf_vkey_make computes the id.  CF_ERR_FORMAT: a name that is empty, is not UTF-8, has '+', a space or a control character.
   CF_ERR_BOUND: over CF_NOTE_NAME_MAX. */
CF_MUST_CHECK cf_status_t cf_vkey_make(cf_vkey_t *out, cf_span_t name, cf_vkey_type_t type, cf_ed25519_pub_t const *pub);
/* vkey text: name+hex(id)+base64(type || key), one text per key.  CF_ERR_FORMAT, CF_ERR_BOUND, CF_ERR_UNSUPPORTED
   (another type). */
CF_MUST_CHECK cf_status_t cf_vkey_parse(cf_vkey_t *out, cf_span_t text);
void                      cf_vkey_format(cf_wr_t *wr, cf_vkey_t const *key);
static inline bool
cf_vkey_signed(cf_vkey_t const *k, cf_note_sig_t const *sig) {
  return sig->id == k->id && cf_span_eq(sig->name, cf_vkey_name(k));
}

/* cf_note_line writes key's signature line; sig has at most 96 bytes. */
void cf_note_line(cf_wr_t *wr, cf_vkey_t const *key, cf_span_t sig);

/* ---- checkpoints ---- */

typedef struct {
  cf_span_t origin;
  uint64_t  size;
  cf_hash_t root;
  cf_span_t extension; /* further lines of foreign logs; ours have none */
} cf_checkpoint_t;

/* cf_checkpoint_parse reads a note's text.  CF_ERR_FORMAT; CF_ERR_BOUND: size over CF_TREE_SIZE_MAX or text over
   CF_CHECKPOINT_TEXT_MAX. */
CF_MUST_CHECK cf_status_t cf_checkpoint_parse(cf_checkpoint_t *out, cf_span_t text, cf_error_t *err);
void                      cf_checkpoint_format(cf_wr_t *wr, cf_span_t origin, uint64_t size, cf_hash_t const *root);
/* cf_checkpoint_sign writes the note of a checkpoint signed by its log: seed is the Ed25519 seed of log->pub. */
void cf_checkpoint_sign(cf_wr_t *wr, cf_vkey_t const *log, uint8_t const seed[32], uint64_t size, cf_hash_t const *root);
/* cf_checkpoint_open demands exactly one signature by the log, and that it verifies; others are not looked at.
   CF_ERR_AUTH: none, two, or a bad one; CF_ERR_POLICY: another origin.  note, if not NULL, receives the note, sig
   the log's signature. */
CF_MUST_CHECK cf_status_t cf_checkpoint_open(cf_checkpoint_t *out, cf_note_t *note, uint8_t sig[64], cf_span_t in,
                                             cf_vkey_t const *log, cf_error_t *err);

/* ---- cosignatures ---- */

typedef struct {
  bool     have;
  uint64_t time_s;
  uint8_t  sig[64];
} cf_cosig_t;

/* Over "cosignature/v1\ntime <time_s>\n" || text, with the witness's Ed25519 seed.  text <= CF_CHECKPOINT_TEXT_MAX (asserted when
   making; CF_ERR_BOUND when checking), time_s <= 2^63-1.  CF_ERR_AUTH: does not verify. */
void                      cf_cosig_make(cf_cosig_t *out, uint8_t const seed[32], uint64_t time_s, cf_span_t text);
CF_MUST_CHECK cf_status_t cf_cosig_verify(cf_cosig_t const *c, cf_ed25519_pub_t const *pub, cf_span_t text);
/* cf_cosig_read takes a cosignature from a line that the witness's key is named on, and verifies it.
   CF_ERR_FORMAT, CF_ERR_AUTH, CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_cosig_read(cf_cosig_t *out, cf_note_sig_t const *line, cf_vkey_t const *witness, cf_span_t text);
void                      cf_cosig_line(cf_wr_t *wr, cf_vkey_t const *witness, cf_cosig_t const *c);

/* ---- witness sets ---- */

/* Whose word on a log counts: k of cnt members, of whom f may lie (PROTOCOL P2). */
typedef struct {
  cf_vkey_t log; /* its name is the origin */
  size_t    cnt;
  cf_vkey_t member[CF_WITNESSES_MAX];
  unsigned  k;
  unsigned  f;
} cf_witness_set_t;

/* cf_witness_set_check demands k >= 1, 2k >= n+f+1, k >= 2f+1, types as they belong, and that no name and no key occurs
   twice (one Ed25519 key serves one witness).  CF_ERR_POLICY. */
CF_MUST_CHECK cf_status_t cf_witness_set_check(cf_witness_set_t const *set, cf_error_t *err);

/* cf_witness_set_policy writes the set as other clients take it (C2SP tlog-policy): the log, the witnesses as w1, w2, ..., and the group
   of which k must have signed.  wr needs CF_WITNESS_POLICY_MAX. */
#define CF_WITNESS_POLICY_MAX (256 + (1 + CF_WITNESSES_MAX) * (CF_VKEY_TEXT_MAX + 24))
void cf_witness_set_policy(cf_wr_t *wr, cf_witness_set_t const *set);

/* cf_cosigned_t is made only by cf_checkpoint_verify: a head that the set stands behind. */
typedef struct {
  uint64_t  size;
  cf_hash_t root;
  uint64_t  time_s; /* (f+1)-th smallest of the valid cosignature times */
  unsigned  count;  /* of valid cosignatures, >= k */
} cf_cosigned_t;

/* cf_checkpoint_verify checks a note against a set.  Unknown keys are skipped; a known key that signs twice or
   badly makes the whole note invalid.  CF_ERR_FORMAT, CF_ERR_BOUND; CF_ERR_UNSUPPORTED: extension lines;
   CF_ERR_AUTH; CF_ERR_POLICY: another origin, too few cosignatures, or a set that cf_witness_set_check refuses.
   Does not say that the time is recent. */
CF_MUST_CHECK cf_status_t cf_checkpoint_verify(cf_cosigned_t *out, cf_span_t note, cf_witness_set_t const *set, cf_error_t *err);

/* The canonical note: text, empty line, the log's line, then the lines of the witnesses that signed, in member order.
   cf_checkpoint_canonical verifies note and writes its canonical form; a note is canonical when the two are equal bytes. */
#define CF_CHECKPOINT_NOTE_MAX (CF_CHECKPOINT_TEXT_MAX + 1 + (1 + CF_WITNESSES_MAX) * (4 + CF_NOTE_NAME_MAX + 1 + 104 + 1))
CF_MUST_CHECK cf_status_t cf_checkpoint_canonical(cf_wr_t *wr, cf_cosigned_t *out, cf_span_t note, cf_witness_set_t const *set,
                                                  cf_error_t *err);
/* CF_ERR_FORMAT: valid, not canonical. */
CF_MUST_CHECK cf_status_t cf_checkpoint_verify_canonical(cf_cosigned_t *out, cf_span_t note, cf_witness_set_t const *set,
                                                         cf_error_t *err);
/* cf_checkpoint_gather opens a note as cf_checkpoint_open does and takes from it what members of the set signed, whoever else did and
   however few: cosig[i] is member i's first line that verifies. */
CF_MUST_CHECK cf_status_t cf_checkpoint_gather(cf_checkpoint_t *out, cf_span_t *text, uint8_t sig[64], cf_cosig_t cosig[CF_WITNESSES_MAX],
                                               cf_span_t note, cf_witness_set_t const *set, cf_error_t *err);
/* cf_checkpoint_compose writes that form from its parts; sig is the log's, cosig[i] member i's. */
void cf_checkpoint_compose(cf_wr_t *wr, cf_span_t text, cf_witness_set_t const *set, uint8_t const sig[64],
                           cf_cosig_t const *cosig);

#endif
