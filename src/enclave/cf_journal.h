/* The enclave's files: journal and snapshot, encrypted under the sealing root.
   docs/protocol/journal.md.

   header  magic "CFJ1" or "CFS2" | domain | root number u64 | instance | 32 random bytes | file number u64 | chain
   key     HKDF(salt domain, root; "counterfoil/<journal|snapshot>/v1" 0x00 instance random): never twice, because the
           random bytes are fresh in every file and each file has one writer
   record  u32 length | AES-256-GCM; nonce the record's number in the file, from 0; additional data the chain before it
   chain   after a header SHA-256 tag "journal-header" of it; after a record SHA-256 tag "journal-record": chain || record

   A journal file's header names the chain that it continues: the snapshot's, or that of the file before. */
#ifndef CF_ENCLAVE_JOURNAL_H
#define CF_ENCLAVE_JOURNAL_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "crypto/cf_aead.h"
#include "crypto/cf_hash.h"

#define CF_JOURNAL_HEADER_SZ (4 + 32 + 8 + 32 + 32 + 8 + 32)
typedef enum { CF_FILE_JOURNAL, CF_FILE_SNAPSHOT } cf_file_kind_t;

typedef struct {
  cf_file_kind_t kind;
  cf_hash_t      domain;
  uint64_t       root_number;
  cf_hash_t      instance;
  uint8_t        random[32];
  uint64_t       file;
  cf_hash_t      chain;
} cf_file_header_t;

void                      cf_file_header_write(cf_wr_t *wr, cf_file_header_t const *h);
CF_MUST_CHECK cf_status_t cf_file_header_read(cf_file_header_t *h, cf_rd_t *rd, cf_file_kind_t kind);

/* A file at work, read or written. */
typedef struct {
  uint8_t  *key; /* secret, 32 bytes; NULL: no file is open */
  cf_hash_t chain;
  uint64_t  next; /* number of the next record */
} cf_journal_t;

/* cf_journal_begin goes over to the file of header h, whose bytes are header. */
void cf_journal_begin(cf_journal_t *j, cf_file_header_t const *h, uint8_t const root[32]);
void cf_journal_end(cf_journal_t *j); /* wipes the key */

/* cf_journal_seal writes length and record of body (plain), which may stand where the record goes: 4 bytes behind wr's end. */
void cf_journal_seal(cf_journal_t *j, cf_aead_t *aead, cf_wr_t *wr, cf_span_t plain);
/* cf_journal_open opens the next record (without its length) into out (record.len - 16 bytes), which may be the record itself.  CF_ERR_AUTH: it is not the next
   record of this file. */
CF_MUST_CHECK cf_status_t cf_journal_open(cf_journal_t *j, cf_aead_t *aead, uint8_t *out, cf_span_t record);

#endif
