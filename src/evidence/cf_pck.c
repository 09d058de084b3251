/* The SGX extension: SEQUENCE of SEQUENCE { OID 1.2.840.113741.1.13.1.n, value }, members in any order. */
#include "codec/cf_der.h"
#include "evidence/cf_intel.h"

static uint8_t const arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

/* The last number of an OID one below the arc (depth 1), or two (below.n); 0 when it is none. */
static unsigned member_of(cf_span_t oid, unsigned below) {
  size_t depth = below ? 2 : 1;
  if (oid.len != sizeof arc + depth || memcmp(oid.ptr, arc, sizeof arc)) return 0;
  if (below && oid.ptr[sizeof arc] != below) return 0;
  unsigned n = oid.ptr[oid.len - 1];
  return n < 32 ? n : 0;
}

static void read_octets(uint8_t *out, size_t n, cf_rd_t *rd) {
  cf_span_t octets = cf_der_take(rd, CF_DER_OCTET_STRING);
  if (octets.len != n) rd->bad = true;
  if (!rd->bad) memcpy(out, octets.ptr, n);
}

typedef void member_fn(cf_pck_t *pck, unsigned n, cf_rd_t *rd);

/* Reads the members of a list; *seen has the bit of each. */
static void read_members(cf_pck_t *pck, uint32_t *seen, cf_rd_t *list, unsigned below, member_fn *fn) {
  *seen = 0;
  while (!list->bad && cf_rd_left(list)) {
    cf_rd_t  pair = cf_der_enter(list, CF_DER_SEQUENCE);
    unsigned n = member_of(cf_der_take(&pair, CF_DER_OID), below);
    if (n == 0 || *seen >> n & 1) pair.bad = true;
    else fn(pck, n, &pair);
    if (!cf_rd_done(&pair)) list->bad = true;
    *seen |= 1u << n;
  }
}

static void read_tcb_member(cf_pck_t *pck, unsigned n, cf_rd_t *rd) {
  if (n <= CF_SVN_CNT) pck->svn[n - 1] = (uint8_t)cf_der_uint(rd, 255);
  else if (n == 17) pck->pcesvn = (uint16_t)cf_der_uint(rd, 65535);
  else if (n == 18) read_octets(pck->cpusvn, sizeof pck->cpusvn, rd);
  else rd->bad = true;
}

static void read_configuration_member(cf_pck_t *pck, unsigned n, cf_rd_t *rd) {
  (void)pck;
  if (n > 3) rd->bad = true;
  else (void)cf_der_bool(rd);
}

static void read_member(cf_pck_t *pck, unsigned n, cf_rd_t *rd) {
  uint32_t  seen;
  cf_rd_t   list;
  cf_span_t type;
  switch (n) {
  case 1:
    read_octets(pck->ppid, sizeof pck->ppid, rd);
    return;
  case 2:
    list = cf_der_enter(rd, CF_DER_SEQUENCE);
    read_members(pck, &seen, &list, 2, read_tcb_member);
    if (!cf_rd_done(&list) || seen != 0x7fffe) rd->bad = true; /* 1 to 18, all of them */
    return;
  case 3:
    read_octets(pck->pceid, sizeof pck->pceid, rd);
    return;
  case 4:
    read_octets(pck->fmspc, sizeof pck->fmspc, rd);
    return;
  case 5:
    type = cf_der_take(rd, CF_DER_ENUMERATED);
    if (type.len != 1 || type.ptr[0] > 2) rd->bad = true;
    else pck->type = type.ptr[0];
    return;
  case 6:
    read_octets(pck->instance, sizeof pck->instance, rd);
    pck->has_instance = true;
    return;
  case 7:
    list = cf_der_enter(rd, CF_DER_SEQUENCE);
    read_members(pck, &seen, &list, 7, read_configuration_member);
    if (!cf_rd_done(&list)) rd->bad = true;
    return;
  default:
    rd->bad = true;
  }
}

cf_status_t cf_pck_decode(cf_pck_t *out, cf_span_t value) {
  cf_pck_t pck = {0};
  uint32_t seen, needed = 1u << 2 | 1u << 3 | 1u << 4;
  cf_rd_t  rd = cf_rd_span(value), list = cf_der_enter(&rd, CF_DER_SEQUENCE);
  read_members(&pck, &seen, &list, 0, read_member);
  if (!cf_rd_done(&list) || !cf_rd_done(&rd) || (seen & needed) != needed) return CF_ERR_FORMAT;
  *out = pck;
  return CF_OK;
}

cf_status_t cf_pck_of(cf_pck_t *out, cf_cert_t const *leaf) {
  cf_cert_ext_t const *sgx = cf_cert_ext(leaf, CF_SPAN_OF(arc));
  return sgx ? cf_pck_decode(out, sgx->value) : CF_ERR_FORMAT;
}
