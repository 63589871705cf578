#include "base/memory.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/printable.h"
#include "report/text.h"
#include "report/verdict.h"

#include <inttypes.h>
#include <stdlib.h>

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
    } else if (totals->ledger.total == 0 && totals->packets > 0) {
        hint(out, "no TCP or UDP payload was found");
    }
}

/* Of the captures that have lost more than is accepted, the one that has lost most. */
static const struct capture_result *worst_loss(const struct report *report)
{
    const struct verify_result *result = report->result;
    const struct capture_result *worst = NULL;
    for (size_t i = 0; i < result->captures_count; i++) {
        const struct capture_result *capture = &result->captures[i];
        if (capture->ledger.lost > report->options->max_loss &&
            (worst == NULL || capture->ledger.lost > worst->ledger.lost)) {
            worst = capture;
        }
    }
    return worst;
}

static bool is_truncated(const struct verify_result *result)
{
    bool truncated = false;
    for (size_t i = 0; i < result->captures_count; i++) {
        truncated |= result->captures[i].truncated;
    }
    return truncated;
}

static void text_hints_write_lost(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    const struct capture_result *worst = worst_loss(report);
    bool any = report->options->max_loss == UINT64_MAX;
    if (result->totals.ledger.lost > 0 && verdict_compared(report, &result->totals) == 0) {
        hint(out, "record again with tcpdump -s 0 and a larger -B; what is left has nothing to "
                  "compare");
        return;
    }
    if (result->totals.ledger.contradicting > report->options->max_loss) {
        hint(out, "two conversations between the same addresses may be mixed in the capture");
    }
    if (is_truncated(result) && !any) {
        hint(out,
             "copy the file again once it is complete, or accept any loss with --max-loss any");
    } else if (result->totals.dropped > 0 && !any) {
        hint(out, "record again with a larger -B, or accept any loss with --max-loss any");
    } else if (worst != NULL) {
        fprintf(out,
                "hint: record again with tcpdump -s 0 and a larger -B, or accept the loss with "
                "--max-loss %" PRIu64 "\n",
                worst->ledger.lost);
    }
}

static void text_hints_write_undecided(FILE *out, const struct report *report)
{
    uint64_t most = 0;
    for (size_t i = 0; i < report->result->captures_count; i++) {
        uint64_t undecided = report->result->captures[i].executed.undecided;
        most = undecided > most ? undecided : most;
    }
    if (report->live == NULL && most > report->options->max_undecided) {
        fprintf(out,
                "hint: if that many answers to overlapping requests may stay undecided: "
                "--max-undecided %" PRIu64 "\n",
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

/* A live server that answers otherwise most often began with other items. */
static void write_live_state(FILE *out, const struct report *report)
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

/* A recorded login does not succeed again where the server chooses a challenge. */
static void write_login(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    for (size_t i = 0; report->live->login == NULL && i < result->differences_count; i++) {
        if (mcbp_opcode_family(result->differences[i].request_opcode) == MCBP_FAMILY_AUTHENTICATE) {
            hint(out, "to log in: --user NAME, with the password in KVREPLAY_PASSWORD");
            return;
        }
    }
}

/* A mask would cover it. Nothing excuses a writer that does not write what it was given. */
static bool mask_of(const struct difference *difference, struct mask *mask)
{
    return difference->check != CHECK_REBUILT && difference->kind == DIFFERENCE_FIELD &&
           !difference_statuses_differ(difference) && mask_of_field(difference, mask);
}

static bool has_mask(const struct mask *masks, size_t count, const struct mask *mask)
{
    for (size_t i = 0; i < count; i++) {
        if (masks[i].any_opcode == mask->any_opcode && masks[i].opcode == mask->opcode &&
            masks[i].field == mask->field && masks[i].frame_info == mask->frame_info) {
            return true;
        }
    }
    return false;
}

/* CAS values that differ in the answers of several opcodes are those of another history. */
static bool is_every_cas(const struct verify_result *result)
{
    int opcode = -1;
    for (size_t i = 0; i < result->differences_count; i++) {
        struct mask mask;
        if (!mask_of(&result->differences[i], &mask) || mask.field != MASK_CAS) {
            continue;
        }
        if (opcode >= 0 && opcode != mask.opcode) {
            return true;
        }
        opcode = mask.opcode;
    }
    return false;
}

/* All at once: with one of them only, the next difference would ask for the next. */
static void write_masks(FILE *out, const struct verify_result *result)
{
    enum { MASKS_MAX = 8 };
    struct mask masks[MASKS_MAX];
    size_t count = 0;
    bool every_cas = is_every_cas(result);
    for (size_t i = 0; i < result->differences_count && count < MASKS_MAX; i++) {
        char text[MASK_TEXT_SIZE];
        struct mask mask;
        if (!mask_of(&result->differences[i], &mask)) {
            continue;
        }
        if (every_cas && mask.field == MASK_CAS) {
            mask = (struct mask){.any_opcode = true, .field = MASK_CAS};
        }
        if (has_mask(masks, count, &mask)) {
            continue;
        }
        fprintf(out, "%s --mask '%s'",
                count == 0 ? "hint: if that may differ between two runs:" : "",
                mask_print(&mask, text));
        masks[count++] = mask;
    }
    fputs(count > 0 ? "\n" : "", out);
}

/* A server without the item would have said so, and nothing but that; what stores regardless needs
 * none. */
static bool may_be_evicted(const struct report *report, const struct difference *difference)
{
    uint8_t opcode = mcbp_opcode_loud(difference->request_opcode);
    bool status_alone = strcmp(difference->field, "header.status") == 0 &&
                        difference->reference.frame_size == difference->built.frame_size;
    return difference->check == CHECK_EXECUTED && difference->kind == DIFFERENCE_FIELD &&
           difference->status == MCBP_STATUS_KEY_NOT_FOUND && opcode != MCBP_SET &&
           opcode != MCBP_ADD && opcode != MCBP_STAT && !status_alone &&
           strncmp(difference->field, "header.", strlen("header.")) == 0 &&
           !report->options->allow_eviction;
}

static void write_acceptance(FILE *out, const struct report *report,
                             const struct difference *difference)
{
    if (difference->check == CHECK_LIVE && difference->opcode == MCBP_STAT) {
        hint(out,
             "STAT shows the state of the server itself: --mask 'STAT:key' --mask 'STAT:value'");
        return;
    }
    if (difference->check == CHECK_LIVE && difference->kind == DIFFERENCE_FIELD) {
        write_live_state(out, report);
        write_login(out, report);
    }
    if (may_be_evicted(report, difference)) {
        hint(out, "if the server may have evicted the item: --allow-eviction");
    }
    write_masks(out, report->result);
}

/* Several addresses may be one server, whose items a connection to one address changed and one to
 * another address shows. */
static void write_servers(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    for (size_t i = 0; report->live == NULL && i < result->captures_count; i++) {
        const struct capture_result *capture = &result->captures[i];
        if (capture->servers > 1 && capture->executed.check.different > 0) {
            fprintf(out,
                    "hint: %" PRIu64 " server addresses have a store each; if they are one "
                    "server: --one-server\n",
                    capture->servers);
            return;
        }
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
    write_servers(out, report);
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

static void write_hints(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    if (result->differences_count > 0) {
        write_first_difference(out, report);
    }
    if (result->status == VERIFY_NO_EVIDENCE) {
        text_hints_write_lost(out, report);
        text_hints_write_undecided(out, report);
        write_broken_off(out, report);
    }
    if (result->status == VERIFY_NO_EVIDENCE && verdict_compared(report, &result->totals) == 0) {
        write_nothing_compared(out, report);
    }
}

/* Behind a blank line, if there are any. */
void text_hints(FILE *out, const struct report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *hints = open_memstream(&text, &size);
    if (hints == NULL) {
        memory_note_errno();
        return;
    }
    write_hints(hints, report);
    if (fclose(hints) != 0) {
        memory_note_errno();
    } else if (size > 0) {
        fprintf(out, "\n%s", text);
    }
    free(text);
}
