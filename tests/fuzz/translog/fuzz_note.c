/* Notes, checkpoint texts and vkeys: what is accepted is written again as the same bytes. */
#include <assert.h>

#include "translog/cf_line.h"
#include "translog/cf_note.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static uint8_t again[CF_NOTE_MAX + 256];

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_span_t in = CF_SPAN(data, size);
  cf_note_t note;
  if (!cf_note_parse(&note, in, NULL)) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_wr_span(&wr, note.text);
    cf_wr_str(&wr, "\n");
    for (size_t i = 0; i < note.sig_cnt; i++) {
      cf_wr_str(&wr, "\xe2\x80\x94 ");
      cf_wr_span(&wr, note.sig[i].name);
      cf_wr_str(&wr, " ");
      cf_wr_span(&wr, note.sig[i].b64);
      cf_wr_str(&wr, "\n");
    }
    assert(note.sig_cnt > 0 && cf_span_eq(cf_wr_out(&wr), in));
  }
  cf_checkpoint_t c;
  cf_span_t       text = cf_note_parse(&note, in, NULL) ? in : note.text;
  if (!cf_checkpoint_parse(&c, text, NULL)) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_checkpoint_format(&wr, c.origin, c.size, &c.root);
    cf_wr_span(&wr, c.extension);
    assert(cf_span_eq(cf_wr_out(&wr), text));
  }
  cf_vkey_t k;
  if (!cf_vkey_parse(&k, in)) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_vkey_format(&wr, &k);
    assert(cf_span_eq(cf_wr_out(&wr), in));
  }
  return 0;
}
