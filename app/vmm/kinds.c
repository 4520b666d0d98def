/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of virtio device there are: each has a function that connects a backend to the channel of
 * the configuration and makes the device, and a row in the table. Nothing else knows the kinds.
 */
#include <string.h>

#include "app/vmm/machine.h"

#include "vmm/backend/block/sddf.h"
#include "vmm/backend/entropy/sddf.h"
#include "vmm/backend/net/sddf.h"
#include "vmm/backend/socket/queue.h"
#include "vmm/base/util.h"
#include "vmm/dev/virtio/balloon.h"
#include "vmm/dev/virtio/blk.h"
#include "vmm/dev/virtio/console.h"
#include "vmm/dev/virtio/net.h"
#include "vmm/dev/virtio/rng.h"
#include "vmm/dev/virtio/vsock.h"

/* The channel of a device, if it is of the kind that it must be; or NULL. */
static const struct vmm_channel *channel_of(const struct machine *m,
					    const struct vmm_config_device *device, uint32_t kind)
{
	if (device->channel >= m->config->channel_count ||
	    m->config->channels[device->channel].kind != kind)
		return NULL;
	return &m->config->channels[device->channel];
}

/* What admin gives for a device is enough for the three things that are taken for it. */
#define FITS(kib, backend, device)                                                        \
	_Static_assert(sizeof(struct machine_virtio) + sizeof(backend) + sizeof(device) + \
				       3 * (size_t)MACHINE_HEAP_ALIGN <=                  \
			       (size_t)(kib) << 10,                                       \
		       "<vmm/config.h>, VMM_HEAP_KIB")

/* ---- entropy ---- */

FITS(VMM_HEAP_KIB_RNG, struct entropy_sddf, struct virtio_rng);

static enum vmm_err create_rng(struct machine *m, const struct vmm_config_device *device,
			       const struct virtio_setup *common, struct virtio_dev **vd)
{
	const struct vmm_channel *channel = channel_of(m, device, VMM_CHANNEL_ENTROPY);
	struct entropy_sddf *source = machine_take(m, sizeof(*source));
	struct virtio_rng *rng = machine_take(m, sizeof(*rng));
	struct serialq_consumer rx;
	enum vmm_err err;

	if (channel == NULL || channel->region[VMM_ENTROPY_DATA].size > UINT32_MAX)
		return VMM_ERR_RANGE;
	if (source == NULL || rng == NULL)
		return VMM_ERR_NOMEM;
	err = serialq_consumer_init(
		&rx, (void *)(uintptr_t)channel->region[VMM_ENTROPY_QUEUE].vaddr,
		(const void *)(uintptr_t)channel->region[VMM_ENTROPY_DATA].vaddr,
		(uint32_t)channel->region[VMM_ENTROPY_DATA].size);
	if (err != VMM_OK)
		return err;
	entropy_sddf_init(source, &rx, machine_raise, &m->signals[device->channel]);
	source->server = machine_server(m, device->channel, device->name);
	virtio_rng_init(rng, common, &source->backend);
	*vd = &rng->vd;
	return VMM_OK;
}

/* ---- block ---- */

FITS(VMM_HEAP_KIB_BLK, struct block_sddf, struct virtio_blk);

static void *host(const struct vmm_channel *channel, unsigned region)
{
	return (void *)(uintptr_t)channel->region[region].vaddr;
}

static enum vmm_err create_blk(struct machine *m, const struct vmm_config_device *device,
			       const struct virtio_setup *common, struct virtio_dev **vd)
{
	const struct vmm_channel *channel = channel_of(m, device, VMM_CHANNEL_BLOCK);
	struct block_sddf *disk = machine_take(m, sizeof(*disk));
	struct virtio_blk *blk = machine_take(m, sizeof(*blk));
	enum vmm_err err;

	if (channel == NULL || device->queues > VIRTIO_BLK_QUEUES)
		return VMM_ERR_RANGE;
	if (disk == NULL || blk == NULL)
		return VMM_ERR_NOMEM;
	err = block_sddf_init(disk,
			      &(struct block_sddf_setup){
				      .requests = host(channel, VMM_BLOCK_REQUESTS),
				      .requests_size = channel->region[VMM_BLOCK_REQUESTS].size,
				      .responses = host(channel, VMM_BLOCK_RESPONSES),
				      .responses_size = channel->region[VMM_BLOCK_RESPONSES].size,
				      .medium = host(channel, VMM_BLOCK_INFO),
				      .medium_size = channel->region[VMM_BLOCK_INFO].size,
				      .data = host(channel, VMM_BLOCK_DATA),
				      .data_size = channel->region[VMM_BLOCK_DATA].size,
				      .signal = { machine_raise, &m->signals[device->channel] },
				      .server = machine_server(m, device->channel, device->name),
			      });
	if (err != VMM_OK)
		return err;
	virtio_blk_init(blk, common, &disk->backend, device->queues != 0 ? device->queues : 1,
			channel->block.read_only != 0);
	*vd = &blk->vd;
	return VMM_OK;
}

/* ---- console ---- */

FITS(VMM_HEAP_KIB_CONSOLE, struct console_sddf[VIRTIO_CONSOLE_PORTS], struct virtio_console);

/* Connects a port; `backend` is for it. */
static enum vmm_err open_port(struct machine *m, const char *device,
			      const struct vmm_config_port *config, struct console_sddf *backend,
			      struct virtio_console_port *port)
{
	*port = (struct virtio_console_port){
		.backend = &backend->backend,
		.name = config->name,
		.console = config->serial == 0,
		.columns = config->columns,
		.rows = config->rows,
	};
	if (config->channel != UINT32_MAX)
		return machine_console(m, config->channel, device, backend);
	console_null_init(&backend->backend);
	return VMM_OK;
}

static enum vmm_err create_console(struct machine *m, const struct vmm_config_device *device,
				   const struct virtio_setup *common, struct virtio_dev **vd)
{
	struct virtio_console_port port[VIRTIO_CONSOLE_PORTS];
	struct console_sddf *backend = machine_take(m, ARRAY_SIZE(port) * sizeof(*backend));
	struct virtio_console *con = machine_take(m, sizeof(*con));

	if (backend == NULL || con == NULL)
		return VMM_ERR_NOMEM;
	if (device->port_count < 1 || device->port_count > ARRAY_SIZE(port) ||
	    device->first_port + device->port_count > VMM_CONFIG_PORTS)
		return VMM_ERR_RANGE;
	for (unsigned i = 0; i < device->port_count; i++) {
		enum vmm_err err =
			open_port(m, device->name, &m->config->ports[device->first_port + i],
				  &backend[i], &port[i]);

		if (err != VMM_OK)
			return err;
	}
	virtio_console_init(con, common, port, device->port_count);
	*vd = &con->vd;
	return VMM_OK;
}

/* ---- network ---- */

FITS(VMM_HEAP_KIB_NET, struct net_sddf, struct virtio_net);

static struct netlink_config link_of(const struct vmm_channel *channel)
{
	const struct vmm_region *r = channel->region;

	return (struct netlink_config){
		.in_active = (void *)(uintptr_t)r[VMM_NET_RX_ACTIVE].vaddr,
		.in_free = (void *)(uintptr_t)r[VMM_NET_RX_FREE].vaddr,
		.out_active = (void *)(uintptr_t)r[VMM_NET_TX_ACTIVE].vaddr,
		.out_free = (void *)(uintptr_t)r[VMM_NET_TX_FREE].vaddr,
		.in_capacity = VMM_NET_CAPACITY,
		.out_capacity = VMM_NET_CAPACITY,
		.in = { .data = (uint8_t *)(uintptr_t)r[VMM_NET_RX_DATA].vaddr,
			.size = r[VMM_NET_RX_DATA].size },
		.out = { .data = (uint8_t *)(uintptr_t)r[VMM_NET_TX_DATA].vaddr,
			 .size = r[VMM_NET_TX_DATA].size },
		.buffer_size = VMM_NET_BUFFER,
		.owner = true,
		.chains = true, /* the switch is ours */
	};
}

static enum vmm_err create_net(struct machine *m, const struct vmm_config_device *device,
			       const struct virtio_setup *common, struct virtio_dev **vd)
{
	const struct vmm_channel *channel = channel_of(m, device, VMM_CHANNEL_NET);
	struct net_sddf *backend = machine_take(m, sizeof(*backend));
	struct virtio_net *net = machine_take(m, sizeof(*net));
	struct virtio_net_params params = { .mtu = NET_MTU, .pairs = 1 };
	struct netlink_config link;
	enum vmm_err err;

	if (channel == NULL)
		return VMM_ERR_RANGE;
	if (backend == NULL || net == NULL)
		return VMM_ERR_NOMEM;
	for (unsigned i = VMM_NET_RX_FREE; i <= VMM_NET_TX_ACTIVE; i++) {
		if (channel->region[i].size < NETLINK_QUEUE_BYTES(VMM_NET_CAPACITY))
			return VMM_ERR_RANGE;
	}
	link = link_of(channel);
	err = net_sddf_init(
		backend, &link,
		(struct net_signal){ .raise = machine_raise, .ctx = &m->signals[device->channel] });
	if (err != VMM_OK)
		return err;
	backend->server = machine_server(m, device->channel, device->name);
	params.backend = &backend->backend;
	memcpy(params.mac, channel->net.mac, NET_MAC);
	if (channel->net.mtu != 0)
		params.mtu = (uint16_t)channel->net.mtu;
	if (device->queues > 1)
		params.pairs = device->queues < VIRTIO_NET_PAIRS ? device->queues
								 : (unsigned)VIRTIO_NET_PAIRS;
	virtio_net_init(net, common, &params);
	*vd = &net->vd;
	return VMM_OK;
}

/* ---- sockets ---- */

FITS(VMM_HEAP_KIB_VSOCK, struct socket_queue, struct virtio_vsock);

static enum vmm_err create_vsock(struct machine *m, const struct vmm_config_device *device,
				 const struct virtio_setup *common, struct virtio_dev **vd)
{
	const struct vmm_channel *channel = channel_of(m, device, VMM_CHANNEL_SOCKET);
	struct socket_queue *backend = machine_take(m, sizeof(*backend));
	struct virtio_vsock *vsock = machine_take(m, sizeof(*vsock));
	enum vmm_err err;

	if (channel == NULL || channel->socket.cid > UINT32_MAX)
		return VMM_ERR_RANGE;
	if (backend == NULL || vsock == NULL)
		return VMM_ERR_NOMEM;
	err = sockq_sender_init(&backend->to, host(channel, VMM_SOCKET_TX_QUEUE),
				host(channel, VMM_SOCKET_TX_DATA),
				channel->region[VMM_SOCKET_TX_DATA].size);
	if (err == VMM_OK)
		err = sockq_receiver_init(&backend->from, host(channel, VMM_SOCKET_RX_QUEUE),
					  host(channel, VMM_SOCKET_RX_DATA),
					  channel->region[VMM_SOCKET_RX_DATA].size);
	if (err != VMM_OK)
		return err;
	socket_queue_init(backend, machine_raise, &m->signals[device->channel]);
	backend->server = machine_server(m, device->channel, device->name);
	virtio_vsock_init(vsock, common, (uint32_t)channel->socket.cid, &backend->backend);
	*vd = &vsock->vd;
	return VMM_OK;
}

/* ---- balloon ---- */

FITS(VMM_HEAP_KIB_BALLOON, char, struct virtio_balloon);

static enum vmm_err create_balloon(struct machine *m, const struct vmm_config_device *device,
				   const struct virtio_setup *common, struct virtio_dev **vd)
{
	struct virtio_balloon *balloon = machine_take(m, sizeof(*balloon));

	if (balloon == NULL)
		return VMM_ERR_NOMEM;
	virtio_balloon_init(balloon, common, device->balloon_pages);
	*vd = &balloon->vd;
	return VMM_OK;
}

/* What the guest gave up, and says of itself: how much less RAM the description could give it. */
static void balloon_figures(struct machine *m, const struct virtio_dev *vd)
{
	const struct virtio_balloon *balloon = container_of(vd, struct virtio_balloon, vd);
	uint64_t available = balloon->stat[VIRTIO_BALLOON_AVAILABLE];

	machine_say(m, "device %s: %lu KiB given up at most, %lu KiB reported free", vd->setup.name,
		    (unsigned long)(balloon->most * VIRTIO_BALLOON_PAGE >> 10),
		    (unsigned long)(balloon->reported >> 10));
	if (available != UINT64_MAX)
		machine_say(m, "device %s: %lu KiB available at last, by the guest's own count",
			    vd->setup.name, (unsigned long)(available >> 10));
	if (balloon->strange != 0)
		machine_say(m, "device %s: %lu pages named that it does not have", vd->setup.name,
			    (unsigned long)balloon->strange);
}

const struct machine_virtio_kind machine_virtio_kinds[] = {
	{ .kind = VMM_DEVICE_VIRTIO_BALLOON,
	  .create = create_balloon,
	  .say_figures = balloon_figures },
	{ .kind = VMM_DEVICE_VIRTIO_BLK, .create = create_blk },
	{ .kind = VMM_DEVICE_VIRTIO_CONSOLE, .create = create_console },
	{ .kind = VMM_DEVICE_VIRTIO_NET, .create = create_net },
	{ .kind = VMM_DEVICE_VIRTIO_RNG, .create = create_rng },
	{ .kind = VMM_DEVICE_VIRTIO_VSOCK, .create = create_vsock },
};
const size_t machine_virtio_kind_count = ARRAY_SIZE(machine_virtio_kinds);
