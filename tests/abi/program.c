/*
 * A program as others have it: compiled with the header of the release that is in 0.2, and run with
 * the library of this tree, or a later one. It calls every function that there was.
 *
 * usage: program WRITERS          how many the library has
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <kvresponse/kvresponse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum { RESPONSES = 3, ROOM = 65536 };

struct item {
    struct kvr_value_owner owner; /* first, so that one pointer is the other */
    int retained, released;
    char value[20000];
};

static struct item item;

static void retain(struct kvr_value_owner *owner)
{
    ((struct item *)owner)->retained++;
}

static void release(struct kvr_value_owner *owner)
{
    ((struct item *)owner)->released++;
}

/* The second is not in the first one's place by luck: an array has a stride. */
static size_t describe(struct kvr_response responses[RESPONSES], unsigned char expected[ROOM])
{
    static const struct kvr_response described[RESPONSES] = {
        {.magic = KVR_MAGIC_RESPONSE, .opaque = 1, .cas = 2, .extras = "flag", .extras_size = 4},
        {.magic = KVR_MAGIC_FLEX_RESPONSE,
         .status = KVR_STATUS_KEY_NOT_FOUND,
         .framing_extras = "\x02\x00\x07",
         .framing_extras_size = 3,
         .key = "key",
         .key_size = 3},
        {.magic = KVR_MAGIC_RESPONSE,
         .datatype = KVR_DATATYPE_JSON,
         .value = item.value,
         .value_size = sizeof(item.value),
         .value_owner = &item.owner},
    };
    size_t total = 0;
    memcpy(responses, described, sizeof(described));
    for (int i = 0; i < RESPONSES; i++) {
        size_t size, written;
        unsigned char header[KVR_HEADER_SIZE];
        CHECK(kvr_size(&responses[i], &size) == KVR_OK);
        CHECK(kvr_encode_flat(&responses[i], expected + total, ROOM - total, &written) == KVR_OK);
        CHECK(written == size);
        kvr_encode_header(&responses[i], header);
        CHECK(memcmp(header, expected + total, sizeof(header)) == 0);
        total += size;
    }
    return total;
}

/* References are taken if the option is understood as the header says. */
static void use(const char *name, size_t threshold, int references)
{
    static unsigned char expected[ROOM], bytes[ROOM];
    struct kvr_response responses[RESPONSES];
    struct event_base *base = event_base_new();
    struct bufferevent *bufferevent = bufferevent_socket_new(base, -1, 0);
    struct kvr_options *options = kvr_options_new();
    evbuffer_unfreeze(bufferevent_get_output(bufferevent), 1); /* or nothing can be read from it */
    item = (struct item){.owner = {retain, release}};
    size_t total = describe(responses, expected);

    kvr_options_set_reference_threshold(options, threshold);
    struct kvr_writer *writer = kvr_writer_new(name, options);
    kvr_options_free(options);
    CHECK(writer != NULL);
    CHECK(kvr_write(writer, bufferevent, responses, RESPONSES) == KVR_OK);
    CHECK(item.retained == references);
    CHECK(evbuffer_copyout(bufferevent_get_output(bufferevent), bytes, ROOM) == (ev_ssize_t)total);
    CHECK(memcmp(bytes, expected, total) == 0);
    kvr_writer_free(writer);
    bufferevent_free(bufferevent);
    event_base_loop(base, EVLOOP_NONBLOCK); /* where it is freed at last */
    event_base_free(base);
    CHECK(item.released == references);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    size_t count = (size_t)atoi(argv[1]);
    CHECK(kvr_writer_count() == count);
    CHECK(kvr_writer_get(count) == NULL);
    for (size_t i = 0; i < count; i++) {
        const struct kvr_writer_type *type = kvr_writer_get(i);
        CHECK(kvr_writer_find(kvr_writer_type_name(type)) == type);
        CHECK(strlen(kvr_writer_type_summary(type)) > 0);
        use(kvr_writer_type_name(type), 0, 1);
        use(kvr_writer_type_name(type), 20001, 0);
    }
    CHECK(kvr_writer_find("legacy") == NULL);
    CHECK(kvr_writer_new("legacy", NULL) == NULL);
    CHECK(strcmp(kvr_error_text(KVR_KEY_TOO_LONG), kvr_error_text(KVR_OK)) != 0);
    printf("compiled with %s, runs with %s, %zu writers\n", KVR_VERSION, kvr_version(), count);
    return 0;
}
