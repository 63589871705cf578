/* Answers every MCBP request on the socket that is its standard input with a bare success. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <kvresponse.h>
#include <string.h>

static const struct kvr_writer *writer;

/* Requests that came together are answered by one call: one reservation, one commit. */
static void answer(struct bufferevent *client, void *state)
{
    struct evbuffer *input = bufferevent_get_input(client);
    struct kvr_response responses[64];
    unsigned char header[KVR_HEADER_SIZE];
    size_t count = 0;
    while (count < 64 && evbuffer_copyout(input, header, sizeof(header)) == sizeof(header)) {
        uint32_t body, opaque;
        memcpy(&body, header + 8, 4);
        memcpy(&opaque, header + 12, 4);
        if (evbuffer_get_length(input) < sizeof(header) + ntohl(body)) {
            break;
        }
        evbuffer_drain(input, sizeof(header) + ntohl(body));
        responses[count++] =
            (struct kvr_response){.magic = 0x81, .opcode = header[1], .opaque = ntohl(opaque)};
    }
    if (writer->write(state, client, responses, count) != KVR_OK) {
        bufferevent_free(client);
    }
}

int main(void)
{
    struct event_base *base = event_base_new();
    writer = kvr_writer_find("batch");
    struct bufferevent *client = bufferevent_socket_new(base, 0, 0);
    bufferevent_setcb(client, answer, NULL, NULL, writer->create());
    bufferevent_enable(client, EV_READ | EV_WRITE);
    return event_base_dispatch(base);
}
