/*
 * A client of a node: it asks, and the answer is looked at.
 */
#ifndef TESTS_COUCHBASE_CLIENT_H
#define TESTS_COUCHBASE_CLIENT_H

#include "couchbase/couchbase.h"
#include "mcbp/feature.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct client {
    struct couchbase_node *node;
    struct couchbase_session *session;
    struct couchbase_answer answer;
    int64_t now; /* seconds */
};

/* A node with 4 vbuckets and the collection shop.fruit, id 9; a client that has done nothing yet.
 */
int client_setup(void **state);
int client_teardown(void **state);

#define client_test(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

/* A part left out has no bytes; texts end at their NUL. */
struct asked {
    uint8_t magic; /* 0: 0x80, or 0x08 with framing extras */
    const char *framing;
    size_t framing_size;
    const void *extras;
    size_t extras_size;
    const char *key;
    size_t key_size; /* 0: up to the NUL */
    const char *value;
    size_t value_size; /* likewise */
    uint16_t vbucket;
    uint8_t datatype;
    uint64_t cas;
};

/* Returns the first response, NULL: there is none. */
const struct kvr_response *client_ask(struct client *client, uint8_t opcode,
                                      const struct asked *asked);
#define ask(client, opcode, ...)                                                                   \
    client_ask(client, MCBP_##opcode, &(const struct asked){__VA_ARGS__})

/* HELLO for those features, SASL and the bucket. */
void client_log_in(struct client *client, const uint16_t *features, size_t count);
#define log_in(client, ...)                                                                        \
    client_log_in(client, (const uint16_t[]){__VA_ARGS__},                                         \
                  sizeof((const uint16_t[]){__VA_ARGS__}) / 2)

/* Stores as text, and returns the CAS. */
uint64_t client_set(struct client *client, const char *key, const char *value);

void client_expect_status(const struct kvr_response *response, uint16_t status);
void client_expect_value(const struct kvr_response *response, const char *value);
#define has_status(response, name) client_expect_status(response, MCBP_STATUS_##name)
#define gives(response, value)     client_expect_value(response, value)

#endif
