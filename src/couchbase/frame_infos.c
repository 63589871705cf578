#include "couchbase/frame_infos.h"

#include "base/endian.h"
#include "mcbp/frame_info.h"

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

static enum mcbp_status check_durability(struct span value, const char **fault)
{
    if (value.size != 1 && value.size != 3) {
        *fault = "Durability has 1 or 3 bytes";
        return MCBP_STATUS_INVALID_ARGUMENTS;
    }
    uint16_t timeout = value.size == 3 ? read_be16(value.data + 1) : 1;
    bool valid = value.data[0] >= LEVEL_MAJORITY && value.data[0] <= LEVEL_PERSIST_TO_MAJORITY &&
                 timeout != 0 && timeout != TIMEOUT_INFINITE;
    return valid ? MCBP_STATUS_SUCCESS : MCBP_STATUS_DURABILITY_INVALID_LEVEL;
}

static enum mcbp_status check_empty(struct span value, const char **fault)
{
    *fault = value.size == 0 ? NULL : "The frame info has no value";
    return value.size == 0 ? MCBP_STATUS_SUCCESS : MCBP_STATUS_INVALID_ARGUMENTS;
}

static enum mcbp_status read_one(const struct mcbp_frame_info *info, struct frame_infos *infos,
                                 const char **fault)
{
    switch (info->id) {
    case BARRIER:
        infos->barrier = true;
        return check_empty(info->value, fault);
    case DURABILITY:
        infos->durable = true;
        return check_durability(info->value, fault);
    case PRESERVE_EXPIRY:
        infos->preserve_expiry = true;
        return check_empty(info->value, fault);
    case IMPERSONATE_USER:
    case EXTRA_PRIVILEGE:
    case TOKEN:
        return MCBP_STATUS_NO_ACCESS;
    case DCP_STREAM:
        return MCBP_STATUS_INVALID_ARGUMENTS;
    default:
        return MCBP_STATUS_UNKNOWN_FRAME_INFO;
    }
}

enum mcbp_status frame_infos_read(struct span framing_extras, struct frame_infos *infos,
                                  const char **fault)
{
    struct mcbp_frame_info info;
    enum mcbp_status status = MCBP_STATUS_SUCCESS;
    *infos = (struct frame_infos){0};
    while (status == MCBP_STATUS_SUCCESS && mcbp_frame_info_next(&framing_extras, &info)) {
        status = read_one(&info, infos, fault);
    }
    if (status == MCBP_STATUS_SUCCESS && framing_extras.size > 0) {
        *fault = "Frame infos end too early";
        return MCBP_STATUS_INVALID_ARGUMENTS;
    }
    return status;
}
