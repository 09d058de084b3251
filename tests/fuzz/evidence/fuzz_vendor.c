/* Input: 'r' and a record; 'n' and an item's name; else the index of an item below, then an answer about it: head, a blank line,
   body.  What is read has one text; what is taken of an answer is inside of it, or of the room. */
#include <assert.h>

#include "evidence/cf_vendor_answer.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

#define ID "00000000000000000000000000000000"
static char const *const names[] = {"intel/tcb-info/tdx/a0b0c0d0e0f0",
                                    "intel/identity/sgx",
                                    "intel/pck-crl/platform",
                                    "intel/root-crl",
                                    "intel/pck/" ID "-" ID "-0000-0000",
                                    "amd/milan/vcek-chain",
                                    "amd/turin/vcek/0000000000000000/0-0-0-0-0",
                                    "amd/genoa/vlek-crl"};

static void check_record(cf_span_t in) {
  static uint8_t     again[CF_VENDOR_RECORD_MAX];
  cf_wr_t            wr = cf_wr_init(again, sizeof again);
  cf_vendor_record_t r;
  cf_error_t         err = {0};
  if (cf_vendor_record_read(&r, in, &err)) {
    assert(err.status && err.text[0]);
    return;
  }
  assert(r.part_cnt >= 1 && r.part_cnt <= CF_VENDOR_PARTS_MAX);
  assert(!cf_vendor_record_write(&wr, &r) && cf_span_eq(cf_wr_out(&wr), in));
}

static void check_name(cf_span_t in) {
  cf_vendor_item_t item, needs;
  char             again[CF_VENDOR_NAME_MAX], path[CF_VENDOR_PATH_MAX];
  bool             has = false;
  if (cf_vendor_of(&item, in)) return;
  cf_vendor_name(again, &item);
  assert(cf_span_eq(in, CF_SPAN(again, strlen(again))));
  for (int s = CF_SOURCE_PCS; s <= CF_SOURCE_ANY; s++) has |= cf_vendor_path(path, (cf_source_kind_t)s, &item);
  assert(has); /* somebody has it */
  if (cf_vendor_needs(&needs, &item)) assert(needs.product == item.product);
}

static bool inside(cf_span_t part, uint8_t const *from, size_t sz) {
  return part.ptr >= from && part.ptr <= from + sz && part.len <= sz - (size_t)(part.ptr - from);
}

static void check_answer(char const *name, cf_span_t in) {
  static uint8_t     room_bytes[CF_VENDOR_ROOM];
  cf_wr_t            room = cf_wr_init(room_bytes, sizeof room_bytes);
  cf_vendor_answer_t answer = {.at_s = 1780272000};
  cf_vendor_item_t   item;
  cf_vendor_found_t  found;
  cf_verdict_t       v;
  cf_span_t          pem;
  uint8_t const     *blank = memmem(in.ptr, in.len, "\r\n\r\n", 4);
  size_t             head = blank ? (size_t)(blank - in.ptr) + 4 : in.len;
  assert(!cf_vendor_of(&item, CF_SPAN(name, strlen(name))));
  answer.fields = CF_SPAN(in.ptr, head);
  answer.body = CF_SPAN(in.ptr + head, in.len - head);
  answer.ask = answer.ark = answer.body;
  if (!cf_vendor_chain_field(&pem, &room, item.kind, answer.fields))
    assert(pem.len <= head && !memchr(pem.len ? pem.ptr : (uint8_t const *)"x", 0, pem.len));
  room = cf_wr_init(room_bytes, sizeof room_bytes);
  if (cf_vendor_read(&found, &room, &item, &answer, &v)) {
    assert(v.code && v.item[0] && v.text[0]);
    return;
  }
  assert(found.record.part_cnt >= 1 && found.record.issued_s <= answer.at_s && answer.at_s <= found.record.next_s);
  for (size_t i = 0; i < found.record.part_cnt; i++)
    assert(cf_vendor_is_for(&item, found.record.part[i].role) &&
           (inside(found.part[i], in.ptr, in.len) || inside(found.part[i], room_bytes, sizeof room_bytes)));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  if (size == 0) return 0;
  cf_span_t in = CF_SPAN(data + 1, size - 1);
  if (data[0] == 'r') check_record(in);
  else if (data[0] == 'n') check_name(in);
  else check_answer(names[data[0] % (sizeof names / sizeof *names)], in);
  return 0;
}
