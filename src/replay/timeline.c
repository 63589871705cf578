#include "replay/timeline.h"

void timeline_note(struct timeline *self, uint64_t packet, uint64_t sequence)
{
    uint64_t latest =
        self->count == 0 ? 0 : self->ends[(self->count - 1) % TIMELINE_PACKETS].packet;
    if (packet < latest) {
        return;
    }
    self->count += packet > latest || self->count == 0;
    self->ends[(self->count - 1) % TIMELINE_PACKETS].packet = packet;
    self->ends[(self->count - 1) % TIMELINE_PACKETS].sequence = sequence;
}

uint64_t timeline_sequence(const struct timeline *self, uint64_t packet)
{
    uint64_t known = self->count < TIMELINE_PACKETS ? self->count : TIMELINE_PACKETS;
    uint64_t sequence = 0;
    for (uint64_t i = 1; i <= known; i++) {
        size_t at = (size_t)((self->count - i) % TIMELINE_PACKETS);
        sequence = self->ends[at].sequence;
        if (self->ends[at].packet <= packet) {
            break;
        }
    }
    return sequence;
}
