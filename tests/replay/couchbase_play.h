/*
 * A node answers one client, and what it answers can be changed before it is told.
 */
#ifndef KVREPLAY_TESTS_REPLAY_COUCHBASE_PLAY_H
#define KVREPLAY_TESTS_REPLAY_COUCHBASE_PLAY_H

#include "couchbase/node.h"
#include "mcbp/feature.h"
#include "scene.h"

enum { FRAME_ROOM = 512, LOGIN = 3 /* answers */ };

struct play {
    struct scene *scene;
    struct couchbase_node *node;
    struct couchbase_session *session;
    uint32_t opaque;
    bool is_hidden; /* what is said is not in the capture */
    uint8_t answer[FRAME_ROOM];
    size_t answer_size;
};

struct asked {
    const void *extras;
    size_t extras_size;
    const char *key;
    const char *value;
    size_t value_size; /* 0: up to the NUL */
    uint64_t cas;
    uint8_t datatype;
};

/* The answer is still to be told. */
void run(struct play *play, uint8_t opcode, const struct asked *asked);
void tell(struct play *play);
/* Both. */
void say(struct play *play, uint8_t opcode, const struct asked *asked);

/* HELLO with features, numbers of two bytes; the client logs in and has a bucket. */
void begin_with(struct play *play, void **state, struct span features);
/* It did that before the capture. */
void join_with(struct play *play, void **state, struct span features);
/* With tokens, extended errors, attributes and JSON. */
void begin(struct play *play, void **state);

/* It is over. */
const struct capture_result *verified(struct play *play);
/* All is executed, and so many answers are different. */
void expect_executed(struct play *play, uint64_t different);

#endif
