# What people do here. Each target fetches what a fresh Debian or Ubuntu lacks, builds, and goes.
#     make run                 watch this machine's time, without touching its clock (MODE=discipline: keep it)
#     make check               all tests
#     make fuzz                all parsers for a minute each (FUZZ="ntp control" FUZZ_SECONDS=600)
#     make install             into PREFIX (/usr/local), DESTDIR honoured
BUILD ?= build
PREFIX ?= /usr/local

MODE ?= observe

.PHONY: build run check ci install fuzz clean

build:
	@tools/packages build
	@tools/build $(BUILD)

run: build
	@tools/run $(BUILD) $(MODE)

check:
	@tools/packages build check netns
	@tests/check

fuzz:
	@tools/packages build check
	@FUZZ="$(FUZZ)" FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) tests/check fuzz

ci:
	@.ci/run

install:
	@tools/packages build
	@tools/build $(BUILD)-install --buildtype=release \
		--prefix=$(PREFIX) --sysconfdir=/etc --localstatedir=/var
	@meson install -C $(BUILD)-install --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

clean:
	rm -rf build build-install
