// SPDX-License-Identifier: BSD-2-Clause
/*
 * Relations between native programs, their devices and who uses them: one owner for each page and
 * interrupt of the machine, matching kinds along a path from a VM to a driver, and disks that nobody
 * writes while another reads.
 */
#include <string.h>

#include <vmm/console.h>

#include "vmm/admin/parse.h"

static void program_path(struct text *path, const struct system_program *program)
{
	text_clear(path);
	text_add(path, "/programs/");
	text_add(path, program->name);
}

static void device_path(struct text *path, const struct system_vm *vm,
			const struct system_device *device)
{
	text_clear(path);
	text_add(path, "/vms/");
	text_add(path, vm->name);
	text_add(path, "/devices/");
	text_add(path, device->name);
}

static bool overlaps(const struct system_range *a, const struct system_range *b)
{
	return a->size > 0 && b->size > 0 && a->base < b->base + b->size &&
	       b->base < a->base + a->size;
}

static void report_owned(struct report *report, const char *path, const char *property,
			 uint64_t what, const char *owner)
{
	struct text found, allowed;

	text_clear(&found);
	text_add_hex(&found, what);
	text_clear(&allowed);
	text_add(&allowed, "what is not already owned by ");
	text_add(&allowed, owner);
	report_add(report, path, property, found.at, allowed.at);
}

/* ---- devices of the machine ---- */

static void check_device(const struct system *system, uint32_t index, const char *path,
			 struct report *report)
{
	const struct system_program *program = &system->programs[index];
	const struct system_board *board = &system->board;

	if (overlaps(&program->device, &board->uart))
		report_owned(report, path, "reg", program->device.base, "serial");
	if (program->interrupt == board->uart_interrupt)
		report_owned(report, path, "interrupt", program->interrupt, "serial");
	for (uint32_t i = 0; i < board->ram_count; i++) {
		if (overlaps(&program->device, &board->ram[i]))
			report_owned(report, path, "reg", program->device.base, "/board ram");
	}
	if (overlaps(&program->device, &board->image_window))
		report_owned(report, path, "reg", program->device.base, "/board image-window");
	for (uint32_t j = SYSTEM_FIXED_PROGRAMS; j < index; j++) {
		const struct system_program *other = &system->programs[j];

		if (overlaps(&program->device, &other->device))
			report_owned(report, path, "reg", program->device.base, other->name);
		if (program->interrupt != 0 && program->interrupt == other->interrupt)
			report_owned(report, path, "interrupt", program->interrupt, other->name);
	}
}

static void check_has_device(const struct system_program *program, const struct native_kind *kind,
			     const char *path, struct report *report)
{
	static const char *const owns = "only with a driver's kind";

	if (kind->device && program->device.size == 0)
		report_add(report, path, "reg", "nothing", "the registers' range");
	if (kind->device && program->interrupt == 0)
		report_add(report, path, "interrupt", "nothing", "an INTID");
	if (!kind->device && program->device.size != 0)
		report_add(report, path, "reg", "a range", owns);
	if (!kind->device && program->interrupt != 0)
		report_add(report, path, "interrupt", "a number", owns);
}

static void check_driver(const struct system *system, const struct system_program *program,
			 const struct native_kind *kind, const char *path, struct report *report)
{
	const struct native_kind *wanted = native_kind(kind->driver);
	struct text allowed;

	if (program->driver < 0 && !kind->driver_needed)
		return;
	if (program->driver >= 0 && wanted != NULL &&
	    system->programs[program->driver].kind == kind->driver)
		return;
	text_clear(&allowed);
	if (wanted == NULL) {
		text_add(&allowed, "nothing: this kind uses no driver");
	} else {
		text_add(&allowed, "the name of a program of kind \"");
		text_add(&allowed, wanted->name);
		text_add(&allowed, "\"");
	}
	report_add(report, path, "driver",
		   program->driver < 0 ? "nothing" : system->programs[program->driver].name,
		   allowed.at);
}

/* A program that uses the socket router has an address there, and no other program does. */
static void check_cid(const struct system *system, uint32_t index, const char *path,
		      struct report *report)
{
	const struct system_program *program = &system->programs[index];
	bool wanted = native_kind(program->kind)->driver == NATIVE_SOCKETS;
	struct text found;

	if (wanted && program->cid == 0)
		report_add(report, path, "cid", "nothing", "a number of its own from 2 on");
	text_clear(&found);
	text_add_number(&found, program->cid);
	if (!wanted && program->cid != 0)
		report_add(report, path, "cid", found.at, "only with a kind that uses sockets");
	for (uint32_t j = SYSTEM_FIXED_PROGRAMS; j < index; j++) {
		if (program->cid != 0 && system->programs[j].cid == program->cid)
			report_add(report, path, "cid", found.at,
				   "a number of its own for each program");
	}
}

static uint32_t count_clients(const struct system *system, uint32_t index)
{
	uint32_t count = 0;

	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < system->program_count; i++)
		count += system->programs[i].driver == (int32_t)index;
	for (uint32_t i = 0; i < system->vm_count; i++) {
		for (uint32_t j = 0; j < system->vms[i].device_count; j++)
			count += system->vms[i].devices[j].backend == (int32_t)index;
	}
	return count;
}

static void check_program(const struct system *system, uint32_t index, struct report *report)
{
	const struct system_program *program = &system->programs[index];
	const struct native_kind *kind = native_kind(program->kind);
	uint32_t clients = count_clients(system, index);
	struct text path, found, allowed;

	program_path(&path, program);
	check_has_device(program, kind, path.at, report);
	check_device(system, index, path.at, report);
	check_driver(system, program, kind, path.at, report);
	check_cid(system, index, path.at, report);
	if (clients > kind->clients_max) {
		text_clear(&found);
		text_add_number(&found, clients);
		text_add(&found, " users");
		text_clear(&allowed);
		text_add(&allowed, "at most ");
		text_add_number(&allowed, kind->clients_max);
		report_add(report, path.at, NULL, found.at, allowed.at);
	}
	for (uint32_t j = 0; j < index; j++) {
		if (strcmp(program->name, system->programs[j].name) == 0)
			report_add(report, path.at, NULL, program->name,
				   "a name of its own for each program");
	}
}

/* ---- VMs' devices ---- */

static void check_backend(const struct system *system, const struct system_device *device,
			  const char *path, struct report *report)
{
	const struct device_kind *kind = device_kind(device->kind);
	const struct native_kind *serves = NULL;

	if (device->backend >= 0)
		serves = native_kind(system->programs[device->backend].kind);
	if (kind->channel == VMM_CHANNEL_NONE && device->backend >= 0)
		report_add(report, path, "backend", system->programs[device->backend].name,
			   "nothing: this kind has no backend");
	else if (kind->channel != VMM_CHANNEL_NONE && device->backend < 0)
		report_add(report, path, "backend", "nothing",
			   "the name of a program that serves such devices");
	else if (serves != NULL &&
		 (serves->serves != kind->channel ||
		  (serves->clients_max == 1 && device->kind != VMM_DEVICE_VIRTIO_BLK)))
		report_add(report, path, "backend", system->programs[device->backend].name,
			   "the name of a program that serves such devices");
	else if (serves != NULL && serves->clients_max == 1 &&
		 (device->partition != 0 || device->range.size != 0 || device->rate_kib != 0 ||
		  device->serial != NULL))
		report_add(report, path, "backend", system->programs[device->backend].name,
			   "a program of kind \"block\": the driver alone gives a whole disk, as "
			   "it is");
}

static void check_block(const struct system_device *device, const char *path, struct report *report)
{
	bool block = device->kind == VMM_DEVICE_VIRTIO_BLK;

	if (block && device->partition != 0 && device->range.size != 0)
		report_add(report, path, "range", "both \"partition\" and \"range\"",
			   "one of the two");
	if (!block && (device->partition != 0 || device->range.size != 0 || device->read_only ||
		       device->serial != NULL))
		report_add(report, path, NULL, "a disk's properties", "only on a virtio-blk");
}

/* What is sure to overlap, by the description alone; the multiplexer knows where partitions lie. */
static bool same_sectors(const struct system_device *a, const struct system_device *b)
{
	bool whole_a = a->partition == 0 && a->range.size == 0;
	bool whole_b = b->partition == 0 && b->range.size == 0;

	return whole_a || whole_b || (a->partition != 0 && a->partition == b->partition) ||
	       overlaps(&a->range, &b->range);
}

static void check_shared(const struct system *system, uint32_t vm, uint32_t index, const char *path,
			 struct report *report)
{
	const struct system_device *mine = &system->vms[vm].devices[index];
	const char *property = mine->partition != 0 ? "partition" : "range";
	struct text allowed;

	if (mine->kind != VMM_DEVICE_VIRTIO_BLK || mine->backend < 0)
		return;
	for (uint32_t i = 0; i <= vm; i++) {
		const struct system_vm *other = &system->vms[i];

		for (uint32_t j = 0; j < (i == vm ? index : other->device_count); j++) {
			const struct system_device *theirs = &other->devices[j];

			if (theirs->kind != mine->kind || theirs->backend != mine->backend ||
			    (theirs->read_only && mine->read_only) || !same_sectors(mine, theirs))
				continue;
			text_clear(&allowed);
			text_add(&allowed, "\"read-only\" on both, or other sectors than ");
			text_add(&allowed, other->name);
			text_add(&allowed, "'s ");
			text_add(&allowed, theirs->name);
			report_add(report, path, property, "a disk that another writes or reads",
				   allowed.at);
		}
	}
}

static void check_mac(const struct system *system, uint32_t vm, uint32_t index, const char *path,
		      struct report *report)
{
	static const uint8_t none[6];
	const struct system_device *mine = &system->vms[vm].devices[index];

	if (memcmp(mine->mac, none, sizeof(none)) == 0)
		return;
	if ((mine->mac[0] & 1) != 0)
		report_add(report, path, "mac", "a group address", "one station's address");
	for (uint32_t i = 0; i <= vm; i++) {
		const struct system_vm *other = &system->vms[i];

		for (uint32_t j = 0; j < (i == vm ? index : other->device_count); j++) {
			if (memcmp(other->devices[j].mac, mine->mac, sizeof(mine->mac)) == 0)
				report_add(report, path, "mac", "another device's address",
					   "an address of its own for each device");
		}
	}
}

/*
 * Whole pages: what is in the last one would be another's. And the largest packet must fit into a network's, or
 * it would never leave.
 */
static void check_data(const struct system_device *device, const char *path, struct report *report)
{
	enum { PAGE_KIB = 4, NET_LEAST_KIB = 128 };
	struct text found;

	text_clear(&found);
	text_add_number(&found, device->data_kib);
	if (device->data_kib % PAGE_KIB != 0)
		report_add(report, path, "data-kib", found.at, "a multiple of 4: whole pages");
	if (device->kind == VMM_DEVICE_VIRTIO_NET && device->data_kib < NET_LEAST_KIB)
		report_add(report, path, "data-kib", found.at, "at least 128 for a network device");
}

static bool program_has_cid(const struct system *system, uint32_t cid)
{
	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < system->program_count; i++) {
		if (system->programs[i].cid == cid)
			return true;
	}
	return false;
}

/* A socket device's address, and queues that hold the longest packet and are a power of two. */
static void check_socket(const struct system *system, uint32_t vm, uint32_t index, const char *path,
			 struct report *report)
{
	const struct system_device *mine = &system->vms[vm].devices[index];
	struct text found;

	if (mine->kind != VMM_DEVICE_VIRTIO_VSOCK) {
		if (mine->cid != 0)
			report_add(report, path, "cid", "a number", "only on a virtio-vsock");
		return;
	}
	if (mine->cid == 0)
		report_add(report, path, "cid", "nothing", "a number of its own from 3 on");
	text_clear(&found);
	text_add_number(&found, mine->data_kib);
	if (mine->data_kib < 128 || (mine->data_kib & (mine->data_kib - 1)) != 0)
		report_add(report, path, "data-kib", found.at, "a power of two from 128 on");
	text_clear(&found);
	text_add_number(&found, mine->cid);
	if (mine->cid != 0 && program_has_cid(system, mine->cid))
		report_add(report, path, "cid", found.at, "a number that no program has");
	for (uint32_t i = 0; i <= vm; i++) {
		const struct system_vm *other = &system->vms[i];

		for (uint32_t j = 0; j < (i == vm ? index : other->device_count); j++) {
			if (mine->cid != 0 && other->devices[j].cid == mine->cid)
				report_add(report, path, "cid", found.at,
					   "a number of its own for each device");
		}
	}
}

/* The guest keeps half of its RAM at least: less would starve it rather than shrink it. */
static void check_balloon(const struct system_vm *vm, const struct system_device *device,
			  const char *path, struct report *report)
{
	struct text found;

	if (device->balloon_mib == 0)
		return;
	text_clear(&found);
	text_add_number(&found, device->balloon_mib);
	if (device->kind != VMM_DEVICE_VIRTIO_BALLOON)
		report_add(report, path, "balloon-mib", found.at, "only on a virtio-balloon");
	else if (MIB(device->balloon_mib) > system_vm_ram(vm) / 2)
		report_add(report, path, "balloon-mib", found.at, "at most half of the VM's RAM");
}

/* A size has both numbers, and belongs to what a terminal may be at the other end of. */
static void check_size(const char *path, uint32_t columns, uint32_t rows, bool terminal,
		       struct report *report)
{
	if (columns == 0 && rows == 0)
		return;
	if (!terminal)
		report_add(report, path, columns != 0 ? "columns" : "rows", "a number",
			   "only on a virtio-console and its ports that are not \"serial-port\"");
	else if (columns == 0 || rows == 0)
		report_add(report, path, columns == 0 ? "columns" : "rows", "nothing",
			   "both \"columns\" and \"rows\"");
}

static void check_terminal(const struct system_device *device, const char *device_at,
			   struct report *report)
{
	struct text path;

	check_size(device_at, device->columns, device->rows,
		   device->kind == VMM_DEVICE_VIRTIO_CONSOLE, report);
	for (uint32_t i = 0; i < device->port_count; i++) {
		const struct system_port *port = &device->ports[i];

		text_clear(&path);
		text_add(&path, device_at);
		text_add(&path, "/ports/");
		text_add(&path, port->name);
		check_size(path.at, port->columns, port->rows, !port->serial, report);
	}
}

static void check_places(const struct system_vm *vm, uint32_t wanted, const char *what,
			 uint32_t limit, struct report *report)
{
	struct text path, found, allowed;

	if (wanted <= limit)
		return;
	text_clear(&path);
	text_add(&path, "/vms/");
	text_add(&path, vm->name);
	text_add(&path, "/devices");
	text_clear(&found);
	text_add_number(&found, wanted);
	text_add(&found, what);
	text_clear(&allowed);
	text_add(&allowed, "at most ");
	text_add_number(&allowed, limit);
	report_add(report, path.at, NULL, found.at, allowed.at);
}

/*
 * What fits into the VMM's configuration. A device with a program of its own takes one channel there,
 * to that program, whose own configuration is as large and has this device's alone.
 */
static void check_configuration(const struct system_vm *vm, struct report *report)
{
	enum { LOG = 1 };
	uint32_t channels = 0, ports = 0;

	for (uint32_t i = 0; i < vm->device_count; i++) {
		const struct system_device *device = &vm->devices[i];

		if (device->own_program) {
			channels++;
			continue;
		}
		channels += device->backend >= 0;
		for (uint32_t port = 0; port <= device->port_count; port++)
			channels += system_console(device, port) != NULL;
		if (device->kind == VMM_DEVICE_VIRTIO_CONSOLE)
			ports += 1 + device->port_count;
	}
	check_places(vm, channels, " devices with a backend, console or program",
		     VMM_CONFIG_CHANNELS - LOG, report);
	check_places(vm, ports, " ports of virtio-consoles", VMM_CONFIG_PORTS, report);
}

static void check_vm_devices(const struct system *system, uint32_t vm, struct report *report)
{
	const struct system_vm *mine = &system->vms[vm];
	struct text path;

	for (uint32_t i = 0; i < mine->device_count; i++) {
		const struct system_device *device = &mine->devices[i];

		device_path(&path, mine, device);
		check_backend(system, device, path.at, report);
		check_block(device, path.at, report);
		check_shared(system, vm, i, path.at, report);
		check_mac(system, vm, i, path.at, report);
		check_data(device, path.at, report);
		check_socket(system, vm, i, path.at, report);
		check_balloon(mine, device, path.at, report);
		check_terminal(device, path.at, report);
	}
	check_configuration(mine, report);
}

/* ---- sums ---- */

static void check_timer_clients(const struct system *system, struct report *report)
{
	uint32_t vcpus = 0, others = 0;
	struct text found, allowed;

	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < system->program_count; i++)
		others += native_kind(system->programs[i].kind)->timer;
	for (uint32_t i = 0; i < system->vm_count; i++)
		vcpus += system->vms[i].vcpu_count;
	if (vcpus + others <= SYSTEM_TIMER_CLIENTS)
		return;
	text_clear(&found);
	text_add_number(&found, vcpus);
	text_add(&found, " vCPUs");
	text_clear(&allowed);
	text_add(&allowed, "at most ");
	text_add_number(&allowed, SYSTEM_TIMER_CLIENTS - others);
	text_add(&allowed, " in all VMs together");
	report_add(report, "/vms", "cores", found.at, allowed.at);
}

/* Each console takes a place at the multiplexer, and each log: one a VM, a program, and admin's. */
static void check_console_clients(const struct system *system, struct report *report)
{
	uint32_t logs = 1 + system->program_count - SYSTEM_FIXED_PROGRAMS + system->vm_count;
	uint32_t consoles = 0;
	struct text found, allowed;

	for (uint32_t i = 0; i < system->vm_count; i++) {
		const struct system_vm *vm = &system->vms[i];

		logs += system_own_programs(vm);
		for (uint32_t j = 0; j < vm->device_count; j++) {
			for (uint32_t port = 0; port <= vm->devices[j].port_count; port++)
				consoles += system_console(&vm->devices[j], port) != NULL;
		}
	}
	if (consoles + logs <= VMM_CONSOLE_CLIENTS)
		return;
	text_clear(&found);
	text_add_number(&found, consoles);
	text_add(&found, " consoles");
	text_clear(&allowed);
	text_add(&allowed, "at most ");
	text_add_number(&allowed, VMM_CONSOLE_CLIENTS - (logs < VMM_CONSOLE_CLIENTS ? logs : 0));
	text_add(&allowed, " in all VMs together, beside the logs");
	report_add(report, "/vms", "console", found.at, allowed.at);
}

static void check_own_programs(const struct system *system, struct report *report)
{
	struct text found, allowed;
	uint32_t count = 0;

	for (uint32_t i = 0; i < system->vm_count; i++)
		count += system_own_programs(&system->vms[i]);
	if (count <= SYSTEM_OWN_ALL)
		return;
	text_clear(&found);
	text_add_number(&found, count);
	text_clear(&allowed);
	text_add(&allowed, "at most ");
	text_add_number(&allowed, SYSTEM_OWN_ALL);
	text_add(&allowed, " in all VMs together");
	report_add(report, "/vms", "own-program", found.at, allowed.at);
}

uint64_t system_channels_bytes(const struct system *system)
{
	uint64_t sum = 0;

	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < system->program_count; i++) {
		const struct native_kind *kind = native_kind(system->programs[i].kind);

		if (system->programs[i].driver >= 0 && channel_kind(kind->serves) != NULL)
			sum += channel_bytes(channel_kind(kind->serves), kind->data_kib);
	}
	for (uint32_t i = 0; i < system->vm_count; i++) {
		for (uint32_t j = 0; j < system->vms[i].device_count; j++) {
			const struct system_device *device = &system->vms[i].devices[j];
			const struct device_kind *kind = device_kind(device->kind);

			if (device->backend >= 0 && channel_kind(kind->channel) != NULL)
				sum += channel_bytes(channel_kind(kind->channel), device->data_kib);
		}
	}
	return sum;
}

void system_check_native(const struct system *system, struct report *report)
{
	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < system->program_count; i++)
		check_program(system, i, report);
	for (uint32_t i = 0; i < system->vm_count; i++)
		check_vm_devices(system, i, report);
	check_timer_clients(system, report);
	check_console_clients(system, report);
	check_own_programs(system, report);
}
