/* A software TPM (swtpm) of one's own: made once in a folder, run as a child process.  Genuine protocol, code and certificate
   chain, but the TPM is a process that its owner controls: its root is of class owner-controlled, and production policy refuses
   it. Stopping and starting it is a TPM reset. */
#ifndef CF_PLATFORM_SWTPM_H
#define CF_PLATFORM_SWTPM_H

#include <stdbool.h>

#include <sys/types.h>

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_SWTPM_PATH_MAX 96 /* of a folder: the socket's name has to fit sockaddr_un */
#define CF_SWTPM_CERT_MAX 4096

typedef struct {
  pid_t pid;
  char  dir[CF_SWTPM_PATH_MAX];
} cf_swtpm_t;

/* cf_swtpm_make makes a TPM in dir/state with an RSA-2048 endorsement key and its certificate, issued by the CA in ca_dir (made
   there when it is missing; several TPMs may share one).  Both folders are made when they do not exist.  Takes about a second; a
   folder that already has a TPM is left as it is.  Runs swtpm_setup.  CF_ERR_BOUND: a path is too long; CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_swtpm_make(char const *dir, char const *ca_dir, cf_error_t *err);

/* cf_swtpm_start runs swtpm on dir until cf_swtpm_stop, or until the calling thread ends (PR_SET_PDEATHSIG), and returns when its
   socket answers.  All PCRs start anew.  CF_ERR_IO: it does not start; dir/swtpm.log says why. */
CF_MUST_CHECK cf_status_t cf_swtpm_start(cf_swtpm_t *tpm, char const *dir, cf_error_t *err);
/* cf_swtpm_stop ends it and waits; a zeroed one is fine. */
void cf_swtpm_stop(cf_swtpm_t *tpm);
/* cf_swtpm_ended: was one started, and is it gone?  It is reaped, then. */
bool cf_swtpm_ended(cf_swtpm_t *tpm);

/* cf_swtpm_tcti writes "swtpm:path=DIR/sock", for cf_tpmdev_init. */
void cf_swtpm_tcti(char *out, size_t out_max, char const *dir);

/* cf_swtpm_ca reads the CA's certificates as DER: the issuer of endorsement certificates, and its root. */
typedef struct {
  uint8_t issuer[CF_SWTPM_CERT_MAX], root[CF_SWTPM_CERT_MAX];
  size_t  issuer_sz, root_sz;
} cf_swtpm_ca_t;
CF_MUST_CHECK cf_status_t cf_swtpm_ca(cf_swtpm_ca_t *out, char const *ca_dir, cf_error_t *err);

#endif
