#include "enclave/cf_journal.h"

#include <assert.h>

#include "base/cf_secret.h"

static char const *const magics[] = { "CFJ1", "CFS2" };
static char const *const labels[] = { "counterfoil/journal/v1", "counterfoil/snapshot/v1" };

void
cf_file_header_write(cf_wr_t *wr, cf_file_header_t const *h) {
  cf_wr_bytes(wr, magics[h->kind], 4);
  cf_wr_hash(wr, &h->domain);
  cf_wr_u64(wr, h->root_number);
  cf_wr_hash(wr, &h->instance);
  cf_wr_bytes(wr, h->random, sizeof h->random);
  cf_wr_u64(wr, h->file);
  cf_wr_hash(wr, &h->chain);
}

cf_status_t
cf_file_header_read(cf_file_header_t *h, cf_rd_t *rd, cf_file_kind_t kind) {
  uint8_t const *magic = cf_rd_take(rd, 4);
  h->kind              = kind;
  h->domain            = cf_rd_hash(rd);
  h->root_number       = cf_rd_u64(rd);
  h->instance          = cf_rd_hash(rd);
  cf_rd_copy(rd, h->random, sizeof h->random);
  h->file  = cf_rd_u64(rd);
  h->chain = cf_rd_hash(rd);
  return rd->bad || memcmp(magic, magics[kind], 4) ? CF_ERR_FORMAT : CF_OK;
}

void
cf_journal_begin(cf_journal_t *j, cf_file_header_t const *h, uint8_t const root[32]) {
  uint8_t     buf[CF_JOURNAL_HEADER_SZ], info[24 + 64];
  cf_wr_t     header = cf_wr_init(buf, sizeof buf), wr = cf_wr_init(info, sizeof info);
  cf_sha256_t ctx;
  cf_file_header_write(&header, h);
  cf_wr_bytes(&wr, labels[h->kind], strlen(labels[h->kind]) + 1);
  cf_wr_hash(&wr, &h->instance);
  cf_wr_bytes(&wr, h->random, sizeof h->random);
  assert(!header.bad && !wr.bad);
  if (!j->key) j->key = cf_secret_new(32);
  assert(j->key);
  cf_hash_t prk = cf_hkdf_extract(CF_SPAN_OF(h->domain.b), CF_SPAN(root, 32));
  cf_hkdf_expand(j->key, 32, &prk, cf_wr_out(&wr));
  cf_wipe(&prk, sizeof prk);
  cf_sha256_tag(&ctx, "journal-header");
  cf_sha256_s(&ctx, cf_wr_out(&header));
  j->chain = cf_sha256_end(&ctx);
  j->next  = 0;
}

void
cf_journal_end(cf_journal_t *j) {
  cf_secret_free(j->key);
  j->key = NULL;
}

static void
nonce_of(uint8_t nonce[CF_AEAD_NONCE_SZ], uint64_t number) {
  cf_wr_t wr = cf_wr_init(nonce, CF_AEAD_NONCE_SZ);
  cf_wr_u32(&wr, 0);
  cf_wr_u64(&wr, number);
}

static cf_hash_t
chain_after(cf_journal_t const *j, cf_span_t record) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "journal-record");
  cf_sha256_h(&ctx, &j->chain);
  cf_sha256_s(&ctx, record);
  return cf_sha256_end(&ctx);
}

void
cf_journal_seal(cf_journal_t *j, cf_aead_t *aead, cf_wr_t *wr, cf_span_t plain) {
  uint8_t nonce[CF_AEAD_NONCE_SZ];
  size_t  size = plain.len + CF_AEAD_TAG_SZ;
  nonce_of(nonce, j->next);
  cf_wr_u32(wr, (uint32_t)size);
  uint8_t *at = cf_wr_room(wr, size);
  assert(at && j->key);
  cf_aead_seal(aead, at, j->key, nonce, CF_SPAN_OF(j->chain.b), plain);
  j->chain = chain_after(j, CF_SPAN(at, size));
  j->next++;
}

cf_status_t
cf_journal_open(cf_journal_t *j, cf_aead_t *aead, uint8_t *out, cf_span_t record) {
  uint8_t nonce[CF_AEAD_NONCE_SZ];
  if (!j->key || record.len < CF_AEAD_TAG_SZ) return CF_ERR_AUTH;
  nonce_of(nonce, j->next);
  cf_hash_t after = chain_after(j, record); /* first: opened in place, the record is gone */
  if (cf_aead_open(aead, out, j->key, nonce, CF_SPAN_OF(j->chain.b), record)) return CF_ERR_AUTH;
  j->chain = after;
  j->next++;
  cf_declassify(out, record.len - CF_AEAD_TAG_SZ, "our own record: it is read by its form");
  return CF_OK;
}
