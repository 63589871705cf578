#include "mcbp/datatype.h"

#include "mcbp/frame.h"

#include <stdio.h>

const char *mcbp_datatype_text(uint8_t datatype, char text[MCBP_DATATYPE_TEXT_SIZE])
{
    static const char *const names[] = {"JSON", "SNAPPY", "XATTR"}; /* from bit 0 on */
    const unsigned known = MCBP_DATATYPE_JSON | MCBP_DATATYPE_SNAPPY | MCBP_DATATYPE_XATTR;
    size_t at = 0;
    for (unsigned bit = 0; bit < sizeof(names) / sizeof(names[0]); bit++) {
        if ((datatype >> bit & 1) != 0) {
            at += (size_t)snprintf(text + at, MCBP_DATATYPE_TEXT_SIZE - at, "%s%s",
                                   at > 0 ? "|" : "", names[bit]);
        }
    }
    if ((datatype & ~known) != 0) {
        snprintf(text + at, MCBP_DATATYPE_TEXT_SIZE - at, "%s0x%02x", at > 0 ? "|" : "",
                 datatype & ~known);
    } else if (at == 0) {
        snprintf(text, MCBP_DATATYPE_TEXT_SIZE, "RAW");
    }
    return text;
}
