/*
 * The command line of inspect.
 */
#ifndef KVREPLAY_CLI_INSPECT_ARGUMENTS_H
#define KVREPLAY_CLI_INSPECT_ARGUMENTS_H

#include "cli/inputs.h"
#include "dissect/dissect.h"

struct opcode_choice {
    uint8_t opcode;
    bool of_client; /* as the opcodes of magic 0x80 are called */
    bool of_server; /* as those of magic 0x82 are */
};

/* Which frames are shown. */
struct frame_filter {
    struct opcode_choice *opcodes;
    size_t opcodes_count; /* 0: any */
    uint8_t *key;         /* NULL: any */
    size_t key_size;
    bool key_is_prefix;
    bool has_status;
    uint16_t status;
    uint64_t connection; /* 0: any */
};

struct inspect_arguments {
    struct dissect_options dissect;
    struct frame_filter filter;
    struct inputs inputs;
    bool hex;
    bool json;
};

/* Exits on --help and wrong usage. */
void inspect_arguments_init(struct inspect_arguments *arguments, int argc, char **argv);
void inspect_arguments_deinit(struct inspect_arguments *arguments);

/* True if the filter looks at frames, so that what happens between them is left out. */
bool frame_filter_is_active(const struct frame_filter *filter);

/* `key`: the frame's, or what of it is behind a collection's number; either may be asked for. */
bool frame_filter_matches(const struct frame_filter *filter, const struct mcbp_frame *frame,
                          struct span key);

#endif
