/*
 * What the tests of net_decode have in common: packets as hexadecimal text, put together from the
 * headers below, and what is expected of them.
 */
#ifndef KVREPLAY_TESTS_NET_DECODING_H
#define KVREPLAY_TESTS_NET_DECODING_H

#include "guarded.h"
#include "net/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ETHERNET "02 00 00 00 00 01  02 00 00 00 00 02 " /* addresses; the type follows */
#define IS_IPV4  "08 00 "
#define IS_IPV6  "86 dd "

/* 10.0.0.1 to 10.0.0.2. `length` is what follows the first two bytes, `place` the flags and the
 * fragment offset, `protocol` is 06 for TCP and 11 for UDP. */
#define IPV4_OF(length, place, protocol)                                                           \
    "45 00 " length " 00 07 " place " 40 " protocol " 00 00  0a 00 00 01  0a 00 00 02 "
#define IPV4_TCP_ABC IPV4_OF("00 2b", "40 00", "06") /* 20 + 20 + 3 bytes */
#define IPV4_UDP_ABC IPV4_OF("00 1f", "40 00", "11") /* 20 + 8 + 3 bytes */

/* fd00::1 to fd00::2; `length` is that of what follows, `next` its protocol. */
#define IPV6_OF(length, next)                                                                      \
    "60 00 00 00 " length " " next " 40 "                                                          \
    "fd 00 00 00 00 00 00 00  00 00 00 00 00 00 00 01 "                                            \
    "fd 00 00 00 00 00 00 00  00 00 00 00 00 00 00 02 "
#define IPV6_TCP_ABC IPV6_OF("00 17", "06")

/* Port 49152 to 11211, sequence number 1000, acknowledgement 5000, ACK. */
#define TCP     "c0 00 2b cb  00 00 03 e8  00 00 13 88  50 10 ff ff 00 00 00 00 "
#define UDP_ABC "c0 00 2b cb  00 0b 00 00  61 62 63 "
#define ABC     "61 62 63 "
#define TCP_ABC TCP ABC

/* A decoder, what it is given, and what it made of that. */
struct decoding {
    struct net_decoder *decoder;
    struct guarded memory;
    struct net_packet packet; /* link, number and time are the test's to change */
    enum net_decoded verdict;
    struct net_segment segment;
    uint32_t cut;
};

int decoding_setup(void **state); /* *state is a struct decoding then */
int decoding_teardown(void **state);
/* The decoder anew, with so much room for fragments. */
void decoding_restart(struct decoding *decoding, size_t fragment_bytes_max);

/* The bytes that are written in hexadecimal; returns how many. */
size_t hex_bytes(const char *hex, uint8_t *bytes, size_t room);

/* Decodes the packet that is written in hexadecimal. */
void decode_hex(struct decoding *decoding, enum net_link link, const char *hex);
/* The same, but only `captured` bytes of it were captured. */
void decode_hex_cut(struct decoding *decoding, enum net_link link, const char *hex,
                    size_t captured);

void assert_payload(const struct decoding *decoding, const char *text);
/* The segment that TCP_ABC is, in IPV4_TCP_ABC or IPV6_TCP_ABC. */
void assert_tcp_abc(const struct decoding *decoding, const char *source, const char *destination);
void assert_ipv4_tcp_abc(const struct decoding *decoding);
void assert_ipv6_tcp_abc(const struct decoding *decoding);

#define decoding_test(function)                                                                    \
    cmocka_unit_test_setup_teardown(function, decoding_setup, decoding_teardown)

#endif
