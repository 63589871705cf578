#include "cli/inspect_arguments.h"

#include "cli/arguments.h"
#include "cli/diagnose.h"
#include "cli/dissect_arguments.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { OPCODE = 0x100, KEY, CONNECTION, STATUS, JSON };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Which frames:", 1},
    {"opcode", OPCODE, "NAME", 0, "Only frames of this opcode; may be repeated", 1},
    {"key", KEY, "KEY", 0, "Only frames with this key; KEY* for all that begin so", 1},
    {"connection", CONNECTION, "N", 0, "Only this connection", 1},
    {"status", STATUS, "NAME", 0, "Only responses with this status", 1},
    {NULL, 0, NULL, 0, "What is shown:", 2},
    {"hex", 'x', NULL, 0, "All bytes of each frame", 2},
    {"json", JSON, NULL, 0, "A JSON object a line", 2},
    {0},
};

/* ------------------------------------------------------------------------------------- values */

static bool server_opcode_find(const char *name, uint8_t *opcode)
{
    for (unsigned i = 0; i < 256; i++) {
        char text[MCBP_OPCODE_TEXT_SIZE];
        if (strcasecmp(mcbp_opcode_text(MCBP_SERVER_REQUEST, (uint8_t)i, text), name) == 0) {
            *opcode = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static void add_opcode(const struct argp_state *state, struct frame_filter *filter,
                       const char *name)
{
    struct opcode_choice choice = {.of_client = true, .of_server = name[0] == '0'};
    struct opcode_choice *grown =
        reallocarray(filter->opcodes, filter->opcodes_count + 1, sizeof(*grown));
    if (grown == NULL) {
        argp_failure(state, VERIFY_INTERNAL, ENOMEM, "--opcode");
        return;
    }
    filter->opcodes = grown;
    if (!mcbp_opcode_find(name, &choice.opcode)) {
        choice.of_client = false;
        choice.of_server = true;
        if (!server_opcode_find(name, &choice.opcode)) {
            argp_error(state, "--opcode: there is no opcode '%s'", name);
        }
    }
    grown[filter->opcodes_count++] = choice;
}

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit | 0x20);
    return found == NULL ? -1 : (int)(found - digits);
}

/* One byte of a key as the output has it: \xNN, \" and \\ are understood. */
static const char *read_key_byte(const char *text, uint8_t *byte)
{
    if (text[0] == '\\' && text[1] == 'x') {
        int high = hex_digit(text[2]);
        int low = high < 0 ? -1 : hex_digit(text[3]);
        if (low >= 0) {
            *byte = (uint8_t)(high * 16 + low);
            return text + 4;
        }
    }
    if (text[0] == '\\' && (text[1] == '\\' || text[1] == '"')) {
        text++;
    }
    *byte = (uint8_t)text[0];
    return text + 1;
}

static void set_key(const struct argp_state *state, struct frame_filter *filter, const char *text)
{
    free(filter->key);
    filter->key_size = 0;
    filter->key_is_prefix = false;
    filter->key = malloc(strlen(text) + 1);
    if (filter->key == NULL) {
        argp_failure(state, VERIFY_INTERNAL, ENOMEM, "--key");
        return;
    }
    while (*text != '\0') {
        if (text[0] == '*' && text[1] == '\0') {
            filter->key_is_prefix = true;
            return;
        }
        text = read_key_byte(text, &filter->key[filter->key_size++]);
    }
}

static void set_status(const struct argp_state *state, struct frame_filter *filter,
                       const char *name)
{
    filter->has_status = true;
    if (!mcbp_status_find(name, &filter->status)) {
        argp_error(state, "--status: there is no status '%s'", name);
    }
}

/* ------------------------------------------------------------------------------------ parsing */

static error_t parse_option(int key, char *argument, const struct argp_state *state,
                            struct inspect_arguments *arguments)
{
    switch (key) {
    case OPCODE:
        add_opcode(state, &arguments->filter, argument);
        return 0;
    case KEY:
        set_key(state, &arguments->filter, argument);
        return 0;
    case CONNECTION:
        arguments->filter.connection =
            argument_number(state, "--connection", argument, 1, INT64_MAX);
        return 0;
    case STATUS:
        set_status(state, &arguments->filter, argument);
        return 0;
    case 'x':
        arguments->hex = true;
        return 0;
    case JSON:
        arguments->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t inspect_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct inspect_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->dissect;
        return 0;
    case ARGP_KEY_ARG:
        argument_capture(state, &arguments->inputs, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "missing operand: CAPTURE");
        return 0;
    default:
        return parse_option(key, argument, state, arguments);
    }
}

void inspect_arguments_init(struct inspect_arguments *arguments, int argc, char **argv)
{
    static const struct argp_child children[] = {{&dissect_argp, 0, NULL, 3}, {0}};
    static const struct argp argp = {
        .options = options,
        .parser = inspect_arguments_parse,
        .args_doc = "CAPTURE...",
        .doc = "Prints the conversations and frames in the captures (files, folders, - for "
               "standard input), one line a frame."
               "\vExit status: 0 there were frames, 2 wrong usage, 3 a capture can't be read, 4 a "
               "capture has no frame at all, 70 internal error or output that can't be written.",
        .children = children,
    };
    *arguments = (struct inspect_arguments){0};
    dissect_options_init(&arguments->dissect);
    diagnose_arguments(&argp, argc, argv, 0, arguments);
}

void inspect_arguments_deinit(struct inspect_arguments *arguments)
{
    inputs_deinit(&arguments->inputs);
    free(arguments->filter.opcodes);
    free(arguments->filter.key);
}

/* ----------------------------------------------------------------------------------- matching */

bool frame_filter_is_active(const struct frame_filter *filter)
{
    return filter->opcodes_count > 0 || filter->key != NULL || filter->has_status;
}

static bool opcode_matches(const struct frame_filter *filter, const struct mcbp_header *header)
{
    bool of_server = header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE;
    for (size_t i = 0; i < filter->opcodes_count; i++) {
        const struct opcode_choice *choice = &filter->opcodes[i];
        if (choice->opcode == header->opcode &&
            (of_server ? choice->of_server : choice->of_client)) {
            return true;
        }
    }
    return filter->opcodes_count == 0;
}

static bool key_matches(const struct frame_filter *filter, struct span key)
{
    struct span wanted = span_of(filter->key, filter->key_size);
    if (filter->key == NULL) {
        return true;
    }
    return filter->key_is_prefix
               ? key.size >= wanted.size && span_equal(span_head(key, wanted.size), wanted)
               : span_equal(key, wanted);
}

bool frame_filter_matches(const struct frame_filter *filter, const struct mcbp_frame *frame,
                          struct span key)
{
    const struct mcbp_header *header = &frame->header;
    bool status = !filter->has_status || (mcbp_magic_is_response(header->magic) &&
                                          header->vbucket_or_status == filter->status);
    return status && opcode_matches(filter, header) &&
           (key_matches(filter, frame->key) || key_matches(filter, key));
}
