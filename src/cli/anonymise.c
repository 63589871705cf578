/*
 * kvreplay anonymise: a capture with its keys and values replaced.
 */
#include "anonymise/anonymise.h"

#include "anonymise/strength.h"
#include "base/private_file.h"
#include "cli/anonymise_arguments.h"
#include "cli/command.h"
#include "mcbp/opcode.h"
#include "report/printable.h"
#include "report/progress.h"

#include <errno.h>
#include <stdio.h>

static void anonymise_complain(const char *message)
{
    fputs("kvreplay: ", stderr);
    printable_write_text(stderr, message);
    fputc('\n', stderr);
}

enum { SECRET_ROOM = SECRET_SIZE_MAX + 1 }; /* one more, to see that a file has more */

static int anonymise_refuse(const char *path, const char *why, int status)
{
    fputs("kvreplay: --key-file: ", stderr);
    printable_write_text(stderr, path);
    fputs(": ", stderr);
    printable_write_text(stderr, why);
    fputc('\n', stderr);
    return status;
}

/* Returns an exit status; 0: the bytes can be a secret. */
static int check_secret(const char *path, struct span secret)
{
    char why[ANONYMISE_MESSAGE_SIZE];
    if (secret.size < SECRET_SIZE_MIN || secret.size > SECRET_SIZE_MAX) {
        snprintf(why, sizeof(why), "%s%zu bytes; a secret has %d to %d",
                 secret.size > SECRET_SIZE_MAX ? "at least " : "", secret.size, SECRET_SIZE_MIN,
                 SECRET_SIZE_MAX);
        return anonymise_refuse(path, why, VERIFY_USAGE);
    }
    size_t bits = strength_at_most(secret);
    if (bits < STRENGTH_MIN) {
        snprintf(why, sizeof(why),
                 "at most %zu bits of randomness; a secret has %d: head -c 32 /dev/urandom", bits,
                 STRENGTH_MIN);
        return anonymise_refuse(path, why, VERIFY_USAGE);
    }
    return VERIFY_IDENTICAL;
}

/* Reads the secret. Returns an exit status; 0: it has been read, or none is wanted. */
static int read_secret(const char *path, uint8_t bytes[SECRET_ROOM], struct span *secret)
{
    *secret = span_of(bytes, 0);
    if (path == NULL) {
        return VERIFY_IDENTICAL;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return anonymise_refuse(path, strerror(errno), VERIFY_UNREADABLE);
    }
    bool known = private_file_is_exposed(file); /* whoever knows it can try out keys and values */
    secret->size = known ? 0 : fread(bytes, 1, SECRET_ROOM, file);
    int error = ferror(file) != 0 ? errno : 0;
    fclose(file);
    if (error != 0) {
        return anonymise_refuse(path, strerror(error), VERIFY_UNREADABLE);
    }
    return known ? anonymise_refuse(path, "others can read or write it; chmod 600", VERIFY_USAGE)
                 : check_secret(path, *secret);
}

struct shown {
    struct progress progress;
    const char *path;
};

static void anonymise_on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total,
                                  uint64_t server_frames)
{
    struct shown *shown = context;
    progress_show(&shown->progress, shown->path, bytes_read, bytes_total, server_frames);
}

static void print_count(const char *before, uint64_t number, const char *noun)
{
    char text[COUNT_TEXT_SIZE];
    fprintf(stderr, "%s%s", before, count_text(number, noun, text));
}

static void print_bytes(const char *before, uint64_t number)
{
    char text[NUMBER_TEXT_SIZE];
    fprintf(stderr, "%s %s", before, number_text(number, text));
}

static void print_ledger(const struct anonymise_ledger *ledger)
{
    print_count("ledger        ", ledger->total, "payload byte");
    print_bytes("\n  kept        headers", ledger->parts[PART_HEADER]);
    print_bytes(", extras", ledger->parts[PART_EXTRAS]);
    print_bytes(", the protocol's own texts", ledger->parts[PART_TEXT]);
    print_bytes(", counters", ledger->parts[PART_COUNTER]);
    print_bytes(", headers and first words outside of frames", ledger->harmless);
    print_bytes("\n  replaced    keys", ledger->parts[PART_KEY]);
    print_bytes(", values", ledger->parts[PART_VALUE]);
    print_bytes(", extras", ledger->parts[PART_OTHER]);
    print_bytes(", outside of frames", ledger->unknown);
    print_bytes(", neither TCP nor UDP", ledger->other);
    fputc('\n', stderr);
}

static void print_checksums(const struct checksum_counts *counts)
{
    print_bytes("checksums     renewed", counts->renewed);
    print_bytes(", kept", counts->kept);
    print_bytes(", hidden", counts->unknown);
    fputc('\n', stderr);
}

static void print_snappy_opcodes(const struct anonymise_result *result)
{
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        char text[MCBP_OPCODE_TEXT_SIZE];
        if (result->snappy_opcodes[opcode] > 0) {
            fprintf(stderr, "              ");
            print_count("", result->snappy_opcodes[opcode], "snappy value");
            fprintf(stderr, " with opcode %s\n",
                    mcbp_opcode_text(MCBP_CLIENT_REQUEST, (uint8_t)opcode, text));
        }
    }
}

/* What somebody who shares the capture has to know. */
static void print_flags(const struct anonymise_result *result, bool verbose)
{
    if (result->snappy > 0) {
        print_count("flagged       ", result->snappy, "snappy value");
        fputs(": the datatype still says snappy, the bytes are none\n", stderr);
        if (verbose) {
            print_snappy_opcodes(result);
        }
    }
    if (result->json + result->xattr > 0) {
        print_count("flagged       ", result->json, "JSON value");
        print_count(", ", result->xattr, "value");
        fputs(" with xattr: the datatype still says so, the bytes are none\n", stderr);
    }
    if (result->counters > 0) {
        print_count("flagged       ", result->counters, "number");
        fputs(" kept, for INCREMENT and DECREMENT counted with them (--replace-counters)\n",
              stderr);
    }
    if (result->forgotten > 0) {
        print_count("flagged       ", result->forgotten, "value");
        fputs(" not followed through APPEND and PREPEND: verify may find differences\n", stderr);
    }
    if (result->emptied > 0) {
        print_count("flagged       ", result->emptied, "pcapng block");
        fputs(" emptied: secrets, journals, or of a kind not known here\n", stderr);
    }
    if (result->options > 0) {
        print_count("flagged       ", result->options, "pcapng option");
        fputs(" emptied: of a kind not known here\n", stderr);
    }
}

static void print_summary(const struct anonymise_arguments *arguments,
                          const struct anonymise_result *result)
{
    fputs("anonymised    ", stderr);
    printable_write_text(stderr, arguments->input);
    fputs(" -> ", stderr);
    printable_write_text(stderr, arguments->output);
    print_count("\nseen          ", result->packets, "packet");
    print_count(", ", result->conversations, "connection");
    print_count(", ", result->frames, "frame");
    print_count("\nreplaced      ", result->keys, "key");
    print_count(", ", result->values, "value");
    fputc('\n', stderr);
    print_ledger(&result->ledger);
    print_checksums(&result->checksums);
    print_flags(result, arguments->verbose);
    fputs("still there   addresses, ports, times, lengths, opcodes, statuses, CAS, opaques, flags,"
          " expiry times,\n              comments of the file; which keys and which values are"
          " equal, and how often\n",
          stderr);
}

static int anonymise_file(const struct anonymise_arguments *arguments, struct span secret)
{
    struct shown shown = {.path = arguments->input};
    struct anonymise_options options = {
        .input = arguments->input,
        .output = arguments->output,
        .secret = secret,
        .replace_counters = arguments->replace_counters,
    };
    struct anonymise_result result;
    char message[ANONYMISE_MESSAGE_SIZE] = "";
    progress_init(&shown.progress, stderr);
    if (!arguments->quiet) {
        options.progress = anonymise_on_progress;
        options.progress_context = &shown;
    }
    enum verify_status status = anonymise(&options, &result, message);
    progress_end(&shown.progress);
    if (status != VERIFY_IDENTICAL) {
        anonymise_complain(message);
    } else if (!arguments->quiet) {
        print_summary(arguments, &result);
    }
    return (int)status;
}

int command_anonymise(int argc, char **argv)
{
    struct anonymise_arguments arguments;
    uint8_t bytes[SECRET_ROOM];
    struct span secret;
    anonymise_arguments_init(&arguments, argc, argv);
    int status = read_secret(arguments.key_file, bytes, &secret);
    if (status == VERIFY_IDENTICAL) {
        status = anonymise_file(&arguments, secret);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return status;
}
