#include "live/login.h"

#include "base/endian.h"
#include "live/patience.h"
#include "mcbp/frame.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "sasl/client.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
    KEY_MAX = 250,
    REQUEST_MAX = MCBP_HEADER_SIZE + KEY_MAX + SASL_MESSAGE_MAX,
    ANSWER_MAX = MCBP_HEADER_SIZE + SASL_MESSAGE_MAX,
    WHY_SIZE = 256,
};

/* A connection, and what is said on it. */
struct talk {
    int fd;
    SSL *tls;
    struct patience patience;
    uint8_t request[REQUEST_MAX];
    uint8_t answer[ANSWER_MAX];
    struct mcbp_frame frame; /* the last answer */
    char why[WHY_SIZE];      /* it goes no further */
};

static struct span text_span(const char *text)
{
    return span_of(text, strlen(text));
}

static bool fail(struct talk *talk, const char *why)
{
    snprintf(talk->why, sizeof(talk->why), "%s", why);
    return false;
}

/* --------------------------------------------------------------------------- the connection */

/* Moves some bytes one way. 0: none yet, when `events` come; -1: none ever. */
static ssize_t move_some(struct talk *talk, uint8_t *bytes, size_t size, bool sends, short *events)
{
    *events = sends ? POLLOUT : POLLIN;
    if (talk->tls == NULL) {
        ssize_t moved =
            sends ? send(talk->fd, bytes, size, MSG_NOSIGNAL) : recv(talk->fd, bytes, size, 0);
        bool later = moved < 0 && (errno == EAGAIN || errno == EINTR);
        return moved > 0 ? moved : later ? 0 : -1;
    }
    size_t moved = 0;
    ERR_clear_error();
    int result = sends ? SSL_write_ex(talk->tls, bytes, size, &moved)
                       : SSL_read_ex(talk->tls, bytes, size, &moved);
    int error = SSL_get_error(talk->tls, result);
    if (result == 1) {
        return (ssize_t)moved;
    }
    *events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static bool move_all(struct talk *talk, uint8_t *bytes, size_t size, bool sends)
{
    short events;
    while (size > 0) {
        ssize_t moved = move_some(talk, bytes, size, sends, &events);
        if (moved < 0) {
            ERR_clear_error();
            return fail(talk, "the server has closed the connection");
        }
        if (moved == 0 && !patience_wait(&talk->patience, talk->fd, events)) {
            return fail(talk, errno == EINTR ? "interrupted" : "no answer in time");
        }
        bytes += moved;
        size -= (size_t)moved;
    }
    return true;
}

/* Exactly one frame is read: nothing of what follows may be lost. */
static bool read_answer(struct talk *talk, uint8_t opcode)
{
    struct mcbp_frame *frame = &talk->frame;
    if (!move_all(talk, talk->answer, MCBP_HEADER_SIZE, false)) {
        return false;
    }
    enum mcbp_parse parse = mcbp_frame_parse(span_of(talk->answer, MCBP_HEADER_SIZE), frame);
    bool is_frame = parse == MCBP_FRAME || parse == MCBP_NEED_MORE;
    if (!is_frame || frame->bytes.size > ANSWER_MAX ||
        !mcbp_magic_is_response(frame->header.magic) || frame->header.opcode != opcode) {
        return fail(talk, "what the server has sent is no answer to it");
    }
    size_t size = frame->bytes.size;
    return move_all(talk, talk->answer + MCBP_HEADER_SIZE, size - MCBP_HEADER_SIZE, false) &&
           (mcbp_frame_parse(span_of(talk->answer, size), frame) == MCBP_FRAME ||
            fail(talk, "what the server has sent is no answer to it"));
}

/* A request and its answer. */
static bool ask(struct talk *talk, uint8_t opcode, struct span key, struct span value)
{
    size_t body = key.size + value.size;
    if (key.size > KEY_MAX || value.size > SASL_MESSAGE_MAX) {
        return fail(talk, "the messages grow too long");
    }
    memset(talk->request, 0, MCBP_HEADER_SIZE);
    talk->request[0] = MCBP_CLIENT_REQUEST;
    talk->request[1] = opcode;
    write_be16(talk->request + 2, (uint16_t)key.size);
    write_be32(talk->request + 8, (uint32_t)body);
    if (key.size > 0) {
        memcpy(talk->request + MCBP_HEADER_SIZE, key.data, key.size);
    }
    if (value.size > 0) {
        memcpy(talk->request + MCBP_HEADER_SIZE + key.size, value.data, value.size);
    }
    bool sent = move_all(talk, talk->request, MCBP_HEADER_SIZE + body, true);
    OPENSSL_cleanse(talk->request, sizeof(talk->request)); /* PLAIN's has the password in it */
    return sent && read_answer(talk, opcode);
}

/* -------------------------------------------------------------------------------- the login */

static bool refused(struct talk *talk, const char *request)
{
    char text[MCBP_STATUS_TEXT_SIZE];
    snprintf(talk->why, sizeof(talk->why), "the server answers %s with %s", request,
             mcbp_status_text(talk->frame.header.vbucket_or_status, text));
    return false;
}

static bool choose_mechanism(struct talk *talk, bool hidden, enum sasl_mechanism *mechanism)
{
    enum sasl_mechanism plain;
    if (!ask(talk, MCBP_SASL_LIST_MECHS, span_of(NULL, 0), span_of(NULL, 0))) {
        return false;
    }
    if (talk->frame.header.vbucket_or_status != MCBP_STATUS_SUCCESS) {
        return refused(talk, "SASL_LIST_MECHS");
    }
    if (sasl_mechanism_choose(talk->frame.value, hidden, mechanism)) {
        return true;
    }
    return fail(talk, sasl_mechanism_choose(talk->frame.value, true, &plain)
                          ? "the server offers PLAIN only, which shows the password; use --tls"
                          : "the server offers no mechanism that is known here");
}

static bool conclude(struct talk *talk, struct sasl_client *client)
{
    switch (sasl_client_finish(client, talk->frame.value)) {
    case SASL_OK:
    case SASL_UNVERIFIED: /* it lets anybody in */
        return true;
    case SASL_REFUSED:
        return fail(talk, "the server has not proved that it knows the password");
    default:
        return fail(talk, "the server's last message is malformed");
    }
}

static bool authenticate(struct talk *talk, struct sasl_client *client, const char *mechanism)
{
    struct span message;
    if (sasl_client_start(client, &message) != SASL_CONTINUE) {
        return fail(talk, "no memory");
    }
    if (!ask(talk, MCBP_SASL_AUTH, text_span(mechanism), message)) {
        return false;
    }
    if (talk->frame.header.vbucket_or_status == MCBP_STATUS_AUTH_CONTINUE) {
        if (sasl_client_step(client, talk->frame.value, &message) != SASL_CONTINUE) {
            return fail(talk, "the server's challenge is malformed");
        }
        if (!ask(talk, MCBP_SASL_STEP, text_span(mechanism), message)) {
            return false;
        }
    }
    return talk->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS ? conclude(talk, client)
                                                                       : refused(talk, mechanism);
}

static bool log_in(struct talk *talk, const struct login *login, bool hidden)
{
    enum sasl_mechanism mechanism;
    if (!choose_mechanism(talk, hidden, &mechanism)) {
        return false;
    }
    struct sasl_client *client = sasl_client_create(mechanism, login->user, login->password);
    bool in = client == NULL ? fail(talk, "no memory")
                             : authenticate(talk, client, sasl_mechanism_name(mechanism));
    sasl_client_destroy(client);
    return in;
}

/* ----------------------------------------------------------------- of a connection's middle */

static bool select_bucket(struct talk *talk, struct span bucket)
{
    if (bucket.size == 0) {
        return fail(talk,
                    "a recorded connection had begun before, and which bucket it had selected "
                    "is not in the capture; use --bucket");
    }
    return ask(talk, MCBP_SELECT_BUCKET, bucket, span_of(NULL, 0)) &&
           (talk->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS ||
            refused(talk, "SELECT_BUCKET"));
}

static bool ask_for_features(struct talk *talk, mcbp_feature_set features)
{
    enum { FEATURES = 64 };
    uint8_t list[FEATURES * sizeof(uint16_t)];
    size_t size = 0;
    for (uint16_t feature = 0; feature < FEATURES; feature++) {
        if (mcbp_feature_is_in(features, feature)) {
            write_be16(list + size, feature);
            size += sizeof(uint16_t);
        }
    }
    if (!ask(talk, MCBP_HELLO, text_span("kvreplay"), span_of(list, size))) {
        return false;
    }
    return talk->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS || refused(talk, "HELLO");
}

/* HELLO comes last: what it grants may make the server send what is no answer. */
static bool go_on(struct talk *talk, const struct login *login, const struct middle_start *start)
{
    struct span bucket = start->bucket.size > 0 ? start->bucket : login->bucket;
    return (!start->needs_bucket || select_bucket(talk, bucket)) &&
           ask_for_features(talk, start->features);
}

bool login_run(const struct login *login, const struct target *target, int fd, SSL *tls,
               const struct middle_start *start, int timeout,
               const volatile sig_atomic_t *interrupted, char problem[SOCKETS_PROBLEM_SIZE])
{
    struct talk talk = {.fd = fd, .tls = tls, .patience = {.interrupted = interrupted}};
    bool is_local = target->host[0] == '\0';
    patience_begin(&talk.patience, timeout);
    bool in = log_in(&talk, login, tls != NULL || is_local) &&
              (start == NULL || go_on(&talk, login, start));
    if (!in) {
        snprintf(problem, SOCKETS_PROBLEM_SIZE, "%s: login as %.*s: %s", target->name,
                 (int)login->user.size, (const char *)login->user.data, talk.why);
    }
    return in;
}
