#include "io/cf_collateral_dir.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cf_text.h"
#include "base/cf_utc.h"
#include "crypto/cf_hash.h"

#define LIST_MAX (1u << 20) /* bytes of names: some ten thousand answers about one item */
#define HASH_SZ 16          /* of a record's name */
#define RECORD_NAME_SZ (CF_UTC_TEXT - 1 + 1 + 2 * HASH_SZ)

static cf_span_t span(char const *text) { return CF_SPAN(text, strlen(text)); }

static cf_status_t altered(cf_error_t *err, char const *name, char const *why) {
  return cf_error_set(err, CF_ERR_AUTH, "collateral", 0, "%s: %s", name, why);
}

/* ---- objects ---- */

#define OBJECT_NAME_SZ (8 + 64 + 1)

static void object_name(char out[OBJECT_NAME_SZ], cf_hash_t const *hash) {
  memcpy(out, "objects/", 8);
  cf_hex_encode(out + 8, CF_SPAN_OF(hash->b));
}

cf_status_t cf_collateral_object(uint8_t **out, size_t *out_sz, cf_files_t const *dir, cf_hash_t const *hash, cf_error_t *err) {
  char name[OBJECT_NAME_SZ];
  bool found;
  object_name(name, hash);
  cf_status_t st = cf_files_get(out, out_sz, &found, dir, span(name), CF_VENDOR_PART_MAX, err);
  if (st) return st;
  if (!found) return altered(err, name, "a record names it, and it is not there");
  cf_hash_t is = cf_sha256(CF_SPAN(*out, *out_sz));
  if (cf_hash_eq(&is, hash)) return CF_OK;
  free(*out);
  *out = NULL;
  return altered(err, name, "its bytes are others than its name says");
}

/* ---- records ---- */

#define ITEM_NAME_SZ (6 + CF_VENDOR_NAME_MAX + 1 + RECORD_NAME_SZ + 1)

static size_t folder_name(char out[ITEM_NAME_SZ], cf_vendor_item_t const *item) {
  memcpy(out, "items/", 6);
  cf_vendor_name(out + 6, item);
  return strlen(out);
}

/* A record's name begins with its date; anything else in the folder is not ours. */
static bool date_of(int64_t *out, cf_span_t name) {
  return name.len == RECORD_NAME_SZ && name.ptr[CF_UTC_TEXT - 1] == '-' && !cf_utc_read(out, CF_SPAN(name.ptr, CF_UTC_TEXT - 1));
}

/* The newest name by at_s: the list is sorted, and dates sort as text. */
static bool newest_by(char out[RECORD_NAME_SZ + 1], cf_span_t list, int64_t at_s) {
  bool    found = false;
  int64_t issued_s;
  for (size_t pos = 0; pos < list.len;) {
    cf_span_t name = span((char const *)list.ptr + pos);
    pos += name.len + 1;
    if (!date_of(&issued_s, name) || issued_s > at_s) continue;
    memcpy(out, name.ptr, name.len + 1);
    found = true;
  }
  return found;
}

cf_status_t cf_collateral_find(cf_vendor_record_t *out, bool *found, cf_files_t const *dir, cf_vendor_item_t const *item,
                               int64_t at_s, cf_error_t *err) {
  char     name[ITEM_NAME_SZ];
  uint8_t *list, *text;
  size_t   list_sz, sz, n = folder_name(name, item);
  int64_t  issued_s = 0;
  *found = false;
  cf_status_t st = cf_files_list(&list, &list_sz, dir, span(name), LIST_MAX, err);
  if (st) return st;
  name[n] = '/';
  bool there = newest_by(name + n + 1, CF_SPAN(list, list_sz), at_s);
  free(list);
  if (!there) return CF_OK;
  st = cf_files_get(&text, &sz, found, dir, span(name), CF_VENDOR_RECORD_MAX, err);
  if (st || !*found) return st;
  st = cf_vendor_record_read(out, CF_SPAN(text, sz), err);
  free(text);
  if (!st && (!date_of(&issued_s, span(name + n + 1)) || issued_s != out->issued_s)) st = altered(err, name, "of another date");
  return st;
}

/* ---- reading ---- */

static bool given(cf_collateral_taken_t const *t, cf_role_t role) {
  for (size_t i = 0; i < t->item_cnt; i++)
    if (t->items[i].role == role) return true;
  return false;
}

static cf_status_t take_part(cf_collateral_taken_t *t, cf_files_t const *dir, cf_role_t role, cf_hash_t const *hash,
                             cf_error_t *err) {
  uint8_t *at;
  size_t   sz;
  if (given(t, role)) return CF_OK;
  if (t->item_cnt == CF_ITEMS_MAX) return cf_error_set(err, CF_ERR_BOUND, "collateral", 0, "more than %d items", CF_ITEMS_MAX);
  cf_status_t st = cf_collateral_object(&at, &sz, dir, hash, err);
  if (st) return st;
  t->mem[t->mem_cnt++] = at;
  t->items[t->item_cnt++] = (cf_evidence_item_t){role, CF_SPAN(at, sz)};
  return CF_OK;
}

/* Chain and document go together: a chain that was given may be another one's, and is then the giver's choice. */
static cf_status_t take_item(cf_collateral_taken_t *t, cf_files_t const *dir, cf_vendor_item_t const *item, int64_t at_s,
                             cf_error_t *err) {
  cf_vendor_record_t record;
  bool               found;
  cf_status_t        st = cf_collateral_find(&record, &found, dir, item, at_s, err);
  for (size_t i = 0; !st && found && i < record.part_cnt; i++)
    if (cf_vendor_is_for(item, record.part[i].role)) st = take_part(t, dir, record.part[i].role, &record.part[i].hash, err);
  return st;
}

cf_status_t cf_collateral_take(cf_collateral_taken_t *out, cf_files_t const *dir, cf_evidence_item_t const *items,
                               size_t item_cnt, int64_t at_s, cf_error_t *err) {
  cf_vendor_item_t wants[CF_VENDOR_WANTS_MAX];
  size_t           cnt, before;
  cf_status_t      st = CF_OK;
  *out = (cf_collateral_taken_t){0};
  if (item_cnt > CF_ITEMS_MAX) return cf_error_set(err, CF_ERR_BOUND, "collateral", 0, "more than %d items", CF_ITEMS_MAX);
  if (item_cnt) memcpy(out->items, items, item_cnt * sizeof *items);
  out->item_cnt = item_cnt;
  do {
    before = out->item_cnt;
    cf_vendor_wants(wants, &cnt, out->items, out->item_cnt);
    for (size_t i = 0; i < cnt && !st; i++) st = take_item(out, dir, &wants[i], at_s, err);
  } while (!st && out->item_cnt > before);
  return st;
}

void cf_collateral_taken_free(cf_collateral_taken_t *taken) {
  for (size_t i = 0; i < taken->mem_cnt; i++) free(taken->mem[i]);
  *taken = (cf_collateral_taken_t){0};
}

/* ---- writing ---- */

static void record_name(char *out, cf_vendor_record_t const *r) {
  uint8_t   all[CF_VENDOR_PARTS_MAX * sizeof(cf_hash_t)];
  size_t    n = 0;
  cf_hash_t hash;
  for (size_t i = 0; i < r->part_cnt; i++, n += sizeof hash.b) memcpy(all + n, r->part[i].hash.b, sizeof hash.b);
  hash = cf_sha256(CF_SPAN(all, n));
  out[CF_UTC_TEXT - 1] = '-';
  cf_hex_encode(out + CF_UTC_TEXT, CF_SPAN(hash.b, HASH_SZ));
}

cf_status_t cf_collateral_put(cf_files_t const *dir, cf_vendor_item_t const *item, cf_vendor_record_t *record,
                              cf_span_t const *parts, cf_error_t *err) {
  char           name[ITEM_NAME_SZ], objects[CF_VENDOR_PARTS_MAX][OBJECT_NAME_SZ];
  uint8_t        text[CF_VENDOR_RECORD_MAX];
  cf_files_put_t put[CF_VENDOR_PARTS_MAX];
  cf_wr_t        wr = cf_wr_init(text, sizeof text);
  size_t         n = folder_name(name, item), cnt = 0;
  name[n++] = '/';
  for (size_t i = 0; i < record->part_cnt; i++) {
    record->part[i].hash = cf_sha256(parts[i]);
    if (i && cf_hash_eq(&record->part[i].hash, &record->part[0].hash)) continue;
    object_name(objects[i], &record->part[i].hash);
    put[cnt++] = (cf_files_put_t){span(objects[i]), parts[i]};
  }
  if (cf_utc_write(name + n, record->issued_s) || cf_vendor_record_write(&wr, record))
    return cf_error_set(err, CF_ERR_BOUND, "collateral", 0, "what was issued then cannot be written down");
  record_name(name + n, record);
  cf_status_t st = cf_files_put_all(dir, put, cnt, err);
  return st ? st : cf_files_put(dir, span(name), cf_wr_out(&wr), err);
}
