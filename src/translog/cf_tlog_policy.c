#include "translog/cf_tlog_policy.h"

#include <stdio.h>

#include "translog/cf_line.h"

enum { GROUP_0 = CF_TLOG_POLICY_WITNESSES_MAX, NO_NODE = -1 };

/* A name as people may see it: it is opaque bytes. */
typedef struct {
  char text[49];
} shown_t;

static shown_t
shown(cf_span_t name) {
  shown_t s = { "" };
  for (size_t i = 0; i < name.len && i < sizeof s.text - 1; i++)
    s.text[i] = name.ptr[i] > 0x20 && name.ptr[i] < 0x7f ? (char)name.ptr[i] : '?';
  return s;
}

/* ---- reading ---- */

typedef struct {
  cf_tlog_policy_t *p;
  cf_error_t       *err;
  unsigned          line;
  size_t            start; /* of the line */
  cf_span_t         rest;  /* of the line */
  uint64_t          used;  /* nodes that are members of a group */
  bool              quorum;
} parser_t;

static cf_status_t
refuse(parser_t *r, cf_status_t st, char const *why, cf_span_t what) {
  return cf_error_set(r->err, st, "policy", r->start, "line %u: %s%s%s", r->line, why, what.len ? " " : "", shown(what).text);
}

static cf_status_t refuse_only(parser_t *r, cf_status_t st, char const *why) { return refuse(r, st, why, CF_SPAN(NULL, 0)); }

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

/* The next word of the line; empty at its end. */
static cf_span_t
word(parser_t *r) {
  cf_span_t s = r->rest;
  while (s.len && is_blank(s.ptr[0])) s = CF_SPAN(s.ptr + 1, s.len - 1);
  size_t n = 0;
  while (n < s.len && !is_blank(s.ptr[n])) n++;
  r->rest = CF_SPAN(s.ptr + n, s.len - n);
  return CF_SPAN(s.ptr, n);
}

static int
node_of(cf_tlog_policy_t const *p, cf_span_t name) {
  for (size_t i = 0; i < p->witness_cnt; i++)
    if (cf_span_eq(p->witness[i].name, name)) return (int)i;
  for (size_t i = 0; i < p->group_cnt; i++)
    if (cf_span_eq(p->group[i].name, name)) return GROUP_0 + (int)i;
  return NO_NODE;
}

static cf_status_t
new_name(parser_t *r, cf_span_t *out) {
  cf_span_t name = word(r);
  if (!name.len) return refuse_only(r, CF_ERR_FORMAT, "a name is missing");
  if (name.len > CF_TLOG_POLICY_NAME_MAX) return refuse(r, CF_ERR_BOUND, "too long a name:", name);
  if (cf_span_eq(name, CF_SPAN_LIT("none"))) return refuse_only(r, CF_ERR_FORMAT, "none is no name to be given");
  if (node_of(r->p, name) != NO_NODE) return refuse(r, CF_ERR_FORMAT, "defined twice:", name);
  *out = name;
  return CF_OK;
}

static cf_status_t
key(parser_t *r, cf_vkey_t *out, cf_vkey_type_t type) {
  cf_span_t text = word(r);
  if (!text.len) return refuse_only(r, CF_ERR_FORMAT, "a key is missing");
  cf_status_t st = cf_vkey_parse(out, text);
  if (st == CF_ERR_UNSUPPORTED) return refuse(r, st, "a key of a type that is not read here:", text);
  if (st) return refuse(r, st, "not a key (name+id+key):", text);
  if (out->type != type) return refuse(r, CF_ERR_FORMAT, type == CF_VKEY_LOG ? "not a log's key:" : "not a witness's key:", text);
  return CF_OK;
}

/* What may stand last on the line of a log or witness. */
static cf_status_t
url(parser_t *r, cf_span_t *out) {
  *out = word(r);
  cf_span_t more = word(r);
  if (out->len > CF_TLOG_POLICY_URL_MAX) return refuse_only(r, CF_ERR_BOUND, "too long a URL");
  return more.len ? refuse(r, CF_ERR_FORMAT, "a word too many:", more) : CF_OK;
}

static bool same_key(cf_vkey_t const *a, cf_vkey_t const *b) { return memcmp(a->pub.b, b->pub.b, sizeof a->pub.b) == 0; }

static cf_status_t
read_log(parser_t *r) {
  cf_tlog_policy_t *p = r->p;
  if (p->log_cnt == CF_TLOG_POLICY_LOGS_MAX) return refuse_only(r, CF_ERR_BOUND, "more than 32 logs");
  cf_vkey_t  *k  = &p->log[p->log_cnt].key;
  cf_status_t st = key(r, k, CF_VKEY_LOG);
  if (st) return st;
  for (size_t i = 0; i < p->log_cnt; i++)
    if (same_key(k, &p->log[i].key)) return refuse(r, CF_ERR_FORMAT, "the same key twice, of log", cf_vkey_name(k));
  st = url(r, &p->log[p->log_cnt].url);
  if (!st) p->log_cnt++;
  return st;
}

static cf_status_t
read_witness(parser_t *r) {
  cf_tlog_policy_t *p = r->p;
  if (p->witness_cnt == CF_TLOG_POLICY_WITNESSES_MAX) return refuse_only(r, CF_ERR_BOUND, "more than 32 witnesses");
  cf_vkey_t  *k  = &p->witness[p->witness_cnt].key;
  cf_status_t st = new_name(r, &p->witness[p->witness_cnt].name);
  if (!st) st = key(r, k, CF_VKEY_WITNESS);
  if (st) return st;
  for (size_t i = 0; i < p->witness_cnt; i++)
    if (same_key(k, &p->witness[i].key)) return refuse(r, CF_ERR_FORMAT, "the same key twice, of witness", p->witness[i].name);
  st = url(r, &p->witness[p->witness_cnt].url);
  if (!st) p->witness_cnt++;
  return st;
}

/* A name that is a member twice could count twice. */
static cf_status_t
member(parser_t *r, uint64_t *members, cf_span_t name) {
  int node = node_of(r->p, name);
  if (node == NO_NODE) return refuse(r, CF_ERR_FORMAT, "not defined above:", name);
  if (r->used >> node & 1) return refuse(r, CF_ERR_FORMAT, "a member of a group already:", name);
  r->used |= (uint64_t)1 << node;
  *members |= (uint64_t)1 << node;
  return CF_OK;
}

static cf_status_t
read_group(parser_t *r) {
  cf_tlog_policy_t *p = r->p;
  uint64_t          members = 0, k = 0, n = 0;
  cf_span_t         name, m;
  if (p->group_cnt == CF_TLOG_POLICY_GROUPS_MAX) return refuse_only(r, CF_ERR_BOUND, "more than 32 groups");
  cf_status_t st = new_name(r, &name);
  if (st) return st;
  cf_span_t rule = word(r);
  bool      all = cf_span_eq(rule, CF_SPAN_LIT("all")), any = cf_span_eq(rule, CF_SPAN_LIT("any"));
  if (!rule.len) return refuse_only(r, CF_ERR_FORMAT, "all, any or a number is missing");
  if (!all && !any && cf_dec_u64(&k, rule)) return refuse(r, CF_ERR_FORMAT, "not all, any or a number:", rule);
  for (; !st && (m = word(r)).len; n++) st = member(r, &members, m);
  if (st) return st;
  if (!n) return refuse(r, CF_ERR_FORMAT, "a group without members:", name);
  if (all || any) k = all ? n : 1;
  if (!k || k > n) return refuse(r, CF_ERR_FORMAT, "less than one, or more than there are members:", rule);
  p->group[p->group_cnt].name = name;
  p->group[p->group_cnt].k = (unsigned)k;
  p->group[p->group_cnt++].members = members;
  return CF_OK;
}

static cf_status_t
read_quorum(parser_t *r) {
  cf_span_t name = word(r), more = word(r);
  int       node = node_of(r->p, name);
  if (r->quorum) return refuse_only(r, CF_ERR_FORMAT, "a second quorum");
  if (!name.len) return refuse_only(r, CF_ERR_FORMAT, "a name is missing");
  if (more.len) return refuse(r, CF_ERR_FORMAT, "a word too many:", more);
  bool none = cf_span_eq(name, CF_SPAN_LIT("none"));
  if (!none && node == NO_NODE) return refuse(r, CF_ERR_FORMAT, "not defined above:", name);
  r->quorum = true;
  r->p->quorum = none ? CF_TLOG_POLICY_NONE : (unsigned)node;
  return CF_OK;
}

static cf_status_t
read_line(parser_t *r) {
  static struct {
    char const *keyword;
    cf_status_t (*read)(parser_t *r);
  } const lines[] = { { "log", read_log }, { "witness", read_witness }, { "group", read_group }, { "quorum", read_quorum } };
  for (size_t i = 0; i < r->rest.len; i++) {
    uint8_t c = r->rest.ptr[i];
    if (c == '\r') return refuse_only(r, CF_ERR_FORMAT, "a carriage return: lines end in LF alone");
    if ((c < 0x20 && c != '\t') || c == 0x7f) return refuse_only(r, CF_ERR_FORMAT, "a control character");
  }
  cf_span_t first = word(r);
  if (!first.len || first.ptr[0] == '#') return CF_OK;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (cf_span_eq(first, CF_SPAN(lines[i].keyword, strlen(lines[i].keyword)))) return lines[i].read(r);
  return refuse(r, CF_ERR_FORMAT, "not log, witness, group or quorum:", first);
}

cf_status_t
cf_tlog_policy_parse(cf_tlog_policy_t *out, cf_span_t text, cf_error_t *err) {
  cf_rd_t     rd = cf_rd_span(text);
  parser_t    r  = { .p = out, .err = err, .line = 1 };
  cf_status_t st = CF_OK;
  *out = (cf_tlog_policy_t){ .quorum = CF_TLOG_POLICY_NONE };
  if (text.len > CF_TLOG_POLICY_MAX) return cf_error_set(err, CF_ERR_BOUND, "policy", 0, "%zu bytes", text.len);
  for (; !st && cf_rd_left(&rd); r.line++) {
    r.start = rd.pos;
    r.rest = cf_rd_line(&rd);
    st = rd.bad ? refuse_only(&r, CF_ERR_FORMAT, "it does not end in LF") : read_line(&r);
  }
  if (!st && !r.quorum) st = cf_error_set(err, CF_ERR_FORMAT, "policy", text.len, "line %u: it ends without a quorum", r.line);
  return st;
}

/* ---- judging ---- */

/* Members are defined before their group, so one pass is enough. */
static uint64_t
met_nodes(cf_tlog_policy_t const *p, uint32_t signers) {
  uint64_t met = signers;
  for (size_t i = 0; i < p->group_cnt; i++)
    if ((unsigned)__builtin_popcountll(met & p->group[i].members) >= p->group[i].k) met |= (uint64_t)1 << (GROUP_0 + i);
  return met;
}

bool
cf_tlog_policy_met(cf_tlog_policy_t const *p, uint32_t signers) {
  return p->quorum == CF_TLOG_POLICY_NONE || met_nodes(p, signers) >> p->quorum & 1;
}

static cf_span_t
name_of(cf_tlog_policy_t const *p, unsigned node) {
  return node < GROUP_0 ? p->witness[node].name : p->group[node - GROUP_0].name;
}

char *
cf_tlog_policy_short(char *out, size_t out_max, cf_tlog_policy_t const *p, uint32_t signers) {
  uint64_t met = met_nodes(p, signers), want = p->quorum == CF_TLOG_POLICY_NONE ? 0 : (uint64_t)1 << p->quorum;
  size_t   len = 0;
#define SAY(...) (len += len < out_max ? (size_t)snprintf(out + len, out_max - len, __VA_ARGS__) : 0)
  *out = 0;
  if (p->quorum < GROUP_0 && !(met & want)) SAY("witness %s did not cosign", shown(name_of(p, p->quorum)).text);
  for (size_t i = p->group_cnt; i-- > 0;) { /* from the quorum down to the groups that it fails for */
    uint64_t members = p->group[i].members, lacks = members & ~met;
    if (!((want & ~met) >> (GROUP_0 + i) & 1)) continue;
    want |= members;
    SAY("%sgroup %s has %d of %u, not", len ? "; " : "", shown(p->group[i].name).text, __builtin_popcountll(members & met), p->group[i].k);
    for (unsigned node = 0; node < GROUP_0 + p->group_cnt; node++)
      if (lacks >> node & 1) SAY(" %s", shown(name_of(p, node)).text);
  }
#undef SAY
  return out;
}

cf_vkey_t const *
cf_tlog_policy_log(cf_tlog_policy_t const *p, cf_note_t const *note) {
  for (size_t i = 0; i < note->sig_cnt; i++)
    for (size_t j = 0; j < p->log_cnt; j++)
      if (cf_vkey_signed(&p->log[j].key, &note->sig[i])) return &p->log[j].key;
  return NULL;
}

cf_status_t
cf_tlog_policy_verify(uint32_t *signers, cf_tlog_policy_t const *p, cf_note_t const *note, cf_error_t *err) {
  char why[160];
  *signers = 0;
  for (size_t i = 0; i < note->sig_cnt; i++)
    for (size_t j = 0; j < p->witness_cnt; j++) {
      cf_cosig_t c;
      if (!cf_vkey_signed(&p->witness[j].key, &note->sig[i])) continue;
      cf_status_t st = cf_cosig_read(&c, &note->sig[i], &p->witness[j].key, note->text);
      if (st == CF_ERR_BOUND) return cf_error_set(err, st, "checkpoint", 0, "a text or time beyond what is taken");
      if (st) return cf_error_set(err, CF_ERR_AUTH, "checkpoint", 0, "cosignature of %s does not verify", p->witness[j].key.name);
      *signers |= (uint32_t)1 << j;
    }
  if (cf_tlog_policy_met(p, *signers)) return CF_OK;
  return cf_error_set(err, CF_ERR_POLICY, "checkpoint", 0, "its cosignatures do not meet the policy: %s",
                      cf_tlog_policy_short(why, sizeof why, p, *signers));
}
