/*
 * Escapes of JSON strings.
 */
#ifndef KVREPLAY_SUBDOC_ESCAPE_H
#define KVREPLAY_SUBDOC_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What may follow a backslash. */
static inline bool subdoc_is_escape(uint8_t byte)
{
    return byte != 0 && strchr("\"\\/bfnrtu", byte) != NULL;
}

#endif
