/* JSON-RPC 2.0 from the asking side: questions, alone or in a batch, and their answers; and the two encodings in which Ethereum's nodes
   write numbers and bytes (execution-apis, "Hex encoding": QUANTITY, DATA).  Strict: each value has one text, but that the digits
   of bytes may be of either case (nodes write addresses so).  Pure; allocates nothing. */
#ifndef CF_CODEC_JSONRPC_H
#define CF_CODEC_JSONRPC_H

#include "codec/cf_json.h"

#define CF_JSONRPC_BATCH_MAX 64

/* A question: cf_jsonrpc_begin, its parameters written as an array's members, cf_jsonrpc_end.  One alone is an object; more are
   the members of an array (cf_jw_arr, cf_jw_end), with ids that count up. */
void cf_jsonrpc_begin(cf_jw_t *j, uint64_t id, char const *method);
void cf_jsonrpc_end(cf_jw_t *j);

/* result of type BAD: the node refused, with code, message and what stands in data (BAD when nothing does). */
typedef struct {
  cf_json_t result;
  int64_t   code;
  cf_json_t message;
  cf_json_t data;
} cf_jsonrpc_answer_t;

/* cf_jsonrpc_read finds the answers to the n questions (1 to CF_JSONRPC_BATCH_MAX) with ids from first_id on, in their order,
   whatever the order of the answers; they borrow body.
     CF_ERR_FORMAT, CF_ERR_BOUND  not JSON-RPC, or other answers than those, each once
     CF_ERR_IO                    the node refused the batch as a whole: err has its code and words */
CF_MUST_CHECK cf_status_t cf_jsonrpc_read(cf_jsonrpc_answer_t *answers, size_t n, uint64_t first_id, cf_span_t body, cf_error_t *err);

/* QUANTITY: "0x" and digits without leading zeros, in lower case.  CF_ERR_FORMAT; CF_ERR_BOUND from 2^64 or 2^256 on. */
CF_MUST_CHECK cf_status_t cf_quantity_u64(uint64_t *out, cf_json_t v);
CF_MUST_CHECK cf_status_t cf_quantity_word(cf_hash_t *out, cf_json_t v); /* big-endian */
/* DATA: "0x" and two digits a byte. */
CF_MUST_CHECK cf_status_t cf_data_fixed(void *out, size_t n, cf_json_t v); /* exactly n bytes */
CF_MUST_CHECK cf_status_t cf_data_size(size_t *sz, cf_json_t v);           /* the bytes that it stands for; digits not looked at */
/* cf_data_append decodes to wr.  CF_ERR_FORMAT; CF_ERR_BOUND when there is no room: wr is then as before. */
CF_MUST_CHECK cf_status_t cf_data_append(cf_wr_t *wr, cf_json_t v);

void cf_jw_quantity(cf_jw_t *j, char const *key, uint64_t v);
void cf_jw_quantity_word(cf_jw_t *j, char const *key, cf_hash_t const *v);
void cf_jw_data(cf_jw_t *j, char const *key, cf_span_t bytes);

#endif
