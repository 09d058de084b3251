/* A line of the log that operators read: one JSON object, of fields and values
   of the public types only.

     cf_line_t line = cf_line_begin(&wr, now, CF_LINE_INFO, CF_PUBLIC_TEXT("receipt"));
     cf_line_put(&line, CF_FIELD_RECEIPT, cf_public_id(&id));
     cf_line_put(&line, CF_FIELD_COUNT, cf_public_u64(n));
     cf_line_end(&line);

   Strings of peers, errors' texts and amounts have no public type; they cannot be put. */
#ifndef CF_OBSERVE_LINE_H
#define CF_OBSERVE_LINE_H

#include "base/cf_effect.h"
#include "codec/cf_json.h"
#include "observe/cf_public.h"
#include "observe/cf_trace.h"

typedef enum { CF_LINE_INFO, CF_LINE_WARN, CF_LINE_ERROR } cf_line_level_t;

typedef struct {
  cf_jw_t jw;
} cf_line_t;

/* A field's type says what its value may be; these are all there are.  Each at most once in a line. */
typedef struct { char const *made_by_cf_field; } cf_field_u64_t;
typedef struct { char const *made_by_cf_field; } cf_field_id_t;
typedef struct { char const *made_by_cf_field; } cf_field_text_t;

#define CF_FIELD_COUNT      ((cf_field_u64_t){ "count" })
#define CF_FIELD_SIZE       ((cf_field_u64_t){ "size" })
#define CF_FIELD_INDEX      ((cf_field_u64_t){ "index" })
#define CF_FIELD_SEQUENCE   ((cf_field_u64_t){ "sequence" })
#define CF_FIELD_EPOCH      ((cf_field_u64_t){ "epoch" })
#define CF_FIELD_BLOCK      ((cf_field_u64_t){ "block" })
#define CF_FIELD_SETTLEMENT ((cf_field_u64_t){ "settlement" })
#define CF_FIELD_PEER       ((cf_field_u64_t){ "peer" })
#define CF_FIELD_CODE       ((cf_field_u64_t){ "code" })
#define CF_FIELD_TOOK_US    ((cf_field_u64_t){ "took_us" })
#define CF_FIELD_UNTIL_MS   ((cf_field_u64_t){ "until_ms" })

#define CF_FIELD_DOMAIN     ((cf_field_id_t){ "domain" })
#define CF_FIELD_INSTANCE   ((cf_field_id_t){ "instance" })
#define CF_FIELD_ENVELOPE   ((cf_field_id_t){ "envelope" })
#define CF_FIELD_RECEIPT    ((cf_field_id_t){ "receipt" })
#define CF_FIELD_EVIDENCE   ((cf_field_id_t){ "evidence" })
#define CF_FIELD_POLICY     ((cf_field_id_t){ "policy" })
#define CF_FIELD_ROOT       ((cf_field_id_t){ "root" })
#define CF_FIELD_TX         ((cf_field_id_t){ "tx" })

#define CF_FIELD_STATUS     ((cf_field_text_t){ "status" })
#define CF_FIELD_CLASS      ((cf_field_text_t){ "class" })
#define CF_FIELD_MODE       ((cf_field_text_t){ "mode" })
#define CF_FIELD_STATE      ((cf_field_text_t){ "state" })
#define CF_FIELD_REASON     ((cf_field_text_t){ "reason" })
#define CF_FIELD_ROLE       ((cf_field_text_t){ "role" })

/* cf_line_begin opens the object with time (RFC 3339 of now.wall_ms; that of the
   year 9999's end when it lies beyond), level and event.  A line too long for wr makes wr bad. */
cf_line_t cf_line_begin(cf_wr_t *wr, cf_now_t now, cf_line_level_t level, cf_public_text_t event);
void      cf_line_trace(cf_line_t *line, cf_trace_t const *t); /* trace and span id */
void      cf_line_end(cf_line_t *line);                        /* without a newline */

#define cf_line_put(line, field, value)                                                                                        \
  _Generic((value), cf_public_u64_t: cf_line_put_u64, cf_public_id_t: cf_line_put_id, cf_public_text_t: cf_line_put_text)(     \
      line, field, value)
void cf_line_put_u64(cf_line_t *line, cf_field_u64_t field, cf_public_u64_t v);
void cf_line_put_id(cf_line_t *line, cf_field_id_t field, cf_public_id_t id);
void cf_line_put_text(cf_line_t *line, cf_field_text_t field, cf_public_text_t text);

#endif
