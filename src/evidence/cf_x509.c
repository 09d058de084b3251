#include "evidence/cf_x509.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/cf_hash.h"
#include "evidence/cf_x509_key.h"

#define DER_MAX 65536

/* OIDs of the TCG that OpenSSL has no numbers for, in dotted form. */
#define OID_EK_USAGE "2.23.133.8.1"
#define OID_MANUFACTURER "2.23.133.2.1"
#define OID_MODEL "2.23.133.2.2"
#define OID_VERSION "2.23.133.2.3"

/* Everything of OpenSSL's that a check holds; freed in one place. */
typedef struct {
  X509 *leaf;
  STACK_OF(X509) * others; /* the rest of the list */
  STACK_OF(X509) * roots;
  X509_CRL       *crls[CF_X509_CRL_MAX];
  X509_STORE     *store;
  X509_STORE_CTX *ctx;
  STACK_OF(X509) * path; /* borrowed from ctx */
} check_t;

static void check_free(check_t *c) {
  X509_STORE_CTX_free(c->ctx);
  X509_STORE_free(c->store);
  X509_free(c->leaf);
  sk_X509_pop_free(c->others, X509_free);
  sk_X509_pop_free(c->roots, X509_free);
  for (size_t i = 0; i < CF_X509_CRL_MAX; i++) X509_CRL_free(c->crls[i]);
  ERR_clear_error();
}

static X509 *cert_read(cf_span_t der) {
  if (der.len == 0 || der.len > DER_MAX) return NULL;
  uint8_t const *at = der.ptr;
  X509          *x = d2i_X509(NULL, &at, (long)der.len);
  if (x && at == der.ptr + der.len) return x;
  X509_free(x);
  return NULL;
}

static X509_CRL *crl_read(cf_span_t der) {
  if (der.len == 0 || der.len > DER_MAX) return NULL;
  uint8_t const *at = der.ptr;
  X509_CRL      *x = d2i_X509_CRL(NULL, &at, (long)der.len);
  if (x && at == der.ptr + der.len) return x;
  X509_CRL_free(x);
  return NULL;
}

static bool time_read(int64_t *out, ASN1_TIME const *t) {
  struct tm tm;
  if (!t || !ASN1_TIME_to_tm(t, &tm)) return false;
  *out = (int64_t)timegm(&tm);
  return true;
}

static char const *item_of(char buf[32], char const *list, int i) {
  snprintf(buf, 32, "%s[%d]", list, i);
  return buf;
}

/* ---- reading ---- */

static cf_verdict_code_t load(check_t *c, cf_x509_ask_t const *ask, cf_verdict_t *v) {
  char item[32];
  if (ask->cert_cnt == 0) return cf_verdict_set(v, CF_VERDICT_CHAIN, "chain", 0, "no certificate");
  if (ask->cert_cnt > CF_X509_CHAIN_MAX || ask->crl_cnt > CF_X509_CRL_MAX)
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "chain", 0, "more than %d certificates or lists", CF_X509_CHAIN_MAX);
  c->others = sk_X509_new_null();
  c->roots = sk_X509_new_null();
  assert(c->others && c->roots);
  for (size_t i = 0; i < ask->cert_cnt; i++) {
    X509 *x = cert_read(ask->certs[i]);
    if (!x) return cf_verdict_set(v, CF_VERDICT_MALFORMED, item_of(item, "chain", (int)i), 0, "not a DER certificate");
    if (i == 0) c->leaf = x;
    else sk_X509_push(c->others, x);
  }
  for (size_t i = 0; i < ask->root_cnt; i++) {
    X509 *x = cert_read(ask->roots[i]);
    if (!x) return cf_verdict_set(v, CF_VERDICT_MALFORMED, item_of(item, "root", (int)i), 0, "not a DER certificate");
    sk_X509_push(c->roots, x);
  }
  for (size_t i = 0; i < ask->crl_cnt; i++)
    if (!(c->crls[i] = crl_read(ask->crls[i])))
      return cf_verdict_set(v, CF_VERDICT_MALFORMED, item_of(item, "crl", (int)i), 0, "not a DER revocation list");
  return CF_VERDICT_OK;
}

/* ---- the path ---- */

/* Validity and revocation are judged by us (intervals with both ends, typed verdicts), all else by OpenSSL. */
static cf_verdict_code_t build(check_t *c, cf_verdict_t *v) {
  char item[32];
  c->store = X509_STORE_new();
  c->ctx = X509_STORE_CTX_new();
  assert(c->store && c->ctx);
  int ready = X509_STORE_CTX_init(c->ctx, c->store, c->leaf, c->others);
  assert(ready);
  X509_STORE_CTX_set0_trusted_stack(c->ctx, c->roots);
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(c->ctx);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
  X509_VERIFY_PARAM_set_auth_level(param, 2); /* no SHA-1, no RSA under 2048 bits */
  X509_VERIFY_PARAM_set_depth(param, CF_X509_CHAIN_MAX);
  if (X509_verify_cert(c->ctx) != 1) {
    int error = X509_STORE_CTX_get_error(c->ctx);
    return cf_verdict_set(v, CF_VERDICT_CHAIN, item_of(item, "chain", X509_STORE_CTX_get_error_depth(c->ctx)), 0, "%s",
                          X509_verify_cert_error_string(error));
  }
  c->path = X509_STORE_CTX_get0_chain(c->ctx);
  return CF_VERDICT_OK;
}

/* One list, one path: certificate i of the list is link i, and nothing but the root may be left out. */
static cf_verdict_code_t check_order(check_t const *c, cf_verdict_t *v) {
  char item[32];
  int  path_cnt = sk_X509_num(c->path), given = 1 + sk_X509_num(c->others);
  for (int i = 1; i < given; i++)
    if (i >= path_cnt || X509_cmp(sk_X509_value(c->others, i - 1), sk_X509_value(c->path, i)) != 0)
      return cf_verdict_set(v, CF_VERDICT_CHAIN, item_of(item, "chain", i), 0, "did not issue the certificate before it");
  if (given < path_cnt - 1) return cf_verdict_set(v, CF_VERDICT_CHAIN, item_of(item, "chain", given), 0, "missing");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_times(check_t const *c, cf_x509_facts_t *f, int64_t at_s, cf_dates_t *dates, cf_verdict_t *v) {
  char item[32];
  for (int i = 0; i < sk_X509_num(c->path); i++) {
    X509   *x = sk_X509_value(c->path, i);
    int64_t from, to;
    item_of(item, "chain", i);
    if (!time_read(&from, X509_get0_notBefore(x)) || !time_read(&to, X509_get0_notAfter(x)))
      return cf_verdict_set(v, CF_VERDICT_MALFORMED, item, 0, "validity is not a time");
    cf_dates_add(dates, item, from, to);
    if (at_s < from) return cf_verdict_set(v, CF_VERDICT_NOT_YET_VALID, item, from, "certificate is not valid before this date");
    if (at_s > to) return cf_verdict_set(v, CF_VERDICT_EXPIRED, item, to, "certificate was valid until this date");
    if (from > f->not_before_s) f->not_before_s = from;
    if (to < f->not_after_s) f->not_after_s = to;
  }
  return CF_VERDICT_OK;
}

/* ---- revocation ---- */

static bool crl_is_plain(X509_CRL const *crl) {
  for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i))) return false; /* partial or indirect lists prove nothing here */
  int md = NID_undef;
  return OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &md, NULL) && md != NID_sha1 && md != NID_md5;
}

/* A list of the issuer counts when the issuer signed it and may sign lists. */
static cf_verdict_code_t check_list(X509_CRL *crl, X509 *cert, X509 *issuer, cf_x509_facts_t *f, cf_x509_ask_t const *ask,
                                    char const *item, cf_verdict_t *v) {
  int64_t at_s = ask->at_s;
  char    list[48];
  if (!(X509_get_key_usage(issuer) & KU_CRL_SIGN) || X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
    return cf_verdict_set(v, CF_VERDICT_SIGNATURE, item, 0, "the revocation list is not signed by the issuer it names");
  if (!crl_is_plain(crl))
    return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, item, 0, "revocation list with critical extensions or a weak hash");
  int64_t from, to;
  if (!time_read(&from, X509_CRL_get0_lastUpdate(crl)) || !time_read(&to, X509_CRL_get0_nextUpdate(crl)))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, item, 0, "revocation list without its times");
  snprintf(list, sizeof list, "%s.crl", item);
  cf_dates_add(ask->dates, list, from, to);
  if (at_s < from) return cf_verdict_set(v, CF_VERDICT_NOT_YET_VALID, item, from, "revocation list was issued later");
  if (at_s > to) return cf_verdict_set(v, CF_VERDICT_COLLATERAL_STALE, item, to, "a newer revocation list was due on this date");
  X509_REVOKED *entry = NULL;
  if (X509_CRL_get0_by_cert(crl, &entry, cert) == 1) {
    int64_t since = 0;
    (void)time_read(&since, X509_REVOKED_get0_revocationDate(entry));
    return cf_verdict_set(v, CF_VERDICT_REVOKED, item, since, "its issuer revoked the certificate on this date");
  }
  if (from > f->not_before_s) f->not_before_s = from;
  if (to < f->not_after_s) f->not_after_s = to;
  if (f->crl_issued_s == 0 || from < f->crl_issued_s) f->crl_issued_s = from;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_revocation(check_t *c, cf_x509_facts_t *f, cf_x509_ask_t const *ask, cf_verdict_t *v) {
  char item[32];
  for (int i = 0; i + 1 < sk_X509_num(c->path); i++) {
    X509 *cert = sk_X509_value(c->path, i), *issuer = sk_X509_value(c->path, i + 1);
    bool  listed = false;
    item_of(item, "chain", i);
    for (size_t k = 0; k < ask->crl_cnt; k++) {
      if (X509_NAME_cmp(X509_CRL_get_issuer(c->crls[k]), X509_get_issuer_name(cert)) != 0) continue;
      cf_verdict_code_t code = check_list(c->crls[k], cert, issuer, f, ask, item, v);
      if (code) return code;
      listed = true;
    }
    bool publishes = X509_get_ext_by_NID(cert, NID_crl_distribution_points, -1) >= 0;
    f->unlisted |= publishes && !listed;
    if (publishes && !listed && ask->crl_required)
      return cf_verdict_set(v, CF_VERDICT_COLLATERAL_MISSING, item, 0,
                            "its issuer publishes a revocation list, and none was supplied");
  }
  return CF_VERDICT_OK;
}

/* ---- the leaf ---- */

static bool has_ek_usage(X509 *leaf) {
  bool                found = false;
  EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
    char oid[32];
    OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(usages, i), 1);
    found |= strcmp(oid, OID_EK_USAGE) == 0;
  }
  sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
  return found;
}

static void text_copy(char *out, size_t max, ASN1_STRING const *s) {
  size_t n = 0;
  for (int i = 0; i < ASN1_STRING_length(s) && n + 1 < max; i++) {
    uint8_t ch = ASN1_STRING_get0_data(s)[i];
    out[n++] = ch >= 0x20 && ch < 0x7f ? (char)ch : '?';
  }
  out[n] = 0;
}

/* Manufacturer, model and version of the TPM stand in a directoryName of the subjectAltName (TCG EK Credential Profile). */
static void read_tpm_data(cf_x509_facts_t *f, X509 *leaf) {
  GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DIRNAME) continue;
    for (int k = 0; k < X509_NAME_entry_count(name->d.directoryName); k++) {
      X509_NAME_ENTRY *entry = X509_NAME_get_entry(name->d.directoryName, k);
      ASN1_STRING     *value = X509_NAME_ENTRY_get_data(entry);
      char             oid[32];
      OBJ_obj2txt(oid, sizeof oid, X509_NAME_ENTRY_get_object(entry), 1);
      if (strcmp(oid, OID_MANUFACTURER) == 0) text_copy(f->tpm_manufacturer, sizeof f->tpm_manufacturer, value);
      if (strcmp(oid, OID_MODEL) == 0) text_copy(f->tpm_model, sizeof f->tpm_model, value);
      if (strcmp(oid, OID_VERSION) == 0) text_copy(f->tpm_version, sizeof f->tpm_version, value);
    }
  }
  GENERAL_NAMES_free(names);
}

static void read_place(cf_x509_facts_t *f, X509 const *leaf) {
  X509_NAME const *name = X509_get_subject_name(leaf);
  int              at = X509_NAME_get_index_by_NID(name, NID_localityName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, NID_localityName, at) >= 0) return;
  text_copy(f->place, sizeof f->place, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

static cf_verdict_code_t read_leaf(check_t *c, cf_x509_facts_t *f, cf_x509_use_t use, cf_verdict_t *v) {
  uint32_t usage = X509_get_key_usage(c->leaf), want = KU_DIGITAL_SIGNATURE;
  if (use == CF_X509_EK) want = KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT;
  if (X509_check_ca(c->leaf))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, "chain[0]", 0, "an authority's certificate stands for a device");
  if (!(usage & want)) return cf_verdict_set(v, CF_VERDICT_CHAIN, "chain[0]", 0, "key usage is not that of the key");
  if (use == CF_X509_EK && !has_ek_usage(c->leaf))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, "chain[0]", 0, "not an endorsement key certificate (usage " OID_EK_USAGE ")");
  if (cf_key_from_pkey(&f->key, X509_get0_pubkey(c->leaf)))
    return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, "chain[0]", 0, "key is not RSA up to 4096 bits, P-256 or P-384");
  read_tpm_data(f, c->leaf);
  read_place(f, c->leaf);
  return CF_VERDICT_OK;
}

static size_t root_index(check_t const *c) {
  X509 *root = sk_X509_value(c->path, sk_X509_num(c->path) - 1);
  for (int i = 0; i < sk_X509_num(c->roots); i++)
    if (X509_cmp(sk_X509_value(c->roots, i), root) == 0) return (size_t)i;
  assert(false && "a path ends in a root that was given");
  return 0;
}

cf_verdict_code_t cf_x509_chain_check(cf_x509_facts_t *out, cf_x509_ask_t const *ask, cf_verdict_t *v) {
  check_t           c = {0};
  cf_x509_facts_t   f = {.not_before_s = INT64_MIN, .not_after_s = INT64_MAX};
  cf_verdict_code_t code = load(&c, ask, v);
  if (!code) code = build(&c, v);
  if (!code) code = check_order(&c, v);
  if (!code) code = check_times(&c, &f, ask->at_s, ask->dates, v);
  if (!code) code = check_revocation(&c, &f, ask, v);
  if (!code) code = read_leaf(&c, &f, ask->use, v);
  if (!code) {
    f.leaf = cf_sha256(ask->certs[0]);
    f.root_idx = root_index(&c);
    *out = f;
  }
  check_free(&c);
  return code;
}
