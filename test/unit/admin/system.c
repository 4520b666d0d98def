// SPDX-License-Identifier: BSD-2-Clause
/*
 * The description's reader: what a good description gives, and for each rule a description that
 * breaks it (base.dts with something set on top), with the node and the property that must be named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sysconf/dts.h"
#include "vmm/admin/system.h"
#include "vmm/base/util.h"

struct wrong {
	const char *name;
	const char *setting[2]; /* the second may be NULL */
	const char *path, *property, *found;
};

static const struct wrong wrongs[] = {
	{ "unknown property of the root", { "/:colour=blue" }, "/", "colour", "unknown" },
	{ "unknown node of the root", { "/nets/a:b=c" }, "/nets", "", "unknown node" },
	{ "another compatible",
	  { "/:compatible=vessel,system-2" },
	  "/",
	  "compatible",
	  "\"vessel,system-2\"" },
	{ "no cores", { "/board:cores=<0>" }, "/board", "cores", "0" },
	{ "too many cores", { "/board:cores=<9>" }, "/board", "cores", "9" },
	{ "two cells for a number", { "/board:cores=<1 2>" }, "/board", "cores", "0x100000002" },
	{ "string for a number", { "/board:cores=two" }, "/board", "cores", "\"two\"" },
	{ "gic version 4", { "/board:gic-version=<4>" }, "/board", "gic-version", "4" },
	{ "node within board", { "/board/x:y=z" }, "/board/x", "", "unknown node" },
	{ "odd range", { "/board:uart=/bits/ 64 <0x9000000 0x10>" }, "/board", "uart", "0x10" },
	{ "empty range",
	  { "/board:uart=/bits/ 64 <0x9000000 0>" },
	  "/board",
	  "uart",
	  "0x9000000 0" },
	{ "range of cells", { "/board:uart=<0x9000000 0x1000>" }, "/board", "uart", "0x9000000" },
	{ "range that wraps",
	  { "/board:ram=/bits/ 64 <0xfffffff000 0xfffffffffffff000>" },
	  "/board",
	  "ram",
	  "0xfffffff000 0xfffffffffffff000" },
	{ "board RAM overlaps itself",
	  { "/board:ram=/bits/ 64 <0x60000000 0x20000000 0x70000000 0x20000000>" },
	  "/board",
	  "ram",
	  "0x70000000 to 0x8fffffff" },
	{ "board RAM overlaps the images",
	  { "/board:ram=/bits/ 64 <0x50000000 0x40000000>" },
	  "/board",
	  "ram",
	  "0x50000000" },
	{ "GICv2 without GICV",
	  { "/board:gic-version=<2>", "/board:gicv=<0>" },
	  "/board",
	  "gicv",
	  "nothing" },
	{ "image without file", { "/images/more:kind=raw" }, "/images/more", "file", "nothing" },
	{ "image of unknown kind",
	  { "/images/linux:kind=windows" },
	  "/images/linux",
	  "kind",
	  "\"windows\"" },
	{ "image with a strange name",
	  { "/images/BIG:kind=raw", "/images/BIG:file=x" },
	  "/images/BIG",
	  "",
	  "BIG" },
	{ "unknown program",
	  { "/programs/network:core=<0>" },
	  "/programs/network",
	  "kind",
	  "nothing" },
	{ "program on no core", { "/programs/serial:core=<2>" }, "/programs/serial", "core", "2" },
	{ "program below the VMs",
	  { "/programs/serial:priority=<100>" },
	  "/programs/serial",
	  "priority",
	  "100" },
	{ "budget over the period",
	  { "/programs/serial:budget-us=<9000>" },
	  "/programs/serial",
	  "budget-us",
	  "9000" },
	{ "VM without kernel", { "/vms/three:memory-mib=<8>" }, "/vms/three", "kernel", "nothing" },
	{ "VM without memory",
	  { "/vms/three:kernel=bare" },
	  "/vms/three",
	  "memory-mib",
	  "nothing" },
	{ "VM with two memories", { "/vms/two:memory-mib=<8>" }, "/vms/two", "memory-mib", "both" },
	{ "no such image", { "/vms/one:kernel=minix" }, "/vms/one", "kernel", "minix" },
	{ "image of the wrong kind", { "/vms/one:kernel=initrd" }, "/vms/one", "kernel", "initrd" },
	{ "initrd of the wrong kind", { "/vms/one:initrd=linux" }, "/vms/one", "initrd", "linux" },
	{ "overlay onto a whole tree", { "/vms/one:dtb=tree" }, "/vms/one", "overlay", "both" },
	{ "RAM in the middle of a large page",
	  { "/vms/two:ram=/bits/ 64 <0x40000000 0x201000>" },
	  "/vms/two",
	  "ram",
	  "0x40000000 to 0x40200fff" },
	{ "RAM over a device",
	  { "/vms/two:ram=/bits/ 64 <0x08000000 0x4000000>" },
	  "/vms/two",
	  "reg",
	  "RAM at 0x8000000" },
	{ "RAM over RAM",
	  { "/vms/two:ram=/bits/ 64 <0x40000000 0x400000 0x40200000 0x400000>" },
	  "/vms/two",
	  "reg",
	  "0x40200000" },
	{ "five pieces of RAM",
	  { "/vms/two:ram=/bits/ 64 <0 0x200000 1 1 2 2 3 3 4 4>" },
	  "/vms/two",
	  "ram",
	  "80 bytes" },
	{ "RAM beyond 40 bits",
	  { "/vms/two:ram=/bits/ 64 <0xffffe00000 0x400000>" },
	  "/vms/two",
	  "ram",
	  "0xffffe00000 0x400000" },
	{ "more memory than the board has",
	  { "/vms/one:memory-mib=<1514>" },
	  "/vms",
	  "memory-mib",
	  "1538 MiB" },
	{ "memory in an odd number",
	  { "/vms/one:memory-mib=<63>" },
	  "/vms/one",
	  "memory-mib",
	  "63" },
	{ "a core that is not there", { "/vms/one:cores=<0 2>" }, "/vms/one/vcpus/1", "core", "2" },
	{ "nine vCPUs", { "/vms/one:cores=<0 0 0 0 0 0 0 0 0>" }, "/vms/one", "cores", "36 bytes" },
	{ "cores twice", { "/vms/two:cores=<0>" }, "/vms/two", "cores", "both" },
	{ "vCPU without a core",
	  { "/vms/two/vcpus/third:mpidr=<7>" },
	  "/vms/two/vcpus/third",
	  "core",
	  "nothing" },
	{ "the same MPIDR twice",
	  { "/vms/two/vcpus/other:mpidr=<0>" },
	  "/vms/two/vcpus/1",
	  "mpidr",
	  "0x0" },
	{ "MPIDR with flags",
	  { "/vms/two/vcpus/other:mpidr=<0x80000001>" },
	  "/vms/two/vcpus/1",
	  "mpidr",
	  "0x80000001" },
	{ "MPIDR out of an SGI's reach",
	  { "/vms/two/vcpus/other:mpidr=<16>" },
	  "/vms/two/vcpus/1",
	  "mpidr",
	  "0x10" },
	{ "priority above the programs",
	  { "/vms/one:priority=<201>" },
	  "/vms/one",
	  "priority",
	  "201" },
	{ "core sold twice",
	  { "/vms/one:budget-us=<8000>", "/vms/one:period-us=<10000>" },
	  "/",
	  "budget-us",
	  "150 % reserved on core 0" },
	{ "budget too small to run", { "/vms/one:budget-us=<10>" }, "/vms/one", "budget-us", "10" },
	{ "SPIs in odd number", { "/vms/one:spis=<40>" }, "/vms/one", "spis", "40" },
	{ "interrupt beyond the SPIs",
	  { "/vms/two/devices/uart:interrupt=<128>" },
	  "/vms/two/devices/uart",
	  "interrupt",
	  "128" },
	{ "interrupt that is private",
	  { "/vms/two/devices/uart:interrupt=<27>" },
	  "/vms/two/devices/uart",
	  "interrupt",
	  "27" },
	{ "device of unknown kind",
	  { "/vms/two/devices/uart:kind=pl012" },
	  "/vms/two/devices/uart",
	  "kind",
	  "pl012" },
	{ "device without address",
	  { "/vms/two/devices/rtc:kind=pl031" },
	  "/vms/two/devices/rtc",
	  "reg",
	  "nothing" },
	{ "device over the distributor",
	  { "/vms/two/devices/uart:reg=/bits/ 64 <0x08008000 0x1000>" },
	  "/vms/two",
	  "reg",
	  "uart at 0x8008000" },
	{ "device over a redistributor",
	  { "/vms/two/devices/uart:reg=/bits/ 64 <0x080d0000 0x1000>" },
	  "/vms/two",
	  "reg",
	  "uart at 0x80d0000" },
	{ "console taken",
	  { "/vms/two/devices/uart:console=one" },
	  "/vms/two/devices/uart",
	  "console",
	  "one" },
	{ "unknown conduit", { "/vms/one:psci=svc" }, "/vms/one", "psci", "\"svc\"" },
	{ "control characters", { "/vms/one:cmdline=a\tb" }, "/vms/one", "cmdline", "1628004864" },
	{ "VM named as a program",
	  { "/vms/serial:kernel=bare", "/vms/serial:memory-mib=<2>" },
	  "/vms/serial",
	  "",
	  "serial" },
	{ "kind for a fixed program",
	  { "/programs/serial:kind=block" },
	  "/programs/serial",
	  "kind",
	  "unknown property" },
	{ "program of unknown kind",
	  { "/programs/disks:kind=tape" },
	  "/programs/disks",
	  "kind",
	  "\"tape\"" },
	{ "driver without registers",
	  { "/programs/more:kind=rng-driver", "/programs/more:interrupt=<64>" },
	  "/programs/more",
	  "reg",
	  "nothing" },
	{ "driver without interrupt",
	  { "/programs/more:kind=rng-driver", "/programs/more:reg=/bits/ 64 <0x0a002000 0x1000>" },
	  "/programs/more",
	  "interrupt",
	  "nothing" },
	{ "registers for who drives nothing",
	  { "/programs/disks:reg=/bits/ 64 <0x0a002000 0x1000>" },
	  "/programs/disks",
	  "reg",
	  "a range" },
	{ "a page with two owners",
	  { "/programs/nic:reg=/bits/ 64 <0x0a000000 0x1000>" },
	  "/programs/nic",
	  "reg",
	  "0xa000000" },
	{ "the UART's page",
	  { "/programs/nic:reg=/bits/ 64 <0x09000000 0x1000>" },
	  "/programs/nic",
	  "reg",
	  "0x9000000" },
	{ "RAM as a device",
	  { "/programs/nic:reg=/bits/ 64 <0x60000000 0x1000>" },
	  "/programs/nic",
	  "reg",
	  "0x60000000" },
	{ "an interrupt with two owners",
	  { "/programs/nic:interrupt=<48>" },
	  "/programs/nic",
	  "interrupt",
	  "0x30" },
	{ "the UART's interrupt",
	  { "/programs/nic:interrupt=<33>" },
	  "/programs/nic",
	  "interrupt",
	  "0x21" },
	{ "no such driver",
	  { "/programs/disks:driver=floppy" },
	  "/programs/disks",
	  "driver",
	  "floppy" },
	{ "driver of another kind",
	  { "/programs/disks:driver=nic" },
	  "/programs/disks",
	  "driver",
	  "nic" },
	{ "driver of a driver",
	  { "/programs/nic:driver=disk" },
	  "/programs/nic",
	  "driver",
	  "disk" },
	{ "multiplexer without driver",
	  { "/programs/more:kind=block" },
	  "/programs/more",
	  "driver",
	  "nothing" },
	{ "driver with two users",
	  { "/programs/more:kind=block", "/programs/more:driver=disk" },
	  "/programs/disk",
	  "",
	  "2 users" },
	{ "backend that is none",
	  { "/vms/two/devices/vda:backend=console" },
	  "/vms/two/devices/vda",
	  "backend",
	  "console" },
	{ "backend of another kind",
	  { "/vms/two/devices/vda:backend=nic" },
	  "/vms/two/devices/vda",
	  "backend",
	  "nic" },
	{ "backend that is a driver",
	  { "/vms/two/devices/vda:backend=disk" },
	  "/vms/two/devices/vda",
	  "backend",
	  "disk" },
	{ "backend for a UART",
	  { "/vms/two/devices/uart:backend=disks" },
	  "/vms/two/devices/uart",
	  "backend",
	  "disks" },
	{ "disk without backend",
	  { "/vms/two/devices/vdc:kind=virtio-blk" },
	  "/vms/two/devices/vdc",
	  "backend",
	  "nothing" },
	{ "partition and range",
	  { "/vms/two/devices/vdb:partition=<1>" },
	  "/vms/two/devices/vdb",
	  "range",
	  "both" },
	{ "a flag with a value",
	  { "/vms/two/devices/vdb:read-only=<1>" },
	  "/vms/two/devices/vdb",
	  "read-only",
	  "1" },
	{ "a disk that somebody writes",
	  { "/vms/two/devices/vdc:kind=virtio-blk", "/vms/two/devices/vdc:backend=disks" },
	  "/vms/two/devices/vdc",
	  "range",
	  "another writes" },
	{ "a partition that somebody uses",
	  { "/vms/two/devices/vdb:partition=<2>" },
	  "/vms/two/devices/vdb",
	  "partition",
	  "another writes" },
	{ "a disk's property elsewhere",
	  { "/vms/two/devices/uart:serial=x1" },
	  "/vms/two/devices/uart",
	  "",
	  "a disk's properties" },
	{ "address of a PCI device",
	  { "/vms/two/devices/vdb:interrupt=<50>" },
	  "/vms/two/devices/vdb",
	  "interrupt",
	  "a value" },
	{ "UART on PCI",
	  { "/vms/two/devices/uart:transport=pci" },
	  "/vms/two/devices/uart",
	  "transport",
	  "pci" },
	{ "PCI lines where a device is",
	  { "/vms/two/pci:interrupt=<30>" },
	  "/vms/two/pci",
	  "interrupt",
	  "30" },
	{ "a device at a PCI line",
	  { "/vms/two/pci:interrupt=<46>" },
	  "/vms/two/devices/vda",
	  "interrupt",
	  "48" },
	{ "a device at a message's interrupt",
	  { "/vms/two/devices/vda:interrupt=<64>" },
	  "/vms/two/devices/vda",
	  "interrupt",
	  "64" },
	{ "more messages than interrupts",
	  { "/vms/two/pci:msis=<96>" },
	  "/vms/two/pci",
	  "msis",
	  "96" },
	{ "PCI lines at the messages",
	  { "/vms/two/pci:interrupt=<61>" },
	  "/vms/two/pci",
	  "interrupt",
	  "61" },
	{ "configuration space over RAM",
	  { "/vms/two/pci:ecam=<0x40100000>" },
	  "/vms/two",
	  "reg",
	  "PCI configuration space" },
	{ "crooked configuration space",
	  { "/vms/two/pci:ecam=<0x3f001000>" },
	  "/vms/two/pci",
	  "ecam",
	  "0x3f001000" },
	{ "crooked message frame",
	  { "/vms/two/pci:msi-frame=<0x08020040>" },
	  "/vms/two/pci",
	  "msi-frame",
	  "0x8020040" },
	{ "low PCI memory above 4 GiB",
	  { "/vms/two/pci:memory=/bits/ 64 <0xffff0000 0x20000>" },
	  "/vms/two/pci",
	  "memory",
	  "0xffff0000" },
	{ "crooked PCI memory",
	  { "/vms/two/pci:memory-64=/bits/ 64 <0x8000001000 0x20000>" },
	  "/vms/two/pci",
	  "memory-64",
	  "0x8000001000" },
	{ "an unknown property of the PCI bus",
	  { "/vms/two/pci:lanes=<16>" },
	  "/vms/two/pci",
	  "lanes",
	  "unknown" },
	{ "ports of a disk",
	  { "/vms/two/devices/vda/ports/a:console=a" },
	  "/vms/two/devices/vda",
	  "ports",
	  "the node" },
	{ "a port's console that has another's name",
	  { "/vms/two/devices/con:kind=virtio-console",
	    "/vms/two/devices/con/ports/a:console=second" },
	  "/vms/two/devices/con/ports/a",
	  "console",
	  "second" },
	{ "columns without rows",
	  { "/vms/two/devices/con:kind=virtio-console", "/vms/two/devices/con:columns=<80>" },
	  "/vms/two/devices/con",
	  "rows",
	  "nothing" },
	{ "rows of a port without columns",
	  { "/vms/two/devices/con:kind=virtio-console", "/vms/two/devices/con/ports/a:rows=<25>" },
	  "/vms/two/devices/con/ports/a",
	  "columns",
	  "nothing" },
	{ "size of a UART's terminal",
	  { "/vms/two/devices/uart:columns=<80>" },
	  "/vms/two/devices/uart",
	  "columns",
	  "a number" },
	{ "a terminal without end",
	  { "/vms/two/devices/con:kind=virtio-console", "/vms/two/devices/con:rows=<65536>" },
	  "/vms/two/devices/con",
	  "rows",
	  "65536" },
	{ "balloon of all of the RAM",
	  { "/vms/two/devices/b:kind=virtio-balloon", "/vms/two/devices/b:balloon-mib=<4>" },
	  "/vms/two/devices/b",
	  "balloon-mib",
	  "4" },
	{ "balloon of a disk",
	  { "/vms/two/devices/vda:balloon-mib=<1>" },
	  "/vms/two/devices/vda",
	  "balloon-mib",
	  "1" },
	{ "user of sockets without CID",
	  { "/programs/hub:kind=sockets", "/programs/echo:kind=echo" },
	  "/programs/echo",
	  "cid",
	  "nothing" },
	{ "CID of a driver", { "/programs/nic:cid=<5>" }, "/programs/nic", "cid", "5" },
	{ "socket device without CID",
	  { "/vms/two/devices/vs:kind=virtio-vsock" },
	  "/vms/two/devices/vs",
	  "cid",
	  "nothing" },
	{ "the host's CID",
	  { "/vms/two/devices/vs:kind=virtio-vsock", "/vms/two/devices/vs:cid=<2>" },
	  "/vms/two/devices/vs",
	  "cid",
	  "2" },
	{ "CID of a disk",
	  { "/vms/two/devices/vda:cid=<3>" },
	  "/vms/two/devices/vda",
	  "cid",
	  "a number" },
	{ "socket queues that are no power of two",
	  { "/vms/two/devices/vs:kind=virtio-vsock", "/vms/two/devices/vs:data-kib=<192>" },
	  "/vms/two/devices/vs",
	  "data-kib",
	  "192" },
	{ "console of a disk",
	  { "/vms/two/devices/vda:console=c" },
	  "/vms/two/devices/vda",
	  "console",
	  "c" },
	{ "a group's MAC address",
	  { "/vms/two/devices/vda:mac=[01 00 00 00 00 00]" },
	  "/vms/two/devices/vda",
	  "mac",
	  "a group" },
	{ "five bytes of MAC address",
	  { "/vms/two/devices/vda:mac=[02 00 00 00 00]" },
	  "/vms/two/devices/vda",
	  "mac",
	  "5 bytes" },
	{ "a network device without room for a packet",
	  { "/vms/two/devices/vda:kind=\"virtio-net\"", "/vms/two/devices/vda:data-kib=<64>" },
	  "/vms/two/devices/vda",
	  "data-kib",
	  "64" },
	{ "a data region that ends within a page: its disk would move data beyond it",
	  { "/vms/two/devices/vda:data-kib=<66>" },
	  "/vms/two/devices/vda",
	  "data-kib",
	  "66" },
	{ "a rate that times a second's ticks is more than 64 bits",
	  { "/vms/two/devices/vda:rate-kib=<0x1000000>" },
	  "/vms/two/devices/vda",
	  "rate-kib",
	  "16777216" },
	{ "the same MAC address twice",
	  { "/vms/two/devices/vda:mac=[02 00 00 00 00 01]",
	    "/vms/two/devices/vdb:mac=[02 00 00 00 00 01]" },
	  "/vms/two/devices/vdb",
	  "mac",
	  "another" },
};

struct findings {
	struct report report;
	struct report_item wanted; /* what to look for */
	bool seen;
	char all[4096];
};

static void collect(void *ctx, const struct report_item *item)
{
	struct findings *f = ctx;
	size_t length = strlen(f->all);

	snprintf(f->all + length, sizeof(f->all) - length, "%s %s: found %s; allowed: %s\n",
		 item->path, item->property, item->found, item->allowed);
	assert_true(item->allowed[0] != '\0');
	assert_null(strstr(item->allowed, "\"none\"")); /* is none of the kinds to choose from */
	if (f->wanted.path != NULL && strcmp(item->path, f->wanted.path) == 0 &&
	    strcmp(item->property, f->wanted.property) == 0 &&
	    strstr(item->found, f->wanted.found) != NULL)
		f->seen = true;
}

static bool parse(const char *const *settings, size_t count, struct system *system,
		  struct buffer *blob, struct findings *findings)
{
	const char *source = getenv("VESSEL_SOURCE");
	char path[1024];
	struct buffer text = { 0 };

	assert_non_null(source);
	snprintf(path, sizeof(path), "%s/test/unit/admin/base.dts", source);
	for (size_t i = 0; i < count; i++)
		assert_true(dts_setting(settings[i], &text));
	assert_true(dts_compile(path, &text, NULL, 0, blob));
	buffer_fini(&text);
	findings->report.emit = collect;
	findings->report.ctx = findings;
	return system_parse(system, blob->data, blob->size, &findings->report);
}

static void wrong_is_named(void **state)
{
	const struct wrong *wrong = *state;
	struct findings findings = { .wanted = { .path = wrong->path,
						 .property = wrong->property,
						 .found = wrong->found } };
	struct system *system = test_malloc(sizeof(*system));
	struct buffer blob = { 0 };
	bool ok =
		parse(wrong->setting, wrong->setting[1] != NULL ? 2 : 1, system, &blob, &findings);

	if (ok || !findings.seen)
		print_message("%s: findings were:\n%s", wrong->name, findings.all);
	assert_false(ok);
	assert_true(findings.seen);
	buffer_fini(&blob);
	test_free(system);
}

static void good_gives_everything(void **state)
{
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { 0 };
	struct buffer blob = { 0 };
	const struct system_vm *one = &system->vms[0], *two = &system->vms[1];
	struct vmm_channel channel = { .kind = VMM_CHANNEL_BLOCK };

	(void)state;
	if (!parse(NULL, 0, system, &blob, &findings))
		fail_msg("%s", findings.all);
	assert_int_equal(system->vm_count, 2);
	assert_int_equal(system->image_count, 5);
	assert_int_equal(system->images[4].load_address, 0x40100000);
	assert_int_equal(system->board.ram_count, 2);
	assert_int_equal(system->programs[SYSTEM_TIMER].sched.budget_us, 200);
	assert_int_equal(system->programs[SYSTEM_SERIAL].sched.priority, SYSTEM_PRIORITY_SERIAL);

	assert_string_equal(one->name, "one");
	assert_string_equal(one->cmdline, "console=ttyAMA0 quiet");
	assert_string_equal(one->file, "vmm");
	assert_int_equal(one->vcpu_count, 2);
	assert_int_equal(one->vcpus[1].sched.core, 1);
	assert_int_equal(one->vcpus[1].mpidr, 1);
	assert_int_equal(one->ram[0].base, SYSTEM_GUEST_RAM);
	assert_int_equal(one->ram[0].size, MIB(64));
	assert_int_equal(one->kernel, 0);
	assert_int_equal(one->initrd, 1);
	assert_int_equal(one->dtb, -1);
	assert_int_equal(one->overlay, 3);
	assert_int_equal(one->device_count, 2);
	assert_string_equal(one->devices[0].console, "one");
	assert_int_equal(one->handler, SYSTEM_HANDLER_ACTIVE);

	assert_string_equal(two->file, "vmm-small");
	assert_int_equal(two->ram_count, 2);
	assert_int_equal(two->ram[1].base, UINT64_C(0x100000000));
	assert_int_equal(two->psci, SYSTEM_PSCI_HVC);
	assert_int_equal(two->spis, 96);
	assert_int_equal(two->vcpus[0].sched.priority, 50);
	assert_int_equal(two->vcpus[1].mpidr, 0x100);
	assert_int_equal(two->device_count, 3);
	assert_int_equal(system->program_count, 6);
	assert_string_equal(system->programs[3].file, "blkmux");
	assert_string_equal(system->programs[5].file, "net-small");
	assert_int_equal(system->programs[3].driver, 4);
	assert_int_equal(system->programs[4].driver, -1);
	assert_int_equal(system->programs[4].kind, NATIVE_BLK_DRIVER);
	assert_int_equal(system->programs[4].sched.priority, SYSTEM_PRIORITY_DRIVER);
	assert_int_equal(system->programs[5].sched.priority, 226);
	assert_int_equal(system->programs[5].interrupt, 56);
	assert_int_equal(two->devices[1].backend, 3);
	assert_int_equal(two->devices[1].at.base, 0x0a000000);
	assert_int_equal(two->devices[1].interrupt, 48);
	assert_int_equal(two->devices[1].packed, 1);
	assert_int_equal(two->devices[1].data_kib, 512);
	assert_int_equal(two->devices[2].at.size, 0);
	assert_int_equal(two->devices[2].transport, VMM_TRANSPORT_PCI);
	assert_true(two->pci.present);
	assert_int_equal(two->pci.ecam, 0x3f000000);
	assert_int_equal(system_pci_first_msi(two), 64);
	assert_false(one->pci.present);
	system_channel_params(&two->devices[1], &channel);
	assert_int_equal(channel.block.partition, 2);
	assert_int_equal(channel.block.rate, MIB(1));
	assert_string_equal(channel.block.serial, "two's");
	system_channel_params(&two->devices[2], &channel);
	assert_int_equal(channel.block.first, 0x100000 / 512);
	assert_int_equal(channel.block.count, 0x200000 / 512);
	assert_int_equal(channel.block.read_only, 1);
	/* 4 regions for each of three channels; the multiplexer's own data region is smaller. */
	assert_int_equal(system_channels_bytes(system), 3 * KIB(16) + 2 * KIB(512) + KIB(64));
	assert_string_equal(two->devices[0].console, "second");
	/* It has a reservation, so its emulation is paid out of it. */
	assert_int_equal(two->handler, SYSTEM_HANDLER_PASSIVE);
	buffer_fini(&blob);
	test_free(system);
}

/* Described or needed by a device: more interrupts by default, and the bus. */
static void a_pci_bus_of_its_own(void **state)
{
	static const char *const settings[] = {
		"/vms/one/pci:msis=<32>",
		"/vms/one/pci:memory=/bits/ 64 <0x20000000 0x100000>",
	};
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { 0 };
	struct buffer blob = { 0 };
	const struct system_vm *one = &system->vms[0];

	(void)state;
	if (!parse(settings, 2, system, &blob, &findings))
		fail_msg("%s", findings.all);
	assert_true(one->pci.present);
	assert_int_equal(one->spis, 128);
	assert_int_equal(system_pci_first_msi(one), 128);
	assert_int_equal(one->pci.low.base, 0x20000000);
	assert_int_equal(one->pci.interrupt, 35);
	buffer_fini(&blob);
	test_free(system);
}

static void ports_of_a_console(void **state)
{
	static const char *const settings[] = {
		"/vms/one/devices/con:kind=virtio-console",
		"/vms/one/devices/con:console=main",
		"/vms/one/devices/con:columns=<100>",
		"/vms/one/devices/con:rows=<30>",
		"/vms/one/devices/con/ports/agent:console=agent",
		"/vms/one/devices/con/ports/silent:columns=<80>",
		"/vms/one/devices/con/ports/silent:rows=<25>",
	};
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { 0 };
	struct buffer blob = { 0 };
	const struct system_device *con = &system->vms[0].devices[0];

	(void)state;
	if (!parse(settings, ARRAY_SIZE(settings), system, &blob, &findings))
		fail_msg("%s", findings.all);
	assert_int_equal(con->port_count, 2);
	assert_int_equal(con->columns, 100);
	assert_int_equal(con->rows, 30);
	assert_string_equal(con->ports[0].name, "agent");
	assert_int_equal(con->ports[0].columns, 0);
	assert_string_equal(con->ports[1].name, "silent");
	assert_int_equal(con->ports[1].rows, 25);
	assert_string_equal(system_console(con, 0), "main");
	assert_string_equal(system_console(con, 1), "agent");
	assert_null(system_console(con, 2));
	assert_null(system_console(con, 3));
	buffer_fini(&blob);
	test_free(system);
}

static void a_port_with_its_devices_console(void **state)
{
	static const char *const settings[] = {
		"/vms/one/devices/con:kind=virtio-console",
		"/vms/one/devices/con:console=main",
		"/vms/one/devices/con/ports/a:console=main",
	};
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { .wanted = { .path = "/vms/one/devices/con/ports/a",
						 .property = "console",
						 .found = "main" } };
	struct buffer blob = { 0 };

	(void)state;
	assert_false(parse(settings, ARRAY_SIZE(settings), system, &blob, &findings));
	assert_true(findings.seen);
	buffer_fini(&blob);
	test_free(system);
}

/* What a VM may have of them, and all VMs together. */
static void too_many_ports(void **state)
{
	static const struct {
		const char *path, *property, *found;
	} wanted[] = {
		{ "/vms/one/devices/con/ports/d", "", "too many" },
		{ "/vms/one/devices", "", "devices with a backend" },
		{ "/vms", "console", "46 consoles" },
	};

	(void)state;
	for (unsigned step = 0; step < ARRAY_SIZE(wanted); step++) {
		struct system *system = test_malloc(sizeof(*system));
		struct findings findings = { .wanted = { .path = wanted[step].path,
							 .property = wanted[step].property,
							 .found = wanted[step].found } };
		unsigned vms = step == 2 ? 15 : 1, consoles = step == 1 ? 6 : 1;
		unsigned ports = step == 0 ? 4 : 3, count = 0;
		static char texts[256][80];
		static const char *settings[256];
		struct buffer blob = { 0 };

		for (unsigned v = 0; v < vms; v++) {
			const char *vm = v == 0 ? "one" : (char[]){ 'v', (char)('a' + v), 0 };

			if (v > 0) {
				snprintf(texts[count++], 80, "/vms/%s:kernel=bare", vm);
				snprintf(texts[count++], 80, "/vms/%s:memory-mib=<2>", vm);
			}
			for (unsigned c = 0; c < consoles; c++) {
				snprintf(texts[count++], 80,
					 "/vms/%s/devices/con%.*u:kind=virtio-console", vm, c > 0,
					 c);
				for (unsigned p = 0; p < ports; p++)
					snprintf(
						texts[count++], 80,
						"/vms/%s/devices/con%.*u/ports/%c:console=%s-%u-%u",
						vm, c > 0, c, (int)('a' + p), vm, c, p);
			}
		}
		for (unsigned i = 0; i < count; i++)
			settings[i] = texts[i];
		if (parse(settings, count, system, &blob, &findings) || !findings.seen)
			fail_msg("%u: %s", step, findings.all);
		buffer_fini(&blob);
		test_free(system);
	}
}

/* Parses VM "one" with these devices more; false: refused, with a finding of that text. */
static bool parse_devices_of_one(char texts[][80], unsigned count, const char *path,
				 const char *found)
{
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { .wanted = { .path = path, .property = "", .found = found } };
	struct buffer blob = { 0 };
	const char *settings[128];
	bool ok;

	for (unsigned i = 0; i < count; i++)
		settings[i] = texts[i];
	ok = parse(settings, count, system, &blob, &findings);
	if (!ok && !findings.seen)
		fail_msg("%s", findings.all);
	buffer_fini(&blob);
	test_free(system);
	return ok;
}

/* `count` consoles with a channel each, behind what is there. */
static unsigned add_consoles(char texts[][80], unsigned at, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		snprintf(texts[at++], 80, "/vms/one/devices/c%u:kind=virtio-console", i);
		snprintf(texts[at++], 80, "/vms/one/devices/c%u:console=c%u", i, i);
	}
	return at;
}

/* One of the VMM's channels leads to a device's own program, whatever that program has itself. */
static void an_own_program_takes_one_channel(void **state)
{
	enum { OTHERS = VMM_CONFIG_CHANNELS - 1 };
	static char texts[128][80];
	unsigned at;

	(void)state;
	at = add_consoles(texts, 0, OTHERS);
	assert_true(parse_devices_of_one(texts, at, "", ""));
	snprintf(texts[at++], 80, "/vms/one/devices/own:kind=virtio-balloon");
	assert_true(parse_devices_of_one(texts, at, "", ""));
	snprintf(texts[at++], 80, "/vms/one/devices/own:own-program=");
	assert_false(parse_devices_of_one(texts, at, "/vms/one/devices", "16 devices with a"));

	at = add_consoles(texts, 0, OTHERS - 1);
	snprintf(texts[at++], 80, "/vms/one/devices/own:kind=virtio-console");
	snprintf(texts[at++], 80, "/vms/one/devices/own:console=own");
	snprintf(texts[at++], 80, "/vms/one/devices/own/ports/a:console=own-a");
	assert_false(parse_devices_of_one(texts, at, "/vms/one/devices", "16 devices with a"));
	snprintf(texts[at++], 80, "/vms/one/devices/own:own-program=");
	assert_true(parse_devices_of_one(texts, at, "", ""));
}

/* Ports take a place in the VMM's configuration whether or not they lead to a console. */
static void ports_of_all_consoles_have_places(void **state)
{
	enum { PORTS_A_CONSOLE = SYSTEM_PORTS + 1, FIT = VMM_CONFIG_PORTS / PORTS_A_CONSOLE };
	static char texts[128][80];
	unsigned at = 0;

	(void)state;
	for (unsigned i = 0; i < FIT; i++) {
		snprintf(texts[at++], 80, "/vms/one/devices/c%u:kind=virtio-console", i);
		for (unsigned port = 0; port < SYSTEM_PORTS; port++)
			snprintf(texts[at++], 80, "/vms/one/devices/c%u/ports/%c:serial-port=", i,
				 (int)('a' + port));
	}
	assert_true(parse_devices_of_one(texts, at, "", ""));
	snprintf(texts[at++], 80, "/vms/one/devices/more:kind=virtio-console");
	assert_false(parse_devices_of_one(texts, at, "/vms/one/devices", "25 ports"));
	snprintf(texts[at++], 80, "/vms/one/devices/more:own-program=");
	assert_true(parse_devices_of_one(texts, at, "", ""));
}

/* Four in each VM; but admin keeps a place for sixteen. */
static void own_programs_of_all_vms(void **state)
{
	static char texts[128][80];
	static const char *settings[128];
	unsigned at = 0;

	(void)state;
	for (unsigned vm = 0; vm <= SYSTEM_OWN_ALL / SYSTEM_OWN_PROGRAMS; vm++) {
		struct system *system = test_malloc(sizeof(*system));
		struct findings findings = {
			.wanted = { .path = "/vms", .property = "own-program", .found = "20" }
		};
		struct buffer blob = { 0 };
		bool fits = vm < SYSTEM_OWN_ALL / SYSTEM_OWN_PROGRAMS;

		snprintf(texts[at++], 80, "/vms/v%u:kernel=bare", vm);
		snprintf(texts[at++], 80, "/vms/v%u:memory-mib=<2>", vm);
		for (unsigned i = 0; i < SYSTEM_OWN_PROGRAMS; i++) {
			snprintf(texts[at++], 80, "/vms/v%u/devices/d%u:kind=virtio-balloon", vm,
				 i);
			snprintf(texts[at++], 80, "/vms/v%u/devices/d%u:own-program=", vm, i);
		}
		for (unsigned i = 0; i < at; i++)
			settings[i] = texts[i];
		if (parse(settings, at, system, &blob, &findings) != fits)
			fail_msg("%u: %s", vm, findings.all);
		assert_int_equal(findings.seen, !fits);
		buffer_fini(&blob);
		test_free(system);
	}
}

static void same_interrupt_twice(void **state)
{
	static const char *const settings[] = {
		"/vms/two/devices/rtc:kind=pl031",
		"/vms/two/devices/rtc:reg=/bits/ 64 <0x09010000 0x1000>",
		"/vms/two/devices/rtc:interrupt=<33>",
	};
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { .wanted = { .path = "/vms/two/devices/uart",
						 .property = "interrupt",
						 .found = "33" } };
	struct buffer blob = { 0 };

	(void)state;
	/* dtc puts added nodes last, so rtc is the second to ask for it. */
	findings.wanted.path = "/vms/two/devices/rtc";
	assert_false(parse(settings, ARRAY_SIZE(settings), system, &blob, &findings));
	assert_true(findings.seen);
	buffer_fini(&blob);
	test_free(system);
}

static void seventeen_vms_are_too_many(void **state)
{
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = {
		.wanted = { .path = "/vms/v15", .property = "", .found = "too many" }
	};
	char texts[30][64];
	const char *settings[30];
	struct buffer blob = { 0 };

	(void)state;
	for (unsigned i = 0; i < 15; i++) {
		snprintf(texts[2 * i], 64, "/vms/v%u:kernel=bare", i + 1);
		snprintf(texts[2 * i + 1], 64, "/vms/v%u:memory-mib=<2>", i + 1);
	}
	for (unsigned i = 0; i < 30; i++)
		settings[i] = texts[i];
	assert_false(parse(settings, 30, system, &blob, &findings));
	assert_true(findings.seen);
	buffer_fini(&blob);
	test_free(system);
}

/* Cut anywhere, the blob is refused or gives the same system: never read beyond its end (ASan). */
static void truncated_blobs_are_refused(void **state)
{
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { 0 };
	struct buffer blob = { 0 };

	(void)state;
	assert_true(parse(NULL, 0, system, &blob, &findings));
	for (size_t size = 0; size < blob.size; size++) {
		struct report quiet = { 0 };
		uint8_t *copy = malloc(size > 0 ? size : 1);

		assert_non_null(copy);
		memcpy(copy, blob.data, size);
		assert_false(system_parse(system, copy, size, &quiet));
		assert_int_equal(quiet.count, 1);
		free(copy);
	}
	buffer_fini(&blob);
	test_free(system);
}

/* libfdt 1.6.1 falls over this one: an old version, and a root without a name. */
static void old_versions_are_refused(void **state)
{
	struct system *system = test_malloc(sizeof(*system));
	struct findings findings = { 0 };
	struct report quiet = { 0 };
	struct buffer blob = { 0 };

	(void)state;
	assert_true(parse(NULL, 0, system, &blob, &findings));
	blob.data[23] = 15;           /* header: version */
	blob.data[27] = 15;           /* last compatible version */
	memset(blob.data + 56, 0, 4); /* FDT_BEGIN_NODE of the root becomes nothing */
	assert_false(system_parse(system, blob.data, blob.size, &quiet));
	assert_int_equal(quiet.count, 1);
	buffer_fini(&blob);
	test_free(system);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(good_gives_everything),
		cmocka_unit_test(a_pci_bus_of_its_own),
		cmocka_unit_test(ports_of_a_console),
		cmocka_unit_test(a_port_with_its_devices_console),
		cmocka_unit_test(too_many_ports),
		cmocka_unit_test(an_own_program_takes_one_channel),
		cmocka_unit_test(ports_of_all_consoles_have_places),
		cmocka_unit_test(own_programs_of_all_vms),
		cmocka_unit_test(same_interrupt_twice),
		cmocka_unit_test(seventeen_vms_are_too_many),
		cmocka_unit_test(truncated_blobs_are_refused),
		cmocka_unit_test(old_versions_are_refused),
	};
	struct CMUnitTest tests[ARRAY_SIZE(others) + ARRAY_SIZE(wrongs)];

	memcpy(tests, others, sizeof(others));
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		tests[ARRAY_SIZE(others) + i] = (struct CMUnitTest){
			.name = wrongs[i].name,
			.test_func = wrong_is_named,
			.initial_state = (void *)(uintptr_t)&wrongs[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
