/* The launcher: alone speaks to the TPM.  It measures program, configuration and
   genesis, starts the program, hands it the sealing roots, and then quotes only
   what that program asks for over its descriptor, because outside a TPM nothing else
   ties the identity to the evidence.  PROTOCOL P4 ("the machine is the enclave"), P12 (8, 9; restart 1). */
#ifndef CF_PLATFORM_LAUNCH_H
#define CF_PLATFORM_LAUNCH_H

#include <sys/types.h>

#include "base/cf_error.h"
#include "platform/cf_swtpm.h"
#include "platform/cf_tpmdev.h"

#define CF_LAUNCH_QUOTES_MAX 4 /* the newest are kept for the gateway to fetch */
#define CF_LAUNCH_EVIDENCE_MAX 65536

typedef struct {
  char const *dir;     /* the domain's folder */
  char const *program; /* the enclave's executable */
  char const *tcti;    /* NULL: the software TPM in dir/tpm, started here */
} cf_launch_config_t;

typedef struct {
  cf_hash_t binding;
  size_t    evidence_sz;
  uint8_t   evidence[CF_LAUNCH_EVIDENCE_MAX];
} cf_launch_quote_t;

typedef struct {
  cf_launch_config_t config;
  cf_swtpm_t         swtpm;
  cf_tpmdev_t        tpm;
  cf_hash_t          program, configuration, domain, instance;
  uint8_t            identity[64];
  uint8_t            layers; /* of the program's confinement, cf_layer_t bits */
  uint8_t            ek_certificate[CF_TPMDEV_CERT_MAX];
  size_t             ek_certificate_sz;
  cf_swtpm_ca_t      ca; /* of a software TPM; sizes 0 else */
  uint8_t            ak[CF_TPM_BLOB_MAX];
  size_t             ak_sz;
  cf_launch_quote_t  quotes[CF_LAUNCH_QUOTES_MAX];
  size_t             quotes_next;
  pid_t              child;
  int                enclave;  /* socket to the program */
  int                listener; /* the gateway's questions to us */
  int                folder;   /* DIR/enclave */
} cf_launch_t;

/* cf_launch_start does all up to a running, measured program with identity and cap in PCR 12.  l is zeroed by it.
   CF_ERR_IO, CF_ERR_POLICY (the TPM was not reset), CF_ERR_FORMAT (a file is not what it should be); err names the step. */
CF_MUST_CHECK cf_status_t cf_launch_start(cf_launch_t *l, cf_launch_config_t const *config, cf_error_t *err);

/* cf_launch_serve answers the program and the gateway until stop_fd becomes readable (returns CF_OK) or the program ends (CF_ERR_IO). */
CF_MUST_CHECK cf_status_t cf_launch_serve(cf_launch_t *l, int stop_fd, cf_error_t *err);

/* cf_launch_stop ends the program and the software TPM. */
void cf_launch_stop(cf_launch_t *l);

/* The launcher's own socket: questions and answers of docs/protocol/services.md, "Launcher".  cf_launch_answer is all of it but the socket. */
void cf_launch_answer(cf_launch_t *l, cf_wr_t *answer, cf_span_t question);
/* cf_launch_put writes DIR/enclave/name: whole and durable before its name exists. */
CF_MUST_CHECK cf_status_t cf_launch_put(cf_launch_t *l, char const *name, cf_span_t body, cf_error_t *err);
/* cf_launch_asked performs what the program asks: SEAL, QUOTE; answer gets version, type, class. */
void cf_launch_asked(cf_launch_t *l, cf_wr_t *answer, cf_span_t question);

#endif
