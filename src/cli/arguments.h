/*
 * The values of options. What is wrong is said with the option's name and the value, and ends the
 * program with the exit status of wrong usage.
 */
#ifndef KVREPLAY_CLI_ARGUMENTS_H
#define KVREPLAY_CLI_ARGUMENTS_H

#include <argp.h>
#include <stdint.h>

/* A decimal number. `option` is its name with the dashes. */
uint64_t argument_number(const struct argp_state *state, const char *option, const char *text,
                         uint64_t least, uint64_t most);

/* A number of bytes, with k, m or g (times 1024, in any case) behind it. */
uint64_t argument_size(const struct argp_state *state, const char *option, const char *text,
                       uint64_t least, uint64_t most);

/* One of a list of words that ends with NULL; returns its index. */
size_t argument_word(const struct argp_state *state, const char *option, const char *text,
                     const char *const *words);

/* HOST:PORT, [HOST]:PORT or unix:PATH; returns `text`. */
const char *argument_address(const struct argp_state *state, const char *option, const char *text);

#endif
