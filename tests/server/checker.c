#include "checker.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PIPELINE = 40,
    PIPELINE_BYTES = 96 * 1024, /* what both sides can take without the other one reading */
    VALUE_MAX = 20000,
    NAME = 16,
    NO_KEY = CHECKER_KEYS,
    TRIES = 1000,
    PIECE_MAX = 16384,
    KILL_EVERY = 60, /* pipelines */
};

struct expectation {
    uint8_t opcode;
    unsigned key;    /* NO_KEY: only opcode and opaque are looked at */
    uint32_t number; /* of a SET */
};

struct pipeline {
    struct expectation expected[PIPELINE];
    unsigned count;
    uint32_t first; /* opaque of the first */
};

static uint32_t below(struct checker *checker, uint32_t limit)
{
    checker->random = checker->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(checker->random >> 33) % limit;
}

static bool fails(struct checker *checker, const char *what, uint32_t number)
{
    if (checker->problem[0] == '\0') {
        snprintf(checker->problem, sizeof(checker->problem), "client %u: %s (%u)", checker->id,
                 what, number);
    }
    return false;
}

/* ---------------------------------------------------------------- the connection */

static void leave(struct checker *checker, bool at_once)
{
    struct linger reset = {.l_onoff = at_once};
    setsockopt(checker->socket, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    SSL_free(checker->session);
    close(checker->socket);
    checker->session = NULL;
    checker->socket = -1;
}

/* False: the server has refused or closed it, as errno and what OpenSSL says of it show. */
static bool refused(struct checker *checker)
{
    uint32_t why = (uint32_t)errno;
    if (checker->session != NULL) {
        why += 1000 * (uint32_t)SSL_get_error(checker->session, 0);
    }
    checker->refused++;
    if (checker->socket >= 0) {
        leave(checker, false);
    }
    return checker->may_refuse ? false : fails(checker, "the connection was closed", why);
}

static bool enter(struct checker *checker)
{
    checker->socket = client_try_to_connect(checker->serving);
    if (checker->socket < 0) {
        return fails(checker, "nobody listens", 0);
    }
    if (checker->tls == NULL) {
        return true;
    }
    checker->session = SSL_new(checker->tls);
    SSL_set_fd(checker->session, checker->socket);
    return SSL_connect(checker->session) == 1 || refused(checker);
}

static bool transmit(struct checker *checker, struct span bytes)
{
    while (bytes.size > 0) {
        size_t sent = 0;
        if (checker->session != NULL) {
            if (SSL_write_ex(checker->session, bytes.data, bytes.size, &sent) != 1) {
                return refused(checker);
            }
        } else {
            ssize_t some = send(checker->socket, bytes.data, bytes.size, MSG_NOSIGNAL);
            if (some <= 0) {
                return refused(checker);
            }
            sent = (size_t)some;
        }
        bytes = span_skip(bytes, sent);
    }
    return true;
}

static bool receive(struct checker *checker, size_t room)
{
    uint8_t *to = bytes_reserve(&checker->in, room);
    size_t got = 0;
    if (checker->session != NULL) {
        if (SSL_read_ex(checker->session, to, room, &got) != 1) {
            return refused(checker);
        }
    } else {
        ssize_t some = recv(checker->socket, to, room, 0);
        if (some <= 0) {
            return refused(checker);
        }
        got = (size_t)some;
    }
    checker->in.size += got;
    return true;
}

/* ---------------------------------------------------------------- keys and values */

static struct span name(const struct checker *checker, unsigned key, char text[NAME])
{
    int size = snprintf(text, NAME, "%u/%u", checker->id, key);
    return span_of(text, (size_t)size);
}

/* "KEY NUMBER " and letters that follow from the number. */
static struct span value_of(const struct checker *checker, unsigned key, uint32_t number,
                            uint8_t value[VALUE_MAX])
{
    char text[NAME];
    name(checker, key, text);
    size_t head = (size_t)snprintf((char *)value, VALUE_MAX, "%s %u ", text, number);
    size_t size = head + number * 7919u % (number % 8 == 0 ? VALUE_MAX - head : 200);
    for (size_t i = head; i < size; i++) {
        value[i] = (uint8_t)('a' + (number + i) % 26);
    }
    return span_of(value, size);
}

static bool check_value(struct checker *checker, unsigned key, struct span got)
{
    uint8_t expected[VALUE_MAX];
    unsigned id, named, number;
    char head[64];
    snprintf(head, sizeof(head), "%.*s", (int)(got.size < 60 ? got.size : 60),
             (const char *)got.data);
    if (sscanf(head, "%u/%u %u ", &id, &named, &number) != 3 || id != checker->id || named != key) {
        return fails(checker, "a value of another key", key);
    }
    if (!span_equal(got, value_of(checker, key, number, expected))) {
        return fails(checker, "a value that was never stored", number);
    }
    if (number < checker->keys[key].least || number > checker->keys[key].most) {
        return fails(checker, "a value of another time", number);
    }
    checker->keys[key].least = checker->keys[key].most = number;
    return true;
}

/* ---------------------------------------------------------------- requests */

/* Commands whose answer is not foreseen, on a key of its own; all but those that others would feel:
 * FLUSH, VERBOSITY, QUIT. */
static const uint8_t OTHERS[] = {
    MCBP_GET,     MCBP_ADD,       MCBP_REPLACE,    MCBP_DELETE,     MCBP_INCREMENT,
    MCBP_NOOP,    MCBP_DECREMENT, MCBP_GETQ,       MCBP_VERSION,    MCBP_APPEND,
    MCBP_PREPEND, MCBP_STAT,      MCBP_ADDQ,       MCBP_REPLACEQ,   MCBP_DELETEQ,
    MCBP_TOUCH,   MCBP_GAT,       MCBP_INCREMENTQ, MCBP_DECREMENTQ, MCBP_APPENDQ,
    MCBP_GATQ,    MCBP_PREPENDQ,  MCBP_GATK,       MCBP_GATKQ,      MCBP_SASL_LIST_MECHS,
};

static size_t extras_of(uint8_t opcode)
{
    switch (opcode) {
    case MCBP_ADD:
    case MCBP_ADDQ:
    case MCBP_REPLACE:
    case MCBP_REPLACEQ:
        return 8;
    case MCBP_INCREMENT:
    case MCBP_INCREMENTQ:
    case MCBP_DECREMENT:
    case MCBP_DECREMENTQ:
        return 20;
    case MCBP_TOUCH:
    case MCBP_GAT:
    case MCBP_GATQ:
    case MCBP_GATK:
    case MCBP_GATKQ:
        return 4;
    default:
        return 0;
    }
}

static bool has_value(uint8_t opcode)
{
    return extras_of(opcode) == 8 || opcode == MCBP_APPEND || opcode == MCBP_PREPEND ||
           opcode == MCBP_APPENDQ || opcode == MCBP_PREPENDQ;
}

static bool has_key(uint8_t opcode)
{
    return opcode != MCBP_NOOP && opcode != MCBP_VERSION && opcode != MCBP_STAT &&
           opcode != MCBP_SASL_LIST_MECHS;
}

static void add_other(struct checker *checker, struct expectation *expected)
{
    static const uint8_t zeros[20];
    char text[NAME];
    struct request request = {.opcode = OTHERS[below(checker, sizeof(OTHERS))],
                              .opaque = checker->opaque++};
    request.extras = span_of(zeros, extras_of(request.opcode));
    if (has_key(request.opcode)) {
        request.key = name(checker, NO_KEY + below(checker, 3), text);
    }
    if (has_value(request.opcode)) {
        request.value = span_of("17", 2);
    }
    *expected = (struct expectation){.opcode = request.opcode, .key = NO_KEY};
    bytes_add_request(&checker->out, &request);
}

/* Until it is answered, the key may hold this or what was there before. */
static void add_set(struct checker *checker, struct expectation *expected, unsigned key)
{
    static const uint8_t zeros[8];
    uint8_t value[VALUE_MAX];
    char text[NAME];
    uint32_t number = ++checker->keys[key].most;
    *expected = (struct expectation){
        .opcode = below(checker, 2) == 0 ? MCBP_SET : MCBP_SETQ, .key = key, .number = number};
    bytes_add_request(&checker->out,
                      &(struct request){.opcode = expected->opcode,
                                        .opaque = checker->opaque++,
                                        .extras = span_of(zeros, sizeof(zeros)),
                                        .key = name(checker, key, text),
                                        .value = value_of(checker, key, number, value)});
}

static void add_get(struct checker *checker, struct expectation *expected, unsigned key)
{
    char text[NAME];
    *expected =
        (struct expectation){.opcode = below(checker, 2) == 0 ? MCBP_GETK : MCBP_GETKQ, .key = key};
    bytes_add_request(&checker->out, &(struct request){.opcode = expected->opcode,
                                                       .opaque = checker->opaque++,
                                                       .key = name(checker, key, text)});
}

/* Each key at most once, so that at each answer it is clear what it may hold; a NOOP at the end
 * shows what was silent. */
static void make_pipeline(struct checker *checker, struct pipeline *pipeline)
{
    unsigned wanted = 1 + below(checker, PIPELINE - 1), used = 0;
    *pipeline = (struct pipeline){.first = checker->opaque};
    checker->out.size = 0;
    while (pipeline->count + 1 < wanted && checker->out.size < PIPELINE_BYTES) {
        struct expectation *expected = &pipeline->expected[pipeline->count++];
        unsigned key = below(checker, CHECKER_KEYS);
        if ((used & 1u << key) != 0) {
            add_other(checker, expected);
        } else if (below(checker, 3) == 0) {
            add_set(checker, expected, key);
        } else {
            add_get(checker, expected, key);
        }
        used |= 1u << key;
    }
    bytes_add_request(&checker->out,
                      &(struct request){.opcode = MCBP_NOOP, .opaque = checker->opaque++});
    pipeline->expected[pipeline->count++] =
        (struct expectation){.opcode = MCBP_NOOP, .key = NO_KEY};
    checker->requests -= checker->requests < pipeline->count ? checker->requests : pipeline->count;
}

/* ---------------------------------------------------------------- answers */

static bool is_quiet(uint8_t opcode)
{
    return mcbp_opcode_is_quiet(opcode);
}

/* It was not answered: that has to mean something. */
static bool take_silence(struct checker *checker, const struct expectation *expected)
{
    struct checker_key *key = &checker->keys[expected->key];
    if (!is_quiet(expected->opcode)) {
        return fails(checker, "an answer was lost", expected->opcode);
    }
    if (expected->opcode == MCBP_SETQ) {
        key->least = expected->number;
    }
    if (expected->opcode == MCBP_GETKQ) {
        if (key->least > 0) {
            return fails(checker, "a value was lost", expected->key);
        }
        key->most = 0;
    }
    return true;
}

static bool take_get(struct checker *checker, const struct expectation *expected,
                     const struct mcbp_frame *frame)
{
    char text[NAME];
    struct checker_key *key = &checker->keys[expected->key];
    if (!span_equal(frame->key, name(checker, expected->key, text))) {
        return fails(checker, "an answer for another key", expected->key);
    }
    if (frame->header.vbucket_or_status == MCBP_STATUS_SUCCESS) {
        return check_value(checker, expected->key, frame->value);
    }
    if (frame->header.vbucket_or_status != MCBP_STATUS_KEY_NOT_FOUND || key->least > 0) {
        return fails(checker, "a value was lost", expected->key);
    }
    key->most = 0;
    return true;
}

static bool take_answer(struct checker *checker, const struct expectation *expected,
                        const struct mcbp_frame *frame)
{
    uint16_t status = frame->header.vbucket_or_status;
    checker->answers++;
    if (frame->header.opcode != expected->opcode) {
        return fails(checker, "an answer to another command", frame->header.opcode);
    }
    if (expected->key == NO_KEY) {
        return true;
    }
    if (status == MCBP_STATUS_NO_MEMORY && checker->may_refuse) {
        checker->refused++;
        return true;
    }
    if (expected->opcode == MCBP_GETK || expected->opcode == MCBP_GETKQ) {
        return take_get(checker, expected, frame);
    }
    if (status != MCBP_STATUS_SUCCESS) {
        return fails(checker, "a SET was refused", status);
    }
    checker->keys[expected->key].least = expected->number;
    return true;
}

/* A frame that answers the expectation at *next or, after silence, one behind it. */
static bool take_frame(struct checker *checker, const struct pipeline *pipeline, unsigned *next,
                       const struct mcbp_frame *frame)
{
    uint32_t at = frame->header.opaque - pipeline->first;
    if (at >= pipeline->count || at < *next) {
        return fails(checker, "an answer that nobody waits for", frame->header.opaque);
    }
    while (*next < at) {
        if (!take_silence(checker, &pipeline->expected[(*next)++])) {
            return false;
        }
    }
    if (!take_answer(checker, &pipeline->expected[at], frame)) {
        return false;
    }
    bool more = frame->header.opcode == MCBP_STAT && frame->key.size != 0;
    *next += !more;
    return true;
}

static bool take_answers(struct checker *checker, const struct pipeline *pipeline)
{
    unsigned next = 0;
    size_t room = below(checker, 4) == 0 ? 1 + below(checker, 300) : PIECE_MAX;
    checker->in.size = 0;
    for (size_t done = 0; next < pipeline->count;) {
        struct mcbp_frame frame;
        struct span rest = span_skip(span_of(checker->in.data, checker->in.size), done);
        enum mcbp_parse parsed = mcbp_frame_parse(rest, &frame);
        if (parsed == MCBP_NEED_MORE) {
            if (!receive(checker, room)) {
                return false;
            }
            continue;
        }
        if (parsed != MCBP_FRAME) {
            return fails(checker, "no frame", (uint32_t)done);
        }
        if (!take_frame(checker, pipeline, &next, &frame)) {
            return false;
        }
        done += frame.bytes.size;
    }
    return true;
}

/* ---------------------------------------------------------------- the thread */

static void talk(struct checker *checker)
{
    struct pipeline pipeline;
    make_pipeline(checker, &pipeline);
    struct span out = span_of(checker->out.data, checker->out.size);
    if (below(checker, KILL_EVERY) == 0) {
        bool sent = transmit(checker, span_head(out, below(checker, (uint32_t)out.size + 1)));
        if (sent) {
            leave(checker, below(checker, 2) == 0);
        }
        return;
    }
    if (transmit(checker, out)) {
        take_answers(checker, &pipeline);
    }
}

/*
 * What a connection that has ended left to be executed may still be: whoever asks on another one
 * could be told an old value first and a new one then. So such keys are new ones from then on.
 */
static void forget(struct checker *checker)
{
    checker->id += 1000;
    memset(checker->keys, 0, sizeof(checker->keys));
}

static void *run(void *context)
{
    struct checker *checker = context;
    unsigned tries = 0;
    while (checker->requests > 0 && checker->problem[0] == '\0') {
        if (checker->socket >= 0) {
            talk(checker);
        } else if (!enter(checker) && ++tries > TRIES && checker->answers == 0) {
            fails(checker, "no connection succeeds", tries);
        }
        if (checker->socket < 0) {
            forget(checker);
        }
    }
    if (checker->socket >= 0) {
        leave(checker, false);
    }
    return NULL;
}

void checker_start(struct checker *checker)
{
    checker->socket = -1;
    assert_int_equal(pthread_create(&checker->thread, NULL, run, checker), 0);
}

void checker_finish(struct checker *checker)
{
    pthread_join(checker->thread, NULL);
    bytes_free(&checker->out);
    bytes_free(&checker->in);
    if (checker->problem[0] != '\0') {
        fail_msg("%s", checker->problem);
    }
}
