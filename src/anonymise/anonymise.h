/*
 * A capture with its keys and values replaced, and everything else as it was.
 *
 * Nothing is ever copied from a payload into the output: it first gets bytes that follow from their
 * place alone, and then what the frames that were found have become. So what is not understood, or
 * misunderstood, is lost rather than told. In Couchbase's dialect, frames become what a server
 * answers in the same way.
 *
 * Three passes, four if anything was appended or compressed: scrub, (learn,) replace, checksums.
 * Memory: 8 bytes for each packet, 32 more for each with payload, up to 250 for each key that was
 * counted with, appended to, compressed, or can't be told from others (500 if it has an alphabet),
 * up to 64 MiB for values that were appended to, and as much for what they become, and twice the
 * largest value when inflated; the files are mapped.
 */
#ifndef KVREPLAY_ANONYMISE_ANONYMISE_H
#define KVREPLAY_ANONYMISE_ANONYMISE_H

#include "anonymise/result.h"

struct anonymise_options {
    const char *input;  /* "-": standard input */
    const char *output; /* a file */
    struct span secret; /* empty: a random one */
    bool replace_counters;
    /* Of the passes that take long; it begins anew with each. */
    void (*progress)(void *context, uint64_t bytes_read, uint64_t bytes_total,
                     uint64_t server_frames);
    void *progress_context;
};

enum { ANONYMISE_MESSAGE_SIZE = 1024 };

/* Returns an exit status; unless it is VERIFY_IDENTICAL (0), `message` says why, and there is no
 * output. */
enum verify_status anonymise(const struct anonymise_options *options,
                             struct anonymise_result *result, char message[ANONYMISE_MESSAGE_SIZE]);

/*
 * The same without files of its own: options->input is a path that can be opened again and again,
 * and not compressed; `file` is what it holds, `out` as many zeros, which become the output.
 */
enum verify_status anonymise_in_memory(const struct anonymise_options *options, struct span file,
                                       uint8_t *out, struct anonymise_result *result,
                                       char message[ANONYMISE_MESSAGE_SIZE]);

#endif
