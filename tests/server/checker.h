/*
 * A client that knows what it has to be answered, and looks whether it is: in a thread of its own,
 * so that several run at once. Every value names its key and a number that counts up, so that an
 * answer that is lost, mixed up or torn is noticed.
 *
 * It sends random pipelines over its own keys, now and then leaves in the middle of a request, and
 * reads now fast, now in small pieces.
 */
#ifndef KVREPLAY_TESTS_SERVER_CHECKER_H
#define KVREPLAY_TESTS_SERVER_CHECKER_H

#include "serving.h"

#include <openssl/ssl.h>
#include <pthread.h>

enum { CHECKER_KEYS = 8, CHECKER_PROBLEM_SIZE = 256 };

/* What the server may have stored: a number from `least` to `most`; 0 is "nothing". */
struct checker_key {
    uint32_t least;
    uint32_t most;
};

struct checker {
    const struct serving *serving;
    SSL_CTX *tls; /* NULL: plain */
    unsigned id;  /* part of its keys' names */
    uint64_t random;
    uint64_t requests; /* it ends after so many */
    bool may_refuse;   /* the server may close connections and answer NO_MEMORY */

    uint64_t answers;
    uint64_t refused;                   /* of them NO_MEMORY, and connections that were closed */
    char problem[CHECKER_PROBLEM_SIZE]; /* empty: there is none */

    pthread_t thread;
    int socket; /* -1: not connected */
    SSL *session;
    struct checker_key keys[CHECKER_KEYS];
    struct bytes out, in;
    uint32_t opaque;
};

/* The fields above the blank line are set. */
void checker_start(struct checker *checker);

/* Waits for its end; fails the test if it has a problem. */
void checker_finish(struct checker *checker);

#endif
