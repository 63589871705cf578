#include "couchbase/frame_infos.h"

#include "base/endian.h"
#include "mcbp/frame_info.h"

#include <stdio.h>

/* The ids that a request's framing extras may carry. Source: docs/BinaryProtocol.md. */
enum {
    BARRIER = 0,
    DURABILITY = 1,
    DCP_STREAM = 2,
    IMPERSONATE_USER = 4,
    PRESERVE_EXPIRY = 5,
    EXTRA_PRIVILEGE = 6,
    TOKEN = 7,
};

enum { LEVEL_MAJORITY = 1, LEVEL_PERSIST_TO_MAJORITY = 3, TIMEOUT_INFINITE = 0xffff };

/* Statuses and texts are those of parseFrameExtras in daemon/mcbp_validators.cc, and of
 * utilities/durability_spec.cc. */
struct reading {
    const struct frame_infos *allowed;
    struct frame_infos *infos;
    char *fault;
};

static enum mcbp_status fail(const struct reading *reading, enum mcbp_status status,
                             const char *text)
{
    snprintf(reading->fault, FRAME_INFOS_FAULT_SIZE, "%s", text);
    return status;
}

static enum mcbp_status fail_size(const struct reading *reading, const char *text, size_t size)
{
    snprintf(reading->fault, FRAME_INFOS_FAULT_SIZE, "%s%zu", text, size);
    return MCBP_STATUS_INVALID_ARGUMENTS;
}

static enum mcbp_status take_durability(const struct reading *reading, struct span value)
{
    enum mcbp_status invalid = MCBP_STATUS_DURABILITY_INVALID_LEVEL;
    if (value.size != 1 && value.size != 3) {
        return fail_size(reading, "Invalid sized buffer provided: ", value.size);
    }
    uint16_t timeout = value.size == 3 ? read_be16(value.data + 1) : 1;
    if (timeout == 0) {
        return fail(reading, invalid, "Timeout(): Cannot specify bucket default timeout");
    }
    if (timeout == TIMEOUT_INFINITE) {
        return fail(reading, invalid, "Timeout(): Cannot specify an infinite timeout");
    }
    if (value.data[0] < LEVEL_MAJORITY || value.data[0] > LEVEL_PERSIST_TO_MAJORITY) {
        return fail(reading, invalid, "Content represents an invalid requirement specification");
    }
    reading->infos->durable = true;
    return reading->allowed->durable
               ? MCBP_STATUS_SUCCESS
               : fail(reading, MCBP_STATUS_INVALID_ARGUMENTS,
                      "The requested command does not support durability requirements");
}

static enum mcbp_status take_preserve_expiry(const struct reading *reading, struct span value)
{
    if (value.size > 0) {
        return fail(reading, MCBP_STATUS_INVALID_ARGUMENTS, "PreserveTtl should not contain value");
    }
    reading->infos->preserve_expiry = true;
    return reading->allowed->preserve_expiry ? MCBP_STATUS_SUCCESS
                                             : fail(reading, MCBP_STATUS_NOT_SUPPORTED,
                                                    "This command does not support PreserveTtl");
}

/* A barrier changes nothing: requests are executed one by one. */
static enum mcbp_status read_one(const struct reading *reading, const struct mcbp_frame_info *info)
{
    switch (info->id) {
    case BARRIER:
        return info->value.size == 0 ? MCBP_STATUS_SUCCESS
                                     : fail(reading, MCBP_STATUS_INVALID_ARGUMENTS,
                                            "Barrier should not contain value");
    case DURABILITY:
        return take_durability(reading, info->value);
    case PRESERVE_EXPIRY:
        return take_preserve_expiry(reading, info->value);
    case DCP_STREAM:
        return info->value.size == 2
                   ? MCBP_STATUS_SUCCESS
                   : fail_size(reading, "DcpStreamId invalid size:", info->value.size);
    case IMPERSONATE_USER:
    case EXTRA_PRIVILEGE:
    case TOKEN:
        return MCBP_STATUS_NO_ACCESS;
    default:
        return MCBP_STATUS_UNKNOWN_FRAME_INFO;
    }
}

enum mcbp_status frame_infos_read(struct span framing_extras, const struct frame_infos *allowed,
                                  struct frame_infos *infos, char fault[FRAME_INFOS_FAULT_SIZE])
{
    const struct reading reading = {allowed, infos, fault};
    struct mcbp_frame_info info;
    enum mcbp_status status = MCBP_STATUS_SUCCESS;
    *infos = (struct frame_infos){0};
    while (status == MCBP_STATUS_SUCCESS && mcbp_frame_info_next(&framing_extras, &info)) {
        status = read_one(&reading, &info);
    }
    return status == MCBP_STATUS_SUCCESS && framing_extras.size > 0
               ? fail(&reading, MCBP_STATUS_INVALID_ARGUMENTS, "Invalid encoding in FrameExtras")
               : status;
}
