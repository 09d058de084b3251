/* counterfoil: finds the command, answers --help and --version, runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cf_commands.h"
#include "crypto/cf_sign.h"

static cf_command_t const commands[] = {
  { "init", "DIR", "founds a domain: keys, councils, policy, genesis, a software TPM", "counterfoil init d",
    "class= name= verifiers= witnesses= observers= asset= policy= tpm= ek-root= port=", 1, 1, cf_cmd_init },
  { "up", "[DIR]", "runs all of a domain's processes until Ctrl-C", "counterfoil up d", "only=", 0, 1, cf_cmd_up },
  { "gateway", "[DIR]", "one process: the gateway", "counterfoil gateway d", "", 0, 1, cf_cmd_gateway },
  { "verifier", "[DIR]", "one process: a verifier", "counterfoil verifier d --index 1", "index=", 0, 1, cf_cmd_verifier },
  { "witness", "[DIR]", "one process: a witness of the log", "counterfoil witness d --index 1", "index=", 0, 1, cf_cmd_witness },
  { "observer", "[DIR]", "one process: an observer of the ledger", "counterfoil observer d --index 1", "index=", 0, 1, cf_cmd_observer },
  { "ledger serve", "[DIR]", "one process: the embedded ledger", "counterfoil ledger serve d", "", 0, 1, cf_cmd_ledger_serve },
  { "schema", "[DOCUMENT]", "prints the CDDL of our documents", "counterfoil schema receipt", "", 0, 1, cf_cmd_schema },
  { "show", "F", "prints any of our files", "counterfoil show d/public/genesis", "o=", 1, 1, cf_cmd_show },
  { "wallet new", "DIR", "makes a party's keys", "counterfoil wallet new alice", "", 1, 1, cf_cmd_wallet_new },
  { "wallet show", "DIR", "prints a party's address", "counterfoil wallet show alice", "", 1, 1, cf_cmd_wallet_show },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int
help_all(FILE *out) {
  fputs("counterfoil " CF_VERSION ": confidential netting, settled exactly once, audited by anyone\n\n", out);
  for (size_t i = 0; i < COMMANDS; i++) fprintf(out, "  %-16s %-34s %s\n", commands[i].name, commands[i].synopsis, commands[i].about);
  fputs("\n  --json    one JSON value on stdout, also on failure      --help    of every command, with an example\n"
        "\nexit      0 it holds, 1 it does not, 2 wrong usage or a named file cannot be opened, 3 the outside world failed\n"
        "example   counterfoil init d\n",
        out);
  return 0;
}

static int
help_one(cf_command_t const *c) {
  printf("counterfoil %s %s\n  %s\n", c->name, c->synopsis, c->about);
  if (*c->options) printf("options   ");
  for (char const *at = c->options; *at;) {
    int n = (int)strcspn(at, " ="), takes = at[n] == '=';
    printf("%s%.*s%s%s", n > 1 ? "--" : "-", n, at, takes ? " VALUE" : "", at[n + takes] ? "  " : "");
    at += n + takes;
    at += strspn(at, " ");
  }
  printf("%s          --json\nexample   %s\n", *c->options ? "\n" : "", c->example);
  return 0;
}

/* The command whose one or two words stand in argv; *used tells how many. */
static cf_command_t const *
command_find(int argc, char **argv, int *used) {
  cf_command_t const *one = NULL;
  for (size_t i = 0; i < COMMANDS; i++) {
    char const *name  = commands[i].name;
    char const *blank = strchr(name, ' ');
    size_t      first = blank ? (size_t)(blank - name) : strlen(name);
    if (strlen(argv[0]) != first || memcmp(argv[0], name, first)) continue;
    if (!blank) one = &commands[i];
    else if (argc > 1 && !strcmp(argv[1], blank + 1)) {
      *used = 2;
      return &commands[i];
    }
  }
  *used = 1;
  return one;
}

int
main(int argc, char **argv) {
  static cf_args_t args;
  int              used;
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) return help_all(stderr), CF_EXIT_USAGE;
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) return help_all(stdout);
  if (!strcmp(argv[1], "--version")) return puts("counterfoil " CF_VERSION) < 0;
  cf_command_t const *c = command_find(argc - 1, argv + 1, &used);
  if (!c) return cf_fail(CF_EXIT_USAGE, "counterfoil", "usage", argv[1], "found", "no such command", "next", "counterfoil --help", NULL);
  for (int i = 1 + used; i < argc && strcmp(argv[i], "--"); i++) {
    if (!strcmp(argv[i], "--help")) return help_one(c);
    if (!strcmp(argv[i], "--version")) return puts("counterfoil " CF_VERSION) < 0;
  }
  int code = cf_args_read(&args, c, argc - 1 - used, argv + 1 + used);
  if (code) return code;
  cf_crypto_init();
  return c->run(&args);
}
