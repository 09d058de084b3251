/* counterfoil: finds the command, answers --help and --version, runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cf_commands.h"
#include "cli/cf_evidence_args.h"
#include "crypto/cf_sign.h"

/* Whose transactions on a chain, and by which nodes. */
#define CHAIN "rpc= key= password-file= signer= from= fee-max="

static cf_command_t const commands[] = {
    {"demo", "", "the whole story in one command", "counterfoil demo --seed 1",
     "input= dir= keep seed= ledger= rpc= node= deployer= password-file=", 0, 0, cf_cmd_demo},
    {"init", "DIR", "founds a domain: keys, councils, policy, genesis, a software TPM", "counterfoil init d",
     "class= name= verifiers= witnesses= observers= asset= policy= tpm= ek-root= port= ledger= rpc= deployer= password-file= rpc-quorum= "
     "confirmations= validity= fee-max= budget=", 1, 1, cf_cmd_init},
    {"up", "[DIR]", "runs all of a domain's processes until Ctrl-C", "counterfoil up d", "only=", 0, 1, cf_cmd_up},
    {"gateway", "[DIR]", "one process: the gateway", "counterfoil gateway d", "", 0, 1, cf_cmd_gateway},
    {"verifier", "[DIR]", "one process: a verifier of a domain (of anybody's evidence: verifier serve)", "counterfoil verifier d --index 1",
     "index=", 0, 1, cf_cmd_verifier},
    {"verifier serve", "--key F", "judges anybody's evidence over HTTP: challenge, response, signed result",
     "openssl rand -hex 32 >ear.key && counterfoil verifier serve --key ear.key --policy default --collateral .",
     "key= policy= collateral= with= listen= name= session=", 0, 0, cf_cmd_verifier_serve},
    {"witness", "[DIR]", "one process: a witness of the log; --add-log VKEY: of that one, too, from its next start",
     "counterfoil witness d --index 1", "index= add-log=", 0, 1, cf_cmd_witness},
    {"observer", "[DIR]", "one process: an observer of the ledger", "counterfoil observer d --index 1", "index=", 0, 1,
     cf_cmd_observer},
    {"ledger serve", "[DIR]", "one process: the embedded ledger", "counterfoil ledger serve d", "", 0, 1, cf_cmd_ledger_serve},
    {"ledger deploy", "[DIR]", "puts the ledger's contract on its chain; run it again when it was ended",
     "counterfoil ledger deploy d --deployer deployer.json --fund 0.5eth", "deployer= password-file= fund= wait=", 0, 1, cf_cmd_ledger_deploy},
    {"ledger resume", "DIR HALT", "says that what halted the sending of transactions is mended", "counterfoil ledger resume d finality", "", 2, 2,
     cf_cmd_ledger_resume},
    {"ledger show", "[DIR|URL]", "every account's balance, by replay of the block files, or proven on a chain", "counterfoil ledger show d",
     "rpc= domain=", 0, 1, cf_cmd_ledger_show},
    {"status", "[DIR|URL]", "what a domain does now, and what it misses", "counterfoil status d", "watch", 0, 1, cf_cmd_status},
    {"wallet new", "DIR", "makes a party's keys", "counterfoil wallet new alice", "", 1, 1, cf_cmd_wallet_new},
    {"wallet keystore", "F", "makes a key of an account on a chain, under a password", "counterfoil wallet keystore deployer.json",
     "password-file=", 1, 1, cf_cmd_wallet_keystore},
    {"wallet show", "DIR|F", "prints the address of a party, or of a keystore", "counterfoil wallet show alice", "password-file=", 1, 1, cf_cmd_wallet_show},
    {"attest", "URL", "checks a domain's enclave, its key on the ledger too: fetch, verify, keep",
     "counterfoil attest http://127.0.0.1:7410 --genesis d/public/genesis -o d.bundle",
     "domain= genesis= policy= wallet= fresh activate o=", 1, 1, cf_cmd_attest},
    {"seal", "F.bundle [IN.json|-]", "seals an input; refuses unless F.bundle verifies now",
     "echo '{\"pay\": {\"to\": 2, \"asset\": \"USD\", \"amount\": 100}}' | counterfoil seal d.bundle --wallet alice -o e1",
     "wallet= stale-ok o=", 1, 2, cf_cmd_seal},
    {"submit", "URL F...|-", "sends sealed inputs; prints id and state", "counterfoil submit http://127.0.0.1:7410 e1 --wait log",
     "wait= timeout=", 2, CF_WORDS_MAX, cf_cmd_submit},
    {"receipt", "URL ID", "fetches a receipt file",
     "counterfoil receipt http://127.0.0.1:7410 $ID -o e1.receipt --proof e1.tlog-proof", "o= proof=", 2, 2, cf_cmd_receipt},
    {"result", "URL ID", "fetches, checks and opens what the enclave answered",
     "counterfoil result http://127.0.0.1:7410 $ID --wallet alice", "wallet=", 2, 2, cf_cmd_result},
    {"deposit", "URL", "opens an account where there is none, and funds it (an embedded ledger: class test)",
     "counterfoil deposit http://127.0.0.1:7410 --wallet alice --asset USD --amount 1000", "wallet= asset= amount= domain= " CHAIN, 1, 1,
     cf_cmd_deposit},
    {"withdraw", "URL", "takes funds out, with the enclave",
     "counterfoil withdraw http://127.0.0.1:7410 --genesis d/public/genesis --wallet alice --asset USD --amount 10",
     "wallet= asset= amount= domain= genesis= " CHAIN, 1, 1, cf_cmd_withdraw},
    {"exit request", "URL", "asks to leave, without the enclave; URL of gateway or ledger",
     "counterfoil exit request http://127.0.0.1:7411 --wallet alice", "wallet= domain= bundle= " CHAIN, 1, 1,
     cf_cmd_exit_request},
    {"exit finalize", "URL", "takes everything out after the delay, without the enclave",
     "counterfoil exit finalize http://127.0.0.1:7411 --wallet alice --asset 0", "wallet= asset= domain= bundle= " CHAIN, 1, 1,
     cf_cmd_exit_finalize},
    {"exit root", "CALLS", "the way out of a dead ledger in mode root, from its calldata alone: prints the call",
     "counterfoil exit root calls.txt --account 7 --asset 0", "account= asset= leaf= o=", 1, 1, cf_cmd_exit_root},
    {"verify", "--matrix", "what is checked, per platform; with --policy default --show the text of a policy",
     "counterfoil verify --matrix", "matrix policy= show", 0, 0, cf_cmd_verify},
    {"verify evidence", "--with ROLE=F...", "judges attestation evidence at a stated time",
     "counterfoil verify evidence --genesis d/public/genesis --with evidence=quote.cmw --at 2026-11-23T00:00:00Z",
     CF_EVIDENCE_OPTIONS " policy= ear= key= cmw= expiry genesis= domain=", 0, 0, cf_cmd_verify_evidence},
    {"evidence make", "-o DIR|--cmw F", "makes this machine's evidence over a verifier's nonce (auto, tdx, snp, sgx, nitro, tpm)",
     "counterfoil evidence make --platform auto --nonce 000102030405060708090a0b0c0d0e0f -o ev",
     "platform= nonce= privlevel= user-data= public-key= tpm= ak= root= cmw= o=", 0, 0, cf_cmd_evidence_make},
    {"verify bundle", "F", "a kept judgement, or a domain's bundle: does it hold, as of its own time?",
     "counterfoil verify bundle quote.bundle --policy default", "genesis= domain= policy=", 1, 1, cf_cmd_verify_bundle},
    {"collateral fetch", "[ITEM...]", "gets what evidence needs from those who publish it, into a folder that serves for ever",
     "counterfoil collateral fetch --with quote=Q --dir collateral",
     "dir= with= source= ca= at= max-age= wait= fresh offline", 0, CF_WORDS_MAX, cf_cmd_collateral_fetch},
    {"collateral list", "", "what a folder of collateral holds as of a time",
     "counterfoil collateral list --dir collateral --at 2026-01-31", "dir= at=", 0, 0, cf_cmd_collateral_list},
    {"collateral show", "ITEM", "one of its items; with --part ROLE -o F its bytes",
     "counterfoil collateral show intel/root-crl --dir collateral", "dir= at= part= o=", 1, 1, cf_cmd_collateral_show},
    {"bundle make", "[F.bundle]", "judges evidence and keeps it, with collateral, policy and verdict; or adds a log's proof to one",
     "counterfoil bundle make --with document=nitro.cose --at 2024-11-30T16:23:18Z --policy default -o quote.bundle",
     CF_EVIDENCE_OPTIONS " policy= domain= proof= o=", 0, 1, cf_cmd_bundle_make},
    {"bundle show", "F", "what a kept judgement is made of", "counterfoil bundle show quote.bundle", "", 1, 1, cf_cmd_bundle_show},
    {"verify receipt", "F", "is this receipt in the log, under a quorum of its witnesses?",
     "counterfoil verify receipt e1.receipt --genesis d/public/genesis --proof e1.tlog-proof --envelope e1",
     "genesis= proof= envelope= bundle=", 1, 1, cf_cmd_verify_receipt},
    {"verify log", "[DIR|URL]", "every entry and tile of a log against its checkpoint: a domain's, or any tlog-tiles log by its key or a trust policy",
     "counterfoil verify log d\n          counterfoil verify log https://log.example --quorum policy", "vkey= quorum=", 0, 1, cf_cmd_verify_log},
    {"verify fork", "F | COPY COPY", "do two heads of one log contradict each other, and who signed both? Of copies, -o keeps the proof",
     "counterfoil verify fork f.fork --genesis d/public/genesis", "vkey= genesis= o=", 1, 2, cf_cmd_verify_fork},
    {"audit", "[DIR|URL]", "replays everything from the public folder alone", "counterfoil audit d",
     "domain= o= since= fork= ledger= rpc-quorum= confirmations= from-block=", 0, 1, cf_cmd_audit},
    {"monitor", "[DIR|URL]...", "follows logs and their witnesses: forks, rollbacks, silence, enclaves and settlements that should not be",
     "counterfoil monitor d --state seen --once\n          counterfoil monitor https://log.example --quorum policy --state seen",
     "state= witness= domain= vkey= quorum= heads once every= audit-every= stale-after= silent-after= quorum-after= port=", 0, CF_WORDS_MAX, cf_cmd_monitor},
    {"show", "F [--tlog-policy]", "prints any of our files; of genesis, also log and witness quorum as other clients take them (C2SP tlog-policy)",
     "counterfoil show d/public/genesis", "tlog-policy o=", 1, 1, cf_cmd_show},
    {"schema", "[DOCUMENT]", "prints the CDDL of our documents", "counterfoil schema receipt", "", 0, 1, cf_cmd_schema},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int help_all(FILE *out) {
  fputs("counterfoil " CF_VERSION ": confidential netting, settled exactly once, audited by anyone\n\n", out);
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(out, "  %-16s %-34s %s\n", commands[i].name, commands[i].synopsis, commands[i].about);
  fputs("\n  --json    one JSON value on stdout, also on failure      --help    of every command, with an example\n"
        "\nexit      0 it holds, 1 it does not, 2 wrong usage or a named file cannot be opened, 3 the outside world failed\n"
        "example   counterfoil init d\n",
        out);
  return 0;
}

static int help_one(cf_command_t const *c) {
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
static cf_command_t const *command_find(int argc, char **argv, int *used) {
  cf_command_t const *one = NULL;
  for (size_t i = 0; i < COMMANDS; i++) {
    char const *name = commands[i].name;
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

int main(int argc, char **argv) {
  static cf_args_t args;
  int              used;
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) return help_all(stderr), CF_EXIT_USAGE;
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) return help_all(stdout);
  if (!strcmp(argv[1], "--version")) return puts("counterfoil " CF_VERSION) < 0;
  cf_command_t const *c = command_find(argc - 1, argv + 1, &used);
  if (!c)
    return cf_fail(CF_EXIT_USAGE, "counterfoil", "usage", argv[1], "found", "no such command", "next", "counterfoil --help",
                   NULL);
  for (int i = 1 + used; i < argc && strcmp(argv[i], "--"); i++) {
    if (!strcmp(argv[i], "--help")) return help_one(c);
    if (!strcmp(argv[i], "--version")) return puts("counterfoil " CF_VERSION) < 0;
  }
  int code = cf_args_read(&args, c, argc - 1 - used, argv + 1 + used);
  if (code) return code;
  cf_crypto_init();
  return c->run(&args);
}
