#include "cli/report_arguments.h"

#include "cli/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MASK = 0x600, MAX_PENDING, REQUIRE_COMPARED, MAX_LOSS, SHOW, JSON, JUNIT, COLOR };

static const char *const form_options[] = {[REPORT_JSON] = "--json", [REPORT_JUNIT] = "--junit"};

_Static_assert(sizeof(form_options) / sizeof(form_options[0]) == REPORT_FORMS,
               "every form of a report has an option");

enum { SHOW_MAX = 1 << 20, SHOW_DEFAULT = 10 };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is accepted, and what is enough:", 1},
    {"mask", MASK, "MASK", 0, "Accept differences in OPCODE:FIELD; may be repeated", 1},
    {"require-compared", REQUIRE_COMPARED, "N", 0,
     "Fail (exit 4) unless N frames of a capture were compared (default 1)", 1},
    {"max-loss", MAX_LOSS, "N", 0,
     "Fail (exit 4) if more than N bytes are missing from a capture (default 0; any: never)", 1},
    {"max-pending", MAX_PENDING, "SIZE", 0,
     "Memory for requests that wait for their answers (default 32m)", 1},

    {NULL, 0, NULL, 0, "What is shown:", 2},
    {"show", SHOW, "N", 0, "Differences shown in full (default 10)", 2},
    {"json", JSON, "FILE", 0, "Write a report in JSON; - is standard output, instead of text", 2},
    {"junit", JUNIT, "FILE", 0, "Write a report in JUnit's XML; - as above", 2},
    {"quiet", 'q', NULL, 0, "Only what is wrong, and the verdict", 2},
    {"verbose", 'v', NULL, 0, "Also opcodes and statuses", 2},
    {"color", COLOR, "WHEN", 0, "auto (default), always, never", 2},
    {0},
};

static void add_mask(const struct argp_state *state, struct report_arguments *arguments,
                     const char *text)
{
    struct mask_list *list = &arguments->options->masks;
    struct mask *masks = reallocarray(arguments->masks, list->count + 1, sizeof(*arguments->masks));
    char message[MASK_MESSAGE_SIZE];
    if (masks == NULL) {
        argp_failure(state, VERIFY_INTERNAL, errno, "--mask");
        return;
    }
    arguments->masks = masks;
    list->masks = masks;
    if (mask_parse(text, &masks[list->count], message)) {
        list->count++;
    } else {
        argp_error(state, "--mask: %s", message);
    }
}

static void add_form(const struct argp_state *state, struct report_arguments *arguments,
                     enum report_form form, const char *path)
{
    arguments->files[form] = argument_report(state, form_options[form], path);
}

static enum color_when color_of(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {
        [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never", NULL};
    return (enum color_when)argument_word(state, "--color", text, words);
}

static error_t parse_accepted(int key, char *argument, const struct argp_state *state,
                              struct verify_options *verify)
{
    switch (key) {
    case MAX_PENDING:
        verify->pending_bytes_max =
            argument_size(state, "--max-pending", argument, 1024, 1ull << 40);
        return 0;
    case REQUIRE_COMPARED:
        verify->require_compared =
            argument_number(state, "--require-compared", argument, 0, INT64_MAX);
        return 0;
    case MAX_LOSS:
        verify->max_loss = strcmp(argument, "any") == 0
                               ? UINT64_MAX
                               : argument_number(state, "--max-loss", argument, 0, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t report_arguments_check_whole(const struct argp_state *state,
                                            const struct report_arguments *arguments)
{
    if (arguments->quiet && arguments->verbose) {
        argp_error(state, "--quiet and --verbose are mutually exclusive");
    }
    for (int i = 0; i < REPORT_FORMS; i++) {
        for (int k = i + 1; k < REPORT_FORMS; k++) {
            argument_keep_output(state, form_options[i], arguments->files[i], form_options[k],
                                 arguments->files[k]);
        }
    }
    return 0;
}

static error_t report_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct report_arguments *arguments = state->input;
    switch (key) {
    case MASK:
        add_mask(state, arguments, argument);
        return 0;
    case SHOW:
        arguments->show = argument_number(state, "--show", argument, 0, SHOW_MAX);
        return 0;
    case JSON:
        add_form(state, arguments, REPORT_JSON, argument);
        return 0;
    case JUNIT:
        add_form(state, arguments, REPORT_JUNIT, argument);
        return 0;
    case 'q':
        arguments->quiet = true;
        return 0;
    case 'v':
        arguments->verbose = true;
        return 0;
    case COLOR:
        arguments->color = color_of(state, argument);
        return 0;
    case ARGP_KEY_SUCCESS:
        return report_arguments_check_whole(state, arguments);
    default:
        return parse_accepted(key, argument, state, arguments->options);
    }
}

const struct argp report_argp = {.options = options, .parser = report_arguments_parse};

void report_arguments_init(struct report_arguments *arguments, struct verify_options *verify)
{
    *arguments = (struct report_arguments){.options = verify, .show = SHOW_DEFAULT};
}

void report_arguments_keep(const struct argp_state *state, const struct report_arguments *arguments,
                           const char *input)
{
    for (int i = 0; i < REPORT_FORMS; i++) {
        argument_keep_input(state, form_options[i], arguments->files[i], input);
    }
}

void report_arguments_keep_all(const struct argp_state *state,
                               const struct report_arguments *arguments,
                               const struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        report_arguments_keep(state, arguments, inputs->inputs[i].path);
    }
}

void report_arguments_deinit(struct report_arguments *arguments)
{
    free(arguments->masks);
}
