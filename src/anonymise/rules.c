#include "anonymise/rules.h"

#include "anonymise/extras.h"
#include "anonymise/substitute.h"
#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

enum {
    NUMBER_MAX = 20,     /* bytes of the longest number that memcached counts with */
    TEXT_MAX = 64,       /* bytes of the longest text that is compared with a list */
    NUMBER_INFO_MAX = 3, /* durability: a level, and a time limit of 16 bits */
    ARITHMETIC = 16,     /* bytes of delta and initial value in INCREMENT's extras */
    COUNTER_SIZE = 8,    /* of the answer to INCREMENT */
};

/* -------------------------------------------------------------------------- harmless texts */

static bool is_one_of(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(text, span_of(list[i], strlen(list[i])))) {
            return true;
        }
    }
    return false;
}

#define IS_ONE_OF(text, list) is_one_of(text, list, sizeof(list) / sizeof((list)[0]))

static bool consists_of(struct span text, const char *characters)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\0' || strchr(characters, text.data[i]) == NULL) {
            return false;
        }
    }
    return text.size <= TEXT_MAX;
}

static bool is_error_body(struct span text)
{
    for (uint16_t status = 0; status <= UINT8_MAX; status++) {
        const char *body = mcbp_status_error_body(status);
        if (body != NULL && span_equal(text, span_of(body, strlen(body)))) {
            return true;
        }
    }
    return false;
}

/* Registered names of SASL mechanisms that servers of this protocol know. */
static bool is_mechanism(struct span text)
{
    static const char *const mechanisms[] = {
        "PLAIN",     "CRAM-MD5", "DIGEST-MD5",  "SCRAM-SHA1", "SCRAM-SHA256", "SCRAM-SHA512",
        "ANONYMOUS", "EXTERNAL", "OAUTHBEARER", "GSSAPI",     "LOGIN",
    };
    return IS_ONE_OF(text, mechanisms);
}

static bool are_mechanisms(struct span text)
{
    while (text.size > 0) {
        const uint8_t *space = memchr(text.data, ' ', text.size);
        size_t size = space == NULL ? text.size : (size_t)(space - text.data);
        if (!is_mechanism(span_head(text, size))) {
            return false;
        }
        text = span_skip(text, space == NULL ? size : size + 1);
    }
    return true;
}

/* Groups of statistics in which memcached names nothing that is not its own. */
static bool is_own_group(struct span text)
{
    static const char *const groups[] = {
        "",          "settings",     "items",         "slabs",      "reset",       "sizes",
        "detail on", "sizes_enable", "sizes_disable", "detail off", "detail dump",
    };
    return IS_ONE_OF(text, groups);
}

static bool is_statistic_name(struct span text)
{
    return consists_of(text, "abcdefghijklmnopqrstuvwxyz0123456789_:");
}

static bool is_statistic_value(struct span text)
{
    static const char *const words[] = {"yes", "no", "on", "off", "END\r\n", "disabled", "enabled"};
    return consists_of(text, "0123456789.:") || IS_ONE_OF(text, words);
}

/*
 * Digits, and around them only what memcached skips when it reads a number: white space and a plus
 * before them, behind them the spaces that it leaves when a number becomes shorter.
 */
static bool is_number(struct span text)
{
    static const char space[] = " \t\n\v\f\r"; /* and the NUL at its end */
    size_t at = 0;
    while (at < text.size && text.data[at] != '\0' && strchr(space, text.data[at]) != NULL) {
        at++;
    }
    at += at < text.size && text.data[at] == '+';
    size_t digits = at;
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    digits = at - digits;
    while (at < text.size && memchr(space, text.data[at], sizeof(space)) != NULL) {
        at++;
    }
    return digits > 0 && at == text.size && text.size <= NUMBER_MAX;
}

/* ------------------------------------------------------------------------------------- frames */

struct state {
    const struct rules *rules;
    struct rules_conversation *conversation;
    const struct dissect_frame *frame;
    struct about about;
    bool response;
    uint8_t opcode; /* the loud one */
};

static bool is_servers(const struct state *state)
{
    uint8_t magic = state->frame->frame.header.magic;
    return magic == MCBP_SERVER_REQUEST || magic == MCBP_SERVER_RESPONSE;
}

/*
 * Ids whose content is a number of the protocol's. Requests: barrier, durability, DCP stream id,
 * preserve expiry; the others name users and privileges (docs/BinaryProtocol.md of kv_engine).
 */
static bool is_harmless_info(const struct state *state, const struct mcbp_frame_info *info)
{
    if (info->value.size > NUMBER_INFO_MAX) {
        return false;
    }
    if (state->response) {
        return info->id <= MCBP_FRAME_INFO_THROTTLE;
    }
    return info->id <= 2 || info->id == 5;
}

static enum part_class replace_framing(const struct state *state, uint8_t *bytes)
{
    struct span whole = state->frame->frame.framing_extras;
    struct span rest = whole;
    struct mcbp_frame_info info;
    enum part_class class = PART_EXTRAS;
    while (mcbp_frame_info_next(&rest, &info)) {
        if (!is_harmless_info(state, &info) && info.value.size > 0) {
            substitute_value(state->rules->secret, bytes + (info.value.data - whole.data),
                             info.value.size);
            class = PART_OTHER;
        }
    }
    if (rest.size > 0) { /* not well-formed */
        substitute_value(state->rules->secret, bytes + (whole.size - rest.size), rest.size);
        class = PART_OTHER;
    }
    return class;
}

static bool is_arithmetic(const struct state *state)
{
    return !is_servers(state) &&
           (state->opcode == MCBP_INCREMENT || state->opcode == MCBP_DECREMENT);
}

static enum part_class replace_extras(const struct state *state, uint8_t *bytes)
{
    size_t size = state->frame->frame.extras.size;
    if (size > extras_longest(&state->frame->frame.header)) {
        substitute_value(state->rules->secret, bytes, size);
        return PART_OTHER;
    }
    if (is_arithmetic(state) && state->rules->replace_counters && size >= ARITHMETIC) {
        substitute_value(state->rules->secret, bytes, ARITHMETIC);
        return PART_OTHER;
    }
    return PART_EXTRAS;
}

/* Answers to a STAT that asks for memcached's own names only. */
static bool is_own_statistic(const struct state *state)
{
    return state->response && !is_servers(state) && state->opcode == MCBP_STAT &&
           state->conversation->stat_asked && !state->conversation->stat_private &&
           is_statistic_name(state->frame->frame.key);
}

static bool is_harmless_key(const struct state *state)
{
    struct span key = state->frame->frame.key;
    if (is_servers(state)) {
        return false;
    }
    switch (state->opcode) {
    case MCBP_STAT:
        return state->response ? is_own_statistic(state) : is_own_group(key);
    case MCBP_SASL_AUTH:
    case MCBP_SASL_STEP:
        return is_mechanism(key);
    default:
        return false;
    }
}

static enum part_class replace_key(const struct state *state, uint8_t *bytes)
{
    if (is_harmless_key(state)) {
        return PART_TEXT;
    }
    substitute_key(state->rules->secret, bytes, state->frame->frame.key.size);
    return PART_KEY;
}

static bool is_harmless_answer(const struct state *state)
{
    struct span value = state->frame->frame.value;
    if (state->frame->frame.header.vbucket_or_status != MCBP_STATUS_SUCCESS) {
        return is_error_body(value);
    }
    switch (state->opcode) {
    case MCBP_VERSION:
        return consists_of(value, "0123456789.-");
    case MCBP_SASL_LIST_MECHS:
        return are_mechanisms(value);
    case MCBP_STAT:
        return is_own_statistic(state) && is_statistic_value(value);
    default:
        return false;
    }
}

static bool is_counter(const struct state *state)
{
    struct span value = state->frame->frame.value;
    if (state->rules->replace_counters || is_servers(state)) {
        return false;
    }
    if (is_arithmetic(state)) {
        return state->response && value.size == COUNTER_SIZE &&
               state->frame->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    }
    return state->about.counter && is_number(value);
}

static void replace_part(const struct state *state, uint8_t *bytes, size_t size)
{
    bool kept =
        state->about.counter && !state->rules->replace_counters && is_number(span_of(bytes, size));
    if (!kept) {
        substitute_value(state->rules->secret, bytes, size);
    }
}

/*
 * The parts of a value that was put together become what they became when they were apart: numbers
 * among them too.
 */
static void replace_joined(const struct state *state, uint8_t *bytes, size_t size)
{
    const struct names *joins = &state->rules->knowledge->joins;
    uint64_t first;
    while (joins->count > 0 && size > 0) {
        struct name name = name_of(state->rules->secret, SECRET_VALUE_NAME, span_of(bytes, size));
        if (!names_find(joins, &name, &first)) {
            break;
        }
        if (first < size - first) { /* recursion takes the shorter part: it is never deep */
            replace_joined(state, bytes, first);
            bytes += first;
            size -= first;
        } else {
            replace_joined(state, bytes + first, size - first);
            size = first;
        }
    }
    replace_part(state, bytes, size);
}

static enum part_class replace_value(const struct state *state, uint8_t *bytes)
{
    if (state->response && !is_servers(state) && is_harmless_answer(state)) {
        return PART_TEXT;
    }
    if (is_counter(state)) {
        return PART_COUNTER;
    }
    replace_joined(state, bytes, state->frame->frame.value.size);
    return PART_VALUE;
}

static void note_stat(const struct state *state)
{
    if (!state->response && !is_servers(state) && state->opcode == MCBP_STAT) {
        bool own = is_own_group(state->frame->frame.key);
        state->conversation->stat_asked |= own;
        state->conversation->stat_private |= !own;
    }
}

void rules_apply(const struct rules *rules, struct rules_conversation *conversation,
                 const struct dissect_frame *frame, uint8_t *bytes,
                 struct frame_part parts[FRAME_PARTS])
{
    const struct mcbp_frame *fields = &frame->frame;
    struct state state = {
        .rules = rules,
        .conversation = conversation,
        .frame = frame,
        .response = mcbp_magic_is_response(fields->header.magic),
        .opcode = mcbp_opcode_loud(fields->header.opcode),
    };
    memset(parts, 0, FRAME_PARTS * sizeof(*parts));
    parts[0] = (struct frame_part){PART_HEADER, MCBP_HEADER_SIZE};
    if (frame->bad_lengths) {
        return; /* nothing but the header is known */
    }
    state.about = knowledge_about(rules->knowledge, &conversation->asked, frame);
    note_stat(&state);
    bytes += MCBP_HEADER_SIZE;
    parts[1] = (struct frame_part){replace_framing(&state, bytes), fields->framing_extras.size};
    bytes += fields->framing_extras.size;
    parts[2] = (struct frame_part){replace_extras(&state, bytes), fields->extras.size};
    bytes += fields->extras.size;
    parts[3] = (struct frame_part){replace_key(&state, bytes), fields->key.size};
    bytes += fields->key.size;
    parts[4] = (struct frame_part){replace_value(&state, bytes), fields->value.size};
}
