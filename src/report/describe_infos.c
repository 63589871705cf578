#include "mcbp/duration.h"
#include "mcbp/frame_info.h"
#include "report/describe_parts.h"

static void describe_durability(struct fields *fields, const struct mcbp_frame_info *info)
{
    struct mcbp_durability durability;
    if (!mcbp_frame_info_durability(info, &durability)) {
        return;
    }
    const char *level = mcbp_durability_level_name(durability.level);
    if (level != NULL) {
        fields_word(fields, "durability", level);
    } else {
        fields_number(fields, "durability", durability.level);
    }
    if (durability.has_timeout) {
        fields_number(fields, "durability_timeout_ms", durability.timeout);
    }
}

static void describe_info_number(struct fields *fields, const char *name,
                                 const struct mcbp_frame_info *info)
{
    uint16_t number;
    if (mcbp_frame_info_number(info, &number)) {
        fields_number(fields, name, number);
    }
}

static void describe_request_info(struct fields *fields, const struct mcbp_frame_info *info)
{
    switch (info->id) {
    case MCBP_FRAME_INFO_BARRIER:
        fields_is(fields, "barrier");
        break;
    case MCBP_FRAME_INFO_DURABILITY:
        describe_durability(fields, info);
        break;
    case MCBP_FRAME_INFO_DCP_STREAM_ID:
        describe_info_number(fields, "dcp_stream_id", info);
        break;
    case MCBP_FRAME_INFO_IMPERSONATE:
        fields_bytes(fields, "impersonate", info->value);
        break;
    case MCBP_FRAME_INFO_PRESERVE_TTL:
        fields_is(fields, "preserve_ttl");
        break;
    case MCBP_FRAME_INFO_EXTRA_PRIVILEGE:
        fields_bytes(fields, "extra_privilege", info->value);
        break;
    case MCBP_FRAME_INFO_TOKEN_ID:
        describe_info_number(fields, "token_id", info);
        break;
    default:
        break;
    }
}

static void describe_response_info(struct fields *fields, const struct mcbp_frame_info *info)
{
    uint16_t number;
    if (!mcbp_frame_info_number(info, &number)) {
        return;
    }
    switch (info->id) {
    case MCBP_FRAME_INFO_DURATION:
        fields_number(fields, "duration_us", mcbp_duration_decode(number));
        break;
    case MCBP_FRAME_INFO_READ_UNITS:
        fields_number(fields, "read_units", number);
        break;
    case MCBP_FRAME_INFO_WRITE_UNITS:
        fields_number(fields, "write_units", number);
        break;
    case MCBP_FRAME_INFO_THROTTLE:
        fields_number(fields, "throttle_us", mcbp_duration_decode(number));
        break;
    default:
        break;
    }
}

void describe_infos(struct fields *fields, const struct mcbp_frame *frame)
{
    bool response = mcbp_magic_is_response(frame->header.magic);
    struct span rest = frame->framing_extras;
    struct mcbp_frame_info info;
    uint32_t seen = 0; /* each is told once: JSON has no two fields of one name */
    while (mcbp_frame_info_next(&rest, &info)) {
        bool again = info.id >= 32 || (seen >> info.id & 1) != 0;
        seen |= info.id < 32 ? UINT32_C(1) << info.id : 0;
        if (again) {
            continue;
        }
        if (response) {
            describe_response_info(fields, &info);
        } else {
            describe_request_info(fields, &info);
        }
    }
}
