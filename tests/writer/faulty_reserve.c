#include "faulty_reserve.h"

#include "response/encode.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_SIZE = 128 * 1024 };

/* A copy of `size` bytes to `offset` of the two extents taken together. */
typedef void (*copy_across)(const struct evbuffer_iovec *extents, size_t offset,
                            const uint8_t *bytes, size_t size);

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Adds the first extent's length to the offset in the second one instead of taking it off. The
 * bounds check is wrong in the same way and keeps silent; what would go beyond the extent is cut.
 */
static void copy_with_wrong_offset(const struct evbuffer_iovec *extents, size_t offset,
                                   const uint8_t *bytes, size_t size)
{
    size_t head = offset < extents[0].iov_len ? smaller(size, extents[0].iov_len - offset) : 0;
    memcpy((uint8_t *)extents[0].iov_base + offset, bytes, head);
    size_t second = offset + head + extents[0].iov_len;
    if (head < size && second < extents[1].iov_len) {
        memcpy((uint8_t *)extents[1].iov_base + second, bytes + head,
               smaller(size - head, extents[1].iov_len - second));
    }
}

static void copy_right(const struct evbuffer_iovec *extents, size_t offset, const uint8_t *bytes,
                       size_t size)
{
    size_t head = offset < extents[0].iov_len ? smaller(size, extents[0].iov_len - offset) : 0;
    memcpy((uint8_t *)extents[0].iov_base + offset, bytes, head);
    if (head < size) {
        memcpy((uint8_t *)extents[1].iov_base + (offset + head - extents[0].iov_len), bytes + head,
               size - head);
    }
}

/* For the writer without a lock: the others get their chance before the commit. */
static void copy_at_leisure(const struct evbuffer_iovec *extents, size_t offset,
                            const uint8_t *bytes, size_t size)
{
    copy_right(extents, offset, bytes, size);
}

/* Reserves, copies the flat frame, and commits the extents that are in use, or just one of them. */
static enum kvr_error reserve_flat(struct evbuffer *output, const struct kvr_response *response,
                                   copy_across copy, int commit_max)
{
    size_t size;
    enum kvr_error error = kvr_size(response, &size);
    uint8_t *frame = error == KVR_OK ? malloc(size) : NULL;
    if (frame == NULL) {
        return error == KVR_OK ? KVR_NO_MEMORY : error;
    }
    kvr_encode_flat(response, frame, size, &size);
    struct evbuffer_iovec extents[2];
    int count = evbuffer_reserve_space(output, (ev_ssize_t)size, extents, 2);
    if (count > 0) {
        for (int i = 0; i < count; i++) {
            memset(extents[i].iov_base, 0xEE, extents[i].iov_len);
        }
        copy(extents, 0, frame, size);
        if (copy == copy_at_leisure) {
            sched_yield(); /* a race that shows once in a thousand times is no good for a test */
        }
        size_t head = smaller(size, extents[0].iov_len);
        count = head < size ? 2 : 1;
        extents[0].iov_len = head;
        extents[1].iov_len = size - head;
        count = evbuffer_commit_space(output, extents, count < commit_max ? count : commit_max);
    }
    free(frame);
    return count < 0 ? KVR_BUFFER_REFUSED : KVR_OK;
}

static enum kvr_error reserve_each(struct bufferevent *bufferevent,
                                   const struct kvr_response *responses, size_t count, bool locked,
                                   copy_across copy, int commit_max)
{
    enum kvr_error error = KVR_OK;
    struct evbuffer *output = bufferevent_get_output(bufferevent);
    if (locked) {
        evbuffer_lock(output);
    }
    for (size_t i = 0; i < count && error == KVR_OK; i++) {
        error = reserve_flat(output, &responses[i], copy, commit_max);
    }
    if (locked) {
        evbuffer_unlock(output);
    }
    return error;
}

enum kvr_error second_extent_write(void *state, struct bufferevent *bufferevent,
                                   const struct kvr_response *responses, size_t count)
{
    (void)state;
    return reserve_each(bufferevent, responses, count, true, copy_with_wrong_offset, 2);
}

enum kvr_error first_extent_only_write(void *state, struct bufferevent *bufferevent,
                                       const struct kvr_response *responses, size_t count)
{
    (void)state;
    return reserve_each(bufferevent, responses, count, true, copy_right, 1);
}

enum kvr_error no_lock_write(void *state, struct bufferevent *bufferevent,
                             const struct kvr_response *responses, size_t count)
{
    (void)state;
    return reserve_each(bufferevent, responses, count, false, copy_at_leisure, 2);
}

enum kvr_error reversed_batch_write(void *state, struct bufferevent *bufferevent,
                                    const struct kvr_response *responses, size_t count)
{
    (void)state;
    enum kvr_error error = KVR_OK;
    for (size_t i = count; i > 0 && error == KVR_OK; i--) {
        error = reserve_each(bufferevent, &responses[i - 1], 1, true, copy_right, 2);
    }
    return error;
}

/* No check of lengths, and the key's is narrowed by a cast. */
static enum kvr_error write_through(struct bufferevent *bufferevent, uint8_t *scratch,
                                    const struct kvr_response *response)
{
    size_t key_size = response->key_size;
    struct kvr_response narrowed = *response;
    if (response_is_flex(response)) {
        narrowed.key_size = (uint8_t)key_size;
    }
    response_encode_header(&narrowed, scratch);
    size_t size = KVR_HEADER_SIZE;
    const void *parts[] = {response->framing_extras, response->extras, response->key,
                           response->value};
    const size_t sizes[] = {response->framing_extras_size, response->extras_size, key_size,
                            response->value_size};
    for (int i = 0; i < 4; i++) {
        if (sizes[i] > SCRATCH_SIZE - size) {
            return KVR_NO_ROOM;
        }
        if (sizes[i] > 0) {
            memcpy(scratch + size, parts[i], sizes[i]);
        }
        size += sizes[i];
    }
    sched_yield(); /* shared_scratch: see copy_at_leisure */
    return bufferevent_write(bufferevent, scratch, size) < 0 ? KVR_NO_MEMORY : KVR_OK;
}

enum kvr_error key_unchecked_write(void *state, struct bufferevent *bufferevent,
                                   const struct kvr_response *responses, size_t count)
{
    (void)state;
    uint8_t *scratch = malloc(SCRATCH_SIZE);
    enum kvr_error error = scratch == NULL ? KVR_NO_MEMORY : KVR_OK;
    for (size_t i = 0; i < count && error == KVR_OK; i++) {
        error = write_through(bufferevent, scratch, &responses[i]);
    }
    free(scratch);
    return error;
}

enum kvr_error shared_scratch_write(void *state, struct bufferevent *bufferevent,
                                    const struct kvr_response *responses, size_t count)
{
    static uint8_t scratch[SCRATCH_SIZE];
    (void)state;
    enum kvr_error error = KVR_OK;
    for (size_t i = 0; i < count && error == KVR_OK; i++) {
        error = write_through(bufferevent, scratch, &responses[i]);
    }
    return error;
}
