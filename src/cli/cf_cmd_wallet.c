#include <stdlib.h>
#include <sys/stat.h>

#include "base/cf_secret.h"
#include "cli/cf_commands.h"
#include "cli/cf_key_file.h"
#include "cli/cf_wallet_file.h"

static int print(char const *dir) {
  cf_wallet_file_t *w;
  int               code = cf_wallet_file_open(&w, dir);
  if (code) return code;
  char *addr = cf_hex(CF_SPAN_OF(w->key.addr.b));
  if (!cf_json_mode()) return cf_emit(CF_SPAN(cf_fmt("%s\n", addr), 41), NULL);
  cf_wr_t wr = cf_room(1024);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "address", addr);
  cf_jw_hex(&j, "result_key", CF_SPAN_OF(w->key.result_pub.b));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

int cf_cmd_wallet_new(cf_args_t const *a) {
  int code = cf_wallet_file_new(a->word[0]);
  return code ? code : print(a->word[0]);
}

static int print_addr(cf_addr_t const *addr) {
  char *text = cf_fmt("0x%s", cf_hex(CF_SPAN_OF(addr->b)));
  if (!cf_json_mode()) return cf_emit(CF_SPAN(cf_fmt("%s\n", text), 43), NULL);
  cf_wr_t wr = cf_room(256);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "address", text);
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

/* A party's folder, or a keystore: then it is opened, since nothing vouches for what it says of itself. */
int cf_cmd_wallet_show(cf_args_t const *a) {
  struct stat is;
  uint8_t    *scalar;
  cf_addr_t   addr;
  if (stat(a->word[0], &is) || !S_ISREG(is.st_mode)) return print(a->word[0]);
  int code = cf_key_file_open(&scalar, &addr, a, a->word[0], false);
  cf_secret_free(scalar);
  return code ? code : print_addr(&addr);
}

int cf_cmd_wallet_keystore(cf_args_t const *a) {
  cf_entropy_t e = cf_entropy_system();
  uint8_t     *scalar = cf_secret_new(32);
  cf_addr_t    addr;
  if (!scalar) abort();
  cf_k256_scalar_make(scalar, &e);
  int code = cf_key_file_make(a->word[0], a, scalar);
  if (cf_k256_addr(&addr, scalar)) abort(); /* cf_k256_scalar_make's */
  cf_secret_free(scalar);
  return code ? code : print_addr(&addr);
}
