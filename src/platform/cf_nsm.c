#include "platform/cf_nsm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "codec/cf_cbor.h"
#include "platform/cf_attester_inside.h"

/* ---- CBOR ---- */

static void put(cf_wr_t *wr, char const *name, cf_span_t value) {
  cf_cbor_w_str(wr, name);
  if (value.len) cf_cbor_w_bstr(wr, value);
  else cf_cbor_w_null(wr);
}

void cf_nsm_attestation(cf_wr_t *wr, cf_span_t user_data, cf_span_t nonce, cf_span_t public_key) {
  cf_cbor_w_map(wr, 1);
  cf_cbor_w_str(wr, "Attestation");
  cf_cbor_w_map(wr, 3);
  put(wr, "nonce", nonce);
  put(wr, "user_data", user_data);
  put(wr, "public_key", public_key);
}

/* A map of one member; its end is seen to by close_map. */
static cf_span_t open_map(cf_rd_t *rd, bool *endless) {
  uint8_t head = cf_rd_u8(rd);
  *endless = head == 0xbf;
  if (head != 0xa1 && !*endless) rd->bad = true;
  return cf_cbor_tstr(rd);
}

static void close_map(cf_rd_t *rd, bool endless) {
  if (endless && cf_rd_u8(rd) != 0xff) rd->bad = true;
}

cf_status_t cf_nsm_document(cf_span_t *document, cf_span_t in, cf_error_t *err) {
  cf_rd_t   rd = cf_rd_span(in);
  bool      outer, inner;
  cf_span_t kind = open_map(&rd, &outer), found = CF_SPAN(NULL, 0);
  bool      refused = cf_span_eq(kind, CF_SPAN_LIT("Error"));
  if (refused) found = cf_cbor_tstr(&rd);
  else if (!cf_span_eq(kind, CF_SPAN_LIT("Attestation")) || !cf_span_eq(open_map(&rd, &inner), CF_SPAN_LIT("document")))
    rd.bad = true;
  else {
    found = cf_cbor_bstr(&rd);
    close_map(&rd, inner);
  }
  close_map(&rd, outer);
  if (!cf_rd_done(&rd) || !found.len)
    return cf_error_set(err, CF_ERR_FORMAT, "nsm.response", rd.pos, "neither a document nor an error");
  if (refused)
    return cf_error_set(err, CF_ERR_IO, "nsm.response", 0, "the security module says %.*s",
                        (int)(found.len > 64 ? 64 : found.len), (char const *)found.ptr);
  *document = found;
  return CF_OK;
}

/* ---- the device ---- */

/* include/uapi/linux/nsm.h, which Debian 12's headers do not have. */
struct nsm_raw {
  struct {
    uint64_t addr, len;
  } request, response;
};
#define NSM_IOCTL_RAW _IOWR(0x0A, 0x0, struct nsm_raw)

#define ABSENT "run this inside a Nitro enclave, whose image has the nsm driver (Linux 6.8 or newer, or AWS's)"

typedef struct {
  cf_span_t request, response;
} nsm_t;

/* Never more than one answer's room: what is longer than response.len, the kernel cuts without a word. */
static void exchange(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  nsm_t    *n = ctx;
  cf_path_t path = cf_attester_path(a, "/dev/nsm");
  uint8_t  *at = cf_wr_room(a->room, CF_NSM_RESPONSE_MAX);
  int       fd = open(path.text, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    cf_try_failed(t, errno, "nsm", &path);
    return;
  }
  struct nsm_raw raw = {.request = {(uintptr_t)n->request.ptr, n->request.len}, .response = {(uintptr_t)at, CF_NSM_RESPONSE_MAX}};
  if (ioctl(fd, NSM_IOCTL_RAW, &raw)) cf_try_failed(t, errno == EMSGSIZE ? EFBIG : errno, "nsm", &path);
  else if (raw.response.len > CF_NSM_RESPONSE_MAX) cf_try_failed(t, EBADMSG, "nsm", &path);
  else n->response = CF_SPAN(at, raw.response.len);
  close(fd);
}

cf_status_t cf_nsm_attest(cf_attesting_t *a) {
  uint8_t   request[CF_NSM_REQUEST_MAX];
  cf_wr_t   wr = cf_wr_init(request, sizeof request);
  cf_span_t document;
  nsm_t     n;
  if (a->ask->user_data.len > CF_ATTESTER_FIELD_MAX || a->ask->public_key.len > CF_ATTESTER_FIELD_MAX)
    return cf_attester_refuse(a, CF_ERR_BOUND, "nsm.request", "give a digest of it instead",
                              "user data or public key over %d bytes", CF_ATTESTER_FIELD_MAX);
  cf_nsm_attestation(&wr, a->ask->user_data, a->ask->data, a->ask->public_key);
  n.request = cf_wr_out(&wr);
  cf_status_t st = cf_attester_tries(a, exchange, &n, ABSENT);
  if (st) return st;
  a->out->next = "try again; if it stays so, the name of the error is in AWS' NSM API";
  st = cf_nsm_document(&document, n.response, a->err);
  if (st) return st;
  a->out->platform = CF_PLATFORM_NITRO;
  cf_attester_add(a, "document", document);
  return CF_OK;
}
