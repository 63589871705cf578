#include "cli/arguments.h"

#include "capture/files.h"
#include "cli/same_file.h"
#include "sockets/address.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads digits and nothing else: strtoull would take signs and blanks. NULL: there are none. Of too
 * many, errno is ERANGE. */
static const char *read_digits(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' ? end : NULL;
}

uint64_t argument_number(const struct argp_state *state, const char *option, const char *text,
                         uint64_t least, uint64_t most)
{
    uint64_t number;
    const char *end = read_digits(text, &number);
    if (end == NULL || *end != '\0') {
        argp_error(state, "%s: '%s' is not a number", option, text);
    } else if (errno == ERANGE || number < least || number > most) {
        argp_error(state, "%s: %s is not between %" PRIu64 " and %" PRIu64, option, text, least,
                   most);
    }
    return number;
}

/* The power of 2 that a letter stands for; -1: no such letter. */
static int unit_shift(const char *unit)
{
    static const char letters[] = "kmgKMG";
    if (*unit == '\0') {
        return 0;
    }
    const char *letter = strchr(letters, *unit);
    return letter == NULL || unit[1] != '\0' ? -1 : 10 * ((int)(letter - letters) % 3 + 1);
}

uint64_t argument_size(const struct argp_state *state, const char *option, const char *text,
                       uint64_t least, uint64_t most)
{
    uint64_t number;
    const char *end = read_digits(text, &number);
    int shift = end == NULL ? -1 : unit_shift(end);
    if (shift < 0) {
        argp_error(state, "%s: '%s' is not a size; a number of bytes, or one with k, m or g",
                   option, text);
    } else if (errno == ERANGE || number > UINT64_MAX >> shift || number << shift < least ||
               number << shift > most) {
        argp_error(state, "%s: %s is not between %" PRIu64 " and %" PRIu64 " bytes", option, text,
                   least, most);
    }
    return number << (shift < 0 ? 0 : shift);
}

size_t argument_word(const struct argp_state *state, const char *option, const char *text,
                     const char *const *words)
{
    char list[256] = "";
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
        size_t size = strlen(list);
        snprintf(list + size, sizeof(list) - size, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    argp_error(state, "%s: '%s' is not one of %s", option, text, list);
    return 0;
}

const char *argument_address(const struct argp_state *state, const char *option, const char *text)
{
    if (!address_is_formed(text)) {
        argp_error(state, "%s: '%s' is not of the form HOST:PORT, [IPV6]:PORT or unix:PATH", option,
                   text);
    }
    return text;
}

const char *argument_name(const struct argp_state *state, const char *option, const char *text)
{
    if (text[0] == '\0') {
        argp_error(state, "%s: an empty name", option);
    }
    return text;
}

void argument_capture(const struct argp_state *state, struct inputs *inputs, const char *path)
{
    if (!inputs_add(inputs, argument_name(state, "CAPTURE", path))) {
        argp_failure(state, VERIFY_INTERNAL, ENOMEM, "%s", path);
    }
}

const char *argument_report(const struct argp_state *state, const char *option, const char *path)
{
    if (capture_files_is_capture(argument_name(state, option, path))) {
        argp_error(state, "%s: '%s' is a capture, and would be replaced", option, path);
    }
    return same_file_as_standard_output(path) ? "-" : path;
}

void argument_keep_input(const struct argp_state *state, const char *option, const char *output,
                         const char *input)
{
    bool is_written = output != NULL && strcmp(output, "-") != 0;
    if (is_written && input != NULL && same_file_as_input(output, input)) {
        argp_error(state, "%s: '%s' is to be read, and would be replaced", option, output);
    }
}

/* Standard output is "-" in both, as argument_report has it. */
void argument_keep_output(const struct argp_state *state, const char *option, const char *path,
                          const char *other_option, const char *other)
{
    if (path == NULL || other == NULL) {
        return;
    }
    bool same = strcmp(path, "-") == 0 || strcmp(other, "-") == 0 ? strcmp(path, other) == 0
                                                                  : same_file(path, other);
    if (same) {
        argp_error(state, "%s and %s both write to '%s'", option, other_option, other);
    }
}
