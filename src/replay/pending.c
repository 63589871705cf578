#include "replay/pending.h"

#include "mcbp/opcode.h"

#include <stdlib.h>

enum { ROOM_MIN = 8 };

void pending_release(struct pending *entry, struct blocks *blocks)
{
    blocks_give(blocks, (void *)entry->frame.bytes.data, entry->frame.bytes.size);
    entry->frame.bytes.data = NULL;
}

void pending_queue_deinit(struct pending_queue *queue, struct blocks *blocks)
{
    for (size_t i = 0; i < queue->count; i++) {
        pending_release(pending_queue_at(queue, i), blocks);
    }
    free(queue->entries);
    *queue = (struct pending_queue){0};
}

static bool pending_make_room(struct pending_queue *queue)
{
    if (queue->head + queue->count < queue->room) {
        return true;
    }
    if (queue->head > queue->room / 2) {
        memmove(queue->entries, queue->entries + queue->head,
                queue->count * sizeof(*queue->entries));
        queue->head = 0;
        return true;
    }
    size_t room = queue->room < ROOM_MIN ? ROOM_MIN : queue->room * 2;
    struct pending *entries = reallocarray(queue->entries, room, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    queue->entries = entries;
    queue->room = room;
    return true;
}

bool pending_copy(struct pending *copy, const struct pending *entry, struct blocks *blocks)
{
    struct span bytes = entry->frame.bytes;
    uint8_t *room = blocks_take(blocks, bytes.size);
    if (room == NULL) {
        return false;
    }
    memcpy(room, bytes.data, bytes.size);
    *copy = *entry;
    copy->frame = mcbp_frame_in_copy(&entry->frame, room);
    return true;
}

struct pending *pending_queue_push(struct pending_queue *queue, struct blocks *blocks,
                                   const struct dissect_frame *request)
{
    struct span bytes = request->frame.bytes;
    uint8_t *copy = pending_make_room(queue) ? blocks_take(blocks, bytes.size) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, bytes.data, bytes.size);
    struct pending *entry = pending_queue_at(queue, queue->count++);
    *entry = (struct pending){
        .frame = mcbp_frame_in_copy(&request->frame, copy),
        .origin = request->origin,
        .opaque = request->frame.header.opaque,
        .request_id = request->request_id,
        .magic = request->frame.header.magic,
        .opcode = request->frame.header.opcode,
        .bad_lengths = request->bad_lengths,
    };
    return entry;
}

void pending_queue_take(struct pending_queue *queue, size_t index, struct pending *entry)
{
    *entry = *pending_queue_at(queue, index);
    queue->count--;
    if (index == 0) {
        queue->head = queue->count == 0 ? 0 : queue->head + 1;
    } else {
        memmove(pending_queue_at(queue, index), pending_queue_at(queue, index + 1),
                (queue->count - index) * sizeof(*entry));
    }
}

void pending_queue_put_back(struct pending_queue *queue, size_t index, const struct pending *entry)
{
    if (index == 0 && queue->head > 0) {
        queue->head--;
    } else {
        memmove(pending_queue_at(queue, index + 1), pending_queue_at(queue, index),
                (queue->count - index) * sizeof(*entry));
    }
    *pending_queue_at(queue, index) = *entry;
    queue->count++;
}

bool pending_is_quiet(const struct pending *entry)
{
    return mcbp_opcode_is_quiet(entry->opcode) && !entry->bad_lengths;
}
