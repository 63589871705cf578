/*
 * The values of options. What is wrong is said with the option's name and the value, and ends the
 * program with the exit status of wrong usage.
 */
#ifndef KVREPLAY_CLI_ARGUMENTS_H
#define KVREPLAY_CLI_ARGUMENTS_H

#include "cli/inputs.h"

#include <argp.h>
#include <stdint.h>

/* A decimal number. `option` is its name with the dashes. */
uint64_t argument_number(const struct argp_state *state, const char *option, const char *text,
                         uint64_t least, uint64_t most);

/* A number of bytes, with k, m or g (times 1024, in any case) behind it. */
uint64_t argument_size(const struct argp_state *state, const char *option, const char *text,
                       uint64_t least, uint64_t most);

/* The name of a file, or of anything else; not an empty one. */
const char *argument_name(const struct argp_state *state, const char *option, const char *text);

/* A capture, or a folder of them. */
void argument_capture(const struct argp_state *state, struct inputs *inputs, const char *path);

/* A file for a report; not one that is a capture, which would be lost. "-": standard output, by
 * whatever name it was given. */
const char *argument_report(const struct argp_state *state, const char *option, const char *path);

/* Ends the program if the output would take the place of what is to be read. NULL: there is none.
 */
void argument_keep_input(const struct argp_state *state, const char *option, const char *output,
                         const char *input);

/* Likewise if what is written by one option would take the place of what is written by another. */
void argument_keep_output(const struct argp_state *state, const char *option, const char *path,
                          const char *other_option, const char *other);

/* One of a list of words that ends with NULL; returns its index. */
size_t argument_word(const struct argp_state *state, const char *option, const char *text,
                     const char *const *words);

/* HOST:PORT, [HOST]:PORT or unix:PATH; returns `text`. */
const char *argument_address(const struct argp_state *state, const char *option, const char *text);

#endif
