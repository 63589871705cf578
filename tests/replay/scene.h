/*
 * A scene: what clients and their server say to each other, as a capture shows it, and what verify
 * makes of that.
 *
 *     asks(scene, ANN, 1, SET, .key = "k", .value = "v");
 *     answers(scene, ANN, 1, SET, .cas = 7);
 *     assert_verdict(scene, .identical = 1);
 *
 * The number is the opaque. What is not said of a frame is as memcached has it: extras by opcode,
 * the text of an error by its status. Each frame is a TCP segment of its own, a millisecond after
 * the one before; connections begin with a handshake when they are first heard of.
 */
#ifndef KVREPLAY_TESTS_REPLAY_SCENE_H
#define KVREPLAY_TESTS_REPLAY_SCENE_H

#include "mcbp/frame.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/verify.h"
#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum person { ANN, BOB, CLEO, DAN, PEOPLE = 8 };

enum { SAID_ROOM = 512 };

struct said {
    uint8_t magic; /* 0: a plain request or response */
    uint8_t opcode;
    uint32_t opaque;
    uint16_t status; /* or the vbucket */
    uint8_t datatype;
    uint64_t cas;
    const char *key;   /* NULL: none */
    const char *value; /* NULL: none, or the error's text */
    uint32_t flags;
    uint32_t expires;
    uint64_t delta;
    uint64_t initial;
    uint64_t number; /* that INCREMENT or DECREMENT came to */
};

struct line { /* one connection */
    bool open;
    bool udp;
    bool ipv6;
    uint16_t server_port;
    uint32_t sequences[2]; /* of the next byte of client and server */
};

struct scene {
    struct verify_options options;
    struct trace trace;
    struct line lines[PEOPLE];
    int64_t time; /* of the next packet, nanoseconds */
    struct verify_result result;
    bool verified;
};

int scene_setup(void **state); /* *state is a struct scene then */
int scene_teardown(void **state);
void scene_restart(struct scene *scene);

/* Without a handshake: the capture began later. */
void scene_join(struct scene *scene, enum person person);
/* The client talks to another server, one that listens on this port. */
void scene_use_server(struct scene *scene, enum person person, uint16_t port);
/* The client talks over UDP: the opaque is the request id too. */
void scene_use_udp(struct scene *scene, enum person person);

void scene_use_ipv6(struct scene *scene, enum person person);

/* The frame; returns its size. */
size_t scene_write(const struct said *said, bool request, uint8_t bytes[SAID_ROOM]);
void scene_say(struct scene *scene, enum person person, bool client, const struct said *said);
void scene_say_bytes(struct scene *scene, enum person person, bool client, struct span bytes);

/* That side's stream goes on `size` bytes later than the capture has it. */
void scene_lose(struct scene *scene, enum person person, bool client, uint32_t size);
void scene_close(struct scene *scene, enum person person, bool client);
void scene_reset(struct scene *scene, enum person person, bool client);
void scene_wait(struct scene *scene, int seconds);

#define asks(scene, person, number_, opcode_, ...)                                                 \
    scene_say(scene, person, true,                                                                 \
              &(struct said){.opcode = MCBP_##opcode_, .opaque = number_, __VA_ARGS__})
#define answers(scene, person, number_, opcode_, ...)                                              \
    scene_say(scene, person, false,                                                                \
              &(struct said){.opcode = MCBP_##opcode_, .opaque = number_, __VA_ARGS__})
#define client_closes(scene, person) scene_close(scene, person, true)
#define server_closes(scene, person) scene_close(scene, person, false)
#define client_resets(scene, person) scene_reset(scene, person, true)
#define server_resets(scene, person) scene_reset(scene, person, false)

struct verdict {
    uint64_t identical;
    uint64_t different;
    uint64_t adopted;
    uint64_t not_executed;
    uint64_t ambiguous;
    uint64_t missing;
    uint64_t malformed;
};

/* Runs verify, unless it has been since the last frame, and returns the first capture's result. */
const struct capture_result *scene_verify(struct scene *scene);

void scene_expect(struct scene *scene, const struct verdict *verdict, const char *file, int line);
#define assert_verdict(scene, ...)                                                                 \
    scene_expect(scene, &(struct verdict){__VA_ARGS__}, __FILE__, __LINE__)

/* There is one difference, of that kind and (unless NULL) in that field. */
void scene_expect_difference(struct scene *scene, enum difference_kind kind, const char *field,
                             const char *file, int line);
#define assert_one_difference(scene, kind, field)                                                  \
    scene_expect_difference(scene, kind, field, __FILE__, __LINE__)

#define scene_test(function) cmocka_unit_test_setup_teardown(function, scene_setup, scene_teardown)

#endif
