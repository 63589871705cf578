#include "check/compare.h"

#include "mcbp/frame.h"
#include "mcbp/frame_info.h"

#include <stdio.h>

static const char *header_field(bool flex, bool response, size_t offset)
{
    if (offset == 2 || offset == 3) {
        return flex && offset == 2 ? "header.framing_extras_length" : "header.key_length";
    }
    if (offset == 6 || offset == 7) {
        return response ? "header.status" : "header.vbucket";
    }
    static const struct {
        size_t end;
        const char *name;
    } fields[] = {
        {1, "header.magic"},
        {2, "header.opcode"},
        {5, "header.extras_length"},
        {6, "header.datatype"},
        {12, "header.total_body_length"},
        {16, "header.opaque"},
        {24, "header.cas"},
    };
    size_t i = 0;
    while (offset >= fields[i].end) {
        i++;
    }
    return fields[i].name;
}

/* The frame info that lies at `offset` of framing extras. */
static void framing_extras_field(struct span framing_extras, size_t offset,
                                 char field[DIFFERENCE_FIELD_SIZE])
{
    struct span rest = framing_extras;
    struct mcbp_frame_info info;
    size_t end = 0;
    while (mcbp_frame_info_next(&rest, &info)) {
        end += info.bytes.size;
        if (offset < end) {
            snprintf(field, DIFFERENCE_FIELD_SIZE, "frame-info[%u]", info.id);
            return;
        }
    }
    snprintf(field, DIFFERENCE_FIELD_SIZE, "framing_extras+%zu", offset);
}

const char *compare_field_at(struct span bytes, size_t offset, char field[DIFFERENCE_FIELD_SIZE])
{
    struct mcbp_frame frame;
    bool whole = mcbp_frame_parse(bytes, &frame) == MCBP_FRAME;
    if (offset < MCBP_HEADER_SIZE) {
        uint8_t magic = bytes.size > 0 ? bytes.data[0] : MCBP_CLIENT_RESPONSE;
        snprintf(field, DIFFERENCE_FIELD_SIZE, "%s",
                 header_field(mcbp_magic_is_flex(magic), mcbp_magic_is_response(magic), offset));
        return field;
    }
    size_t at = offset - MCBP_HEADER_SIZE;
    if (!whole) {
        snprintf(field, DIFFERENCE_FIELD_SIZE, "body+%zu", at);
    } else if (at < frame.framing_extras.size) {
        framing_extras_field(frame.framing_extras, at, field);
    } else if ((at -= frame.framing_extras.size) < frame.extras.size) {
        snprintf(field, DIFFERENCE_FIELD_SIZE, "extras");
    } else if ((at -= frame.extras.size) < frame.key.size) {
        snprintf(field, DIFFERENCE_FIELD_SIZE, "key+%zu", at);
    } else {
        snprintf(field, DIFFERENCE_FIELD_SIZE, "value+%zu", at - frame.key.size);
    }
    return field;
}

size_t compare_first_difference(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    size_t i = 0;
    while (i < size && a.data[i] == b.data[i]) {
        i++;
    }
    return i;
}

static const size_t NO_MASK = SIZE_MAX;

/* A walk over two frames' fields in the order in which they lie there. */
struct walk {
    const struct mask_list *masks;
    uint8_t opcode;
    struct comparison *comparison;
};

/* A masked field that differs is noted; true means that it need not be compared. */
static bool masked(struct walk *walk, enum mask_field field, uint16_t id, bool differs)
{
    size_t index;
    if (!mask_list_find(walk->masks, walk->opcode, field, id, &index)) {
        return false;
    }
    if (differs) {
        walk->comparison->mask = index;
    }
    return true;
}

/* The next frame info that no mask covers; false at the end. What is not well-formed counts as the
 * frame info it begins like, so that it is compared. */
static bool next_unmasked(struct walk *walk, struct span *rest, struct mcbp_frame_info *info,
                          bool differs)
{
    while (mcbp_frame_info_next(rest, info)) {
        if (!masked(walk, MASK_FRAME_INFO, info->id, differs)) {
            return true;
        }
    }
    if (rest->size > 0) {
        *info = (struct mcbp_frame_info){.bytes = *rest};
        *rest = span_skip(*rest, rest->size);
        return true;
    }
    return false;
}

static bool framing_extras_equal(struct walk *walk, struct span a, struct span b)
{
    struct mcbp_frame_info info_a;
    struct mcbp_frame_info info_b;
    bool differ = !span_equal(a, b);
    for (;;) {
        bool more_a = next_unmasked(walk, &a, &info_a, differ);
        bool more_b = next_unmasked(walk, &b, &info_b, differ);
        if (!more_a && !more_b) {
            return true;
        }
        if (more_a != more_b || !span_equal(info_a.bytes, info_b.bytes)) {
            return false;
        }
    }
}

/* Some frame info is masked, so that there may be framing extras on one side only. */
static bool masks_frame_infos(const struct walk *walk, size_t *index)
{
    for (size_t i = 0; i < walk->masks->count; i++) {
        const struct mask *mask = &walk->masks->masks[i];
        if (mask->field == MASK_FRAME_INFO && (mask->any_opcode || mask->opcode == walk->opcode)) {
            *index = i;
            return true;
        }
    }
    return false;
}

static uint8_t plain_magic(uint8_t magic)
{
    switch (magic) {
    case MCBP_FLEX_CLIENT_REQUEST:
        return MCBP_CLIENT_REQUEST;
    case MCBP_FLEX_CLIENT_RESPONSE:
        return MCBP_CLIENT_RESPONSE;
    default:
        return magic;
    }
}

/* Names the field at `offset` of the reference as the first that differs. */
static bool found(struct walk *walk, const struct mcbp_frame *reference, size_t offset)
{
    walk->comparison->offset = offset;
    compare_field_at(reference->bytes, offset, walk->comparison->field);
    return true;
}

/* The header fields, in order. A length differs if that of an unmasked part does. */
static bool header_differs(struct walk *walk, const struct mcbp_frame *a,
                           const struct mcbp_frame *b, bool framing_extras_equal_unmasked)
{
    const struct mcbp_header *x = &a->header;
    const struct mcbp_header *y = &b->header;
    size_t mask = NO_MASK;
    bool infos_masked = framing_extras_equal_unmasked && masks_frame_infos(walk, &mask);
    /* A flex magic says no more than that there are framing extras; masks may leave none. */
    if (infos_masked ? plain_magic(x->magic) != plain_magic(y->magic) : x->magic != y->magic) {
        return found(walk, a, 0);
    }
    if (x->magic != y->magic && walk->comparison->mask == NO_MASK) {
        walk->comparison->mask = mask; /* framing extras without content on one side only */
    }
    bool value_lengths = a->value.size != b->value.size;
    struct {
        size_t offset;
        bool differs;
        bool can_be_masked;
        enum mask_field field;
    } fields[] = {
        {1, x->opcode != y->opcode, false, 0},
        {2, x->framing_extras_length != y->framing_extras_length && !infos_masked, false, 0},
        {3, x->key_length != y->key_length, true, MASK_KEY},
        {4, x->extras_length != y->extras_length, true, MASK_EXTRAS},
        {5, x->datatype != y->datatype, true, MASK_DATATYPE},
        {6, x->vbucket_or_status != y->vbucket_or_status, false, 0},
        {8, value_lengths, true, MASK_VALUE},
        {12, x->opaque != y->opaque, false, 0},
        {16, x->cas != y->cas, true, MASK_CAS},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].differs &&
            !(fields[i].can_be_masked && masked(walk, fields[i].field, 0, true))) {
            return found(walk, a, fields[i].offset);
        }
    }
    return false;
}

static bool part_differs(struct walk *walk, const struct mcbp_frame *a, enum mask_field field,
                         struct span x, struct span y)
{
    return !span_equal(x, y) && !masked(walk, field, 0, true) &&
           found(walk, a, (size_t)(x.data - a->bytes.data) + compare_first_difference(x, y));
}

/* Walks both frames field by field; true at the first difference that no mask covers. */
static bool frames_differ(struct walk *walk, const struct mcbp_frame *a, const struct mcbp_frame *b)
{
    bool infos = framing_extras_equal(walk, a->framing_extras, b->framing_extras);
    return header_differs(walk, a, b, infos) ||
           (!infos && found(walk, a,
                            MCBP_HEADER_SIZE +
                                compare_first_difference(a->framing_extras, b->framing_extras))) ||
           part_differs(walk, a, MASK_EXTRAS, a->extras, b->extras) ||
           part_differs(walk, a, MASK_KEY, a->key, b->key) ||
           part_differs(walk, a, MASK_VALUE, a->value, b->value);
}

static bool is_whole(struct span bytes, struct mcbp_frame *frame)
{
    return mcbp_frame_parse(bytes, frame) == MCBP_FRAME && frame->bytes.size == bytes.size;
}

enum compared compare_frames(struct span reference, struct span built,
                             const struct mask_list *masks, struct comparison *comparison)
{
    struct mcbp_frame a;
    struct mcbp_frame b;
    if (span_equal(reference, built)) {
        return COMPARED_EQUAL;
    }
    if (!is_whole(reference, &a) || !is_whole(built, &b)) {
        comparison->offset = compare_first_difference(reference, built);
        compare_field_at(reference, comparison->offset, comparison->field);
        return COMPARED_DIFFERENT;
    }
    comparison->mask = NO_MASK;
    struct walk walk = {.masks = masks, .opcode = a.header.opcode, .comparison = comparison};
    return frames_differ(&walk, &a, &b) ? COMPARED_DIFFERENT : COMPARED_EQUAL_MASKED;
}
