#include "translog/cf_note.h"

#include <assert.h>

#include "base/cf_text.h"
#include "translog/cf_line.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space */

/* ---- notes ---- */

static uint32_t
be32(uint8_t const b[4]) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool
is_space(uint32_t cp) { /* Unicode White_Space */
  return (cp >= 0x09 && cp <= 0x0d) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
         cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

static bool
name_valid(cf_span_t name) {
  if (name.len == 0 || !cf_utf8_valid(name)) return false;
  for (size_t i = 0; i < name.len;) {
    uint8_t  b  = name.ptr[i];
    size_t   n  = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    uint32_t cp = n == 1 ? b : b & (0x7fu >> n);
    for (size_t j = 1; j < n; j++) cp = cp << 6 | (name.ptr[i + j] & 0x3fu);
    if (cp < 0x20 || cp == '+' || is_space(cp)) return false;
    i += n;
  }
  return true;
}

static cf_status_t
sig_lines(cf_note_t *note, cf_rd_t *rd, cf_error_t *err) {
  while (cf_rd_left(rd)) {
    size_t    start = rd->pos;
    cf_span_t line  = cf_rd_line(rd);
    if (rd->bad || !cf_after(&line, CF_SPAN_LIT(DASH)))
      return cf_error_set(err, CF_ERR_FORMAT, "note", start, "not a signature line");
    if (note->sig_cnt == CF_NOTE_SIGS_MAX)
      return cf_error_set(err, CF_ERR_BOUND, "note", start, "more than %d signatures", CF_NOTE_SIGS_MAX);
    cf_note_sig_t  *sig   = &note->sig[note->sig_cnt];
    uint8_t const *space = line.len ? memchr(line.ptr, ' ', line.len) : NULL;
    if (!space) return cf_error_set(err, CF_ERR_FORMAT, "note", start, "signature line without a name");
    sig->name = CF_SPAN(line.ptr, (size_t)(space - line.ptr));
    sig->b64  = CF_SPAN(space + 1, line.len - sig->name.len - 1);
    uint8_t id[4];
    size_t  sz = 0;
    if (!name_valid(sig->name) || !cf_b64_valid(&sz, id, sig->b64) || sz <= sizeof id)
      return cf_error_set(err, CF_ERR_FORMAT, "note", start, "malformed name or base64 in a signature line");
    sig->id = be32(id);
    note->sig_cnt++;
  }
  return note->sig_cnt ? CF_OK : cf_error_set(err, CF_ERR_FORMAT, "note", rd->pos, "no signature");
}

cf_status_t
cf_note_lines_parse(cf_note_t *out, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_NOTE_MAX) return cf_error_set(err, CF_ERR_BOUND, "note", 0, "%zu bytes", in.len);
  cf_rd_t rd = cf_rd_span(in);
  out->text = CF_SPAN(NULL, 0), out->sig_cnt = 0;
  return sig_lines(out, &rd, err);
}

cf_status_t
cf_note_parse(cf_note_t *out, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_NOTE_MAX) return cf_error_set(err, CF_ERR_BOUND, "note", 0, "%zu bytes", in.len);
  if (!cf_utf8_valid(in)) return cf_error_set(err, CF_ERR_FORMAT, "note", 0, "not UTF-8");
  size_t border = 0; /* behind the last LF LF */
  for (size_t i = 0; i < in.len; i++) {
    if (in.ptr[i] < 0x20 && in.ptr[i] != '\n') return cf_error_set(err, CF_ERR_FORMAT, "note", i, "control character");
    if (i && in.ptr[i] == '\n' && in.ptr[i - 1] == '\n') border = i + 1;
  }
  if (border == 0) return cf_error_set(err, CF_ERR_FORMAT, "note", 0, "no empty line between text and signatures");
  cf_rd_t rd = cf_rd_span(in);
  out->text = cf_rd_take_span(&rd, border - 1), out->sig_cnt = 0;
  cf_rd_take(&rd, 1);
  return sig_lines(out, &rd, err);
}

cf_status_t
cf_note_sig_bytes(uint8_t *out, size_t n, cf_note_sig_t const *sig) {
  uint8_t buf[4 + 96];
  assert(n <= 96);
  if (!cf_b64_exact(buf, 4 + n, sig->b64)) return CF_ERR_FORMAT;
  memcpy(out, buf + 4, n);
  return CF_OK;
}

void
cf_note_line(cf_wr_t *wr, cf_vkey_t const *key, cf_span_t sig) {
  uint8_t buf[4 + 96];
  cf_wr_t b = cf_wr_init(buf, sizeof buf);
  cf_wr_u32(&b, key->id);
  cf_wr_span(&b, sig);
  cf_wr_str(wr, DASH);
  cf_wr_str(wr, key->name);
  cf_wr_str(wr, " ");
  cf_wr_b64_line(wr, cf_wr_out(&b));
}

/* ---- keys ---- */

cf_status_t
cf_vkey_make(cf_vkey_t *out, cf_span_t name, cf_vkey_type_t type, cf_ed25519_pub_t const *pub) {
  if (name.len > CF_NOTE_NAME_MAX) return CF_ERR_BOUND;
  if (!name_valid(name)) return CF_ERR_FORMAT;
  cf_vkey_t k = { .type = type, .pub = *pub };
  memcpy(k.name, name.ptr, name.len);
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_s(&ctx, name);
  cf_sha256_u(&ctx, '\n', 1);
  cf_sha256_u(&ctx, type, 1);
  cf_sha256_s(&ctx, CF_SPAN_OF(pub->b));
  cf_hash_t h = cf_sha256_end(&ctx);
  k.id = be32(h.b);
  *out = k;
  return CF_OK;
}

/* The key's bytes alone decide; that the text is this key's one text (id included) is checked by writing it again. */
cf_status_t
cf_vkey_parse(cf_vkey_t *out, cf_span_t text) {
  if (text.len > CF_VKEY_TEXT_MAX) return CF_ERR_BOUND;
  uint8_t const *plus = text.len ? memchr(text.ptr, '+', text.len) : NULL;
  if (!plus) return CF_ERR_FORMAT;
  cf_span_t name = CF_SPAN(text.ptr, (size_t)(plus - text.ptr));
  cf_span_t rest = CF_SPAN(plus + 1, text.len - name.len - 1);
  if (rest.len < 9 || rest.ptr[8] != '+') return CF_ERR_FORMAT;
  uint8_t key[33];
  size_t  n = 0;
  if (cf_b64_decode(key, &n, sizeof key, CF_SPAN(rest.ptr + 9, rest.len - 9)) || n == 0) return CF_ERR_FORMAT;
  if (key[0] != CF_VKEY_LOG && key[0] != CF_VKEY_WITNESS) return CF_ERR_UNSUPPORTED;
  if (n != sizeof key) return CF_ERR_FORMAT;
  cf_ed25519_pub_t pub;
  cf_vkey_t        k;
  memcpy(pub.b, key + 1, sizeof pub.b);
  cf_status_t st = cf_vkey_make(&k, name, (cf_vkey_type_t)key[0], &pub);
  if (st) return st;
  char    again[CF_VKEY_TEXT_MAX + 1];
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_vkey_format(&wr, &k);
  if (!cf_span_eq(cf_wr_out(&wr), text)) return CF_ERR_FORMAT;
  *out = k;
  return CF_OK;
}

void
cf_vkey_format(cf_wr_t *wr, cf_vkey_t const *key) {
  uint8_t id[4] = { (uint8_t)(key->id >> 24), (uint8_t)(key->id >> 16), (uint8_t)(key->id >> 8), (uint8_t)key->id };
  uint8_t typed[33] = { (uint8_t)key->type };
  char    text[45];
  memcpy(typed + 1, key->pub.b, sizeof key->pub.b);
  cf_wr_str(wr, key->name);
  cf_wr_str(wr, "+");
  cf_wr_str(wr, cf_hex_encode(text, CF_SPAN_OF(id)));
  cf_wr_str(wr, "+");
  cf_wr_bytes(wr, text, cf_b64_encode(text, CF_SPAN_OF(typed)));
}

/* ---- checkpoints ---- */

cf_status_t
cf_checkpoint_parse(cf_checkpoint_t *out, cf_span_t text, cf_error_t *err) {
  if (text.len > CF_CHECKPOINT_TEXT_MAX) return cf_error_set(err, CF_ERR_BOUND, "checkpoint", 0, "text of %zu bytes", text.len);
  cf_checkpoint_t c  = { .origin = CF_SPAN(NULL, 0) };
  cf_rd_t         rd = cf_rd_span(text);
  c.origin           = cf_rd_line(&rd);
  if (!name_valid(c.origin)) return cf_error_set(err, CF_ERR_FORMAT, "checkpoint", 0, "origin is not a key name");
  size_t      at = rd.pos;
  cf_status_t st = cf_dec_u64(&c.size, cf_rd_line(&rd));
  if (!st && c.size > CF_TREE_SIZE_MAX) st = CF_ERR_BOUND;
  if (st) return cf_error_set(err, st, "checkpoint", at, "size");
  at = rd.pos;
  if (!cf_b64_exact(c.root.b, sizeof c.root.b, cf_rd_line(&rd)))
    return cf_error_set(err, CF_ERR_FORMAT, "checkpoint", at, "root");
  c.extension = CF_SPAN(text.ptr + rd.pos, cf_rd_left(&rd));
  while (cf_rd_left(&rd))
    if (cf_rd_line(&rd).len == 0)
      return cf_error_set(err, CF_ERR_FORMAT, "checkpoint", rd.pos, "empty or unended extension line");
  *out = c;
  return CF_OK;
}

void
cf_checkpoint_format(cf_wr_t *wr, cf_span_t origin, uint64_t size, cf_hash_t const *root) {
  cf_wr_span(wr, origin);
  cf_wr_str(wr, "\n");
  cf_wr_dec(wr, size);
  cf_wr_str(wr, "\n");
  cf_wr_b64_line(wr, CF_SPAN_OF(root->b));
}

void
cf_checkpoint_sign(cf_wr_t *wr, cf_vkey_t const *log, uint8_t const seed[32], uint64_t size, cf_hash_t const *root) {
  uint8_t text[CF_NOTE_NAME_MAX + 128], sig[64];
  cf_wr_t t = cf_wr_init(text, sizeof text);
  cf_checkpoint_format(&t, cf_vkey_name(log), size, root);
  cf_ed25519_sign(sig, seed, cf_wr_out(&t));
  cf_wr_span(wr, cf_wr_out(&t));
  cf_wr_str(wr, "\n");
  cf_note_line(wr, log, CF_SPAN_OF(sig));
}

/* The log's one signature among the note's lines, verified. */
static cf_status_t
log_sig(uint8_t sig[64], cf_note_t const *note, cf_vkey_t const *log, cf_error_t *err) {
  bool have = false;
  for (size_t i = 0; i < note->sig_cnt; i++) {
    if (!cf_vkey_signed(log, &note->sig[i])) continue;
    if (have) return cf_error_set(err, CF_ERR_AUTH, "checkpoint", 0, "two signatures by the log");
    if (cf_note_sig_bytes(sig, 64, &note->sig[i]) || cf_ed25519_verify(&log->pub, sig, note->text))
      return cf_error_set(err, CF_ERR_AUTH, "checkpoint", 0, "the log's signature does not verify");
    have = true;
  }
  return have ? CF_OK : cf_error_set(err, CF_ERR_AUTH, "checkpoint", 0, "no signature by the log %s", log->name);
}

cf_status_t
cf_checkpoint_open(cf_checkpoint_t *out, cf_note_t *note, uint8_t sig[64], cf_span_t in, cf_vkey_t const *log, cf_error_t *err) {
  cf_note_t       own_note;
  uint8_t         own_sig[64];
  cf_checkpoint_t c;
  if (!note) note = &own_note;
  if (!sig) sig = own_sig;
  cf_status_t st = cf_note_parse(note, in, err);
  if (!st) st = cf_checkpoint_parse(&c, note->text, err);
  if (st) return st;
  if (!cf_span_eq(c.origin, cf_vkey_name(log)))
    return cf_error_set(err, CF_ERR_POLICY, "checkpoint", 0, "not of the log %s", log->name);
  st = log_sig(sig, note, log, err);
  if (!st) *out = c;
  return st;
}

/* ---- cosignatures ---- */

#define COSIGNED_MAX (CF_CHECKPOINT_TEXT_MAX + 64)

static cf_span_t
cosigned_bytes(uint8_t buf[COSIGNED_MAX], uint64_t time_s, cf_span_t text) {
  cf_wr_t wr = cf_wr_init(buf, COSIGNED_MAX);
  cf_wr_str(&wr, "cosignature/v1\ntime ");
  cf_wr_dec(&wr, time_s);
  cf_wr_str(&wr, "\n");
  cf_wr_span(&wr, text);
  return cf_wr_out(&wr);
}

void
cf_cosig_make(cf_cosig_t *out, uint8_t const seed[32], uint64_t time_s, cf_span_t text) {
  uint8_t buf[COSIGNED_MAX];
  assert(text.len <= CF_CHECKPOINT_TEXT_MAX && time_s <= INT64_MAX);
  out->have   = true;
  out->time_s = time_s;
  cf_ed25519_sign(out->sig, seed, cosigned_bytes(buf, time_s, text));
}

cf_status_t
cf_cosig_verify(cf_cosig_t const *c, cf_ed25519_pub_t const *pub, cf_span_t text) {
  uint8_t buf[COSIGNED_MAX];
  if (text.len > CF_CHECKPOINT_TEXT_MAX || c->time_s > INT64_MAX) return CF_ERR_BOUND;
  return cf_ed25519_verify(pub, c->sig, cosigned_bytes(buf, c->time_s, text));
}

cf_status_t
cf_cosig_read(cf_cosig_t *out, cf_note_sig_t const *line, cf_vkey_t const *witness, cf_span_t text) {
  uint8_t buf[8 + 64];
  if (cf_note_sig_bytes(buf, sizeof buf, line)) return CF_ERR_FORMAT;
  cf_rd_t    rd = cf_rd_init(buf, sizeof buf);
  cf_cosig_t c  = { .have = true, .time_s = cf_rd_u64(&rd) };
  cf_rd_copy(&rd, c.sig, sizeof c.sig);
  cf_status_t st = cf_cosig_verify(&c, &witness->pub, text);
  if (!st) *out = c;
  return st;
}

void
cf_cosig_line(cf_wr_t *wr, cf_vkey_t const *witness, cf_cosig_t const *c) {
  uint8_t buf[8 + 64];
  cf_wr_t b = cf_wr_init(buf, sizeof buf);
  cf_wr_u64(&b, c->time_s);
  cf_wr_bytes(&b, c->sig, sizeof c->sig);
  cf_note_line(wr, witness, CF_SPAN_OF(buf));
}

/* ---- witness sets ---- */

cf_status_t
cf_witness_set_check(cf_witness_set_t const *set, cf_error_t *err) {
  size_t n = set->cnt;
  if (n > CF_WITNESSES_MAX || set->k > n) return cf_error_set(err, CF_ERR_POLICY, "witnesses", 0, "%u of %zu", set->k, n);
  if (set->k == 0 || set->f > n || 2 * (size_t)set->k < n + set->f + 1 || set->k < 2 * set->f + 1)
    return cf_error_set(err, CF_ERR_POLICY, "witnesses", 0, "%u of %zu cannot withstand %u faults", set->k, n, set->f);
  if (set->log.type != CF_VKEY_LOG) return cf_error_set(err, CF_ERR_POLICY, "witnesses", 0, "the log's key is of another type");
  for (size_t i = 0; i < n; i++) {
    cf_vkey_t const *a = &set->member[i];
    if (a->type != CF_VKEY_WITNESS) return cf_error_set(err, CF_ERR_POLICY, "witnesses", 0, "%s: not a cosignature key", a->name);
    for (size_t j = 0; j <= i; j++) {
      cf_vkey_t const *b = j == i ? &set->log : &set->member[j];
      if (strcmp(a->name, b->name) == 0 || memcmp(a->pub.b, b->pub.b, sizeof a->pub.b) == 0)
        return cf_error_set(err, CF_ERR_POLICY, "witnesses", 0, "%s: name or key occurs twice", a->name);
    }
  }
  return CF_OK;
}

static void
policy_name(cf_wr_t *wr, size_t i) {
  cf_wr_str(wr, " w");
  cf_wr_dec(wr, i + 1);
}

void
cf_witness_set_policy(cf_wr_t *wr, cf_witness_set_t const *set) {
  cf_wr_str(wr, "log ");
  cf_vkey_format(wr, &set->log);
  for (size_t i = 0; i < set->cnt; i++) {
    cf_wr_str(wr, "\nwitness");
    policy_name(wr, i);
    cf_wr_str(wr, " ");
    cf_vkey_format(wr, &set->member[i]);
  }
  cf_wr_str(wr, "\ngroup witnesses ");
  cf_wr_dec(wr, set->k);
  for (size_t i = 0; i < set->cnt; i++) policy_name(wr, i);
  cf_wr_str(wr, "\nquorum witnesses\n");
}

/* A note's known signatures, all verified. */
typedef struct {
  cf_note_t       note;
  cf_checkpoint_t head;
  uint8_t         log_sig[64];
  cf_cosig_t      cosig[CF_WITNESSES_MAX];
} opened_t;

static cf_status_t
open_all(opened_t *o, cf_span_t in, cf_witness_set_t const *set, cf_error_t *err) {
  cf_status_t st = cf_checkpoint_open(&o->head, &o->note, o->log_sig, in, &set->log, err);
  if (st) return st;
  if (o->head.extension.len) return cf_error_set(err, CF_ERR_UNSUPPORTED, "checkpoint", 0, "extension lines");
  cf_hash_t empty = cf_tree_empty();
  if (o->head.size == 0 && !cf_hash_eq(&o->head.root, &empty))
    return cf_error_set(err, CF_ERR_FORMAT, "checkpoint", 0, "size 0 with a root that is not the empty tree's");
  memset(o->cosig, 0, sizeof o->cosig);
  for (size_t i = 0; i < o->note.sig_cnt; i++) {
    for (size_t j = 0; j < set->cnt; j++) {
      if (!cf_vkey_signed(&set->member[j], &o->note.sig[i])) continue;
      if (o->cosig[j].have) return cf_error_set(err, CF_ERR_AUTH, "checkpoint", 0, "%s cosigned twice", set->member[j].name);
      if (cf_cosig_read(&o->cosig[j], &o->note.sig[i], &set->member[j], o->note.text))
        return cf_error_set(err, CF_ERR_AUTH, "checkpoint", 0, "cosignature of %s does not verify", set->member[j].name);
    }
  }
  return CF_OK;
}

/* Counts and dates what was opened: the time is the (f+1)-th smallest. */
static cf_status_t
conclude(cf_cosigned_t *out, opened_t const *o, cf_witness_set_t const *set, cf_error_t *err) {
  cf_cosigned_t c = { .size = o->head.size, .root = o->head.root };
  uint64_t      time_s[CF_WITNESSES_MAX];
  for (size_t j = 0; j < set->cnt; j++) {
    if (!o->cosig[j].have) continue;
    unsigned at = c.count++;
    for (; at && time_s[at - 1] > o->cosig[j].time_s; at--) time_s[at] = time_s[at - 1];
    time_s[at] = o->cosig[j].time_s;
  }
  if (c.count < set->k)
    return cf_error_set(err, CF_ERR_POLICY, "checkpoint", 0, "%u of %u witness signatures at size %llu", c.count, set->k,
                        (unsigned long long)c.size);
  c.time_s = time_s[set->f]; /* f < k <= count */
  *out     = c;
  return CF_OK;
}

cf_status_t
cf_checkpoint_verify(cf_cosigned_t *out, cf_span_t note, cf_witness_set_t const *set, cf_error_t *err) {
  opened_t    o;
  cf_status_t st = cf_witness_set_check(set, err);
  if (!st) st = open_all(&o, note, set, err);
  return st ? st : conclude(out, &o, set, err);
}

cf_status_t
cf_checkpoint_canonical(cf_wr_t *wr, cf_cosigned_t *out, cf_span_t note, cf_witness_set_t const *set, cf_error_t *err) {
  opened_t    o;
  cf_status_t st = cf_witness_set_check(set, err);
  if (!st) st = open_all(&o, note, set, err);
  if (!st) st = conclude(out, &o, set, err);
  if (!st) cf_checkpoint_compose(wr, o.note.text, set, o.log_sig, o.cosig);
  return st;
}

cf_status_t
cf_checkpoint_verify_canonical(cf_cosigned_t *out, cf_span_t note, cf_witness_set_t const *set, cf_error_t *err) {
  uint8_t       again[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t       wr = cf_wr_init(again, sizeof again);
  cf_cosigned_t c;
  cf_status_t   st = cf_checkpoint_canonical(&wr, &c, note, set, err);
  if (st) return st;
  if (!cf_span_eq(cf_wr_out(&wr), note))
    return cf_error_set(err, CF_ERR_FORMAT, "checkpoint", 0, "valid, but not in canonical form");
  *out = c;
  return CF_OK;
}

cf_status_t
cf_checkpoint_gather(cf_checkpoint_t *out, cf_span_t *text, uint8_t sig[64], cf_cosig_t cosig[CF_WITNESSES_MAX], cf_span_t in,
                     cf_witness_set_t const *set, cf_error_t *err) {
  cf_note_t   note;
  cf_status_t st = cf_checkpoint_open(out, &note, sig, in, &set->log, err);
  if (st) return st;
  *text = note.text;
  memset(cosig, 0, CF_WITNESSES_MAX * sizeof *cosig);
  for (size_t i = 0; i < note.sig_cnt; i++)
    for (size_t j = 0; j < set->cnt; j++)
      if (!cosig[j].have && cf_vkey_signed(&set->member[j], &note.sig[i]) &&
          cf_cosig_read(&cosig[j], &note.sig[i], &set->member[j], note.text))
        cosig[j].have = false;
  return CF_OK;
}

void
cf_checkpoint_compose(cf_wr_t *wr, cf_span_t text, cf_witness_set_t const *set, uint8_t const sig[64], cf_cosig_t const *cosig) {
  cf_wr_span(wr, text);
  cf_wr_str(wr, "\n");
  cf_note_line(wr, &set->log, CF_SPAN(sig, 64));
  for (size_t j = 0; j < set->cnt; j++)
    if (cosig[j].have) cf_cosig_line(wr, &set->member[j], &cosig[j]);
}
