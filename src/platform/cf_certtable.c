#include "platform/cf_certtable.h"

#include <string.h>

#define ENTRY_SZ 24

static struct {
  uint8_t             guid[16];
  cf_certtable_part_t part;
} const known[] = {
    /* 63da758d-e664-4564-adc5-f4b93be8accd, a8074bc2-a25a-483e-aae6-39c045a0b8a1 */
    {{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd}, CF_CERTTABLE_VEK},
    {{0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1}, CF_CERTTABLE_VEK},
    /* 4ab7b379-bbac-4fe4-a02f-05aef327c782 */
    {{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82}, CF_CERTTABLE_ASK},
    /* c0b406a4-a803-4952-9743-3fb6014cd0ae */
    {{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae}, CF_CERTTABLE_ARK},
    /* 92f81bc3-5811-4d3d-97ff-d19f88dc67ea */
    {{0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea}, CF_CERTTABLE_CRL},
};

static bool is_zero(uint8_t const *p, size_t n) {
  while (n && !*p) p++, n--;
  return !n;
}

static uint32_t le32(uint8_t const *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

cf_status_t cf_certtable_decode(cf_certtable_t *out, cf_span_t in, cf_error_t *err) {
  cf_certtable_t table = {0};
  cf_rd_t        rd = cf_rd_span(in);
  *out = table;
  for (size_t n = 0; in.len; n++) {
    uint8_t const *e = cf_rd_take(&rd, ENTRY_SZ);
    if (!e) return cf_error_set(err, CF_ERR_FORMAT, "tsm.auxblob", rd.pos, "a table of certificates without its end");
    if (is_zero(e, ENTRY_SZ)) break;
    if (n == CF_CERTTABLE_ENTRIES_MAX)
      return cf_error_set(err, CF_ERR_BOUND, "tsm.auxblob", rd.pos, "more than %d certificates", CF_CERTTABLE_ENTRIES_MAX);
    uint32_t at = le32(e + 16), len = le32(e + 20);
    if (at > in.len || len > in.len - at)
      return cf_error_set(err, CF_ERR_FORMAT, "tsm.auxblob", rd.pos - ENTRY_SZ, "a certificate outside the table");
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
      if (!len || memcmp(e, known[k].guid, sizeof known[k].guid)) continue;
      cf_span_t *part = &table.part[known[k].part];
      if (part->ptr) return cf_error_set(err, CF_ERR_FORMAT, "tsm.auxblob", rd.pos - ENTRY_SZ, "a certificate twice");
      *part = CF_SPAN(in.ptr + at, len);
    }
  }
  *out = table;
  return CF_OK;
}
