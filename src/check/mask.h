/*
 * Masks: what of a response may differ between two honest runs.
 *
 *     mask   = opcode ":" field
 *     opcode = "*" / name ("GETQ", in any case) / number ("0x3a")
 *     field  = "cas" / "datatype" / "extras" / "key" / "value" / "frame-info[" id "]"
 *
 * A masked field may differ in content and length; the lengths in the header that follow from it
 * are then compared without it. Opcode, magic, status, opaque and the lengths of what is not masked
 * can't be masked.
 */
#ifndef KVREPLAY_CHECK_MASK_H
#define KVREPLAY_CHECK_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mask_field {
    MASK_CAS,
    MASK_DATATYPE,
    MASK_EXTRAS,
    MASK_KEY,
    MASK_VALUE,
    MASK_FRAME_INFO,
};
enum { MASK_FIELDS = MASK_FRAME_INFO + 1 };

struct mask {
    bool any_opcode;
    uint8_t opcode; /* unless any_opcode */
    enum mask_field field;
    uint16_t frame_info; /* the id, if field is MASK_FRAME_INFO */
};

enum { MASK_TEXT_SIZE = 64, MASK_MESSAGE_SIZE = 160 };

/* False: `text` is not a mask, and `message` says why. */
bool mask_parse(const char *text, struct mask *mask, char message[MASK_MESSAGE_SIZE]);

/* Writes the mask as mask_parse reads it, in its one canonical form. Returns `text`. */
const char *mask_print(const struct mask *mask, char text[MASK_TEXT_SIZE]);

struct mask_list {
    const struct mask *masks;
    size_t count;
};

/* Finds the mask that covers a field of an opcode's responses. */
bool mask_list_find(const struct mask_list *list, uint8_t opcode, enum mask_field field,
                    uint16_t frame_info, size_t *index);

#endif
