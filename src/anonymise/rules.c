#include "anonymise/rules.h"

#include "anonymise/commands.h"
#include "anonymise/json.h"
#include "anonymise/statistics.h"
#include "anonymise/substitute.h"
#include "mcbp/form.h"
#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <stdlib.h>

enum {
    TEXT_MAX = 64,       /* bytes of the longest text that is compared with a list */
    NUMBER_INFO_MAX = 3, /* durability: a level, and a time limit of 16 bits */
    ARITHMETIC = 16,     /* bytes of delta and initial value in INCREMENT's extras */
    COUNTER_SIZE = 8,    /* of the answer to INCREMENT */
};

/* -------------------------------------------------------------------------- harmless texts */

static bool rules_is_one_of(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(text, span_of(list[i], strlen(list[i])))) {
            return true;
        }
    }
    return false;
}

#define IS_ONE_OF(text, list) rules_is_one_of(text, list, sizeof(list) / sizeof((list)[0]))

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
    return mcbp_status_is_no_memory_body(text.data, text.size);
}

/* Registered names of SASL mechanisms that servers of this protocol know. */
static bool rules_is_mechanism(struct span text)
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
        if (!rules_is_mechanism(span_head(text, size))) {
            return false;
        }
        text = span_skip(text, space == NULL ? size : size + 1);
    }
    return true;
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

static bool rules_is_servers(const struct state *state)
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
    return !rules_is_servers(state) && mcbp_opcode_counts(state->opcode);
}

static enum part_class replace_extras(const struct state *state, uint8_t *bytes)
{
    size_t size = state->frame->frame.extras.size;
    if (!mcbp_form_has_extras(&state->frame->frame.header)) {
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
    return state->response && !rules_is_servers(state) && state->opcode == MCBP_STAT &&
           state->conversation->stat_asked && !state->conversation->stat_private &&
           statistics_is_name(state->frame->frame.key, state->conversation->stat_sizes);
}

static bool is_harmless_key(const struct state *state)
{
    struct span key = state->frame->frame.key;
    if (rules_is_servers(state)) {
        return false;
    }
    switch (state->opcode) {
    case MCBP_STAT:
        return state->response ? is_own_statistic(state) : statistics_is_group(key);
    case MCBP_SASL_AUTH:
    case MCBP_SASL_STEP:
        return rules_is_mechanism(key);
    default:
        return false;
    }
}

static enum part_class replace_key(const struct state *state, uint8_t *bytes)
{
    if (is_harmless_key(state)) {
        return PART_TEXT;
    }
    const struct language *language = &state->conversation->language;
    struct span key = state->frame->frame.key;
    if (!language->couchbase || commands_replace_key(&state->rules->knowledge->keys, state->frame,
                                                     bytes) == COMMANDS_UNKNOWN) {
        size_t prefix = language_prefix_size(language, state->frame->frame.header.opcode, key);
        keys_replace(&state->rules->knowledge->keys, bytes + prefix, key.size - prefix);
    }
    return PART_KEY;
}

/* Both sides of HELLO: two bytes for each feature, of which 0x01 to 0x26 are assigned. */
static bool is_features(struct span value)
{
    enum { FEATURE_MAX = MCBP_FEATURE_DCP_SKIP_DELETES_IN_INITIAL_BACKFILL };
    for (size_t i = 0; i + 1 < value.size; i += 2) {
        if (value.data[i] != 0 || value.data[i + 1] > FEATURE_MAX) {
            return false;
        }
    }
    return value.size % 2 == 0 && value.size <= 2 * FEATURE_MAX;
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
        return is_own_statistic(state) && statistics_is_value(value);
    default:
        return false;
    }
}

static bool is_counted(const struct state *state)
{
    return state->about.counter && !state->rules->replace_counters && !rules_is_servers(state);
}

/* The new value of a counter. */
static bool rules_is_count(const struct state *state)
{
    return is_arithmetic(state) && !state->rules->replace_counters && state->response &&
           state->frame->frame.value.size == COUNTER_SIZE &&
           state->frame->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS;
}

/* Returns the number of bytes that are kept. */
static size_t replace_piece(const struct state *state, uint8_t *bytes, size_t size)
{
    if (is_counted(state)) {
        return substitute_counter(state->rules->secret, bytes, size);
    }
    substitute_value(state->rules->secret, bytes, size);
    return 0;
}

/* What a piece has become. */
struct replaced {
    bool counted;
    size_t kept;
    uint8_t bytes[];
};

/* A value that grows has the same pieces again and again. `beside`: where what they became is kept,
 * NULL: nowhere. */
static size_t replace_again(const struct state *state, uint8_t *bytes, size_t size, void **beside)
{
    struct replaced *replaced = beside == NULL ? NULL : *beside;
    bool counted = is_counted(state);
    if (replaced != NULL && replaced->counted == counted) {
        memcpy(bytes, replaced->bytes, size);
        return replaced->kept;
    }
    size_t kept = replace_piece(state, bytes, size);
    if (beside != NULL && replaced == NULL) {
        *beside = replaced = malloc(sizeof(*replaced) + size);
    }
    if (replaced != NULL) {
        replaced->counted = counted;
        replaced->kept = kept;
        memcpy(replaced->bytes, bytes, size);
    }
    return kept;
}

/* The same piece becomes the same in each value of the key. Returns the number of bytes kept. */
static size_t replace_pieces(const struct state *state, uint8_t *bytes, size_t size)
{
    size_t kept = 0;
    while (size > 0) {
        void **beside;
        size_t piece =
            knowledge_piece(state->rules->knowledge, &state->about, span_of(bytes, size), &beside);
        kept += replace_again(state, bytes, piece, beside);
        bytes += piece;
        size -= piece;
    }
    return kept;
}

/* What SASL says becomes letters that don't depend on it: of passwords not even which are equal. */
static void replace_credentials(const struct state *state, uint8_t *bytes)
{
    static const uint64_t stream_of_credentials = UINT64_C(1) << 62; /* + the packet's number */
    const struct dissect_frame *frame = state->frame;
    substitute_unknown(state->rules->secret, stream_of_credentials + frame->origin.packet,
                       frame->at, bytes, frame->frame.value.size);
}

static bool rules_is_sasl(const struct state *state)
{
    return !rules_is_servers(state) &&
           (state->opcode == MCBP_SASL_AUTH || state->opcode == MCBP_SASL_STEP);
}

/* ------------------------------------------------------------------------- Couchbase's dialect */

/* What is no JSON stays none. */
static void replace_opaque(void *context, uint8_t *bytes, size_t size)
{
    const struct state *state = context;
    if (state->about.joined) {
        replace_pieces(state, bytes, size);
        return;
    }
    do {
        replace_piece(state, bytes, size);
    } while (json_is(span_of(bytes, size)) && !secret_failed(state->rules->secret));
}

static struct body_manner manner_of(struct state *state)
{
    const struct about *about = &state->about;
    return (struct body_manner){
        .secret = state->rules->secret,
        .alphabet = about->alphabet,
        .keeps_numbers = about->counts_within && !state->rules->replace_counters,
        .keeps_macros = about->has_macros,
        .sums = &state->rules->knowledge->sums,
        .context = state,
        .opaque = replace_opaque,
    };
}

static void rules_replace_document(const struct state *state,
                                   const struct language_document *document, uint8_t *bytes)
{
    struct state own = *state;
    struct span value = state->frame->frame.value;
    if (document->key.size > 0) {
        own.about = knowledge_about_key(state->rules->knowledge, document->key);
        keys_replace(&state->rules->knowledge->keys, bytes + (document->key.data - value.data),
                     document->key.size);
    } else if (state->response && state->opcode == MCBP_GET_RANDOM_KEY) {
        struct span key = state->frame->frame.key;
        size_t prefix = language_prefix_size(&state->conversation->language, state->opcode, key);
        own.about = knowledge_about_key(state->rules->knowledge, span_skip(key, prefix));
    }
    const struct body_manner manner = manner_of(&own);
    if (!body_replace(&manner, document->datatype, bytes + document->at, document->size)) {
        state->rules->knowledge->no_memory = true;
    }
}

/* False: there is no document in the value, or it ends in the middle of one. */
static bool replace_documents(const struct state *state, uint8_t *bytes)
{
    struct language_document document;
    size_t at = 0;
    while (language_next_document(state->frame, &at, &document)) {
        rules_replace_document(state, &document, bytes);
    }
    size_t size = state->frame->frame.value.size;
    if (at > 0 && at < size) {
        substitute_value(state->rules->secret, bytes + at, size - at);
    }
    return at > 0;
}

/* False: there is no rule of the dialect's for the value. */
static bool replace_couchbases(struct state *state, uint8_t *bytes)
{
    const struct body_manner manner = manner_of(state);
    const struct commands_value value = {&manner, &state->conversation->language, state->frame,
                                         &state->rules->knowledge->keys, state->about.results};
    return state->conversation->language.couchbase &&
           (replace_documents(state, bytes) ||
            commands_replace_value(&value, bytes) != COMMANDS_UNKNOWN);
}

static enum part_class class_of_replaced(const struct state *state, const uint8_t *bytes)
{
    struct span value = state->frame->frame.value;
    bool kept = value.size > 0 && memcmp(bytes, value.data, value.size) == 0;
    return !kept ? PART_VALUE : is_counted(state) ? PART_COUNTER : PART_TEXT;
}

static enum part_class replace_value(struct state *state, uint8_t *bytes)
{
    if (state->response && !rules_is_servers(state) && is_harmless_answer(state)) {
        return PART_TEXT;
    }
    if (!rules_is_servers(state) && state->opcode == MCBP_HELLO &&
        is_features(state->frame->frame.value)) {
        return PART_TEXT;
    }
    if (rules_is_sasl(state)) {
        replace_credentials(state, bytes);
        return PART_VALUE;
    }
    if (rules_is_count(state)) {
        return PART_COUNTER;
    }
    if (replace_couchbases(state, bytes)) {
        return class_of_replaced(state, bytes);
    }
    size_t size = state->frame->frame.value.size;
    return replace_pieces(state, bytes, size) == size && size > 0 ? PART_COUNTER : PART_VALUE;
}

static void note_stat(const struct state *state)
{
    if (!state->response && !rules_is_servers(state) && state->opcode == MCBP_STAT) {
        bool own = statistics_is_group(state->frame->frame.key);
        state->conversation->stat_asked |= own;
        state->conversation->stat_private |= !own;
        state->conversation->stat_sizes |= statistics_is_group_of_sizes(state->frame->frame.key);
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
    state.about =
        knowledge_about(rules->knowledge, &conversation->asked, &conversation->language, frame);
    note_stat(&state);
    bytes += MCBP_HEADER_SIZE;
    parts[1] = (struct frame_part){replace_framing(&state, bytes), fields->framing_extras.size};
    bytes += fields->framing_extras.size;
    parts[2] = (struct frame_part){replace_extras(&state, bytes), fields->extras.size};
    bytes += fields->extras.size;
    parts[3] = (struct frame_part){replace_key(&state, bytes), fields->key.size};
    bytes += fields->key.size;
    parts[4] = (struct frame_part){replace_value(&state, bytes), fields->value.size};
    if (rules->knowledge->sums.learning && conversation->language.couchbase) {
        const struct asked_subject subject = {.document = state.about.document,
                                              .results = state.about.results};
        sums_note(&rules->knowledge->sums, &subject, frame, span_of(bytes, fields->value.size));
    }
}
