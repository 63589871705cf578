#include "cli/dissect_arguments.h"

#include "capture/filter.h"
#include "cli/arguments.h"

enum { PORT = 0x200, FILTER, FRAME_MAX, MAX_CONNECTIONS, MAX_HELD };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is read:", 0},
    {"port", PORT, "N", 0, "Only conversations with port N at either end", 0},
    {"filter", FILTER, "BPF", 0, "Only packets that match, as tcpdump(1) takes it", 0},
    {"frame-max", FRAME_MAX, "SIZE", 0, "Longest frame that is accepted (default 32m)", 0},
    {"max-connections", MAX_CONNECTIONS, "N", 0,
     "Connections followed at the same time (default 16384)", 0},
    {"max-held", MAX_HELD, "SIZE", 0,
     "Memory for segments and fragments that are out of order (default 16m)", 0},
    {0},
};

/* Whether it suits a capture is known when that is opened. */
static const char *check_filter(const struct argp_state *state, const char *filter)
{
    char problem[FILTER_PROBLEM_SIZE];
    if (!filter_check(filter, problem)) {
        argp_error(state, "--filter: %s", problem);
    }
    return filter;
}

static error_t dissect_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct dissect_options *dissect = state->input;
    switch (key) {
    case PORT:
        dissect->port = (uint16_t)argument_number(state, "--port", argument, 1, UINT16_MAX);
        return 0;
    case FILTER:
        dissect->filter = check_filter(state, argument);
        return 0;
    case FRAME_MAX:
        dissect->frame_max = argument_size(state, "--frame-max", argument, 1024, UINT32_MAX);
        return 0;
    case MAX_CONNECTIONS:
        dissect->conversations_max =
            argument_number(state, "--max-connections", argument, 1, 1 << 24);
        return 0;
    case MAX_HELD:
        dissect->held_bytes_max = argument_size(state, "--max-held", argument, 0, 1ull << 40);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp dissect_argp = {.options = options, .parser = dissect_arguments_parse};
