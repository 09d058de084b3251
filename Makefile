# The front door.  CMake's presets (CMakePresets.json) do the work, in build/PRESET.
#
#   make                 build/bin/counterfoil, counterfoil-enclave, counterfoil-launch
#   make demo INPUT=transfers.csv ARGS=...   the whole story in one command (without a file: payments are generated);
#                        LEDGER=evm: with the ledger on a chain, whose node is fetched by npm (or ARGS="--rpc URL --deployer KEYSTORE")
#   make test ONLY=word  unit tests (release and sanitized), checks, fuzzing for a few seconds, end-to-end tests
#   make fuzz FUZZ_SECONDS=n FUZZ=name   (1800: the long form, docs/hostile.md)      make sim SEEDS=n      make bench ONLY=word
#   make test-foreign    golang.org/x/mod and an npm COSE library read our logs, receipts and proofs, and we a log that x/mod wrote: honest ones hold, each altered byte is refused
#   make models          the protocol's rules, each taken out in turn, model-checked by spin (ONLY=word; FULL=1; models/README.md)
#   make alter           every file of a domain altered in every way: found by name, or refused, or made again
#   make kill-matrix  power-cut   ONLY=word: each process ended, or without power, at each point of its life (docs/operations.md)
#   make soak SOAK_SECONDS=n INPUT=transfers.csv   traffic for half an hour: nothing lost or doubled, memory and descriptors flat
#   make matrix          settlement on real nodes, exactly once: processes ended at each step, reorganisations, nodes that end and lie (ONLY= JOBS=)
#   make sim-mutants     planted bugs, each of which the simulator must find
#   make matrix-model SEEDS=n   transactions on a model of a chain, exactly once under every fault; matrix-mutants: bugs that it must find
#   make chain-seeds SEEDS=n   the gateway and its enclave on a model of a chain whose nodes lie: all of it once, whatever fails
#   make control-mutants each control of docs/controls.md taken out; a test of its row must fail
#   make test-contracts  INVARIANT=long   the contracts' units, fuzz, invariants, gas to the unit      make gas   beside its targets
#   make contracts-coverage   lines of the contracts that their tests run
#   make contracts-differential CALLS=100000   random calls of the C ledger, done again by the contracts (docs/evm.md)
#   make tcb             what is inside the enclave: lines, libraries, exported symbols
#   make lint  fmt  check-generated  deps  clean
#   make install PREFIX=/usr/local DESTDIR=   programs, libcounterfoil (shared, static, headers, pkg-config: docs/library.md), manual

MAKEFLAGS += --no-print-directory
SEEDS        ?= 1000
FUZZ_SECONDS ?= 10
SOAK_SECONDS ?= 1800
CALLS        ?= 100000
PREFIX       ?= /usr/local
INPUT        ?= $(wildcard ../shared/data/transfers-erc20.csv)
JOBS         ?= $(shell nproc)

.PHONY: build demo test bench fuzz sim tcb fmt lint check-generated deps install clean
.PHONY: sim-mutants control-mutants
.PHONY: alter test-foreign models soak matrix kill-matrix power-cut matrix-model matrix-mutants chain-seeds
.PHONY: test-contracts gas contracts-coverage contracts-differential ledger-ops
.PHONY: release-tests asan-tests fuzzers test-programs
.DEFAULT_GOAL := build

# preset,targets: configure once (the build does it again when it must), then build; silent but for warnings and errors.
define cmake-build
@[ -f build/$(1)/build.ninja ] || { mkdir -p build && echo "make: first build of build/$(1)" >&2 && \
  cmake --preset $(1) >build/$(1).log 2>&1 || { cat build/$(1).log >&2; exit 1; }; }
@ninja -C build/$(1) -j $(JOBS) --quiet $(2) >build/$(1).log 2>&1; code=$$?; \
  { [ $$code -eq 0 ] && ! grep -q 'warning:' build/$(1).log; } || cat build/$(1).log >&2; exit $$code
endef

build:
	$(call cmake-build,release,programs)
	@ln -sfn release/bin build/bin

demo: evm = $(or $(filter evm,$(LEDGER)),$(findstring --ledger evm,$(ARGS)))
demo: build
	@node=; $(if $(evm),$(if $(findstring --rpc,$(ARGS)),:,node=$$(sh scripts/anvil.sh) || { echo "$$node" >&2; exit 1; }),:); \
	  build/bin/counterfoil demo $(if $(INPUT),$(if $(findstring --input,$(ARGS)),,--input $(INPUT))) $(ARGS) \
	  $(if $(filter evm,$(LEDGER)),--ledger evm) $${node:+--node "$$node"}

release-tests: build
	$(call cmake-build,release,tests)
asan-tests:
	$(call cmake-build,asan,tests)
fuzzers:
	$(call cmake-build,fuzz,fuzzers)

test-programs: release-tests asan-tests fuzzers

test: test-programs
	@sh scripts/run-tests.sh $(ONLY)

bench: build
	$(call cmake-build,release,benches)
	@sh scripts/run-bench.sh $(ONLY)

fuzz: fuzzers
	@sh scripts/run-fuzz.sh $(FUZZ_SECONDS) $(FUZZ)

sim: build
	$(call cmake-build,release,counterfoil-sim)
	@build/bin/counterfoil-sim --seeds $(SEEDS)

test-foreign: build
	$(call cmake-build,release,test_audit)
	@for peer in 'log.sh full' stranger.sh cose.sh; do sh tests/e2e/peer-$$peer || { [ $$? -eq 77 ] && echo "skipped: $$peer"; } || exit 1; done

models:
	@sh scripts/deps.sh model
	@sh models/check.sh $(ONLY)

alter: build
	$(call cmake-build,release,counterfoil-alter)
	@sh tests/alter/alter.sh

soak: build
	$(call cmake-build,release,counterfoil-soak)
	@build/bin/counterfoil-soak $(SOAK_SECONDS) $(INPUT)

sim-mutants:
	@sh scripts/sim-mutants.sh

matrix-model matrix-mutants: build
	$(call cmake-build,release,sender-sim)
	@$(if $(filter matrix-model,$@),build/release/tests/sender-sim --seeds $(SEEDS),sh scripts/sender-mutants.sh)

chain-seeds: build
	$(call cmake-build,release,test_gateway_seeds)
	@build/release/tests/test_gateway_seeds $(SEEDS)

control-mutants:
	@sh scripts/control-mutants.sh

kill-matrix power-cut: build
	$(call cmake-build,release,cf-kill)
	@sh tests/kill/matrix.sh $@ $(ONLY)

matrix: build
	$(call cmake-build,release,cf-kill cf-proxy cf-chain cf-evm-node)
	@sh tests/matrix/matrix.sh $(ONLY)

ledger-ops: build
	$(call cmake-build,release,cf-ledger-ops)

test-contracts: ledger-ops
	@sh scripts/contracts.sh test $(INVARIANT)

contracts-differential: ledger-ops
	@sh scripts/contracts.sh differential $(CALLS)

contracts-coverage:
	@sh scripts/contracts.sh coverage

gas:
	@sh scripts/contracts.sh gas

tcb: build
	@sh scripts/tcb.sh | tee build/tcb.txt

fmt:
	@find src include sim bench tests -name '*.[ch]' 2>/dev/null | xargs -r clang-format-14 -i

lint:
	@sh scripts/lint.sh

check-generated:
	@sh tests/check_generated.sh

deps:
	@sh scripts/deps.sh build demo test

install: build
	@cmake --install build/release --prefix $(PREFIX)

clean:
	@rm -rf build
