#include "client.h"

#include "base/endian.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME_MAX = 64 * 1024 };

int client_setup(void **state)
{
    static const struct couchbase_collection collections[] = {{"shop", "fruit"}};
    static const struct couchbase_options options = {.bucket = "default",
                                                     .vbuckets = 4,
                                                     .port = 11210,
                                                     .collections = collections,
                                                     .collections_count = 1};
    struct client *client = calloc(1, sizeof(*client));
    assert_non_null(client);
    client->node = couchbase_node_create(&options);
    assert_non_null(client->node);
    client->session = couchbase_session_create(client->node);
    assert_non_null(client->session);
    client->now = 1700000000;
    *state = client;
    return 0;
}

int client_teardown(void **state)
{
    struct client *client = *state;
    couchbase_session_destroy(client->session);
    couchbase_node_destroy(client->node);
    free(client);
    return 0;
}

static size_t put(uint8_t *frame, size_t at, const void *bytes, size_t size)
{
    assert_true(size <= FRAME_MAX - at);
    if (size > 0) {
        memcpy(frame + at, bytes, size);
    }
    return at + size;
}

static size_t text_size(const char *text, size_t size)
{
    return size > 0 || text == NULL ? size : strlen(text);
}

static size_t write_request(uint8_t *frame, uint8_t opcode, const struct asked *asked)
{
    size_t key_size = text_size(asked->key, asked->key_size);
    size_t value_size = text_size(asked->value, asked->value_size);
    bool flex = asked->framing_size > 0;
    memset(frame, 0, MCBP_HEADER_SIZE);
    frame[0] = asked->magic != 0 ? asked->magic
               : flex            ? MCBP_FLEX_CLIENT_REQUEST
                                 : MCBP_CLIENT_REQUEST;
    frame[1] = opcode;
    write_be16(frame + 2, (uint16_t)(flex ? asked->framing_size << 8 | key_size : key_size));
    frame[4] = (uint8_t)asked->extras_size;
    frame[5] = asked->datatype;
    write_be16(frame + 6, asked->vbucket);
    write_be32(frame + 8,
               (uint32_t)(asked->framing_size + asked->extras_size + key_size + value_size));
    write_be32(frame + 12, 0xdecade);
    write_be64(frame + 16, asked->cas);
    size_t at = put(frame, MCBP_HEADER_SIZE, asked->framing, asked->framing_size);
    at = put(frame, at, asked->extras, asked->extras_size);
    at = put(frame, at, asked->key, key_size);
    return put(frame, at, asked->value, value_size);
}

const struct kvr_response *client_ask(struct client *client, uint8_t opcode,
                                      const struct asked *asked)
{
    static uint8_t bytes[FRAME_MAX]; /* answers may point to the request */
    struct mcbp_frame frame;
    size_t size = write_request(bytes, opcode, asked);
    assert_int_equal(mcbp_frame_parse(span_of(bytes, size), &frame), MCBP_FRAME);
    struct couchbase_request request = {.frame = &frame, .now = client->now * 1000000000};
    couchbase_execute(client->node, client->session, &request, &client->answer);
    const struct kvr_response *response =
        client->answer.count == 0 ? NULL : &client->answer.responses[0];
    if (response != NULL) {
        assert_int_equal(response->opcode, opcode);
        assert_int_equal(response->opaque, 0xdecade);
    }
    return response;
}

void client_log_in(struct client *client, const uint16_t *features, size_t count)
{
    char list[64];
    assert_true(2 * count <= sizeof(list));
    for (size_t i = 0; i < count; i++) {
        write_be16((uint8_t *)list + 2 * i, features[i]);
    }
    has_status(ask(client, HELLO, .value = list, .value_size = 2 * count), SUCCESS);
    has_status(ask(client, SASL_AUTH, .key = "PLAIN", .value = "any"), SUCCESS);
    has_status(ask(client, SELECT_BUCKET, .key = "default"), SUCCESS);
}

uint64_t client_set(struct client *client, const char *key, const char *value)
{
    const struct kvr_response *response =
        ask(client, SET, .extras = (uint8_t[8]){0}, .extras_size = 8, .key = key, .value = value);
    has_status(response, SUCCESS);
    return response->cas;
}

void client_expect_status(const struct kvr_response *response, uint16_t status)
{
    char texts[2][MCBP_STATUS_TEXT_SIZE];
    assert_non_null(response);
    if (response->status != status) {
        fail_msg("%s instead of %s", mcbp_status_text(response->status, texts[0]),
                 mcbp_status_text(status, texts[1]));
    }
}

void client_expect_value(const struct kvr_response *response, const char *value)
{
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, strlen(value));
    assert_memory_equal(response->value, value, strlen(value));
}
