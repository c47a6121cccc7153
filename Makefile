# What people do here. Each target fetches what a fresh Debian or Ubuntu lacks, builds, and goes.
#     make run                 watch this machine's time, without touching its clock (MODE=discipline: keep it)
#     make check               all tests
#     make install             into PREFIX (/usr/local), DESTDIR honoured
BUILD ?= build
PREFIX ?= /usr/local

.PHONY: build check ci install clean

build:
	@tools/packages build
	@tools/build $(BUILD)

check:
	@tools/packages build check
	@tests/check

ci:
	@.ci/run

install:
	@tools/packages build
	@tools/build $(BUILD)-install --buildtype=release \
		--prefix=$(PREFIX) --sysconfdir=/etc --localstatedir=/var
	@meson install -C $(BUILD)-install --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

clean:
	rm -rf build build-install
