#include "check/mask.h"

#include "mcbp/frame.h"
#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"

#include <stdio.h>
#include <string.h>

static const char *const field_names[] = {
    [MASK_CAS] = "cas", [MASK_DATATYPE] = "datatype", [MASK_EXTRAS] = "extras",
    [MASK_KEY] = "key", [MASK_VALUE] = "value",       [MASK_FRAME_INFO] = "frame-info",
};
_Static_assert(sizeof(field_names) / sizeof(field_names[0]) == MASK_FIELDS,
               "every field has a name");

static bool parse_field(const char *text, struct mask *mask)
{
    for (size_t i = 0; i < MASK_FIELDS; i++) {
        if (i != MASK_FRAME_INFO && strcmp(text, field_names[i]) == 0) {
            mask->field = (enum mask_field)i;
            return true;
        }
    }
    unsigned id;
    int end = -1;
    if (sscanf(text, "frame-info[%3u]%n", &id, &end) != 1 || end < 0 || text[end] != '\0' ||
        text[strlen("frame-info[")] < '0' || text[strlen("frame-info[")] > '9' ||
        id > MCBP_FRAME_INFO_ID_MAX) {
        return false;
    }
    mask->field = MASK_FRAME_INFO;
    mask->frame_info = (uint16_t)id;
    return true;
}

/* "cas, datatype, ..., frame-info[0 to 254]" */
static void list_fields(char *text, size_t size)
{
    char ids[16];
    size_t length = 0;
    snprintf(ids, sizeof(ids), "[0 to %d]", MCBP_FRAME_INFO_ID_MAX);
    for (size_t i = 0; i < MASK_FIELDS && length < size; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s%s%s", i == 0 ? "" : ", ",
                                   field_names[i], i == MASK_FRAME_INFO ? ids : "");
    }
}

bool mask_parse(const char *text, struct mask *mask, char message[MASK_MESSAGE_SIZE])
{
    char opcode[MCBP_OPCODE_TEXT_SIZE];
    const char *colon = strchr(text, ':');
    *mask = (struct mask){0};
    if (colon == NULL || (size_t)(colon - text) >= sizeof(opcode)) {
        snprintf(message, MASK_MESSAGE_SIZE, "mask '%.40s': expected OPCODE:FIELD, e.g. '*:cas'",
                 text);
        return false;
    }
    memcpy(opcode, text, (size_t)(colon - text));
    opcode[colon - text] = '\0';
    mask->any_opcode = strcmp(opcode, "*") == 0;
    if (!mask->any_opcode && !mcbp_opcode_find(opcode, &mask->opcode)) {
        snprintf(message, MASK_MESSAGE_SIZE, "mask '%.40s': there is no opcode '%s'", text, opcode);
        return false;
    }
    if (!parse_field(colon + 1, mask)) {
        char fields[MASK_MESSAGE_SIZE / 2];
        list_fields(fields, sizeof(fields));
        snprintf(message, MASK_MESSAGE_SIZE, "mask '%.40s': a field is one of %s", text, fields);
        return false;
    }
    return true;
}

const char *mask_print(const struct mask *mask, char text[MASK_TEXT_SIZE])
{
    char number[MCBP_OPCODE_TEXT_SIZE];
    const char *opcode =
        mask->any_opcode ? "*" : mcbp_opcode_text(MCBP_CLIENT_RESPONSE, mask->opcode, number);
    if (mask->field == MASK_FRAME_INFO) {
        snprintf(text, MASK_TEXT_SIZE, "%s:frame-info[%u]", opcode, mask->frame_info);
    } else {
        snprintf(text, MASK_TEXT_SIZE, "%s:%s", opcode, field_names[mask->field]);
    }
    return text;
}

bool mask_list_find(const struct mask_list *list, uint8_t opcode, enum mask_field field,
                    uint16_t frame_info, size_t *index)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct mask *mask = &list->masks[i];
        if (mask->field == field && (mask->any_opcode || mask->opcode == opcode) &&
            (field != MASK_FRAME_INFO || mask->frame_info == frame_info)) {
            *index = i;
            return true;
        }
    }
    return false;
}
