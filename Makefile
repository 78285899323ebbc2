# deps           install the headers the build needs (zlib, json-c) where they are missing
# build          build the release binary, .build/release/graft
# test           lint, check imports, run all tests, check that old processors can run the result
# fuzz           give readers inputs nobody meant: make fuzz SECONDS=600 READERS="zip gguf", of processor time
# oracle         hold random models of every layout to an independent implementation: make oracle MODELS=500
# kernels        run what travels with checkpoints in Triton's interpreter, where torch and triton are there
# interop        load with other programs what Graft writes, and the reverse: make interop PYTHON=python
# released       hold released models at full size, without weights, and write docs/released.md: make released PYTHON=python
# megatron       let Megatron-Core load what Graft writes, and the reverse: make megatron PYTHON=python REFERENCES=folder MEGATRON=checkout
# slurm          run parts of a conversion under a Slurm of one machine, kill some, and print what happened to each
# soak           hold random models to the oracle, end runs at random moments, fill disks, remove sources: make soak KILLS=100
# faults         plant every known fault in checkpoints of every layout and write docs/faults*.md
# limits         time files that ask for far too much and print docs/robustness.md's table
# exchange       send fixtures through all containers and to torch, numpy, mlx, gguf-py and llama.cpp and back
# sanitize       run tests with a sanitizer: make sanitize SANITIZER=thread TESTS=RuntimeTests
# coverage       run all tests, print the share of lines they run and list the others in .build/coverage
# thresholds     hold allocations per token and memory of conversions to benchmarks/thresholds.json
# demo           inspect, verify, splice and re-shard a trained model; score another
# bench-memory   measure what conversions of large tensors need, PYTHON with torch and gguf for all: make bench-memory GIB=2
# bench          compare runtime and conversions with the machine and cp; LARGE=1 adds 7B, 16 GiB and a clean build
# bench-peers    compare with torch and others: make bench-peers PYTHON=python that has them
# bench-growth   measure how time and memory grow and draw .build/bench/growth.svg
# format         format all Swift sources
# lint           check format and style of all Swift sources
# errors         write docs/errors.md anew from the messages that the tests provoke, and the tables of layouts and of formats/README.md
# check-formats  check the layout files in formats/
# pairs          print which fixtures convert to which layouts
# tokenizers     compare ids with those of tokenizers and tiktoken: make tokenizers STRINGS=10000 PYTHON=python, and of llama.cpp: LLAMA_PYTHON=python
# completions    ask zsh and fish, where they are installed, what they offer
# fixtures       make fixtures/options again: make fixtures LM_ENGINE=checkout PYTHON=python
# manual         make manual pages and shell completions in .build/share
# install        install binary, manual pages and completions under $(DESTDIR)$(PREFIX); PREFIX is /usr/local
# static         build .build/static/release/graft, which needs no shared libraries
# deb            make a Debian package of it in .build
# docs           make a site of all pages in .build/docs: python3 -m http.server -d .build/docs
# clean          remove everything that was built
# help           list these targets

PREFIX ?= /usr/local
SECONDS ?= 60
READERS ?=
KILLS ?= 100
MODELS ?= 500
GIB ?= 2
SANITIZER ?= address
TESTS ?= JSONTests|TensorsTests|ContainersTests|RuntimeTests
STRINGS ?= 10000
LM_ENGINE ?=
REFERENCES ?= fixtures/megatron
MEGATRON ?=
PYTHON ?=
LARGE ?=
GRAFT := .build/release/graft
# With the Swift runtime inside, the tool starts in two thirds of the time; Apple's is always a library.
RELEASE := swift build -c release $(if $(filter Linux,$(shell uname)),--static-swift-stdlib)
TIMED := .build/bench
MEASURED := .build/measured
SWIFT_SOURCES := Sources Tests Plugins Examples Package.swift

.DEFAULT_GOAL := help
.PHONY: toolchain deps build test faults fuzz oracle kernels interop released megatron slurm soak limits exchange sanitize coverage thresholds demo bench-tool bench bench-memory bench-peers bench-growth format lint errors check-formats pairs tokenizers completions fixtures manual install static deb docs clean help

help:
	@sed -n '/^# /!q; s/^# /make /p' Makefile

toolchain:
	@scripts/toolchain.sh

deps: toolchain
	@scripts/deps.sh

build: deps
	$(RELEASE) --product graft

# The modules that compute are optimised in debug builds too, so that one debug build serves.
test: deps lint
	@scripts/check-imports.sh
	swift test
	@scripts/oracle.sh "$$(swift build --show-bin-path)/graft" --count 20
	@scripts/check-kernels.sh "$$(swift build --show-bin-path)"
	@$(MAKE) --no-print-directory kernels

# Quiet success where the packages are missing: Graft needs none of them.
kernels:
	@if $(or $(PYTHON),python3) -c 'import torch, triton, transformers, safetensors' 2>/dev/null;\
 then $(or $(PYTHON),python3) fixtures/scripts/check_m2rnn_kernel.py --only errors || [ $$? = 2 ];\
 else echo "kernels: not tried, torch, triton, transformers or safetensors is missing"; fi

faults: deps
	GRAFT_FAULTS="$(CURDIR)/docs" swift test --filter FaultTests

# lld, because gold fails on what the sanitizers add.
fuzz: build
	GRAFT_FUZZ=1 swift build -c release --product graft-fuzz --scratch-path .build/fuzz\
 --sanitize address -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing -Xswiftc -use-ld=lld
	@scripts/fuzz.sh .build/fuzz/release/graft-fuzz $(SECONDS) $(READERS)
	@scripts/fuzz-commands.py $(GRAFT) --seconds $(SECONDS)

oracle: build
	@scripts/oracle.sh $(GRAFT) --count $(MODELS) --report docs/oracle.md

interop: build
	@test -n "$(PYTHON)" || { echo "make interop needs PYTHON=path/to/python with the programs;\
 fixtures/scripts/README.md says how to set it up" >&2; exit 1; }
	"$(PYTHON)" scripts/interop.py $(GRAFT) --report docs/interop.md --lm-engine "$(LM_ENGINE)"

released: build
	@python3 scripts/released/check.py $(GRAFT) --report docs/released.md $(if $(PYTHON),--python "$(PYTHON)")

megatron: build
	@test -n "$(PYTHON)" || { echo "make megatron needs PYTHON=path/to/python with torch and pip, into which it puts\
 megatron-core 0.16.1; MEGATRON=checkout of Megatron-LM adds its version, REFERENCES=folder other references" >&2; exit 1; }
	"$(PYTHON)" -m pip install --quiet --no-deps megatron-core==0.16.1
	"$(PYTHON)" -m pip install --quiet numpy psutil packaging
	@"$(PYTHON)" scripts/megatron-core.py $(GRAFT) $(REFERENCES) $(if $(MEGATRON),--megatron "$(MEGATRON)")

# Needs root and the Debian packages slurm-wlm and munge.
slurm: build
	@scripts/slurm-test.sh $(GRAFT)

soak: oracle
	@scripts/soak.py $(GRAFT) --kills $(KILLS)

limits: build
	@scripts/limits.py $(GRAFT)

exchange: build
	$(or $(PYTHON),python3) scripts/exchange.py $(GRAFT)

# swiftc has no undefined on Linux: there it checks the C sources, and Swift traps by itself.
# Tests ask for more memory than there is and want an error for it; XCTest itself leaks.
sanitize: deps
	ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0 TSAN_OPTIONS=allocator_may_return_null=1\
 swift test --scratch-path .build/$(SANITIZER) $(if $(filter undefined,$(SANITIZER)),\
 -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=all,--sanitize $(SANITIZER) -Xswiftc -use-ld=lld)\
 --filter "$(TESTS)"

coverage: deps
	swift test --scratch-path $(MEASURED) --enable-code-coverage
	@scripts/coverage.py "$$(swift build --scratch-path $(MEASURED) --show-bin-path)/graftPackageTests.xctest"\
 "$$(swift build --scratch-path $(MEASURED) --show-bin-path)/codecov/default.profdata"\
 .build/coverage Containers Layouts Runtime

thresholds: build
	@scripts/thresholds.py $(GRAFT)

demo: build
	@scripts/demo.sh $(GRAFT)

bench-tool: build
	$(RELEASE) --product graft-bench

bench: bench-tool
	@scripts/bench/own.py $(GRAFT) $(GRAFT)-bench $(TIMED) --json $(TIMED)/own.json\
 $(if $(LARGE),--large)
	@scripts/bench/conversion.py $(GRAFT) $(GRAFT)-bench $(TIMED)/conversion 0.1 2\
 $(if $(LARGE),16) --json $(TIMED)/conversion.json

bench-memory: build
	@$(or $(PYTHON),python3) scripts/bench-memory.py $(GRAFT) .build/bench-memory $(GIB)

bench-peers: bench-tool
	@test -n "$(PYTHON)" || { echo "make bench-peers needs PYTHON=path/to/python with torch and\
 transformers, and llama-cpp-python for its rows" >&2; exit 1; }
	"$(PYTHON)" scripts/bench/peers.py $(GRAFT) $(GRAFT)-bench $(TIMED) --json $(TIMED)/peers.json

bench-growth: bench-tool
	@scripts/bench/growth.py $(GRAFT) $(GRAFT)-bench $(TIMED) $(TIMED)/growth.svg

format: toolchain
	swift format -i -r $(SWIFT_SOURCES)

lint: toolchain
	swift format lint --strict -r $(SWIFT_SOURCES)

errors: deps
	-GRAFT_RECORD=1 swift test --filter "ErrorPageTests|FormTableTests|SpecificationTests"
	swift test --skip-build --filter "ErrorPageTests|FormTableTests"

check-formats: deps
	swift test --filter FormatFile

pairs: build
	@scripts/pairs.sh $(GRAFT)

tokenizers: deps
	$(or $(PYTHON),python3) fixtures/scripts/make_tokenizers.py .build/tokenizers --strings $(STRINGS)
	$(or $(PYTHON),python3) fixtures/scripts/make_tiktoken.py .build/tokenizers/kimi --strings $(STRINGS)
	$(if $(LLAMA_PYTHON),$(LLAMA_PYTHON) fixtures/scripts/record_llama_ids.py .build/tokenizers --strings $(STRINGS))
	GRAFT_TOKENIZERS="$(CURDIR)/.build/tokenizers" swift test --filter TokenizerTests

completions: build
	@scripts/completions.py $(GRAFT)

fixtures:
	@test -n "$(LM_ENGINE)" -a -n "$(PYTHON)" || { echo "make fixtures needs\
 LM_ENGINE=path/to/lm-engine and PYTHON=path/to/python with torch, numpy, safetensors and\
 transformers; fixtures/scripts/README.md says how to set them up" >&2; exit 1; }
	"$(PYTHON)" fixtures/scripts/make_lm_engine_reference.py fixtures/options --lm-engine "$(LM_ENGINE)"

manual: build
	$(RELEASE) --product generate-manual
	@scripts/manual.sh $(GRAFT) .build/release/generate-manual .build/share

install: build manual
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(GRAFT) "$(DESTDIR)$(PREFIX)/bin/graft"
	cp -R .build/share "$(DESTDIR)$(PREFIX)/"

# lld, because it lays functions of equal code on each other and can leave out tables of unwinding.
static: deps
	swift build -c release --product graft --scratch-path .build/static\
 -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xlinker -s -Xlinker --icf=all\
 -Xlinker --no-eh-frame-hdr -Xlinker -T"$(CURDIR)/scripts/static.ld"

deb: static manual
	@scripts/deb.sh .build/static/release/graft .build/share .build

docs: toolchain
	@scripts/site.py .build/site/Graft.docc
	docc convert .build/site/Graft.docc --fallback-display-name Graft --fallback-bundle-identifier graft\
 --warnings-as-errors --transform-for-static-hosting --output-path .build/docs

clean:
	rm -rf .build
