#include "evidence/cf_items.h"

#include <stdio.h>

#include "codec/cf_cbor.h"
#include "codec/cf_pem.h"

static struct {
  char const     *name;
  cf_root_class_t cls;
} const roots[] = {{"trusted_root", CF_CLASS_OWNER},
                   {"root-cloud", CF_CLASS_CLOUD},
                   {"root-firmware", CF_CLASS_FIRMWARE},
                   {"root-discrete", CF_CLASS_DISCRETE},
                   {"root-owner", CF_CLASS_OWNER}};

static cf_status_t add_root(cf_items_t *s, cf_root_class_t cls, cf_span_t der, cf_error_t *err) {
  if (s->root_cnt == CF_ROOTS_MAX) return cf_error_set(err, CF_ERR_BOUND, "trusted_root", 0, "more than %d roots", CF_ROOTS_MAX);
  s->roots[s->root_cnt++] = (cf_root_t){cls, der};
  return CF_OK;
}

/* A certificate in DER, or several in PEM. */
static cf_status_t add_roots(cf_items_t *s, cf_root_class_t cls, cf_span_t bytes, cf_error_t *err) {
  size_t      cnt = s->root_cnt, der_len = s->der_len;
  cf_rd_t     rd = cf_rd_span(bytes);
  cf_pem_t    block;
  cf_status_t st = CF_OK;
  if (bytes.len && bytes.ptr[0] == 0x30) return add_root(s, cls, bytes, err);
  while (!st && cf_pem_find(&rd, &block, "CERTIFICATE")) {
    uint8_t *to = s->der + s->der_len;
    if (cf_pem_decode(to, sizeof s->der - s->der_len, &block))
      st = cf_error_set(err, CF_ERR_BOUND, "trusted_root", 0, "more than %d bytes of roots", CF_ITEMS_DER_MAX);
    else st = add_root(s, cls, CF_SPAN(to, block.data_sz), err);
    s->der_len += st ? 0 : block.data_sz;
  }
  if (!st && (rd.bad || s->root_cnt == cnt)) st = cf_error_set(err, CF_ERR_FORMAT, "trusted_root", rd.pos, "neither DER nor PEM");
  if (st) s->root_cnt = cnt, s->der_len = der_len;
  return st;
}

static cf_status_t add_item(cf_items_t *s, cf_role_t role, cf_span_t bytes, cf_error_t *err) {
  if (s->cnt == CF_ITEMS_MAX) return cf_error_set(err, CF_ERR_BOUND, cf_role_name(role), 0, "more than %d items", CF_ITEMS_MAX);
  s->items[s->cnt++] = (cf_evidence_item_t){role, bytes};
  return CF_OK;
}

static bool named(cf_span_t name, char const *want) { return cf_span_eq(name, CF_SPAN(want, strlen(want))); }

cf_status_t cf_items_add(cf_items_t *s, cf_span_t name, cf_span_t bytes, cf_error_t *err) {
  for (size_t i = 0; i < CF_COUNT_OF(roots); i++)
    if (named(name, roots[i].name)) return add_roots(s, roots[i].cls, bytes, err);
  if (named(name, "cmw")) return cf_items_add_cmw(s, bytes, err);
  cf_role_t role = cf_role_of(name);
  if (role) return add_item(s, role, bytes, err);
  return cf_error_set(err, CF_ERR_UNSUPPORTED, "role", 0, "no role of any platform's evidence: %.*s", (int)(name.len < 64 ? name.len : 64),
                      (char const *)name.ptr);
}

/* ---- by media type ---- */

/* What others call it. */
static struct {
  char const *type;
  cf_role_t   role;
} const others[] = {{"application/aws-nitro-document", CF_ROLE_DOCUMENT},
                    {"application/eat-collection; profile=\"http://arm.com/CCA-SSD/1.0.0\"", CF_ROLE_TOKEN},
                    {"application/eat-collection; profile=http://arm.com/CCA-SSD/1.0.0", CF_ROLE_TOKEN},
                    {"application/counterfoil-credential+cose", CF_ROLE_STATEMENT},
                    {"application/pkix-crl", CF_ROLE_CRL}};

void cf_media_type(char out[CF_MEDIA_TYPE_MAX], cf_role_t role) {
  char *at = out + snprintf(out, CF_MEDIA_TYPE_MAX, "application/counterfoil-%s", cf_role_name(role));
  while (--at > out)
    if (*at == '_') *at = '-';
}

cf_role_t cf_items_type_role(cf_span_t type) {
  char own[CF_MEDIA_TYPE_MAX];
  for (size_t i = 0; i < CF_COUNT_OF(others); i++)
    if (named(type, others[i].type)) return others[i].role;
  for (cf_role_t role = CF_ROLE_EVIDENCE; role < CF_ROLE_CNT; role++) {
    if (role == CF_ROLE_ROOT) continue;
    cf_media_type(own, role);
    if (named(type, own)) return role;
  }
  return (cf_role_t)0;
}

cf_status_t cf_items_add_type(cf_items_t *s, cf_span_t type, cf_span_t bytes, cf_error_t *err) {
  if (named(type, CF_CMW_TYPE)) return cf_items_add_cmw(s, bytes, err);
  cf_role_t role = cf_items_type_role(type);
  if (role) return add_item(s, role, bytes, err);
  return cf_error_set(err, CF_ERR_UNSUPPORTED, "media type", 0, "of no platform's evidence: %.*s", (int)(type.len < 96 ? type.len : 96),
                      (char const *)type.ptr);
}

/* ---- CMW ---- */

static cf_status_t no_record(cf_error_t *err, cf_rd_t const *rd) {
  return cf_error_set(err, CF_ERR_FORMAT, "cmw", rd->pos, "not a record [media type, bytes, ? indicator], nor a collection of them");
}

/* Our own evidence is the record itself. */
static cf_status_t add_record(cf_items_t *s, cf_rd_t *rd, cf_error_t *err) {
  size_t    start = rd->pos, cnt = cf_cbor_array(rd);
  cf_span_t type = cf_cbor_tstr(rd), bytes = cf_cbor_bstr(rd);
  if (cnt == 3) (void)cf_cbor_uint(rd);
  if (rd->bad || cnt < 2 || cnt > 3) return no_record(err, rd);
  if (named(type, CF_TPM_EVIDENCE_TYP)) return add_item(s, CF_ROLE_EVIDENCE, CF_SPAN(rd->buf + start, rd->pos - start), err);
  if (!named(type, CF_CMW_TYPE)) return cf_items_add_type(s, type, bytes, err);
  return no_record(err, rd); /* a wrapper in a wrapper has no end */
}

static cf_status_t add_collection(cf_items_t *s, cf_rd_t *rd, cf_error_t *err) {
  cf_status_t st = CF_OK;
  for (cf_cbor_map_t m = cf_cbor_map(rd); !st && cf_cbor_next(&m);) {
    if (m.is_text && named(m.text, "__cmwc_t")) (void)cf_cbor_tstr(rd); /* what the collection is, to whoever made it */
    else st = add_record(s, rd, err);
  }
  return st;
}

cf_status_t cf_items_add_cmw(cf_items_t *s, cf_span_t cmw, cf_error_t *err) {
  cf_rd_t     rd = cf_rd_span(cmw);
  size_t      cnt = s->cnt;
  cf_status_t st = cf_cbor_peek(&rd) == CF_CBOR_MAP ? add_collection(s, &rd, err) : add_record(s, &rd, err);
  if (!st && !cf_rd_done(&rd)) st = no_record(err, &rd);
  if (st) s->cnt = cnt;
  return st;
}

/* Labels in the order of their encoded bytes: their place in the list, in two digits. */
void cf_items_cmw(cf_wr_t *wr, cf_evidence_item_t const *items, size_t cnt) {
  char type[CF_MEDIA_TYPE_MAX];
  cf_cbor_w_map(wr, cnt);
  for (size_t i = 0; i < cnt; i++) {
    char label[3] = {(char)('0' + i / 10), (char)('0' + i % 10), 0};
    cf_cbor_w_str(wr, label);
    if (items[i].role == CF_ROLE_EVIDENCE) {
      cf_wr_span(wr, items[i].bytes);
      continue;
    }
    cf_media_type(type, items[i].role);
    cf_cbor_w_array(wr, 2);
    cf_cbor_w_str(wr, type);
    cf_cbor_w_bstr(wr, items[i].bytes);
  }
}
