#include "base/endian.h"
#include "base/memory.h"
#include "record/cluster_config.h"
#include "record/config_frames.h"
#include "record/relay_parts.h"

#include <event2/buffer.h>
#include <snappy-c.h>
#include <stdio.h>

enum { DATATYPE_AT = 5, BODY_LENGTH_AT = 8 }; /* in a header */

/* Once: the next client is told the same. */
static void warn(struct relay *relay, const char *what, const char *why)
{
    char message[3 * SOCKETS_PROBLEM_SIZE];
    if (!relay->relays->has_warned) {
        relay->relays->has_warned = true;
        snprintf(message, sizeof(message), "client %s: %s: %s", relay->client, what, why);
        relay->relays->tell(message);
    }
}

static void warn_of_config(struct relay *relay, const char *why)
{
    warn(relay, "what it sends to the ports that the cluster names is not recorded", why);
}

void relay_config_hear(struct relay *relay, struct evbuffer *input)
{
    enum { TLS_HANDSHAKE = 0x16 };
    const uint8_t *first = evbuffer_pullup(input, 1);
    if (!relay->is_heard && first != NULL && *first == TLS_HANDSHAKE) {
        warn(relay, "it speaks TLS, which is recorded as it is",
             "Couchbase's clients go on to the ports that the cluster names, 11207 as a rule, and "
             "past this proxy; --tls-cert and --tls let it read what they say");
    }
    relay->is_heard = true;
}

/* ------------------------------------------------------------------------ routes to the nodes */

static struct route *open_route(struct relay *relay, struct span host, uint16_t port)
{
    char problem[SOCKETS_PROBLEM_SIZE], why[2 * SOCKETS_PROBLEM_SIZE];
    struct route *route = routes_add(&relay->relays->routes, host, port, problem);
    if (route == NULL) {
        snprintf(why, sizeof(why), "port %u of %s", (unsigned)port, problem);
        warn_of_config(relay, why);
    }
    return route;
}

/* A server names itself otherwise than the user does. NULL: clients are told its own address. */
static struct route *route_to(struct relay *relay, const struct cluster_node *node, uint16_t port)
{
    struct routes *routes = &relay->relays->routes;
    const char *own = route_host(relay->route);
    struct span host = node->host.size > 0 || own == NULL ? node->host : span_of(own, strlen(own));
    if (node->is_sender) {
        route_learn_name(relay->route, host, port);
        return relay->route;
    }
    struct route *route = routes_find(routes, host, port);
    return route != NULL || routes->closed ? route : open_route(relay, host, port);
}

/* The sender comes first, so that its name is known where others are told by it. */
static void tell_ports(struct relay *relay, struct cluster_config *config, bool sender)
{
    enum cluster_port dialled = relay->relays->target_tls != NULL ? CLUSTER_TLS : CLUSTER_PLAIN;
    for (size_t i = 0; i < config->nodes_count; i++) {
        struct cluster_node *node = &config->nodes[i];
        if (node->is_sender == sender && node->ports[dialled] != 0) {
            const struct route *route = route_to(relay, node, node->ports[dialled]);
            node->told = route == NULL ? 0 : route_port(route);
        }
    }
}

/* ------------------------------------------------------------------------ the frame */

/* Moves so many bytes. libevent 2.1 does not say whether it had memory for a part of a chain. */
static bool move_bytes(struct evbuffer *input, size_t size, struct evbuffer *output)
{
    uint64_t failures_before = memory_failures();
    return evbuffer_remove_buffer(input, output, size) >= 0 && memory_failures() == failures_before;
}

/* Clients that take compressed values (SNAPPY_EVERYWHERE) take others as well. False: it can't be
 * inflated to a length that is taken. */
static bool inflate(struct span value, struct buffer *inflated)
{
    const char *bytes = (const char *)value.data;
    size_t size;
    if (snappy_uncompressed_length(bytes, value.size, &size) != SNAPPY_OK || size == 0 ||
        size > CONFIG_FRAME_MAX) {
        return false;
    }
    uint8_t *text = buffer_extend(inflated, size);
    return text != NULL && snappy_uncompress(bytes, value.size, (char *)text, &size) == SNAPPY_OK;
}

/* Writes the frame with other addresses, inflated. False: no memory. */
static bool write_frame(const struct relay *relay, const struct mcbp_frame *frame,
                        const struct cluster_config *config, struct buffer *out)
{
    size_t before_value = frame->bytes.size - frame->value.size;
    enum cluster_port port = relay->relays->client_tls != NULL ? CLUSTER_TLS : CLUSTER_PLAIN;
    if (!buffer_append(out, span_head(frame->bytes, before_value)) ||
        !cluster_config_write(config, port, out)) {
        return false;
    }
    uint8_t *header = out->bytes + out->begin;
    header[DATATYPE_AT] &= (uint8_t)~MCBP_DATATYPE_SNAPPY;
    write_be32(header + BODY_LENGTH_AT, (uint32_t)(buffer_span(out).size - MCBP_HEADER_SIZE));
    return true;
}

/* Whether the addresses can be found, and clients can come back to this proxy. `inflated` has the
 * text, if that was compressed. */
static bool can_change(struct relay *relay, const struct mcbp_frame *frame, struct buffer *inflated,
                       struct cluster_config *config)
{
    const char *why = NULL;
    bool is_compressed = (frame->header.datatype & MCBP_DATATYPE_SNAPPY) != 0;
    if (route_port(relay->route) == 0) {
        why = "they are no UNIX sockets";
    } else if (is_compressed && !inflate(frame->value, inflated)) {
        why = "its configuration can't be inflated";
    } else if (!cluster_config_read(is_compressed ? buffer_span(inflated) : frame->value, config)) {
        why = "its configuration can't be read";
    }
    if (why != NULL) {
        warn_of_config(relay, why);
    }
    return why == NULL;
}

/* Hands on the frame that the input begins with, of `size` bytes in one piece. */
static bool pass_config(struct relay *relay, struct evbuffer *input, size_t size,
                        struct evbuffer *output)
{
    struct mcbp_frame frame;
    struct cluster_config config;
    struct buffer changed = {0}, inflated = {0};
    mcbp_frame_parse(span_of(evbuffer_pullup(input, (ev_ssize_t)size), size), &frame);
    if (!can_change(relay, &frame, &inflated, &config)) {
        buffer_deinit(&inflated);
        return move_bytes(input, size, output);
    }
    tell_ports(relay, &config, true);
    tell_ports(relay, &config, false);
    bool passed = write_frame(relay, &frame, &config, &changed) &&
                  evbuffer_add(output, buffer_span(&changed).data, buffer_span(&changed).size) == 0;
    buffer_deinit(&changed);
    buffer_deinit(&inflated);
    evbuffer_drain(input, size);
    return passed;
}

/* ------------------------------------------------------------------------ the stream */

/* The beginning of the input in one piece, of `size` bytes at least. Empty: no memory. */
static struct span piece_of(struct evbuffer *input, size_t size)
{
    size_t there = evbuffer_get_contiguous_space(input);
    const uint8_t *data = evbuffer_pullup(input, (ev_ssize_t)(there < size ? size : there));
    return span_of(data, data == NULL ? 0 : there < size ? size : there);
}

bool relay_config_pass(struct relay *relay, struct evbuffer *input, struct evbuffer *output)
{
    bool passed = true;
    size_t wanted = 1;
    while (passed && evbuffer_get_length(input) >= wanted) {
        size_t size;
        struct span piece = piece_of(input, wanted);
        if (piece.size == 0) {
            return false;
        }
        enum config_frames next = config_frames_next(&relay->rest, piece, &size);
        wanted = next == CONFIG_FRAMES_MORE ? size : 1;
        if (next == CONFIG_FRAMES_OTHER) {
            passed = move_bytes(input, size, output);
        } else if (next == CONFIG_FRAMES_FOUND) {
            passed = pass_config(relay, input, size, output);
        } else if (next == CONFIG_FRAMES_LONG) {
            warn_of_config(relay, "its configuration is too long");
        }
    }
    relay->kept = evbuffer_get_length(input);
    return passed;
}

bool relay_config_give_up(struct relay *relay, struct evbuffer *input, struct evbuffer *output)
{
    relay->rest = UINT64_MAX;
    relay->kept = 0;
    return evbuffer_add_buffer(output, input) == 0;
}
