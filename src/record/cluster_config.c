#include "record/cluster_config.h"

#include "subdoc/tokens.h"

#include <stdio.h>

enum { LEVELS = 8 }; /* where addresses are, at most 7 */

/* Where the text is being read. */
struct reader {
    struct cluster_config *config;
    struct span names[LEVELS]; /* of the members around, by level; empty: an element */
    size_t key;                /* where the last one begins */
    size_t node;               /* the first address of the node at hand */
    bool fits;
};

static const char *const port_names[] = {[CLUSTER_PLAIN] = "kv", [CLUSTER_TLS] = "kvSSL"};

static bool is_text(struct span span, const char *text)
{
    return span_equal(span, span_of(text, strlen(text)));
}

static bool is_named(const struct reader *reader, size_t level, const char *name)
{
    return level < LEVELS && is_text(reader->names[level], name);
}

/* ------------------------------------------------------------------------ what is found */

static struct cluster_node *add_node(struct reader *reader)
{
    struct cluster_config *config = reader->config;
    if (config->nodes_count == CLUSTER_NODES_MAX) {
        reader->fits = false;
        return NULL;
    }
    struct cluster_node *node = &config->nodes[config->nodes_count++];
    *node = (struct cluster_node){0};
    return node;
}

/* Of the address that was found last. */
static void add_place(struct reader *reader, struct cluster_place place)
{
    struct cluster_config *config = reader->config;
    if (config->places_count == CLUSTER_PLACES_MAX) {
        reader->fits = false;
        return;
    }
    config->places[config->places_count++] = place;
}

/* Up to 65535; 0: it is no port. */
static uint16_t read_port(struct span digits)
{
    uint32_t port = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return 0;
        }
        port = port * 10 + (uint32_t)(digits.data[i] - '0');
        if (port > UINT16_MAX) {
            return 0;
        }
    }
    return (uint16_t)port;
}

/* What "$HOST" stands for is not known to the server that says so. */
static struct span host_of(struct span text)
{
    return is_text(text, "$HOST") ? span_of(NULL, 0) : text;
}

/* "host:11210" */
static void add_server(struct reader *reader, const struct subdoc_token *token, struct span text)
{
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    struct cluster_node *node = colon == 0 ? NULL : add_node(reader);
    if (node == NULL) {
        return;
    }
    struct span host = span_head(text, colon - 1);
    if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = span_of(host.data + 1, host.size - 2);
    }
    node->host = host_of(host);
    node->ports[CLUSTER_PLAIN] = read_port(span_skip(text, colon));
    add_place(reader,
              (struct cluster_place){CLUSTER_SERVER, CLUSTER_PLAIN, reader->config->nodes_count - 1,
                                     token->begin, token->end});
}

/* A member of "services", or of the "ports" of an alternate address. */
static void take_port(struct reader *reader, const struct subdoc_token *token, size_t index)
{
    struct span text = span_head(reader->config->text, token->end);
    uint16_t number = token->event == SUBDOC_SCALAR ? read_port(span_skip(text, token->begin)) : 0;
    for (enum cluster_port port = CLUSTER_PLAIN; port <= CLUSTER_TLS; port++) {
        if (is_named(reader, token->level, port_names[port])) {
            size_t key_end = reader->key + reader->names[token->level].size + 2;
            reader->config->nodes[index].ports[port] = number;
            reader->config->nodes[index].is_odd |= number == 0;
            add_place(reader,
                      (struct cluster_place){CLUSTER_PORT_NAME, port, index, reader->key, key_end});
            add_place(reader,
                      (struct cluster_place){CLUSTER_PORT, port, index, token->begin, token->end});
        }
    }
}

static void take_host(struct reader *reader, const struct subdoc_token *token, size_t index,
                      struct span text)
{
    reader->config->nodes[index].host = host_of(text);
    add_place(reader,
              (struct cluster_place){CLUSTER_HOST, CLUSTER_PLAIN, index, token->begin, token->end});
}

/* Something about a node, or about an alternate address of one: the last that was added. */
static void take_of_node(struct reader *reader, const struct subdoc_token *token,
                         struct span string)
{
    size_t last = reader->config->nodes_count - 1;
    bool is_string = token->kind == SUBDOC_STRING;
    if (token->level == 4 && is_named(reader, 4, "hostname") && is_string) {
        take_host(reader, token, reader->node, string);
    } else if (token->level == 4 && is_named(reader, 4, "thisNode")) {
        reader->config->nodes[reader->node].is_sender =
            reader->config->text.data[token->begin] == 't';
    } else if (token->level == 5 && is_named(reader, 4, "services")) {
        take_port(reader, token, reader->node);
    } else if (is_named(reader, 4, "alternateAddresses") && last > reader->node) {
        if (token->level == 6 && is_named(reader, 6, "hostname") && is_string) {
            take_host(reader, token, last, string);
        } else if (token->level == 7 && is_named(reader, 6, "ports")) {
            take_port(reader, token, last);
        }
    }
}

/* ------------------------------------------------------------------------ reading */

/* A node begins, or another address of the one at hand. */
static void read_begin(struct reader *reader, const struct subdoc_token *token)
{
    if (token->level + 1 < LEVELS) {
        reader->names[token->level + 1] = span_of(NULL, 0);
    }
    if (!is_named(reader, 2, "nodesExt")) {
        return;
    }
    bool is_object = token->kind == SUBDOC_OBJECT;
    if (token->level == 3 && is_object && token->parent == SUBDOC_ARRAY) {
        reader->node = reader->config->nodes_count;
        add_node(reader);
    } else if (token->level == 5 && is_object && token->parent == SUBDOC_OBJECT &&
               is_named(reader, 4, "alternateAddresses")) {
        add_node(reader);
    } else if (reader->node < reader->config->nodes_count) {
        take_of_node(reader, token, span_of(NULL, 0));
    }
}

/* All addresses of a node are known. */
static void read_end(struct reader *reader, const struct subdoc_token *token)
{
    struct cluster_config *config = reader->config;
    if (token->level == 3 && is_named(reader, 2, "nodesExt")) {
        for (size_t i = reader->node; i < config->nodes_count; i++) {
            struct cluster_node *node = &config->nodes[i];
            node->is_sender = config->nodes[reader->node].is_sender;
            if (node->is_odd) {
                node->ports[CLUSTER_PLAIN] = node->ports[CLUSTER_TLS] = 0;
            }
        }
        reader->node = config->nodes_count;
    }
}

static void read_scalar(struct reader *reader, const struct subdoc_token *token)
{
    struct span text = span_skip(span_head(reader->config->text, token->end), token->begin);
    if (token->kind == SUBDOC_STRING) { /* without quotation marks */
        text = span_of(text.data + 1, text.size - 2);
    }
    if (is_named(reader, 2, "nodesExt") && reader->node < reader->config->nodes_count) {
        take_of_node(reader, token, text);
    } else if (token->level == 4 && token->kind == SUBDOC_STRING &&
               is_named(reader, 2, "vBucketServerMap") && is_named(reader, 3, "serverList")) {
        add_server(reader, token, text);
    }
}

static void read_token(struct reader *reader, const struct subdoc_token *token)
{
    switch (token->event) {
    case SUBDOC_BEGIN:
        read_begin(reader, token);
        break;
    case SUBDOC_END:
        read_end(reader, token);
        break;
    case SUBDOC_KEY:
        reader->key = token->begin;
        if (token->level < LEVELS) {
            reader->names[token->level] = span_of(reader->config->text.data + token->begin + 1,
                                                  token->end - token->begin - 2);
        }
        break;
    case SUBDOC_SCALAR:
        read_scalar(reader, token);
        break;
    default:
        break;
    }
}

bool cluster_config_read(struct span text, struct cluster_config *config)
{
    struct subdoc_tokens tokens;
    struct subdoc_token token;
    struct reader reader = {.config = config, .fits = true};
    config->text = text;
    config->nodes_count = config->places_count = 0;
    subdoc_tokens_init(&tokens, text);
    while (subdoc_tokens_next(&tokens, &token)) {
        read_token(&reader, &token);
    }
    return token.event == SUBDOC_TEXT_END && reader.fits;
}

/* ------------------------------------------------------------------------ writing */

enum { NEW_TEXT_SIZE = 16 };

/* What stands there instead. Returns its length, 0: what was there. */
static int new_text(const struct cluster_config *config, const struct cluster_place *place,
                    enum cluster_port port, char text[NEW_TEXT_SIZE])
{
    const struct cluster_node *node = &config->nodes[place->node];
    enum cluster_port replaced = node->ports[port] != 0 ? port : !port;
    if (node->told == 0) {
        return 0;
    }
    switch (place->kind) {
    case CLUSTER_HOST:
        return snprintf(text, NEW_TEXT_SIZE, "\"$HOST\"");
    case CLUSTER_SERVER:
        return snprintf(text, NEW_TEXT_SIZE, "\"$HOST:%u\"", (unsigned)node->told);
    case CLUSTER_PORT_NAME:
        return place->port != replaced ? 0
                                       : snprintf(text, NEW_TEXT_SIZE, "\"%s\"", port_names[port]);
    default:
        return place->port != replaced ? 0
                                       : snprintf(text, NEW_TEXT_SIZE, "%u", (unsigned)node->told);
    }
}

bool cluster_config_write(const struct cluster_config *config, enum cluster_port port,
                          struct buffer *out)
{
    size_t at = 0;
    bool added = true;
    for (size_t i = 0; added && i < config->places_count; i++) {
        const struct cluster_place *place = &config->places[i];
        char text[NEW_TEXT_SIZE];
        int size = new_text(config, place, port, text);
        if (size > 0) {
            added = buffer_append(out, span_skip(span_head(config->text, place->begin), at)) &&
                    buffer_append(out, span_of(text, (size_t)size));
            at = place->end;
        }
    }
    return added && buffer_append(out, span_skip(config->text, at));
}
