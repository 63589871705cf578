#include "report/text.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/printable.h"
#include "report/verdict.h"

#include <inttypes.h>

/* A path as a shell takes it; in bash's form with escapes if it has what can't be shown. */
static void write_quoted(FILE *out, const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+,:@%=";
    bool quotes = path[strspn(path, plain)] != '\0';
    bool escapes = quotes && !printable_is_text(path);
    fputs(escapes ? "$'" : quotes ? "'" : "", out);
    while (*path != '\0') {
        size_t size = strcspn(path, "'\\");
        printable_write_some(out, span_of(path, size));
        path += size;
        if (*path == '\'') {
            fputs(escapes ? "\\'" : "'\\''", out);
            path++;
        } else if (*path == '\\') {
            fputs(escapes ? "\\\\" : "\\", out);
            path++;
        }
    }
    fputs(quotes ? "'" : "", out);
}

static void hint(FILE *out, const char *text)
{
    fprintf(out, "hint: %s\n", text);
}

/* Where a capture has no frame of a server's, the ledger says what it has instead. */
static void write_nothing_compared(FILE *out, const struct report *report)
{
    const struct capture_result *totals = &report->result->totals;
    const struct dissect_options *dissect = &report->options->dissect;
    if (totals->live.not_sent[NOT_SENT_UDP] > 0) {
        hint(out, "requests over UDP are not replayed; verify takes them");
    } else if (totals->live.not_sent[NOT_SENT_CLOSED] > 0) {
        return; /* it did not come to that */
    } else if (totals->ledger.client_frames > 0 && totals->ledger.server_frames == 0) {
        hint(out, "there are requests but no answers; was only one direction recorded?");
    } else if (totals->ledger.tls > 0) {
        hint(out, "the traffic is encrypted (TLS); record it where it is not");
    } else if (totals->ledger.memcached_text > 0) {
        hint(out,
             "the clients speak memcached's text protocol; only the binary protocol is verified");
    } else if (dissect->port != 0 || dissect->filter != NULL) {
        hint(out, "--port and --filter may have left nothing");
    } else if (totals->ledger.total == 0) {
        hint(out, "no TCP or UDP payload was found");
    }
}

static void write_lost(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    uint64_t most = 0;
    for (size_t i = 0; i < result->captures_count; i++) {
        uint64_t lost = result->captures[i].ledger.lost;
        most = lost > most ? lost : most;
    }
    if (most > report->options->max_loss) {
        fprintf(out,
                "hint: record again with tcpdump -s 0 and a larger -B, or accept the loss with "
                "--max-loss %" PRIu64 "\n",
                most);
    }
}

/* The mask that would cover a field; false if none can. */
static bool mask_of_field(const struct difference *difference, struct mask *mask)
{
    static const struct {
        const char *field;
        enum mask_field mask;
    } fields[] = {
        {"header.cas", MASK_CAS}, {"header.datatype", MASK_DATATYPE},
        {"extras", MASK_EXTRAS},  {"header.extras_length", MASK_EXTRAS},
        {"key", MASK_KEY},        {"header.key_length", MASK_KEY},
        {"value", MASK_VALUE},    {"header.total_body_length", MASK_VALUE},
    };
    size_t size = strcspn(difference->field, "+[");
    *mask = (struct mask){.opcode = difference->opcode};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strlen(fields[i].field) == size &&
            memcmp(fields[i].field, difference->field, size) == 0) {
            mask->field = fields[i].mask;
            return true;
        }
    }
    mask->field = MASK_FRAME_INFO;
    return sscanf(difference->field, "frame-info[%hu]", &mask->frame_info) == 1;
}

/* A live server that gives another status most often began with other items. */
static void write_live_status(FILE *out, const struct report *report)
{
    const struct live_options *live = report->live;
    const struct capture_result *totals = &report->result->totals;
    if (live->against != NULL) {
        hint(out, "both servers have to hold the same when it begins, most often nothing");
    } else {
        fprintf(out,
                "hint: the server has to hold what the recorded one held when the capture began, "
                "%s%s\n",
                totals->midstream > 0 ? "which was in the middle of a connection"
                                      : "most often nothing",
                live->speed > 0 ? "" : "; items with an expiry need --speed original");
    }
    if (totals->connections > 1) {
        hint(out, "where connections changed the same keys at the same time, the server may have "
                  "taken their requests in another order");
    }
}

static void write_acceptance(FILE *out, const struct report *report,
                             const struct difference *difference)
{
    char text[MASK_TEXT_SIZE];
    struct mask mask;
    if (difference->check == CHECK_LIVE && difference->opcode == MCBP_STAT) {
        hint(out, "STAT tells of the server itself: --mask 'STAT:key' --mask 'STAT:value'");
        return;
    }
    if (difference->check == CHECK_REBUILT || difference->kind != DIFFERENCE_FIELD) {
        return; /* nothing excuses a writer that does not write what it was given */
    }
    bool length_or_status = strncmp(difference->field, "header.", strlen("header.")) == 0;
    bool other_status = difference_statuses_differ(difference);
    if (difference->check == CHECK_LIVE && other_status) {
        write_live_status(out, report);
    } else if (difference->check == CHECK_EXECUTED &&
               difference->status == MCBP_STATUS_KEY_NOT_FOUND && length_or_status &&
               !report->options->allow_eviction) {
        hint(out, "if the server may have evicted the item: --allow-eviction");
    } else if (!other_status && mask_of_field(difference, &mask)) {
        fprintf(out, "hint: if that may differ between two runs: --mask '%s'\n",
                mask_print(&mask, text));
    }
}

static void write_first_difference(FILE *out, const struct report *report)
{
    const struct difference *first = &report->result->differences[0];
    fprintf(out, "hint: to see all of it: kvreplay inspect -x --connection %" PRIu64 " ",
            first->connection);
    write_quoted(out, first->capture);
    fputc('\n', out);
    write_acceptance(out, report, first);
}

/* A server that closes in the midst of requests drops what it has not sent yet. */
static void write_broken_off(FILE *out, const struct report *report)
{
    const struct capture_result *totals = &report->result->totals;
    const struct live_options *live = report->live;
    if (live != NULL && live->speed == 0 && totals->live.closed_on > 0) {
        hint(out, "a server may close before it has sent all answers; where that depends on which "
                  "requests come together, --speed original sends them as they came");
    }
}

void text_hints(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    if (result->status == VERIFY_NO_EVIDENCE || result->differences_count > 0) {
        fputc('\n', out);
    }
    if (result->differences_count > 0) {
        write_first_difference(out, report);
    }
    if (result->status == VERIFY_NO_EVIDENCE) {
        write_lost(out, report);
        write_broken_off(out, report);
    }
    if (result->status == VERIFY_NO_EVIDENCE && verdict_compared(report, &result->totals) == 0) {
        write_nothing_compared(out, report);
    }
}
