#include "mcbp/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct status_row {
    uint16_t number;
    const char *name;
    const char *error_body;
};

#define STATUS_ROW(name, number, text) {number, #name, text},
static const struct status_row statuses[] = {MCBP_STATUSES(STATUS_ROW)};
#undef STATUS_ROW

static const struct status_row *status_find(uint16_t status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].number == status) {
            return &statuses[i];
        }
    }
    return NULL;
}

const char *mcbp_status_text(uint16_t status, char text[MCBP_STATUS_TEXT_SIZE])
{
    const struct status_row *row = status_find(status);
    if (row != NULL) {
        return row->name;
    }
    snprintf(text, MCBP_STATUS_TEXT_SIZE, "0x%04x", status);
    return text;
}

static bool find_name(const char *text, uint16_t *status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (strcasecmp(statuses[i].name, text) == 0) {
            *status = statuses[i].number;
            return true;
        }
    }
    return false;
}

bool mcbp_status_find(const char *text, uint16_t *status)
{
    bool is_number = text[0] >= '0' && text[0] <= '9'; /* no name begins like that */
    if (!is_number && find_name(text, status)) {
        return true;
    }
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || number > UINT16_MAX) {
        return false;
    }
    *status = (uint16_t)number;
    return true;
}

const char *mcbp_status_error_body(uint16_t status)
{
    const struct status_row *row = status_find(status);
    return row != NULL ? row->error_body : NULL;
}

#define NO_MEMORY_LATE "Out of memory during read"
const char *const MCBP_STATUS_NO_MEMORY_LATE = NO_MEMORY_LATE;

bool mcbp_status_is_no_memory_body(const void *text, size_t size)
{
    static const char *const bodies[] = {
        "Out of memory",
        "Out of memory allocating item",
        "Out of memory allocating new item",
        "Out of memory incrementing value",
        NO_MEMORY_LATE,
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (size == strlen(bodies[i]) && memcmp(text, bodies[i], size) == 0) {
            return true;
        }
    }
    return false;
}
