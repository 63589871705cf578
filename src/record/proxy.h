/*
 * A recording proxy: takes connections, opens one to the target for each, hands on what comes from
 * either side, and records it before that. One thread, one event loop.
 *
 * What a packet says of the client is true; the server's end is the address that the client has
 * connected to. Clients of a UNIX socket have made addresses: 192.0.2.1 with a port of their own,
 * and 192.0.2.2, port 11211 (RFC 5737).
 *
 * The program has to ignore SIGPIPE.
 *
 * Bounded: while one side has RELAY_UNSENT_MAX bytes to take, the other is not read. A connection
 * whose side has ended is open until the other has ended too.
 */
#ifndef KVREPLAY_RECORD_PROXY_H
#define KVREPLAY_RECORD_PROXY_H

#include "record/proxy_counts.h"
#include "record/tape.h"
#include "sockets/address.h"

enum { PROXY_PROBLEM_SIZE = SOCKETS_PROBLEM_SIZE, PROXY_STOP_SECONDS = 5 };

struct proxy_options {
    const char *listen;      /* as addresses_add has it */
    const char *target;      /* likewise */
    const char *certificate; /* towards clients, PEM; NULL: no TLS */
    const char *key;
    bool target_tls;
    const char *authorities; /* PEM; NULL: those of the system */
    unsigned seconds_max;    /* then it stops; 0: no limit */
    /* Receives what goes wrong with single connections. */
    void (*tell)(const char *message);
};

struct proxy;

/*
 * Listens, and who connects waits for proxy_run. From here on SIGTERM and SIGINT stop it. The
 * options are copied; what they point to has to live as long. NULL: `problem` says why.
 */
struct proxy *proxy_create(const struct proxy_options *options, char problem[PROXY_PROBLEM_SIZE]);
void proxy_destroy(struct proxy *proxy);

/* Where it listens: "127.0.0.1:11211, [::1]:11211", or the socket's path. */
const char *proxy_address(const struct proxy *proxy);

/*
 * Serves and records on the tape, which is the caller's, until a signal, until a limit is reached
 * or the tape fails. After the first two nobody is accepted and clients are not read any more; what
 * they had sent is handed on with an end behind it, and connections are open until the target has
 * answered and ended them, at most PROXY_STOP_SECONDS. A second signal closes them at once. False:
 * the tape has failed.
 */
bool proxy_run(struct proxy *proxy, struct tape *tape);

struct proxy_counts proxy_counts(const struct proxy *proxy);

#endif
