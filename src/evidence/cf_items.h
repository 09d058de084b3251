/* What is handed in, by name: items and roots as a person, a library's caller or a stranger's request names them.  One place where a
   name is known or refused, so that no check is dropped by a misspelling. */
#ifndef CF_EVIDENCE_ITEMS_H
#define CF_EVIDENCE_ITEMS_H

#include "evidence/cf_evidence.h"

#define CF_ITEMS_DER_MAX 65536 /* of roots that came as PEM */

/* 70 KiB: the caller's.  Zeroed it is empty.  Spans borrow what was added, and it. */
typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             cnt;
  cf_root_t          roots[CF_ROOTS_MAX];
  size_t             root_cnt;
  uint8_t            der[CF_ITEMS_DER_MAX];
  size_t             der_len;
} cf_items_t;

/* cf_items_add adds bytes under a name: a role's (cf_role_name); trusted_root or root-owner, root-cloud, root-firmware, root-discrete,
   which are certificates in DER, one, or PEM; or cmw, which is items by themselves (cf_items_add_cmw).

   CF_ERR_UNSUPPORTED  no such name
   CF_ERR_FORMAT       a root that is neither DER nor PEM; cf_items_add_cmw
   CF_ERR_BOUND        more items or roots than are judged

   After an error it is as it was.  Thread-safe; allocates nothing. */
CF_MUST_CHECK cf_status_t cf_items_add(cf_items_t *s, cf_span_t name, cf_span_t bytes, cf_error_t *err);

/* A conceptual message wrapper (RFC 9999, CBOR): a record [media type, bytes, ? indicator], or a collection {label => record} in
   deterministic CBOR, whose labels are anybody's and not looked at: what an item is, its media type says.  CF_ERR_UNSUPPORTED: a
   media type that is of no item; CF_ERR_FORMAT; CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_items_add_cmw(cf_items_t *s, cf_span_t cmw, cf_error_t *err);
/* cf_items_add_type adds one item by its media type: application/counterfoil-ROLE (cf_media_type), or the name that its makers gave
   it (docs/protocol/evidence.md).  Roots have none: who asks names them, not who answers. */
CF_MUST_CHECK cf_status_t cf_items_add_type(cf_items_t *s, cf_span_t type, cf_span_t bytes, cf_error_t *err);
/* cf_items_type_role is the role of a media type; 0: it is of no item. */
cf_role_t cf_items_type_role(cf_span_t type);
#define CF_MEDIA_TYPE_MAX 64
/* cf_media_type writes "application/counterfoil-tcb-info", NUL-ended. */
void cf_media_type(char out[CF_MEDIA_TYPE_MAX], cf_role_t role);
#define CF_CMW_TYPE "application/cmw+cbor"

/* cf_items_cmw writes items as a collection, labelled by their place, which cf_items_add_cmw reads.  items are at most 100. */
void cf_items_cmw(cf_wr_t *wr, cf_evidence_item_t const *items, size_t cnt);

#endif
