/* The mask grammar: what was parsed and printed is the same mask when parsed again. */
#include "check/mask.h"
#include "target.h"

#include <stdlib.h>

void fuzz_begin(void)
{
}

static bool same(const struct mask *a, const struct mask *b)
{
    return a->any_opcode == b->any_opcode && a->opcode == b->opcode && a->field == b->field &&
           a->frame_info == b->frame_info;
}

static void check_stable(const struct mask *mask)
{
    char message[MASK_MESSAGE_SIZE];
    char text[MASK_TEXT_SIZE];
    char again[MASK_TEXT_SIZE];
    struct mask parsed;
    size_t index;
    struct mask_list list = {.masks = mask, .count = 1};
    mask_print(mask, text);
    CHECK(strlen(text) < MASK_TEXT_SIZE - 1); /* not cut */
    CHECK(mask_parse(text, &parsed, message));
    CHECK(same(mask, &parsed));
    CHECK(strcmp(mask_print(&parsed, again), text) == 0);
    CHECK(mask_list_find(&list, mask->opcode, mask->field, mask->frame_info, &index));
    CHECK(mask->any_opcode || !mask_list_find(&list, (uint8_t)(mask->opcode + 1), mask->field,
                                              mask->frame_info, &index));
}

void fuzz_target(const uint8_t *data, size_t size)
{
    char message[MASK_MESSAGE_SIZE] = "";
    struct mask mask;
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (mask_parse(text, &mask, message)) {
        CHECK(!mask.any_opcode || mask.opcode == 0);
        CHECK(mask.frame_info <= 270);
        check_stable(&mask);
    } else {
        CHECK(strlen(message) > 0);
    }
    free(text);
}
