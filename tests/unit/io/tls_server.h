/* A server for https in a process of its own, with a certificate for 127.0.0.1 that it makes: root.pem in the test's folder. */
#ifndef CF_TEST_TLS_SERVER_H
#define CF_TEST_TLS_SERVER_H

#include "io_util.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static struct {
  pid_t    pid;
  uint16_t port;
} server;

/* A certificate for 127.0.0.1 that is its own root; its PEM stands in the folder. */
static inline void
tls_certify(SSL_CTX *tls) {
  EVP_PKEY       *key  = EVP_EC_gen("P-256");
  X509           *cert = X509_new();
  X509_NAME      *name = X509_get_subject_name(cert);
  X509_EXTENSION *san  = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
  FILE           *f    = fopen(tmp_path("root.pem"), "w");
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (unsigned char const *)"node", -1, -1, 0);
  X509_set_issuer_name(cert, name);
  X509_set_pubkey(cert, key);
  X509_add_ext(cert, san, -1);
  bool ok = X509_sign(cert, key, EVP_sha256()) > 0 && f && PEM_write_X509(f, cert) && SSL_CTX_use_certificate(tls, cert) == 1 &&
            SSL_CTX_use_PrivateKey(tls, key) == 1;
  if (f) fclose(f);
  if (!ok) abort();
  X509_EXTENSION_free(san);
  X509_free(cert);
  EVP_PKEY_free(key);
}

static inline void
tls_serve(SSL_CTX *tls, int listener, void (*answer)(SSL *ssl)) {
  signal(SIGCHLD, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) {
    struct pollfd at = { .fd = listener, .events = POLLIN };
    poll(&at, 1, -1);
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      SSL *ssl = SSL_new(tls);
      SSL_set_fd(ssl, fd);
      if (SSL_accept(ssl) == 1) answer(ssl);
      SSL_shutdown(ssl);
      _exit(0);
    }
    close(fd);
  }
}

/* tls_start begins to serve: answer has one connection, in a process of its own.  tls_stop ends it. */
static inline bool
tls_start(void (*answer)(SSL *ssl)) {
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  int      listener;
  tls_certify(tls);
  if (cf_net_listen(&listener, "127.0.0.1", 0, NULL)) return false;
  server.port = cf_net_port(listener);
  server.pid  = fork();
  if (server.pid == 0) tls_serve(tls, listener, answer);
  close(listener);
  SSL_CTX_free(tls);
  return server.pid > 0;
}

static inline void
tls_stop(void) {
  kill(server.pid, SIGKILL);
  waitpid(server.pid, NULL, 0);
}

#endif
