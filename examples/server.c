/*
 * A server that answers with libkvresponse: to GET with the key itself as the value, to NOOP with a
 * bare success, to anything else with UNKNOWN_COMMAND. It compiles as C and as C++.
 *
 *     server [PORT]      listens on 127.0.0.1; prints the port, which the kernel chooses if none is
 *                        given. SIGINT and SIGTERM end it.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <kvresponse/kvresponse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GET = 0x00, NOOP = 0x0a, BATCH_MAX = 64, REQUEST_MAX = 1024 };

/* One for all connections of the thread. */
static struct kvr_writer *writer;

static struct kvr_response describe(const unsigned char *request, size_t key_size)
{
    uint32_t opaque;
    memcpy(&opaque, request + 12, sizeof(opaque));
    struct kvr_response response; /* in C11: {.magic = KVR_MAGIC_RESPONSE, ...} */
    memset(&response, 0, sizeof(response));
    response.magic = KVR_MAGIC_RESPONSE;
    response.opcode = request[1];
    response.opaque = ntohl(opaque);
    if (request[1] == GET) {
        static const unsigned char flags[4] = {0, 0, 0, 0};
        response.extras = flags;
        response.extras_size = sizeof(flags);
        response.value = request + KVR_HEADER_SIZE + request[4];
        response.value_size = key_size;
    } else if (request[1] != NOOP) {
        response.status = KVR_STATUS_UNKNOWN_COMMAND;
    }
    return response;
}

/*
 * Takes a whole request from the input to `request`, and describes the answer to it, which points
 * into `request`. 1: done, 0: there is none yet, -1: what comes is no request that we take.
 */
static int take(struct evbuffer *input, unsigned char *request, struct kvr_response *response)
{
    if (evbuffer_copyout(input, request, KVR_HEADER_SIZE) < KVR_HEADER_SIZE) {
        return 0;
    }
    uint32_t body;
    uint16_t key;
    memcpy(&body, request + 8, sizeof(body));
    memcpy(&key, request + 2, sizeof(key));
    size_t size = (size_t)KVR_HEADER_SIZE + ntohl(body);
    if (request[0] != KVR_MAGIC_REQUEST || size > REQUEST_MAX ||
        KVR_HEADER_SIZE + (size_t)request[4] + ntohs(key) > size) {
        return -1;
    }
    if (evbuffer_get_length(input) < size) {
        return 0;
    }
    evbuffer_remove(input, request, size);
    *response = describe(request, ntohs(key));
    return 1;
}

/* Requests that came together are answered by one call: one reservation, one commit. */
static void on_read(struct bufferevent *client, void *unused)
{
    (void)unused;
    unsigned char requests[BATCH_MAX][REQUEST_MAX];
    struct kvr_response responses[BATCH_MAX];
    size_t count;
    int taken;
    do {
        for (count = 0; count < BATCH_MAX; count++) {
            taken = take(bufferevent_get_input(client), requests[count], &responses[count]);
            if (taken != 1) {
                break;
            }
        }
        enum kvr_error error = kvr_write(writer, client, responses, count);
        if (error != KVR_OK || taken < 0) {
            fprintf(stderr, "closing: %s\n",
                    error != KVR_OK ? kvr_error_text(error) : "not a request");
            bufferevent_free(client);
            return;
        }
    } while (count == BATCH_MAX);
}

static void on_event(struct bufferevent *client, short events, void *unused)
{
    (void)events; /* end or error */
    (void)unused;
    bufferevent_free(client);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t client,
                      struct sockaddr *address, int size, void *unused)
{
    (void)address;
    (void)size;
    (void)unused;
    struct bufferevent *connection =
        bufferevent_socket_new(evconnlistener_get_base(listener), client, BEV_OPT_CLOSE_ON_FREE);
    if (connection == NULL) {
        evutil_closesocket(client);
        return;
    }
    bufferevent_setcb(connection, on_read, NULL, on_event, NULL);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static void on_signal(evutil_socket_t number, short events, void *base)
{
    (void)number;
    (void)events;
    event_base_loopbreak((struct event_base *)base);
}

static struct evconnlistener *listen_on(struct event_base *base, int port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    struct evconnlistener *listener =
        evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
                                -1, (struct sockaddr *)&address, sizeof(address));
    if (listener != NULL &&
        getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &size) == 0) {
        printf("libkvresponse %s listens on port %d\n", kvr_version(), ntohs(address.sin_port));
        fflush(stdout);
    }
    return listener;
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();
    struct evconnlistener *listener = listen_on(base, argc > 1 ? atoi(argv[1]) : 0);
    writer = kvr_writer_new("batch", NULL);
    if (listener == NULL || writer == NULL) {
        perror("server");
        return 1;
    }
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
    struct event *terminate = evsignal_new(base, SIGTERM, on_signal, base);
    event_add(interrupt, NULL);
    event_add(terminate, NULL);
    event_base_dispatch(base);

    event_free(interrupt);
    event_free(terminate);
    evconnlistener_free(listener);
    kvr_writer_free(writer);
    event_base_free(base);
    return 0;
}
