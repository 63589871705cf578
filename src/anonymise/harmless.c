#include "anonymise/harmless.h"

#include "dissect/boundary.h"
#include "dissect/udp.h"

enum { UDP_HEADER_FIELDS = 6 /* bytes before the reserved field, which may hold anything */ };

static void harmless_keep(struct harmless_keeper *self, uint64_t stream, uint64_t offset,
                          struct span bytes)
{
    struct stream_bytes same = {stream, offset, bytes.data, bytes.data, bytes.size};
    self->unplaced |= bytes.size > 0 && !places_write(self->places, &same, &self->bytes);
}

/* ---------------------------------------------------------------------------------- openings */

/* The fewest bytes by which another protocol is known: a word of a list, or TLS's version. */
static size_t known_by(struct span opening)
{
    const struct span none = span_of(NULL, 0);
    for (size_t size = 1; size <= opening.size; size++) {
        struct span word = span_head(opening, size);
        if (boundary_other_protocol(word, none) != OTHER_UNKNOWN ||
            boundary_other_protocol(none, word) != OTHER_UNKNOWN) {
            return size;
        }
    }
    return 0;
}

/* Adds bytes that go on where the opening ends, and keeps the first word once it is one that is
 * known. */
static void keep_opening(struct harmless_keeper *self, struct harmless_opening *opening,
                         const struct dissect_range *range, struct span bytes)
{
    if (opening->size == 0) {
        opening->range = *range;
    }
    size_t room = sizeof(opening->bytes) - opening->size;
    size_t size = bytes.size < room ? bytes.size : room;
    if (opening->known || range->offset != opening->range.offset + opening->size) {
        return;
    }
    memcpy(opening->bytes + opening->size, bytes.data, size);
    opening->size += size;
    struct span word = span_of(opening->bytes, opening->size);
    word = span_head(word, known_by(word));
    opening->known = word.size > 0;
    harmless_keep(self, opening->range.stream, opening->range.offset, word);
}

/* Of datagrams only the first tells, whoever sent it: framing looks there, too. */
static void keep_opening_of_datagram(struct harmless_keeper *self, struct harmless *harmless,
                                     const struct dissect_range *range, struct span bytes)
{
    struct dissect_range inner = {range->stream, UDP_HEADER_SIZE, 0};
    struct harmless_opening *opening = &harmless->openings[0];
    if (!opening->known && bytes.size > UDP_HEADER_SIZE) {
        keep_opening(self, opening, &inner, span_skip(bytes, UDP_HEADER_SIZE));
    }
    opening->known = true;
}

static void keep_datagram_header(struct harmless_keeper *self, uint64_t stream, struct span bytes)
{
    struct udp_header header;
    if (udp_read_header(bytes, &header)) {
        size_t size = header.reserved == 0 ? UDP_HEADER_SIZE : UDP_HEADER_FIELDS;
        harmless_keep(self, stream, 0, span_head(bytes, size));
    }
}

void harmless_data(struct harmless_keeper *self, struct harmless *harmless, bool is_mcbp,
                   const struct dissect_conversation *conversation,
                   const struct dissect_range *range, struct span bytes)
{
    bool udp = conversation->protocol == NET_UDP;
    if (udp && is_mcbp) {
        keep_datagram_header(self, range->stream, bytes);
    } else if (udp) {
        keep_opening_of_datagram(self, harmless, range, bytes);
    } else if (!is_mcbp) {
        keep_opening(self, &harmless->openings[range->stream & 1], range, bytes);
    }
}

/* ----------------------------------------------------------------------------------- headers */

static struct harmless_side *side_of(struct harmless *harmless,
                                     const struct dissect_conversation *conversation,
                                     const struct dissect_frame *frame)
{
    return &harmless->sides[conversation->streams[frame->role].number & 1];
}

static void note_asked(struct harmless_asked *asked, const struct dissect_range *range,
                       struct span bytes)
{
    memcpy(asked->header, bytes.data, sizeof(asked->header));
    asked->range = *range;
    asked->known = true;
}

void harmless_frame(struct harmless *harmless, const struct dissect_conversation *conversation,
                    const struct dissect_frame *frame)
{
    if (frame->role == FROM_CLIENT && frame->at == 0) {
        note_asked(&harmless->asked, &(struct dissect_range){0}, frame->frame.bytes);
    }
    side_of(harmless, conversation, frame)->expected = frame->at + frame->frame.bytes.size;
}

/* A header has been found that no frame has, at the beginning of `bytes`. */
static void note_header(struct harmless_side *side, uint64_t at, struct span bytes)
{
    enum { FORM_SIZE = 12 }; /* all of a header but opaque and CAS */
    struct mcbp_frame frame;
    mcbp_frame_parse(bytes, &frame);
    side->header_to = at + FORM_SIZE;
    side->ends[side->ends_count++ % HARMLESS_ENDS] = at + frame.bytes.size;
}

static bool is_end(const struct harmless_side *side, uint64_t at)
{
    bool found = false;
    for (unsigned i = 0; i < HARMLESS_ENDS; i++) {
        found |= side->ends[i] == at;
    }
    return found;
}

typedef bool is_header(struct span bytes, size_t frame_max);

/*
 * Whether the byte is one by which framing decides how to go on: of what looks like a header and
 * turns out to be none, or one that a header could begin with, where the stream has to go on with
 * one, or would behind such a frame.
 */
static bool is_decisive(struct harmless_side *side, uint64_t at, struct span bytes,
                        size_t frame_max, is_header *looks_like_header)
{
    bool magic = mcbp_magic_is_known(bytes.data[0]);
    if (magic && looks_like_header(bytes, frame_max)) {
        note_header(side, at, bytes);
    }
    return at < side->header_to || (magic && (at == side->expected || is_end(side, at)));
}

/* Keeps those of the first `size` bytes by which framing decides. */
static void keep_decisive(struct harmless_keeper *self, struct harmless_side *side,
                          const struct dissect_stream *stream, uint64_t at, size_t size,
                          struct span bytes, is_header *looks_like_header)
{
    for (size_t i = 0; i < size && i < bytes.size; i++) {
        struct span rest = span_skip(bytes, i);
        if (is_decisive(side, at + i, rest, self->frame_max, looks_like_header)) {
            harmless_keep(self, stream->number, at + i + stream->shift, span_head(rest, 1));
        }
    }
}

static void keep_opcode_and_opaque(struct harmless_keeper *self, const struct dissect_range *range,
                                   const uint8_t *header)
{
    const size_t opcode = 1;
    const size_t opaque = 12;
    harmless_keep(self, range->stream, range->offset + opcode, span_of(header + opcode, 1));
    harmless_keep(self, range->stream, range->offset + opaque, span_of(header + opaque, 4));
}

/* Where neither side begins with a frame, framing compares what the server begins with and what the
 * client asked. */
static void keep_echo(struct harmless_keeper *self, struct harmless_asked *asked,
                      const struct dissect_stream *stream, enum dissect_role role,
                      struct span bytes)
{
    struct dissect_range range = {stream->number, stream->shift, MCBP_HEADER_SIZE};
    if (role == FROM_CLIENT && bytes.size >= MCBP_HEADER_SIZE) {
        note_asked(asked, &range, bytes);
    } else if (asked->known &&
               boundary_is_echo(span_of(asked->header, sizeof(asked->header)), bytes)) {
        keep_opcode_and_opaque(self, &range, bytes.data);
        if (asked->range.size > 0) {
            keep_opcode_and_opaque(self, &asked->range, asked->header);
        }
    }
}

void harmless_skipped(struct harmless_keeper *self, struct harmless *harmless,
                      const struct dissect_conversation *conversation, enum dissect_role role,
                      uint64_t at, size_t size, struct span bytes)
{
    const struct dissect_stream *stream = &conversation->streams[role];
    struct harmless_side *side = &harmless->sides[stream->number & 1];
    if (at == 0 && conversation->from_start) {
        keep_echo(self, &harmless->asked, stream, role, bytes);
    }
    keep_decisive(self, side, stream, at, size, bytes, boundary_formed);
}

/* Its header says no more than others do. Frames within it say that the header lies. */
void harmless_unfinished(struct harmless_keeper *self, struct harmless *harmless,
                         const struct dissect_conversation *conversation,
                         const struct dissect_frame *frame)
{
    struct span bytes = frame->frame.bytes;
    size_t size = bytes.size < MCBP_HEADER_SIZE ? bytes.size : MCBP_HEADER_SIZE;
    self->unplaced |= !places_write_frame(self->places, frame, bytes.data, 0, size, &self->bytes);
    if (conversation->protocol == NET_TCP && boundary_chain(bytes, self->frame_max)) {
        struct span rest = span_skip(bytes, size);
        keep_decisive(self, side_of(harmless, conversation, frame),
                      &conversation->streams[frame->role], frame->at + size, rest.size, rest,
                      boundary_plausible);
    }
}
