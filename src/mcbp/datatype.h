/*
 * The datatype of a header (enum mcbp_datatype) as text.
 */
#ifndef KVREPLAY_MCBP_DATATYPE_H
#define KVREPLAY_MCBP_DATATYPE_H

#include <stdint.h>

enum { MCBP_DATATYPE_TEXT_SIZE = 32 };

/* "JSON|SNAPPY", "RAW" for none, "JSON|0x80" with bits that have no name. Returns `text`. */
const char *mcbp_datatype_text(uint8_t datatype, char text[MCBP_DATATYPE_TEXT_SIZE]);

#endif
