/*
 * What the tests of net_flow have in common: a conversation in which client and server send
 * segments, and a transcript of what the flow tells of them.
 *
 *     client(telling, .at = 0, .bytes = "get", .seen = 0);
 *     server(telling, .at = 0, .bytes = "value", .seen = 3);
 *     assert_told(telling, "C get, S value");
 *
 * In the transcript C and S are the initiator and the responder: "C get" is data, "C -3" a gap of 3
 * bytes, "C end" and "closed" what they say. With `numbered`, conversations are told by their id.
 */
#ifndef KVREPLAY_TESTS_NET_TELLING_H
#define KVREPLAY_TESTS_NET_TELLING_H

#include "guarded.h"
#include "net/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct sent {
    int64_t at;        /* offset in its stream; the first byte is 0 (a SYN goes before it) */
    const char *bytes; /* payload */
    uint32_t cut;      /* bytes after that which the snap length cut off */
    int64_t seen;      /* bytes of the other side's stream that it acknowledges */
    bool syn;
    bool fin;
    bool rst;
    bool no_ack;
    enum { NO_SUM, RIGHT_SUM, WRONG_SUM, SUM_LEFT_TO_CARD } sum; /* NO_SUM: it is not known */
};

struct telling {
    struct net_flow *flow;
    struct guarded memory;
    struct net_endpoint client;
    struct net_endpoint server;
    uint32_t client_start; /* sequence number of the client's first byte */
    uint32_t server_start;
    bool numbered;
    bool quiet; /* no transcript */
    uint64_t packet;
    struct net_conversation last; /* as it was when last told of */
    uint64_t last_origin;         /* packet of the last data */
    uint64_t closed;
    size_t size;
    char transcript[1 << 16];
};

int telling_setup(void **state); /* *state is a struct telling then */
int telling_teardown(void **state);
/* A new flow; its options are the default ones but for those given. */
void telling_restart(struct telling *telling, struct net_flow_options options);

void send_segment(struct telling *telling, bool from_client, struct sent sent);
void send_datagram(struct telling *telling, bool from_client, const char *bytes, uint32_t cut);

#define client(telling, ...) send_segment(telling, true, (struct sent){__VA_ARGS__})
#define server(telling, ...) send_segment(telling, false, (struct sent){__VA_ARGS__})

/* SYN, SYN and ACK, ACK. */
void handshake(struct telling *telling);

/* So many acknowledgements without payload that nothing waits for what the capture doesn't have. */
void acknowledgements(struct telling *telling, int64_t client_at, int64_t server_at, int count);

/* What was told since the last assertion. */
void assert_told(struct telling *telling, const char *transcript);
void assert_counted(const struct telling *telling, uint64_t data, uint64_t duplicate, uint64_t late,
                    uint64_t lost);

#define telling_test(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, telling_setup, telling_teardown)

#endif
