/* After cf_crypto_init the room needs nothing of the system but memory and getrandom(2): each operation runs, for its first
   time in this test, under a filter that kills at anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "crypto/cf_aead.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

#if defined __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define ALLOW(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void
lock_down(void) {
  struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    ALLOW(SYS_getrandom), ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_brk), ALLOW(SYS_mmap), ALLOW(SYS_munmap),
    ALLOW(SYS_futex), ALLOW(SYS_exit_group),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog prog = { .len = sizeof filter / sizeof *filter, .filter = filter };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) _exit(90);
}

#define MUST(cond)            \
  do {                        \
    if (!(cond)) _exit(91);   \
  } while (0)

static void
everything(void) {
  cf_entropy_t e      = cf_entropy_system();
  cf_hash_t    digest = cf_keccak256(CF_SPAN_LIT("sandbox"));
  uint8_t      sig[64], key[32], enc[32], box[400], out[400] = { 0 };
  for (int i = 0; i < 50; i++) {
    cf_p256_key_t *p256 = cf_p256_key_new(&e);
    cf_p256_pub_t  pub;
    cf_p256_key_pub(p256, &pub);
    cf_p256_sign(p256, sig, &digest);
    MUST(cf_p256_verify(&pub, sig, &digest) == CF_OK);
    sig[i] ^= 1;
    MUST(cf_p256_verify(&pub, sig, &digest) == CF_ERR_AUTH);
    pub.b[i] ^= 1;
    MUST(cf_p256_verify(&pub, sig, &digest) == CF_ERR_AUTH);
    cf_p256_key_free(p256);

    cf_addr_t addr;
    cf_k256_scalar_make(key, &e);
    MUST(cf_k256_sign(sig, key, &digest) == CF_OK && cf_k256_recover(&addr, sig, &digest) == CF_OK);
    memset(sig + 32, 0xff, 32);
    MUST(cf_k256_recover(&addr, sig, &digest) == CF_ERR_AUTH);

    cf_ed25519_pub_t ed;
    cf_ed25519_pub(&ed, key);
    cf_ed25519_sign(sig, key, CF_SPAN_OF(digest.b));
    MUST(cf_ed25519_verify(&ed, sig, CF_SPAN_OF(digest.b)) == CF_OK);
    sig[i] ^= 1;
    MUST(cf_ed25519_verify(&ed, sig, CF_SPAN_OF(digest.b)) == CF_ERR_AUTH);

    cf_aead_alg_t   alg = (cf_aead_alg_t)(i % 3);
    cf_x25519_pub_t x;
    cf_hpke_t       a, b;
    cf_x25519_make(key, &x, &e);
    MUST(cf_hpke_send(&a, enc, alg, &x, CF_SPAN(NULL, 0), &e) == CF_OK);
    MUST(cf_hpke_recv(&b, alg, enc, key, CF_SPAN(NULL, 0)) == CF_OK);
    cf_aead_t *aead = cf_aead_new(alg);
    cf_aead_seal(aead, box, a.key, a.base_nonce, CF_SPAN(NULL, 0), CF_SPAN(out, 256));
    MUST(cf_aead_open(aead, out, b.key, b.base_nonce, CF_SPAN(NULL, 0), CF_SPAN(box, 272)) == CF_OK);
    box[i] ^= 1;
    MUST(cf_aead_open(aead, out, b.key, b.base_nonce, CF_SPAN(NULL, 0), CF_SPAN(box, 272)) == CF_ERR_AUTH);
    cf_aead_free(aead);
    memset(enc, 0, sizeof enc);
    MUST(cf_hpke_recv(&b, alg, enc, key, CF_SPAN(NULL, 0)) == CF_ERR_AUTH);
    for (uint16_t tpm = 0; tpm < 16; tpm++) (void)cf_digest_tpm(sig, tpm, CF_SPAN_OF(box));
  }
}

static int
in_child(void (*work)(void)) {
  int   status;
  pid_t pid = fork();
  if (pid == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    if (cf_secret_pool_init(65536)) _exit(92);
    cf_crypto_init();
    lock_down();
    work();
    syscall(SYS_exit_group, 0);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void asks_for_its_pid(void) { (void)syscall(SYS_getpid); }

static void
works_locked_down(void **state) {
  if (SANITIZED) {
    print_message("the sanitizer makes system calls of its own: not run under it\n");
    return;
  }
  assert_int_equal(in_child(everything), 0);
  assert_int_equal(in_child(asks_for_its_pid), 1000 + SIGSYS); /* the filter does kill */
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(works_locked_down) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
