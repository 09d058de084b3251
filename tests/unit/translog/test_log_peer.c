#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_world.h"

/* The Go implementation (golang.org/x/mod/sumdb) reads what the writer writes, and refuses it when one byte is another. */

static char root[] = "/tmp/cf-log-peer-XXXXXX";

static void
write_file(char const *name, cf_span_t body) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", root, name);
  for (char *slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(path, 0700)) assert_int_equal(errno, EEXIST);
    *slash = '/';
  }
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(body.ptr, 1, body.len, f), body.len);
  assert_int_equal(fclose(f), 0);
}

static int
run(void) {
  char cmd[512];
  snprintf(cmd, sizeof cmd, CF_SOURCE_DIR "/tests/peer/tlog/run.sh %s/log %s/log.vkey 2>&1", root, root);
  FILE *out = popen(cmd, "r");
  char  line[512] = "";
  assert_non_null(out);
  while (fgets(line, sizeof line, out)) print_message("%s", line);
  int code = pclose(out);
  if (strncmp(line, "skip", 4) == 0) skip();
  assert_true(WIFEXITED(code));
  return WEXITSTATUS(code);
}

static void
test_peer(void **state) {
  uint8_t   seed[32];
  char      vkey[CF_VKEY_TEXT_MAX + 1], cmd[128];
  cf_wr_t   wr  = cf_wr_init(vkey, sizeof vkey);
  cf_vkey_t log = key_from(seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  assert_non_null(mkdtemp(root));
  cf_vkey_format(&wr, &log);
  cf_wr_bytes(&wr, "\n", 1);
  write_file("log.vkey", cf_wr_out(&wr));

  mem_dir_t dir = make_log(300, 77);
  for (size_t i = 0; i < dir.cnt; i++) write_file(dir.file[i].name, CF_SPAN(dir.file[i].bytes, dir.file[i].len));
  assert_int_equal(run(), 0);

  static char const *const damaged[] = { "log/tile/entries/001.p/44", "log/tile/0/000", "log/checkpoint" };
  for (size_t i = 0; i < 3; i++) {
    mem_file_t *f = mem_find(&dir, SPAN_STR(damaged[i]));
    f->bytes[f->len - 8] ^= 1;
    write_file(f->name, CF_SPAN(f->bytes, f->len));
    assert_int_equal(run(), 1);
    f->bytes[f->len - 8] ^= 1;
    write_file(f->name, CF_SPAN(f->bytes, f->len));
  }
  mem_free(&dir);
  snprintf(cmd, sizeof cmd, "rm -r %s", root);
  assert_int_equal(system(cmd), 0);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_peer) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
