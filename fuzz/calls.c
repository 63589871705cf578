#include "calls.h"

#include "sink.h"
#include "writer/hostile.h"

enum { TAIL_MAX = 5000, SMALL_THRESHOLD = 16, TOTAL_MAX = 1 << 18 };

/* What is left below the total may be one frame more. */
static uint8_t frames[TOTAL_MAX + FRAME_MAX];

void calls_take(struct calls *calls, struct span input)
{
    size_t total = 0;
    calls->state = take_8(&input) % HOSTILE_STATES;
    uint8_t options = take_8(&input);
    calls->threshold = (options & 0x02) != 0   ? SIZE_MAX
                       : (options & 0x01) != 0 ? SMALL_THRESHOLD
                                               : 0;
    calls->tail = take_16(&input) % TAIL_MAX;
    calls->refuse = take_16(&input);
    calls->refuse_rest = (options & 0x80) != 0;
    take_16(&input);
    calls->again = false;
    calls->count = 0;
    while (input.size > 0 && calls->count < DESCRIPTIONS_MAX && total < TOTAL_MAX) {
        struct counting_owner *owner = &calls->owners[calls->count];
        *owner = (struct counting_owner){.retained = 0};
        struct description *description = &calls->descriptions[calls->count++];
        *description = description_take(&input, owner);
        size_t size = description->impossible
                          ? 0
                          : description_encode(description, frames + total, sizeof(frames) - total);
        calls->frames[calls->count - 1] = span_of(frames + total, size);
        total += size;
    }
}

size_t calls_next(const struct calls *calls, size_t first, struct kvr_response *responses,
                  bool *impossible)
{
    size_t count = 0;
    *impossible = false;
    while (first + count < calls->count) {
        const struct description *description = &calls->descriptions[first + count];
        if (count > 0 && description->begins_call) {
            break;
        }
        *impossible = *impossible || description->impossible;
        responses[count++] = description->response;
    }
    return count;
}

UNCOUNTED void calls_expect(const struct calls *calls, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        size_t room;
        uint8_t *out = sink_room(&room);
        CHECK(calls->frames[i].size > 0 && calls->frames[i].size <= room);
        if (!calls->again) {
            memcpy(out, calls->frames[i].data, calls->frames[i].size);
        }
        sink_expect(calls->frames[i].size);
    }
}

UNCOUNTED void calls_check_owners(const struct calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        CHECK(calls->owners[i].retained == calls->owners[i].released);
    }
}
