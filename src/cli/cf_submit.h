/* Envelopes to a gateway, and its answer (docs/protocol/services.md). */
#ifndef CF_CLI_SUBMIT_H
#define CF_CLI_SUBMIT_H

#include "cli/cf_cli.h"
#include "document/cf_documents.h"
#include "session/cf_envelope.h"

#define CF_SUBMIT_RECEIPTS_MAX 32

typedef enum { CF_SUBMIT_RECEIPT = 1, CF_SUBMIT_REFUSED, CF_SUBMIT_PROMISED } cf_submit_kind_t;
typedef struct {
  cf_submit_kind_t kind;
  uint8_t class;             /* REFUSED: cf_refuse_t */
  cf_receipt_file_t file;    /* RECEIPT; borrows the answer */
  cf_span_t         promise; /* PROMISED */
} cf_submitted_t;

/* cf_submit_answer reads the answer to cnt envelopes; false when it is none. */
bool cf_submit_answer(cf_submitted_t *out, size_t cnt, cf_span_t answer);
int  cf_submit_post(cf_submitted_t *out, char const *what, char const *url, cf_span_t const *envelopes, size_t cnt);

#endif
