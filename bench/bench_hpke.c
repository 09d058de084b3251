// link: crypto lib: crypto
/* hpke-open: opening 256 bytes that were sealed by HPKE (X25519, HKDF-SHA256, AES-128-GCM), each to its own encapsulated key,
   as the first envelope of a session is.

   ours   cf_hpke_recv_key and cf_aead_open
   limit  libcrypto's bare primitives: the agreement with a fresh peer key, the 36 compressions that RFC 9180's
          key schedule comes to, one AEAD open under a fresh key; nothing is derived, compared or wiped
   peer   CIRCL's hpke in Go, native, one processor */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Transform is the bare compression */
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "bench.h"
#include "crypto/cf_aead.h"
#include "crypto/cf_sign.h"

enum { BOXES = 256, PLAIN_SZ = 256, COMPRESSIONS = 36, ROUNDS = 7 };
#define ROUND_S 0.3

typedef struct {
  uint8_t enc[32];
  uint8_t box[PLAIN_SZ + CF_AEAD_TAG_SZ];
} box_t;

static box_t   boxes[BOXES];
static uint8_t priv[32];

static void boxes_make(cf_aead_t *aead) {
  uint8_t         plain[PLAIN_SZ] = {0};
  cf_entropy_t    e = cf_entropy_system();
  cf_x25519_pub_t pub;
  cf_x25519_make(priv, &pub, &e);
  for (size_t i = 0; i < BOXES; i++) {
    cf_hpke_t ctx;
    bench_check(!cf_hpke_send(&ctx, boxes[i].enc, CF_AEAD_AES128GCM, &pub, CF_SPAN(NULL, 0), &e), "send");
    cf_aead_seal(aead, boxes[i].box, ctx.key, ctx.base_nonce, CF_SPAN(NULL, 0), CF_SPAN_OF(plain));
  }
}

static double ours(cf_aead_t *aead, cf_x25519_key_t const *key) {
  uint8_t plain[PLAIN_SZ];
  size_t  n = 0;
  double  start = bench_cpu_s(), end;
  do {
    for (size_t i = 0; i < BOXES; i++, n++) {
      cf_hpke_t ctx;
      bench_check(!cf_hpke_recv_key(&ctx, CF_AEAD_AES128GCM, boxes[i].enc, key, CF_SPAN(NULL, 0)), "recv");
      bench_check(!cf_aead_open(aead, plain, ctx.key, ctx.base_nonce, CF_SPAN(NULL, 0), CF_SPAN_OF(boxes[i].box)), "open");
      cf_hpke_wipe(&ctx);
    }
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

/* The tag does not fit the made-up key: that it is looked at is what counts. */
static void bare_open(EVP_CIPHER_CTX *ctx, EVP_PKEY *own, box_t *box) {
  uint8_t       dh[32], plain[PLAIN_SZ];
  size_t        dh_sz = sizeof dh;
  int           n;
  SHA256_CTX    sha;
  EVP_PKEY     *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, box->enc, 32);
  EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new(own, NULL);
  bench_check(EVP_PKEY_derive_init(pctx) == 1 && EVP_PKEY_derive_set_peer(pctx, peer) == 1 &&
                  EVP_PKEY_derive(pctx, dh, &dh_sz) == 1,
              "derive");
  EVP_PKEY_CTX_free(pctx);
  EVP_PKEY_free(peer);
  SHA256_Init(&sha);
  for (int i = 0; i < COMPRESSIONS; i++) SHA256_Transform(&sha, box->box);
  memcpy(dh, &sha.h, 16);
  bench_check(EVP_DecryptInit_ex(ctx, NULL, NULL, dh, dh + 16) == 1 &&
                  EVP_DecryptUpdate(ctx, plain, &n, box->box, PLAIN_SZ) == 1 &&
                  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CF_AEAD_TAG_SZ, box->box + PLAIN_SZ) == 1,
              "decrypt");
  (void)EVP_DecryptFinal_ex(ctx, plain + PLAIN_SZ, &n);
}

static double bare(EVP_CIPHER_CTX *ctx, EVP_PKEY *own) {
  size_t n = 0;
  double start = bench_cpu_s(), end;
  do {
    for (size_t i = 0; i < BOXES; i++, n++) bare_open(ctx, own, &boxes[i]);
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

int main(void) {
  bench_first();
  double          rate[3][ROUNDS];
  cf_aead_t      *aead = cf_aead_new(CF_AEAD_AES128GCM);
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  EVP_CIPHER     *gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
  bench_peer_t    peer = bench_peer("build/bench/peer-hpke");
  boxes_make(aead);
  cf_x25519_key_t *key = cf_x25519_key_from(priv);
  EVP_PKEY        *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, sizeof priv);
  bench_check(ctx && gcm && own && EVP_DecryptInit_ex(ctx, gcm, NULL, NULL, NULL) == 1, "libcrypto");
  for (int r = 0; r < ROUNDS; r++) {
    rate[0][r] = ours(aead, key);
    rate[1][r] = bare(ctx, own);
    rate[2][r] = bench_peer_ask(&peer, "open");
  }
  bench_row("hpke-open", "opens/s", BENCH_RATE, bench_median(rate[0], ROUNDS), bench_median(rate[1], ROUNDS),
            bench_median(rate[2], ROUNDS));
  bench_peer_end(&peer);
  cf_x25519_key_free(key);
  cf_aead_free(aead);
  EVP_PKEY_free(own);
  EVP_CIPHER_free(gcm);
  EVP_CIPHER_CTX_free(ctx);
  return 0;
}
