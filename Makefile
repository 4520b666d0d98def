# SPDX-License-Identifier: BSD-2-Clause
# Thin front door: Meson and ninja do the building (see meson.build), ci/ does the checking.
.DEFAULT_GOAL := help
.PHONY: help build host clean

HOST := build/host
TARGET := build/aarch64

help: ## this text
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(HOST)/build.ninja:
	meson setup $(HOST)

$(TARGET)/build.ninja:
	meson setup --cross-file mk/aarch64-gcc.ini $(TARGET)

host: $(HOST)/build.ninja ## build the host tools and tests (ASan, UBSan)
	ninja -C $(HOST)

build: host $(TARGET)/build.ninja ## build everything
	ninja -C $(TARGET)

clean: ## remove everything that was built
	rm -rf build
