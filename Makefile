# SPDX-License-Identifier: BSD-2-Clause
# A thin front door. Meson and ninja do the building (meson.build), ci/ does the checking, tools/ the
# rest; each can be used without make. Every target first installs what it needs (mk/packages.txt).
.DEFAULT_GOAL := help
.PHONY: help programs asked run test soak bench build check fuzz docs image clean distclean install-%

HOST    := build/host
TARGET  := build/aarch64
EXAMPLE ?= hello

# What tools/run takes from the command line of make.
RUN_OPTIONS = $(if $(KERNEL),--kernel '$(KERNEL)') \
	$(if $(GUEST_KERNEL),--guest-kernel '$(GUEST_KERNEL)') \
	$(if $(GUEST_INITRD),--guest-initrd '$(GUEST_INITRD)') \
	$(if $(CORES),--cores '$(CORES)') $(if $(GIC),--gic '$(GIC)') $(if $(MEMORY),--memory '$(MEMORY)') \
	$(if $(DISK),--disk '$(DISK)') $(if $(NET),--net '$(NET)') $(if $(SSH),--ssh '$(SSH)')

help:
	@sed -n 's/^#> \{0,1\}//p' Makefile

#> Vessel: a virtual machine monitor for the seL4 microkernel
#>
#>   make run      boot an example system in QEMU; its console is your terminal
#>   make test     every check and test there is; ends with "N passed, N failed"
#>   make soak     the long forms of the integrity tests, for hours; prints their figures
#>   make bench    instructions per exit, per disk request and packet, boot time, memory; beside the peers'
#>   make build    build everything
#>   make check    only what takes seconds: format, licences, layers, headers, sizes
#>   make fuzz     fuzz every entrance for FUZZ_SECONDS=60 each
#>   make docs     draw the pictures of docs/architecture (build/docs)
#>   make clean    remove what was built (distclean: also what was downloaded)
#>
#> Missing Debian packages are installed first, by apt-get, as root or through sudo.
#>
#> make run takes (make bench: KERNEL and SEL4_INCLUDE alone):
#>   EXAMPLE=hello           a system of examples/, or the path of a description (.dts)
#>   GUEST_KERNEL=FILE       another arm64 kernel for the guest (Image, gzip'd Image, ELF)
#>   GUEST_INITRD=FILE       another initial RAM disk
#>   KERNEL=FILE             seL4's kernel.elf / sel4.elf instead of the stand-in kernel
#>   SEL4_INCLUDE=DIR        build the programs against that kernel's own libsel4 headers
#>   DISK=FILE               a raw image as the machine's disk; a system without one gets one
#>   SSH=PORT                port of this host that leads to the first VM's ssh server
#>   NET=off|user            where the machine's network card leads, if the system has one
#>   CORES=N GIC=2|3 MEMORY=MiB    another machine than the description's

# A target's packages: "install-run" and so on are prerequisites; make runs them one by one.
install = tools/install-packages base $(1)

# Meson tells pages of what it found: shown if it fails, and in the folder's meson-logs.
define configure
echo 'Configuring $(1)'; mkdir -p build; \
meson setup $(2) $(1) >$(1).configured 2>&1 || { cat $(1).configured >&2; exit 1; }
endef

$(HOST)/build.ninja:
	@export CC=gcc; $(call configure,$(HOST),)

$(TARGET)/build.ninja:
	@$(call configure,$(TARGET),--cross-file mk/aarch64-gcc.ini)

# Builds against SEL4_INCLUDE, or without it against include/sel4 again; nothing if that is as it was.
define sel4_include
dir='$(SEL4_INCLUDE)'; was=$(TARGET)/sel4-include; \
[ -z "$$dir" ] || [ -e "$$dir/sel4/sel4.h" ] || \
	{ echo "SEL4_INCLUDE=$$dir: no sel4/sel4.h in it; see docs/guides/sel4.md" >&2; exit 1; }; \
[ -z "$$dir" ] || dir=$$(realpath -- "$$dir"); \
[ "$$dir" = "$$(cat $$was 2>/dev/null)" ] || \
	{ meson configure -Dsel4_include="$$dir" $(TARGET) && printf %s "$$dir" >$$was; }
endef

# What a system image is made of and with, without the host's tests.
programs:
	@$(call install,build)
	@$(MAKE) -s --no-print-directory $(HOST)/build.ninja $(TARGET)/build.ninja
	@$(sel4_include)
	@ninja -C $(HOST) sysconf/sysconf
	@ninja -C $(TARGET)

build: programs
	@ninja -C $(HOST)

# What cannot be run is said before anything is built.
asked:
	@$(call install,build guest run)
	@tools/run --check $(RUN_OPTIONS) '$(EXAMPLE)'
	@$(MAKE) -s --no-print-directory programs

run: asked
	$(if $(and $(GUEST_KERNEL),$(GUEST_INITRD)),,@tools/debian-guest)
	$(if $(and $(filter debian,$(EXAMPLE)),$(if $(DISK),,own)),@$(call install,disk) && tools/debian-disk)
	@tools/run $(RUN_OPTIONS) '$(EXAMPLE)'

# The system image alone: build/run/EXAMPLE.img boots with QEMU's -kernel.
image: asked
	$(if $(and $(GUEST_KERNEL),$(GUEST_INITRD)),,@tools/debian-guest)
	@tools/run --build-only $(RUN_OPTIONS) '$(EXAMPLE)'

test:
	@$(call install,build guest disk run test)
	@ci/all

soak: build
	@$(call install,guest disk run test)
	@tools/debian-guest tools
	@$(if $(KERNEL),KERNEL='$(KERNEL)' )test/system/run --soak --jobs 1

check:
	@$(call install,build test)
	@ci/all format licence layers headers sizes docs

fuzz:
	@$(call install,build test)
	@ci/fuzz $(or $(FUZZ_SECONDS),60)

bench: programs
	@$(call install,guest run)
	@tools/debian-guest tools
	@tools/bench $(if $(KERNEL),--kernel '$(KERNEL)') $(if $(GIC),--gic '$(GIC)') $(if $(CORES),--cores '$(CORES)')

docs:
	@$(call install,docs)
	@tools/render-docs

clean:
	@find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || true

distclean:
	rm -rf build
