# A thin front for CMake: `make help` lists what there is. The real build is CMakeLists.txt.

MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local

.PHONY: all help demo test ledger tidy format bench fuzz explore fuzz-coverage mutants coverage install package clean

all: ## build build/weir, build/libweir.a and build/libweir.so (release)
	@cmake --preset release >/dev/null
	@cmake --build build -j $(JOBS)

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: ## install what is missing, build, and show curl running on weir
	@tools/setup.sh demo
	@$(MAKE) all
	@tools/demo.sh

test: ## install what is missing and run every test
	@tools/setup.sh test
	@tools/test.sh $(JOBS)

ledger: ## write docs/conformance.md from the results of the last `make test`
	@tools/ledger.py --write build-asan/junit.xml build/junit.xml

tidy: all ## check layers, sizes and layout
	@tools/tidy.py
	@tools/tidy.py --archive build/libweir-core.a

format: ## lay the sources out with clang-format
	@tools/format.sh

bench: ## measure, into build/
	@tools/setup.sh bench
	@$(MAKE) all
	@tools/bench.sh

fuzz: ## fuzz each target for FUZZ_SECONDS (60) seconds with libFuzzer
	@tools/setup.sh fuzz
	@cmake --preset fuzz >/dev/null
	@cmake --build build-fuzz -j $(JOBS) --target fuzz-targets
	@tools/fuzz.sh build-fuzz

mutants: ## plant each fault of tests/mutants, and see that a test catches it
	@tools/setup.sh test
	@tools/mutants.py --jobs $(JOBS)

explore: all ## explore two engines and a bad network to the full bounds (minutes)
	@build/weir-explore --bound full

fuzz-coverage: ## print which lines of the code under test the fuzz corpora reach, by file
	@tools/setup.sh fuzz
	@cmake --preset fuzz-coverage >/dev/null
	@cmake --build build-fuzzcov -j $(JOBS) --target fuzz-targets
	@tools/fuzz_coverage.py build-fuzzcov --by-file --unreached

coverage: ## run the unit tests with gcov's instrumentation and print lines covered by folder
	@tools/setup.sh test
	@cmake --preset coverage >/dev/null
	@cmake --build build-coverage -j $(JOBS)
	@tools/coverage.sh build-coverage $(JOBS)

install: all ## install into PREFIX (/usr/local); DESTDIR is honoured
	@cmake --install build --prefix $(PREFIX)

package: all ## make a .tar.gz and a .deb in build/
	@cd build && cpack

clean: ## remove what was built
	@rm -rf build build-asan build-debug build-coverage build-fuzz build-fuzzcov build-mutants
