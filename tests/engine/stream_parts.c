#include "engine/stream_parts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const KEY_TEXTS[KEYS] = {
    "counter1",
    "counter2",
    "counter3",
    "k",
    "another key",
    "\x01\x80\xff\r\n",
    "thirty characters of plain key",
    "250 bytes: "
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz abcd",
};

static const struct {
    const char *text;
    size_t size;
} NUMBERS[] = {
#define NUMBER(text)                                                                               \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    NUMBER("0"),
    NUMBER("1"),
    NUMBER("9"),
    NUMBER("10"),
    NUMBER("99"),
    NUMBER("007"),
    NUMBER("+3"),
    NUMBER(" 7"),
    NUMBER("\t\n8"),
    NUMBER("5 "),
    NUMBER("5\n"),
    NUMBER("12 34"),
    NUMBER("12\0ab"),
    NUMBER("1x"),
    NUMBER("x"),
    NUMBER(""),
    NUMBER("+"),
    NUMBER("1e3"),
    NUMBER("-5"),
    NUMBER("-9223372036854775809"),
    NUMBER("-18446744073709551615"),
    NUMBER("-18446744073709551616"),
    NUMBER("4294967295"),
    NUMBER("9223372036854775807"),
    NUMBER("9223372036854775808"),
    NUMBER("18446744073709551614"),
    NUMBER("18446744073709551615"),
    NUMBER("18446744073709551616"),
    NUMBER("00000000000000000000000000000000000000012"),
#undef NUMBER
};

/* splitmix64 */
uint32_t stream_random(struct stream *stream, uint32_t below)
{
    uint64_t x = stream->random += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ (x >> 31)) >> 32) % below;
}

bool one_in(struct stream *stream, uint32_t many)
{
    return stream_random(stream, many) == 0;
}

uint32_t random_exptime(struct stream *stream)
{
    enum { MONTH = 60 * 60 * 24 * 30 };
    const uint32_t times[] = {
        0,
        1000,
        MONTH,
        MONTH + 1, /* a Unix time, long ago */
        (uint32_t)stream->now - 10,
        (uint32_t)stream->now + 1000,
        0x7fffffff,
        0x80000000,
        0xfffffffe,
        0xffffffff,
    };
    return one_in(stream, 3) ? times[stream_random(stream, COUNT(times))] : 0;
}

uint64_t random_cas(struct stream *stream, struct span key)
{
    struct engine_item item;
    engine_look(stream->engine, key, stream->now, &item);
    switch (stream_random(stream, 6)) {
    case 0:
        return item.cas;
    case 1:
        return item.cas + 1;
    case 2:
        return one_in(stream, 4) ? UINT64_MAX : 0;
    default:
        return 0;
    }
}

uint64_t random_number(struct stream *stream)
{
    const uint64_t numbers[] = {0, 1, 9, 10, 1000, INT64_MAX, (uint64_t)1 << 63, UINT64_MAX};
    return numbers[stream_random(stream, COUNT(numbers))];
}

struct span text_of(size_t size)
{
    static uint8_t text[(1 << 20) + 4096];
    if (text[0] == 0) {
        for (size_t i = 0; i < sizeof(text); i++) {
            text[i] = (uint8_t)('a' + i % 26);
        }
    }
    assert(size <= sizeof(text));
    return span_of(text, size);
}

struct span key_of(unsigned i)
{
    return span_of(KEY_TEXTS[i], strlen(KEY_TEXTS[i]));
}

/* Such that the item will be just within the limit, or just not; `joined`: with what there is. */
static size_t large_size(struct stream *stream, struct span key, uint32_t flags, bool joined)
{
    size_t size = stream->item_size_max - 59 - key.size - (flags != 0 ? 4 : 0) - 1;
    struct engine_item item;
    engine_look(stream->engine, key, stream->now, &item);
    if (joined && item.knowledge == ENGINE_PRESENT && one_in(stream, 2)) {
        size -= item.value.size < size ? item.value.size : size;
    }
    return size + stream_random(stream, 3);
}

struct span random_value(struct stream *stream, unsigned key, uint32_t flags, bool joined)
{
    static const uint16_t sizes[] = {0, 1, 2, 7, 8, 19, 20, 21, 64, 100, 1000, 4096, 8120, 8140};
    if (one_in(stream, stream->large)) {
        return text_of(large_size(stream, key_of(key), flags, joined));
    }
    if (key < COUNTERS && !one_in(stream, 8)) {
        uint32_t i = stream_random(stream, COUNT(NUMBERS));
        if (stream->later_release && memchr(NUMBERS[i].text, '-', NUMBERS[i].size) != NULL) {
            i = 0;
        }
        return span_of(NUMBERS[i].text, NUMBERS[i].size);
    }
    uint32_t size = sizes[stream_random(stream, COUNT(sizes))];
    return text_of(size + (size > 8000 ? stream_random(stream, 16) : 0));
}

struct span random_stat(struct stream *stream)
{
    static const char *const arguments[] = {
        "",      "settings", "settings too", "reset",      "resettle",     "detail",
        "items", "slabs",    "detail dump",  "detail off", "detail other", "sizes",
        "no",    "items ",   "sizes_disable"};
    size_t count = COUNT(arguments) - (stream->later_release ? 1 : 0);
    const char *argument = arguments[stream_random(stream, (uint32_t)count)];
    return span_of(argument, strlen(argument));
}
