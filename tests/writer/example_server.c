/* Answers every MCBP request with a bare success. Usage: example_server PORT */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <kvresponse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kvr_writer *writer;
static void *state;

/* All requests that are there are answered by one call: one reservation, one commit. */
static void answer(struct bufferevent *client, void *context)
{
    (void)context;
    struct kvr_response responses[64];
    struct evbuffer *input = bufferevent_get_input(client);
    unsigned char header[KVR_HEADER_SIZE];
    size_t count;
    do {
        for (count = 0; count < 64; count++) {
            uint32_t body, opaque;
            if (evbuffer_copyout(input, header, sizeof(header)) < (ev_ssize_t)sizeof(header)) {
                break;
            }
            memcpy(&body, header + 8, 4);
            memcpy(&opaque, header + 12, 4);
            if (evbuffer_get_length(input) < sizeof(header) + ntohl(body)) {
                break;
            }
            evbuffer_drain(input, sizeof(header) + ntohl(body));
            responses[count] =
                (struct kvr_response){.magic = 0x81, .opcode = header[1], .opaque = ntohl(opaque)};
        }
        enum kvr_error error = writer->write(state, client, responses, count);
        if (error != KVR_OK) {
            fprintf(stderr, "example_server: %s\n", kvr_error_text(error));
        }
    } while (count == 64);
}

static void gone(struct bufferevent *client, short events, void *context)
{
    (void)events;
    (void)context;
    bufferevent_free(client);
}

static void welcome(struct evconnlistener *listener, evutil_socket_t socket,
                    struct sockaddr *address, int length, void *context)
{
    (void)address;
    (void)length;
    (void)context;
    struct bufferevent *client =
        bufferevent_socket_new(evconnlistener_get_base(listener), socket, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(client, answer, NULL, gone, NULL);
    bufferevent_enable(client, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 11211))};
    struct event_base *base = event_base_new();
    writer = kvr_writer_find("batch");
    state = writer->create();
    if (evconnlistener_new_bind(base, welcome, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
                                (struct sockaddr *)&address, sizeof(address)) == NULL) {
        perror("example_server");
        return 1;
    }
    return event_base_dispatch(base);
}
