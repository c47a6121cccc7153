# What people do here. Each target fetches what a fresh Debian or Ubuntu lacks, builds, and goes.
#     make run                 watch this machine's time, without touching its clock (MODE=discipline: keep it)
#     make check               all tests
#     make fuzz                all parsers for a minute each (FUZZ="ntp control" FUZZ_SECONDS=600)
#     make bench               beside chronyd (BENCH="clocks accuracy sync footprint start simulator lint")
#     make lab                 real guests under QEMU that stop and move (LAB=short, LAB=stop-5/source)
#     make soak                for hours: SEEDS random worlds from SEED on, FUZZ_SECONDS a parser
#     make install             into PREFIX (/usr/local), DESTDIR honoured
BUILD ?= build
PREFIX ?= /usr/local
# Small and whole: after each sleep the code comes from memory again, and what is not called from
# elsewhere need not be kept apart.
RELEASE = --buildtype=release -Doptimization=2 -Db_lto=true

MODE ?= observe

.PHONY: build run check ci install fuzz soak bench lab clean

build:
	@tools/packages build
	@tools/build $(BUILD)

run: build
	@tools/run $(BUILD) $(MODE)

check:
	@tools/packages build check generated netns lab
	@tests/check

fuzz:
	@tools/packages build check
	@FUZZ="$(FUZZ)" FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) tests/check fuzz

# Other worlds every time; the first line names the seed that runs them again.
soak: SEED ?= $(shell expr $$(date +%s) % 900000000)
soak:
	@tools/packages build check
	@echo "SEED=$(SEED)"
	@SEED=$(SEED) SEEDS=$(or $(SEEDS),100000) READS=$(or $(READS),1000000000) FUZZ="$(FUZZ)" FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) \
		tests/check --soak

# Of a build with optimisation, as it is installed.
bench:
	@tools/packages build netns
	@tools/build $(BUILD)-bench $(RELEASE)
	@tests/peers $(CURDIR)/build/peers
	@tests/bench/run --build $(BUILD)-bench --peers build/peers $(BENCH)

LAB ?= full

lab:
	@tools/packages build netns lab
	@tools/build $(BUILD)
	@tests/peers $(CURDIR)/build/peers
	@tests/guest/run --timevisord $(BUILD)/src/timevisord/timevisord --probe $(BUILD)/tests/guest/probe --shift $(BUILD)/tests/guest/shift.so \
		--peers build/peers --images build/guest --out build/lab $(LAB)

ci:
	@.ci/run

install:
	@tools/packages build
	@tools/build $(BUILD)-install $(RELEASE) \
		--prefix=$(PREFIX) --sysconfdir=/etc --localstatedir=/var
	@meson install -C $(BUILD)-install --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

clean:
	rm -rf build build-install build-bench
