#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/printable.h"
#include "report/text.h"

#include <inttypes.h>
#include <stdarg.h>

enum { LABEL_WIDTH = 14, ITEM_SIZE = 192 };

/* A labelled line of items, wrapped between them. */
struct line {
    FILE *out;
    size_t width;
    size_t column;
    const char *label; /* NULL once it has been written */
};

static struct line line_begin(FILE *out, const struct report_style *style, const char *label)
{
    return (struct line){.out = out, .width = style->width, .label = label};
}

static void line_item(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void line_item(struct line *line, const char *format, ...)
{
    char item[ITEM_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(item, sizeof(item), format, arguments);
    va_end(arguments);
    size_t size = strlen(item);
    if (line->label != NULL) {
        fprintf(line->out, "%-*s", LABEL_WIDTH, line->label);
        line->label = NULL;
        line->column = LABEL_WIDTH;
    } else if (line->column + size + 3 > line->width) {
        fprintf(line->out, ",\n%*s", LABEL_WIDTH, "");
        line->column = LABEL_WIDTH;
    } else {
        fputs(", ", line->out);
        line->column += 2;
    }
    fputs(item, line->out);
    line->column += size;
}

/* A line without items is not written at all. */
static void line_end(struct line *line)
{
    if (line->label == NULL) {
        fputc('\n', line->out);
    }
}

static void item_count(struct line *line, const char *name, uint64_t number)
{
    char text[NUMBER_TEXT_SIZE];
    line_item(line, "%s %s", name, number_text(number, text));
}

static void item_if_any(struct line *line, const char *name, uint64_t number)
{
    if (number > 0) {
        item_count(line, name, number);
    }
}

/* The opcodes in one sequence: the clients', then the servers'. */
enum { OPCODE_ROWS = 512, OPCODE_NAME_SIZE = MCBP_OPCODE_TEXT_SIZE + 16 };

static const struct opcode_counts *opcode_counts_at(const struct capture_result *totals,
                                                    unsigned index)
{
    static const struct opcode_counts none;
    const struct opcode_counts *counts =
        opcode_table_find(&totals->opcodes, index > 255, (uint8_t)index);
    return counts != NULL ? counts : &none;
}

static const char *opcode_name_at(unsigned index, char name[OPCODE_NAME_SIZE])
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    bool server = index > 255;
    snprintf(
        name, OPCODE_NAME_SIZE, "%s%s", server ? "server's " : "",
        mcbp_opcode_text(server ? MCBP_SERVER_REQUEST : MCBP_CLIENT_REQUEST, (uint8_t)index, text));
    return name;
}

static bool was_seen(const struct opcode_counts *counts)
{
    return counts->requests > 0 || counts->responses > 0;
}

/* -------------------------------------------------------------------------------- the lines */

static void write_seen(struct line line, const struct capture_result *totals)
{
    char text[COUNT_TEXT_SIZE];
    line_item(&line, "%s", count_text(totals->packets, "packet", text));
    line_item(&line, "%s", count_text(totals->connections, "connection", text));
    if (totals->servers > 1) {
        line_item(&line, "%s", count_text(totals->servers, "server", text));
    }
    line_item(&line, "%s", count_text(totals->client_frames, "client frame", text));
    line_item(&line, "%s", count_text(totals->server_frames, "server frame", text));
    line_end(&line);
}

static void write_ledger(struct line line, const struct ledger *ledger)
{
    char text[COUNT_TEXT_SIZE];
    line_item(&line, "%s", count_text(ledger->total, "payload byte", text));
    item_count(&line, "client frames", ledger->client_frames);
    item_count(&line, "server frames", ledger->server_frames);
    item_count(&line, "duplicate", ledger->duplicate);
    item_count(&line, "unparsed", ledger->unparsed);
    item_count(&line, "not MCBP", ledger->not_mcbp);
    line_end(&line);
}

static void write_not_mcbp(struct line line, const struct ledger *ledger)
{
    item_if_any(&line, "memcached text protocol", ledger->memcached_text);
    item_if_any(&line, "TLS", ledger->tls);
    item_if_any(&line, "other", ledger->other);
    line_end(&line);
}

static void text_summary_write_lost(struct line line, const struct capture_result *totals)
{
    char text[COUNT_TEXT_SIZE];
    if (totals->ledger.lost > 0) {
        line_item(&line, "%s known to be missing from the capture%s",
                  count_text(totals->ledger.lost, "byte", text),
                  totals->truncated ? " (file truncated)" : "");
    }
    if (totals->ledger.contradicting > 0) {
        line_item(&line, "%s sent again as other bytes",
                  count_text(totals->ledger.contradicting, "byte", text));
    }
    if (totals->dropped > 0) {
        line_item(&line, "%s dropped by the recorder", count_text(totals->dropped, "packet", text));
    }
    line_end(&line);
}

static void write_midstream(struct line line, const struct capture_result *totals)
{
    char bytes[COUNT_TEXT_SIZE];
    char connections[COUNT_TEXT_SIZE];
    if (totals->midstream > 0) {
        line_item(&line, "%s without a beginning, %s skipped before the first frame",
                  count_text(totals->midstream, "connection", connections),
                  count_text(totals->skipped, "byte", bytes));
    }
    line_end(&line);
}

static void write_unanswered(struct line line, const struct capture_result *totals)
{
    char text[COUNT_TEXT_SIZE];
    if (totals->unanswered > 0) {
        line_item(&line, "%s never got an answer in the capture",
                  count_text(totals->unanswered, "request", text));
    }
    line_end(&line);
}

static void write_masked(struct line line, const struct report *report)
{
    const struct mask_list *masks = &report->options->masks;
    for (size_t i = 0; i < masks->count; i++) {
        char mask[MASK_TEXT_SIZE];
        char text[COUNT_TEXT_SIZE];
        line_item(&line, "--mask '%s' (needed by %s)", mask_print(&masks->masks[i], mask),
                  count_text(report->result->mask_hits[i], "frame", text));
    }
    line_end(&line);
}

static void write_adopted(struct line line, const struct report *report)
{
    const struct capture_result *totals = &report->result->totals;
    char text[COUNT_TEXT_SIZE];
    if (totals->executed.adopted > 0) {
        line_item(&line, "state from %s", count_text(totals->executed.adopted, "frame", text));
    }
    if (totals->cas_adopted > 0) {
        line_item(&line, "%s%s", count_text(totals->cas_adopted, "CAS value", text),
                  report->live != NULL ? "" : " of mutations");
    }
    line_end(&line);
}

/* What Couchbase's servers alone decide, beside what is adopted. */
static void write_uncompared(struct line line, const struct capture_result *totals)
{
    item_if_any(
        &line, "how long the server took (frame info 0), in answers:", totals->durations_unchecked);
    item_if_any(&line, "how values are compressed, where they are equal:", totals->recompressed);
    line_end(&line);
}

/* The races within memcached alone; other orders and seconds are the table's to count. */
static void write_races(struct line line, const struct capture_result *totals)
{
    item_if_any(&line, "by a race in memcached (INCREMENT or DECREMENT looked up, then added):",
                totals->races[RACE_LOST_ADD]);
    item_if_any(&line, "by a race in memcached (the CAS was read after the value):",
                totals->races[RACE_NEXT_CAS]);
    item_if_any(&line, "by a race in memcached (a change was numbered before it locked its item):",
                totals->races[RACE_NUMBERED_EARLY]);
    line_end(&line);
}

static void write_expired(struct line line, const struct capture_result *totals)
{
    item_if_any(&line, "misses of items whose expiry time was not recorded:", totals->expired);
    line_end(&line);
}

static void write_restarts(struct line line, const struct capture_result *totals)
{
    item_if_any(&line, "servers that began anew while nobody was connected:", totals->restarts);
    line_end(&line);
}

static void write_out_of_memory(struct line line, const struct capture_result *totals)
{
    item_if_any(&line, "requests that the server had no memory for:", totals->out_of_memory);
    line_end(&line);
}

static void write_evictions(struct line line, const struct capture_result *totals)
{
    item_if_any(&line, "misses of stored keys accepted (--allow-eviction):", totals->evictions);
    line_end(&line);
}

static void write_not_executed(struct line line, const struct capture_result *totals)
{
    for (unsigned i = 0; i < OPCODE_ROWS; i++) {
        const struct opcode_counts *counts = opcode_counts_at(totals, i);
        char name[OPCODE_NAME_SIZE];
        if (counts->not_executed > 0) {
            item_count(&line, opcode_name_at(i, name), counts->not_executed);
        }
    }
    line_end(&line);
}

static void write_not_sent(struct line line, const struct live_counts *live)
{
    item_if_any(&line, "requests over UDP", live->not_sent[NOT_SENT_UDP]);
    item_if_any(&line, "answers to servers", live->not_sent[NOT_SENT_ANSWER]);
    item_if_any(&line, "requests behind the end", live->not_sent[NOT_SENT_CLOSED]);
    item_if_any(&line, "requests beyond the limit", live->not_sent[NOT_SENT_LIMIT]);
    item_if_any(&line, "requests of logins", live->not_sent[NOT_SENT_LOGIN]);
    item_if_any(&line, "places with what is no frame", live->unframed);
    line_end(&line);
}

static void write_not_compared(struct line line, const struct live_counts *live)
{
    item_if_any(&line, "UDP", live->not_compared_why[NOT_COMPARED_UDP]);
    item_if_any(&line, "servers' requests", live->not_compared_why[NOT_COMPARED_SERVERS]);
    item_if_any(&line, "without a request", live->not_compared_why[NOT_COMPARED_NO_REQUEST]);
    item_if_any(&line, "broken off", live->not_compared_why[NOT_COMPARED_CUT]);
    item_if_any(&line, "logins' answers", live->not_compared_why[NOT_COMPARED_LOGIN]);
    item_if_any(&line, "about what was there before the capture",
                live->not_compared_why[NOT_COMPARED_BEFORE]);
    item_if_any(&line, "requests of the live server", live->servers_requests);
    line_end(&line);
}

/* CAS values are among what was adopted. */
static void write_bound(struct line line, const struct live_counts *live)
{
    item_if_any(&line, "vbucket UUIDs", live->bound[BOUND_VBUCKET_UUID]);
    item_if_any(&line, "sequence numbers", live->bound[BOUND_SEQNO]);
    item_if_any(&line, "range scans", live->bound[BOUND_SCAN]);
    item_if_any(&line, "collections", live->bound[BOUND_COLLECTION]);
    item_if_any(&line, "scopes", live->bound[BOUND_SCOPE]);
    item_if_any(&line, "manifests", live->bound[BOUND_MANIFEST]);
    item_if_any(&line, "numbers in text", live->bound[BOUND_NUMBER]);
    line_end(&line);
}

static void write_own(struct line line, const struct live_counts *live)
{
    item_if_any(&line, "durations", live->own[OWN_DURATION]);
    item_if_any(&line, "maps", live->own[OWN_MAP]);
    item_if_any(&line, "references of errors", live->own[OWN_REFERENCE]);
    item_if_any(&line, "times", live->own[OWN_TIME]);
    item_if_any(&line, "hints", live->own[OWN_HINT]);
    item_if_any(&line, "random keys", live->own[OWN_RANDOM]);
    line_end(&line);
}

void text_summary(FILE *out, const struct report *report, const struct report_style *style)
{
    const struct capture_result *totals = &report->result->totals;
    write_seen(line_begin(out, style, "seen"), totals);
    write_ledger(line_begin(out, style, "ledger"), &totals->ledger);
    write_not_mcbp(line_begin(out, style, "not MCBP"), &totals->ledger);
    text_summary_write_lost(line_begin(out, style, "lost"), totals);
    write_midstream(line_begin(out, style, "mid-stream"), totals);
    write_unanswered(line_begin(out, style, "unanswered"), totals);
    write_masked(line_begin(out, style, "masked"), report);
    write_adopted(line_begin(out, style, "adopted"), report);
    write_uncompared(line_begin(out, style, "not compared"), totals);
    write_bound(line_begin(out, style, "translated"), &totals->live);
    write_own(line_begin(out, style, "server's own"), &totals->live);
    write_races(line_begin(out, style, "ambiguous"), totals);
    write_evictions(line_begin(out, style, "evicted"), totals);
    write_expired(line_begin(out, style, "expired"), totals);
    write_restarts(line_begin(out, style, "restarted"), totals);
    write_out_of_memory(line_begin(out, style, "out of memory"), totals);
    write_not_executed(line_begin(out, style, "not executed"), totals);
    write_not_sent(line_begin(out, style, "not sent"), &totals->live);
    write_not_compared(line_begin(out, style, "not compared"), &totals->live);
}

/* ---------------------------------------------------------------------------------- opcodes */

enum { COUNT_WIDTH = 12 };

static void write_statuses(FILE *out, const struct opcode_counts *counts)
{
    char text[NUMBER_TEXT_SIZE];
    char status[MCBP_STATUS_TEXT_SIZE];
    for (size_t i = 0; i < counts->statuses_count; i++) {
        fprintf(out, "%s%s %s", i == 0 ? "  " : ", ",
                mcbp_status_text(counts->statuses[i].status, status),
                number_text(counts->statuses[i].count, text));
    }
    if (counts->other_statuses > 0) {
        fprintf(out, ", others %s", number_text(counts->other_statuses, text));
    }
    fputc('\n', out);
}

static void write_opcode(FILE *out, const char *name, const struct opcode_counts *counts, int width)
{
    char text[NUMBER_TEXT_SIZE];
    fprintf(out, "%-*s", width, name);
    fprintf(out, "%*s", COUNT_WIDTH, number_text(counts->requests, text));
    fprintf(out, "%*s", COUNT_WIDTH, number_text(counts->responses, text));
    fprintf(out, "%*s", COUNT_WIDTH + 2, number_text(counts->not_executed, text));
    write_statuses(out, counts);
}

/* The widest name of those seen. */
static size_t names_width(const struct capture_result *totals)
{
    size_t width = strlen("opcode");
    for (unsigned i = 0; i < OPCODE_ROWS; i++) {
        char name[OPCODE_NAME_SIZE];
        if (was_seen(opcode_counts_at(totals, i)) && strlen(opcode_name_at(i, name)) > width) {
            width = strlen(name);
        }
    }
    return width;
}

void text_opcodes(FILE *out, const struct report *report, const struct report_style *style)
{
    const struct capture_result *totals = &report->result->totals;
    int width = (int)names_width(totals);
    text_color_begin(out, style, COLOR_STRONG);
    fprintf(out, "%-*s%*s%*s%*s  statuses", width, "opcode", COUNT_WIDTH, "requests", COUNT_WIDTH,
            "responses", COUNT_WIDTH + 2, "not executed");
    text_color_end(out, style);
    fputc('\n', out);
    for (unsigned i = 0; i < OPCODE_ROWS; i++) {
        const struct opcode_counts *counts = opcode_counts_at(totals, i);
        char name[OPCODE_NAME_SIZE];
        if (was_seen(counts)) {
            write_opcode(out, opcode_name_at(i, name), counts, width);
        }
    }
}
