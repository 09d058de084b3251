/* The machine of an enclave as a node: launcher and program, on one disk with the gateway.  A life is a TPM reset, a measured
   start and an instance; frames of the gateway come to two ports, "enclave" and "launcher". */
#ifndef CF_SIM_MACHINE_H
#define CF_SIM_MACHINE_H

#include "cf_softtpm.h"
#include "cf_world.h"
#include "enclave/cf_enclave.h"

#define CF_MACHINE_QUOTES 4

typedef struct {
  cf_hash_t binding;
  size_t    len;
  uint8_t   evidence[16384];
} cf_machine_quote_t;

typedef struct cf_machine cf_machine_t;
struct cf_machine {
  cf_world_t   *world;
  unsigned      node;
  cf_softtpm_t *tpm; /* a twin shares it: its TPM was copied, too */
  cf_span_t     genesis, configuration;
  cf_hash_t     program, domain;
  cf_entropy_t  entropy;
  /* one life */
  cf_enclave_t      *enclave; /* NULL: it did not start */
  void              *mem;
  size_t             mem_sz;
  cf_p256_pub_t      identity;
  cf_hash_t          instance;
  cf_machine_quote_t quote[CF_MACHINE_QUOTES];
  size_t             quote_next;
  uint8_t           *answer;
  /* the host between gateway and enclave: it may rewrite what goes in, and everybody who watches is told what came out */
  cf_span_t (*tamper)(void *ctx, cf_machine_t *m, cf_span_t request);
  void (*before)(void *ctx, cf_machine_t *m, cf_span_t request); /* as it stands, about to be asked */
  void (*watch)(void *ctx, cf_machine_t *m, cf_span_t request, cf_span_t answer);
  cf_span_t (*restore)(void *ctx, cf_machine_t *m, cf_span_t answer); /* undoes in the answer what tamper did to the request */
  void *ctx;
  /* An enclave that a hostile host leaves running when its successor starts; without one of its own, it just ends. */
  cf_machine_t *zombie;
  bool (*outlives)(void *ctx, cf_machine_t *m);
};

/* cf_machine_node fills a node around m, whose world, tpm and measured files are set. */
cf_sim_node_t cf_machine_node(cf_machine_t *m, char const *name, unsigned host);
/* cf_machine_ask asks the enclave behind the gateway's back; the answer is m's until the next question. */
cf_span_t cf_machine_ask(cf_machine_t *m, cf_span_t request);
void      cf_machine_end(cf_machine_t *m); /* its life */
void      cf_machine_fini(cf_machine_t *m);

#endif
