/*
 * The parts of describe.h.
 */
#ifndef KVREPLAY_REPORT_DESCRIBE_PARTS_H
#define KVREPLAY_REPORT_DESCRIBE_PARTS_H

#include "mcbp/feature.h"
#include "mcbp/frame.h"
#include "report/fields.h"

/* A bit and its name; the last of an array has none. */
struct describe_bit {
    uint32_t bit;
    const char *name;
};

/* "MKDIR_P|XATTR", and bits without a name as a number; "0" for none. */
void describe_bits(struct fields *fields, const char *name, uint32_t bits,
                   const struct describe_bit *names);

/* The name of a number in an array that ends with one without; NULL if it is not there. */
const char *describe_name(uint32_t number, const struct describe_bit *names);

void describe_datatype(struct fields *fields, const char *name, uint8_t datatype);

enum { DESCRIBE_UUID_SIZE = 16 };

/* Of a scan: 32 hexadecimal digits. */
void describe_uuid(struct fields *fields, const char *name, const uint8_t *uuid);

/* The flags of a snapshot marker. */
void describe_snapshot(struct fields *fields, uint32_t flags);

/* Frame infos, extras, value. */
void describe_infos(struct fields *fields, const struct mcbp_frame *frame);
void describe_extras(struct fields *fields, const struct mcbp_frame *frame);
void describe_value(struct fields *fields, const struct mcbp_frame *frame,
                    mcbp_feature_set features);

/* Values of some opcodes. False: it is of none of these. */
bool describe_subdoc(struct fields *fields, const struct mcbp_frame *frame);
bool describe_scan(struct fields *fields, const struct mcbp_frame *frame);

#endif
