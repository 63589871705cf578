#include "net/held.h"

void held_memory_deinit(struct held_memory *memory)
{
    blocks_deinit(&memory->blocks);
}

bool held_memory_has_room(const struct held_memory *memory, size_t size)
{
    return memory->blocks.taken_bytes + sizeof(struct held) + size <= memory->limit;
}

static size_t payload_size(const struct held *held)
{
    return held->kind == HELD_DATA ? held->size : 0;
}

/* In no list yet, nor are its bytes set; NULL if there is no memory. */
static struct held *held_take(struct held_memory *memory, enum held_kind kind, uint32_t size)
{
    size_t payload = kind == HELD_DATA ? size : 0;
    struct held *held = blocks_take(&memory->blocks, sizeof(*held) + payload);
    if (held == NULL) {
        return NULL;
    }
    held->kind = kind;
    held->size = size;
    held->room = (uint32_t)payload;
    memory->payload += payload;
    return held;
}

void held_give(struct held_memory *memory, struct held *held)
{
    memory->payload -= payload_size(held);
    blocks_give(&memory->blocks, held, sizeof(*held) + held->room);
}

static void held_add(struct list_link *place, struct held *held, uint64_t offset,
                     const struct held_label *label)
{
    held->offset = offset;
    held->needs = label->needs;
    held->origin = label->origin;
    held->turn = label->turn;
    held->doubtful = label->doubtful;
    list_insert_behind(place, &held->link);
}

static uint64_t end_before(const struct list_link *list, const struct list_link *place)
{
    return place == list ? 0 : held_end(LIST_MEMBER(place, struct held, link));
}

static uint64_t offset_behind(const struct list_link *list, const struct list_link *place)
{
    return place->next == list ? UINT64_MAX : LIST_MEMBER(place->next, struct held, link)->offset;
}

/* The last place in the list that is at or before `offset`; seldom far from the end. */
static struct list_link *place_of(struct list_link *list, uint64_t offset)
{
    struct list_link *place = list->previous;
    while (place != list && LIST_MEMBER(place, struct held, link)->offset > offset) {
        place = place->previous;
    }
    return place;
}

/* Makes two pieces of one. Returns false if there is no memory. */
static bool split(struct held_memory *memory, struct held *held, uint64_t offset)
{
    uint32_t size = (uint32_t)(offset - held->offset);
    struct held *rest = held_take(memory, HELD_DATA, held->size - size);
    if (rest == NULL) {
        return false;
    }
    memcpy(rest->bytes, held->bytes + size, rest->size);
    memory->payload -= rest->size; /* counted twice now */
    held->size = size;
    rest->offset = offset;
    rest->needs = held->needs;
    rest->origin = held->origin;
    rest->turn = held->turn;
    rest->doubtful = held->doubtful;
    list_insert_behind(&held->link, &rest->link);
    return true;
}

/*
 * Bytes are sent for the first time in their order, and what their sender acknowledges only grows.
 * So no byte needs more than one behind it; where it seems to, it was sent again. Corrects what is
 * at `place` and before it.
 */
static void need_no_more(struct list_link *list, struct list_link *place, uint64_t needs)
{
    for (; place != list; place = place->previous) {
        struct held *held = LIST_MEMBER(place, struct held, link);
        if (held->needs <= needs) {
            return;
        }
        held->needs = needs;
    }
}

static uint64_t needs_behind(const struct list_link *list, const struct list_link *place)
{
    if (place->next == list) {
        return UINT64_MAX;
    }
    const struct held *behind = LIST_MEMBER(place->next, struct held, link);
    return behind->kind == HELD_RST ? UINT64_MAX : behind->needs; /* RST need not acknowledge */
}

/* Makes an end of a piece at `offset`, if it is inside of the one at `place`. Without memory it
 * isn't done, then more bytes than those before share what is decided on them. Returns the number
 * of pieces added. */
static uint32_t part(struct held_memory *memory, struct list_link *place, uint64_t offset)
{
    struct held *held = LIST_MEMBER(place, struct held, link);
    return offset < held_end(held) && split(memory, held, offset) ? 1 : 0;
}

uint32_t held_release(struct held_memory *memory, struct list_link *list, uint64_t offset)
{
    struct list_link *last = place_of(list, offset - 1);
    uint32_t pieces = last == list ? 0 : part(memory, last, offset);
    for (struct list_link *place = last; place != list; place = place->previous) {
        LIST_MEMBER(place, struct held, link)->needs = 0;
    }
    return pieces;
}

/* Bytes in the middle of a piece that was doubtful. Returns the number of pieces added. */
static uint32_t held_replace(struct held_memory *memory, struct held *held, uint64_t offset,
                             struct span bytes)
{
    memcpy(held->bytes + (offset - held->offset), bytes.data, bytes.size);
    uint32_t pieces = part(memory, &held->link, offset + bytes.size);
    if (offset > held->offset && split(memory, held, offset)) {
        held = LIST_MEMBER(held->link.next, struct held, link);
        pieces++;
    }
    held->doubtful = held->offset != offset || held->size != bytes.size; /* without memory */
    return pieces;
}

/* Bytes that are in the piece already. */
static void add_again(struct held_memory *memory, struct held *held, uint64_t offset,
                      struct span bytes, bool doubtful, struct held_added *added)
{
    added->duplicate += bytes.size;
    if (doubtful) {
        return;
    }
    if (held->doubtful) {
        added->pieces += held_replace(memory, held, offset, bytes);
    } else if (memcmp(held->bytes + (offset - held->offset), bytes.data, bytes.size) != 0) {
        added->differing += bytes.size;
    }
}

struct held_added held_add_data(struct held_memory *memory, struct list_link *list, uint64_t offset,
                                struct span bytes, const struct held_label *label)
{
    struct held_added added = {0};
    struct list_link *place = place_of(list, offset);

    while (bytes.size > 0) {
        while (offset_behind(list, place) <= offset) {
            place = place->next;
        }
        uint64_t there = end_before(list, place); /* bytes up to here are in the list */
        uint64_t room = offset_behind(list, place) - offset;
        uint64_t size = there > offset ? there - offset : room;
        size = size < bytes.size ? size : bytes.size;
        if (there > offset) {
            add_again(memory, LIST_MEMBER(place, struct held, link), offset, span_head(bytes, size),
                      label->doubtful, &added);
            if (LIST_MEMBER(place, struct held, link)->needs > label->needs) {
                added.pieces += part(memory, place, offset + size);
                need_no_more(list, place, label->needs);
            }
        } else {
            struct held *held = held_take(memory, HELD_DATA, (uint32_t)size);
            if (held != NULL) {
                memcpy(held->bytes, bytes.data, size);
                held_add(place, held, offset, label);
                added.pieces++;
                need_no_more(list, &held->link, needs_behind(list, &held->link));
                need_no_more(list, place, held->needs);
            } else {
                added.refused += size;
            }
        }
        bytes = span_skip(bytes, size);
        offset += size;
    }
    return added;
}

uint32_t held_add_mark(struct held_memory *memory, struct list_link *list, enum held_kind kind,
                       uint64_t offset, uint32_t size, const struct held_label *label)
{
    struct held *held = held_take(memory, kind, size);
    if (held == NULL) {
        return 0;
    }
    struct list_link *place = place_of(list, offset - 1);
    held_add(place, held, offset, label);
    if (kind != HELD_RST) {
        need_no_more(list, place, label->needs);
    }
    return 1;
}
