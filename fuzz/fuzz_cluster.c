/*
 * What a recording proxy makes of a server's stream: byte 0 chooses the ports that are looked for,
 * bytes 1 to 7 where the stream is cut, the rest are frames. However it is cut, the same bytes go
 * on; without other addresses they are the server's. Where jansson takes a configuration for JSON,
 * too, the changed one is what jansson makes of the same change.
 */
#include "mcbp/frame.h"
#include "record/cluster_config.h"
#include "record/config_frames.h"
#include "target.h"

#include <jansson.h>
#include <stdlib.h>

struct ports {
    enum cluster_port dialled; /* that a node has to have */
    enum cluster_port told;    /* that clients look for */
};

void fuzz_begin(void)
{
    json_object_seed(1); /* the same in each run */
}

/* The port of the proxy's for an address. */
static uint16_t route_of(struct span host, const uint16_t ports[2])
{
    uint32_t sum = 7u + ports[0] * 31u + ports[1] * 17u;
    for (size_t i = 0; i < host.size; i++) {
        sum = sum * 33 + host.data[i];
    }
    return (uint16_t)(sum % UINT16_MAX + 1);
}

/* ------------------------------------------------------------------------------ by jansson */

static const char *const names[] = {"kv", "kvSSL"};

static uint16_t port_in(const json_t *ports, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(ports, name));
    return number > 0 && number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* The host that an address is known by; "$HOST" is none. */
static struct span known_host(const char *text, size_t size)
{
    struct span host = span_of(text, size);
    return span_equal(host, span_of("$HOST", 5)) ? span_of(NULL, 0) : host;
}

UNCOUNTED static void change_address(json_t *node, json_t *services, const struct ports *ports)
{
    const json_t *hostname = json_object_get(node, "hostname");
    uint16_t there[2] = {port_in(services, names[0]), port_in(services, names[1])};
    for (int i = 0; i < 2; i++) {
        if (json_object_get(services, names[i]) != NULL && there[i] == 0) {
            return;
        }
    }
    if (there[ports->dialled] == 0) {
        return;
    }
    uint16_t told =
        route_of(known_host(json_string_value(hostname), json_string_length(hostname)), there);
    if (json_is_string(hostname)) {
        json_object_set_new(node, "hostname", json_string("$HOST"));
    }
    if (there[ports->told] == 0) {
        json_object_del(services, names[!ports->told]);
    }
    json_object_set_new(services, names[ports->told], json_integer(told));
}

static void change_node(json_t *node, const struct ports *ports)
{
    const char *name;
    json_t *alternate;
    change_address(node, json_object_get(node, "services"), ports);
    json_object_foreach(json_object_get(node, "alternateAddresses"), name, alternate)
    {
        change_address(alternate, json_object_get(alternate, "ports"), ports);
    }
}

/* "host:port", of the plain port. */
UNCOUNTED static json_t *changed_server(const json_t *server)
{
    char text[32];
    const char *all = json_string_value(server);
    const char *colon = all == NULL ? NULL : strrchr(all, ':');
    char *end = NULL;
    unsigned long port = colon == NULL || colon[1] < '0' || colon[1] > '9' || strlen(colon) > 30
                             ? 0
                             : strtoul(colon + 1, &end, 10);
    if (port == 0 || port > UINT16_MAX || *end != '\0') {
        return NULL;
    }
    size_t size = (size_t)(colon - all);
    bool brackets = size > 2 && all[0] == '[' && all[size - 1] == ']';
    struct span host = brackets ? known_host(all + 1, size - 2) : known_host(all, size);
    uint16_t there[2] = {(uint16_t)port, 0};
    snprintf(text, sizeof(text), "$HOST:%u", (unsigned)route_of(host, there));
    return json_string(text);
}

UNCOUNTED static void change_all(json_t *config, const struct ports *ports)
{
    json_t *nodes = json_object_get(config, "nodesExt");
    json_t *servers = json_object_get(json_object_get(config, "vBucketServerMap"), "serverList");
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        change_node(json_array_get(nodes, i), ports);
    }
    for (size_t i = 0; ports->dialled == CLUSTER_PLAIN && i < json_array_size(servers); i++) {
        json_t *changed = changed_server(json_array_get(servers, i));
        if (changed != NULL) {
            json_array_set_new(servers, i, changed);
        }
    }
}

/* Texts with escapes are read by jansson only; members that are there twice, by each in its way. */
static json_t *parse(struct span text)
{
    return memchr(text.data, '\\', text.size) != NULL
               ? NULL
               : json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
}

UNCOUNTED static void check_changed(struct span text, struct span changed,
                                    const struct ports *ports)
{
    json_t *model = parse(text);
    if (model != NULL) {
        json_t *parsed = parse(changed);
        change_all(model, ports);
        CHECK(parsed != NULL && json_equal(parsed, model));
        json_decref(parsed);
    }
    json_decref(model);
}

/* ------------------------------------------------------------------------------ the stream */

static void tell_ports(struct cluster_config *config, const struct ports *ports)
{
    for (size_t i = 0; i < config->nodes_count; i++) {
        struct cluster_node *node = &config->nodes[i];
        node->told = node->ports[ports->dialled] == 0 ? 0 : route_of(node->host, node->ports);
    }
}

/* Adds the frame's value as it goes on. */
static void change_value(struct span value, const struct ports *ports, struct buffer *out)
{
    static struct cluster_config config;
    struct buffer changed = {0};
    if (!cluster_config_read(value, &config)) {
        CHECK(buffer_append(out, value));
        return;
    }
    CHECK(cluster_config_write(&config, ports->told, &changed));
    CHECK(span_equal(buffer_span(&changed), value));
    buffer_deinit(&changed);
    tell_ports(&config, ports);
    CHECK(cluster_config_write(&config, ports->told, &changed));
    check_changed(value, buffer_span(&changed), ports);
    CHECK(buffer_append(out, buffer_span(&changed)));
    buffer_deinit(&changed);
}

/* What goes on of the bytes that are held; the rest is still held. */
static void pass(uint64_t *rest, struct buffer *held, const struct ports *ports, struct buffer *out)
{
    size_t wanted = 1;
    while (buffer_span(held).size >= wanted) {
        struct mcbp_frame frame;
        size_t size;
        struct span input = buffer_span(held);
        enum config_frames next = config_frames_next(rest, input, &size);
        CHECK(next == CONFIG_FRAMES_LONG || size > 0);
        CHECK(next == CONFIG_FRAMES_MORE ? size > input.size : size <= input.size);
        wanted = next == CONFIG_FRAMES_MORE ? size : 1;
        if (next == CONFIG_FRAMES_OTHER) {
            CHECK(buffer_append(out, span_head(input, size)));
            buffer_take(held, size);
        } else if (next == CONFIG_FRAMES_FOUND) {
            CHECK(mcbp_frame_parse(input, &frame) == MCBP_FRAME && frame.bytes.size == size);
            CHECK(buffer_append(out, span_head(input, size - frame.value.size)));
            change_value(frame.value, ports, out);
            buffer_take(held, size);
        }
    }
}

/* `cuts`: how many bytes come at a time, in turn; none: all at once. */
static void run(struct span stream, struct span cuts, const struct ports *ports, struct buffer *out)
{
    uint64_t rest = 0;
    struct buffer held = {0};
    for (size_t i = 0; stream.size > 0; i++) {
        size_t size = cuts.size == 0 ? stream.size : 1u + cuts.data[i % cuts.size];
        struct span piece = take(&stream, size);
        CHECK(buffer_append(&held, piece));
        pass(&rest, &held, ports, out);
    }
    CHECK(buffer_append(out, buffer_span(&held)));
    buffer_deinit(&held);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    uint8_t chosen = take_8(&input);
    const struct ports ports = {(enum cluster_port)(chosen & 1),
                                (enum cluster_port)(chosen >> 1 & 1)};
    struct span cuts = take(&input, 7);
    struct buffer whole = {0}, cut = {0};
    run(input, span_of(NULL, 0), &ports, &whole);
    run(input, cuts, &ports, &cut);
    CHECK(span_equal(buffer_span(&whole), buffer_span(&cut)));
    buffer_deinit(&whole);
    buffer_deinit(&cut);
}
