#include "anonymise/pieces.h"

#include <stdlib.h>

enum {
    WAITING_MAX = 64 * 1024, /* fragments; the oldest half makes room */
    HEADERS_MAX = 1024,      /* bytes of a datagram in which its transport's header is looked for */
};

struct waiting {
    struct ip_piece piece;
    struct ip_header ip;
    struct net_endpoint source;
    struct net_endpoint destination;
};

struct pieces {
    struct waiting *waiting;
    size_t count;
    size_t room;
};

struct pieces *pieces_create(void)
{
    return calloc(1, sizeof(struct pieces));
}

void pieces_destroy(struct pieces *self)
{
    if (self != NULL) {
        free(self->waiting);
        free(self);
    }
}

static bool make_room(struct pieces *self)
{
    if (self->count == WAITING_MAX) {
        self->count = WAITING_MAX / 2;
        memmove(self->waiting, self->waiting + WAITING_MAX / 2,
                WAITING_MAX / 2 * sizeof(*self->waiting));
    }
    if (self->count == self->room) {
        size_t room = self->room == 0 ? 16 : 2 * self->room;
        struct waiting *grown = reallocarray(self->waiting, room, sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        self->waiting = grown;
        self->room = room;
    }
    return true;
}

bool pieces_add(struct pieces *self, const struct layout *layout, uint64_t file_at)
{
    if (!make_room(self)) {
        return false;
    }
    self->waiting[self->count++] = (struct waiting){
        .piece = {.offset = layout->ip.offset,
                  .size = layout->captured,
                  .file_at = file_at + layout->transport},
        .ip = layout->ip,
        .source = layout->source,
        .destination = layout->destination,
    };
    return true;
}

static bool is_of(const struct waiting *waiting, const struct layout *layout)
{
    return waiting->ip.id == layout->ip.id && waiting->source.family == layout->source.family &&
           (layout->source.family == 6 || waiting->ip.protocol == layout->ip.protocol) &&
           memcmp(waiting->source.address, layout->source.address, 16) == 0 &&
           memcmp(waiting->destination.address, layout->destination.address, 16) == 0;
}

void ip_datagram_read(const struct ip_datagram *datagram, const uint8_t *file, uint32_t from,
                      uint8_t *out, uint32_t size)
{
    uint64_t end = (uint64_t)from + size;
    for (size_t i = datagram->count; i-- > 0;) { /* the first to come is the last to be copied */
        const struct ip_piece *piece = &datagram->pieces[i];
        uint64_t piece_end = (uint64_t)piece->offset + piece->size;
        uint64_t begin = piece->offset > from ? piece->offset : from;
        uint64_t stop = piece_end < end ? piece_end : end;
        if (begin < stop) {
            memcpy(out + (begin - from), file + piece->file_at + (begin - piece->offset),
                   stop - begin);
        }
    }
}

/* How many bytes of the datagram, from its first on, are in the file. */
static uint32_t in_a_row(const struct ip_datagram *datagram)
{
    bool went_on = true;
    uint32_t captured = 0;
    while (went_on) {
        went_on = false;
        for (size_t i = 0; i < datagram->count; i++) {
            const struct ip_piece *piece = &datagram->pieces[i];
            uint32_t end = piece->offset + piece->size;
            if (piece->offset <= captured && end > captured) {
                captured = end;
                went_on = true;
            }
        }
    }
    return captured;
}

static void find_headers(struct ip_datagram *datagram, const uint8_t *file, uint32_t captured)
{
    uint8_t bytes[HEADERS_MAX] = {0};
    uint32_t size = captured < HEADERS_MAX ? captured : HEADERS_MAX;
    uint32_t cut = 0;
    ip_datagram_read(datagram, file, 0, bytes, size);
    struct wire wire = {.bytes = span_of(bytes, size), .length = size};
    struct ip_header header = {.protocol = datagram->protocol};
    if (ip_strip_extensions(&wire, &header, &cut) == NET_SEGMENT) {
        datagram->protocol = header.protocol;
        datagram->transport = (uint32_t)(wire.bytes.data - bytes);
        datagram->payload =
            datagram->transport + layout_transport_header(wire.bytes, header.protocol);
    }
}

bool pieces_take(struct pieces *self, const struct layout *last, const uint8_t *file,
                 struct ip_datagram *datagram)
{
    size_t kept = 0;
    uint32_t length = 0;
    *datagram = (struct ip_datagram){
        .protocol = last->ip.protocol,
        .source = last->source,
        .destination = last->destination,
        .pieces = calloc(self->count > 0 ? self->count : 1, sizeof(struct ip_piece)),
    };
    if (datagram->pieces == NULL) {
        return false;
    }
    for (size_t i = 0; i < self->count; i++) {
        const struct waiting *waiting = &self->waiting[i];
        if (!is_of(waiting, last)) {
            self->waiting[kept++] = *waiting;
            continue;
        }
        datagram->pieces[datagram->count++] = waiting->piece;
        if (waiting->ip.offset == 0) {
            datagram->protocol = waiting->ip.protocol;
        }
        if (!waiting->ip.more) {
            length = waiting->piece.offset + waiting->piece.size;
        }
    }
    self->count = kept;
    uint32_t captured = in_a_row(datagram);
    datagram->length = length;
    datagram->captured = captured >= length;
    find_headers(datagram, file, captured);
    return true;
}
