/*
 * What others may do to a buffer while somebody builds responses in it. 8 bytes an operation:
 * which one, a detail, a size (16 bits), and what a response written by it has (32 bits). After
 * each, the buffer holds what a plain array does; libevent refuses what it has to refuse, and
 * nothing is ever in it in part.
 */
#include "baseline/all_writers.h"
#include "description.h"
#include "sink.h"
#include "writer/hostile.h"

enum { OPERATION_SIZE = 8, OPERATIONS_MAX = 64, BYTES_MAX = 5000, PATTERN = 1 << 16 };

static uint8_t pattern[PATTERN];

/* A reservation that is not committed yet; its room has been filled with the pattern. */
static struct {
    struct evbuffer_iovec extents[2];
    int count;
    size_t room;
    bool clean;   /* nothing has been done since: commit has to take it */
    bool drained; /* all chunks have been freed since: commit may not take it */
} reserved;

static bool frozen_end;
static bool abandoned; /* a reserved chunk has been left empty */

void fuzz_begin(void)
{
    description_begin();
    sink_begin();
    for (size_t i = 0; i < PATTERN; i++) {
        pattern[i] = (uint8_t)(i * 31 + (i >> 8));
    }
}

static void expect_pattern(size_t size)
{
    size_t room;
    uint8_t *out = sink_room(&room);
    CHECK(size <= room);
    memcpy(out, pattern, size);
    sink_expect(size);
}

static int chunks(void)
{
    return evbuffer_peek(sink_output(), -1, NULL, NULL, 0);
}

/* A chunk in use may have been filled up. If a new one was added, a reserved one behind it has been
 * freed, even if what was added is nothing; and another may come to lie in its place, so that
 * libevent takes a commit of what is not there any more. */
static void note_change(bool new_chunk)
{
    reserved.clean = false;
    if (reserved.drained || new_chunk) {
        reserved.count = 0;
    }
}

static void add(size_t size)
{
    int before = chunks();
    int result = evbuffer_add(sink_output(), pattern, size);
    CHECK((result == 0) == !frozen_end);
    if (result == 0) {
        expect_pattern(size);
        note_change(chunks() > before);
    }
}

static void add_reference(size_t size)
{
    int result = evbuffer_add_reference(sink_output(), pattern, size, NULL, NULL);
    CHECK((result == 0) == !frozen_end);
    if (result == 0) {
        expect_pattern(size);
        note_change(true);
    }
}

static void drain(size_t size)
{
    size_t length = sink_expected();
    size = size < length ? size : length;
    CHECK(evbuffer_drain(sink_output(), size) == 0);
    sink_expect_drained(size);
    reserved.clean = false;
    reserved.drained = reserved.drained || (size == length && size > 0);
}

static void prepend(size_t size)
{
    CHECK(evbuffer_prepend(sink_output(), pattern, size) == 0);
    sink_expect_in_front(pattern, size);
    note_change(false);
}

static void set_frozen(bool frozen)
{
    CHECK((frozen ? evbuffer_freeze : evbuffer_unfreeze)(sink_output(), 0) == 0);
    frozen_end = frozen;
}

static void reserve(size_t size, int extents)
{
    if (size == 0) {
        return; /* libevent aborts (issue 1440): nobody may */
    }
    abandoned = abandoned || reserved.count > 0;
    struct evbuffer_iovec vec[2];
    int count = evbuffer_reserve_space(sink_output(), (ev_ssize_t)size, vec, extents);
    CHECK((count < 0) == frozen_end);
    if (count > 0) {
        reserved.count = count;
        reserved.room = 0;
        for (int i = 0; i < count; i++) {
            reserved.extents[i] = vec[i];
            memcpy(vec[i].iov_base, pattern + reserved.room, vec[i].iov_len);
            reserved.room += vec[i].iov_len;
        }
        CHECK(count <= extents && reserved.room >= size);
        reserved.clean = !abandoned; /* after two abandoned ones a valid commit may be refused */
        reserved.drained = false;
    }
}

/* Cuts the extents to `size` bytes. Returns how many hold any. */
static int trim(struct evbuffer_iovec *vec, size_t size)
{
    int count = 0;
    for (size_t done = 0; done < size; count++) {
        vec[count] = reserved.extents[count];
        vec[count].iov_len = vec[count].iov_len < size - done ? vec[count].iov_len : size - done;
        done += vec[count].iov_len;
    }
    return count;
}

static void commit(size_t size, bool twice)
{
    struct evbuffer_iovec vec[2];
    if (reserved.count == 0 || size == 0) {
        return;
    }
    size = size < reserved.room ? size : reserved.room;
    int count = trim(vec, size);
    int result = evbuffer_commit_space(sink_output(), vec, count);
    abandoned = abandoned || result < 0 || count < reserved.count;
    CHECK(!frozen_end || result < 0);
    CHECK(!reserved.drained || result < 0);
    CHECK(!reserved.clean || frozen_end || result == 0);
    if (result == 0) {
        expect_pattern(size);
        CHECK(!twice || evbuffer_commit_space(sink_output(), vec, count) < 0);
    }
    reserved.count = 0;
}

static void commit_too_much(void)
{
    if (reserved.count > 0 && reserved.clean) {
        struct evbuffer_iovec vec[2] = {reserved.extents[0], reserved.extents[1]};
        vec[reserved.count - 1].iov_len++;
        CHECK(evbuffer_commit_space(sink_output(), vec, reserved.count) < 0);
    }
}

/* Our own writers, in the middle of all this. */
static void write_responses(uint8_t detail, size_t size, uint32_t number)
{
    const struct kvr_writer_type *writer = all_writers[detail % 4];
    struct kvr_response responses[3];
    struct description description = {.response = {.magic = 0x81, .opaque = number}};
    size_t count = 1 + detail / 4 % 3;
    description.response.value = pattern;
    description.response.value_size = size;
    for (size_t i = 0; i < count; i++) {
        responses[i] = description.response;
    }
    enum kvr_error error = writer->write(NULL, sink_bufferevent(), responses, count);
    CHECK(error == (frozen_end ? KVR_BUFFER_REFUSED : KVR_OK));
    for (size_t i = 0; error == KVR_OK && i < count; i++) {
        size_t room;
        uint8_t *out = sink_room(&room);
        sink_expect(description_encode(&description, out, room));
    }
    if (error == KVR_OK) {
        note_change(true);
    }
}

static void run_operation(uint8_t operation, uint8_t detail, size_t size, uint32_t number)
{
    switch (operation % 10) {
    case 0:
        add(size);
        break;
    case 1:
        add_reference(size);
        break;
    case 2:
        drain(detail % 4 == 0 ? SIZE_MAX : size);
        break;
    case 3:
        set_frozen(detail % 2 == 1);
        break;
    case 4:
        prepend(size % 500);
        break;
    case 5:
        reserve(size, 1 + detail % 2);
        break;
    case 6:
        commit(size, detail % 2 == 1);
        break;
    case 7:
        commit_too_much();
        break;
    default:
        write_responses(detail, size, number);
        break;
    }
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    sink_empty();
    frozen_end = false;
    memset(&reserved, 0, sizeof(reserved));
    uint8_t state = take_8(&input);
    size_t tail = take_8(&input);
    CHECK(hostile_make(sink_output(), state % HOSTILE_STATES, tail));
    sink_adopt();
    abandoned = state % HOSTILE_STATES == HOSTILE_ABANDONED;
    take(&input, OPERATION_SIZE - 2);
    for (unsigned i = 0; input.size > 0 && i < OPERATIONS_MAX; i++) {
        uint8_t operation = take_8(&input);
        uint8_t detail = take_8(&input);
        size_t bytes = take_16(&input) % BYTES_MAX;
        run_operation(operation, detail, bytes, take_32(&input));
        sink_check();
    }
    sink_empty();
}
