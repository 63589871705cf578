/* Asks an engine one request at a time, in the notation of bytes_add_notation. */
#ifndef KVREPLAY_TESTS_ENGINE_ASKING_H
#define KVREPLAY_TESTS_ENGINE_ASKING_H

#include "engine/bytes.h"
#include "engine/engine.h"

struct asking {
    struct engine *engine;
    int64_t now;     /* passed with each request */
    uint64_t cas;    /* likewise */
    bool referenced; /* likewise */
    struct bytes request;
    struct bytes answered;
    struct bytes expected;
    struct engine_answer answer; /* the last one */
};

/* cmocka's set-up and tear-down: *state is an asking with an engine of its own, at time 1000000. */
int asking_begin(void **state);
int asking_end(void **state);

/* Executes the request and demands exactly these bytes as answer, "" for none. */
void ask(struct asking *asking, const char *request, const char *answer);

/* Executes a request whose answer is of no interest. */
void tell(struct asking *asking, const char *request);

/* The same for a request that is too long to be written down; asking->answer has the answer. */
void ask_request(struct asking *asking, const struct request *request);

/* What the engine knows of the key. */
struct engine_item know(const struct asking *asking, const char *key);

#endif
