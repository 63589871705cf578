#include "mcbp/opcode.h"
#include "report/printable.h"
#include "report/text.h"
#include "report/verdict.h"

#include <inttypes.h>
#include <string.h>

void text_live_settings(FILE *out, const struct report *report)
{
    const struct live_options *live = report->live;
    fputs("server ", out);
    printable_write_text(out, live->to->name);
    fprintf(out, "%s, reference ", live->to->tls != NULL ? " (TLS)" : "");
    printable_write_text(out, verdict_reference(report));
    if (live->pipeline > 0) {
        fprintf(out, ", pipeline %" PRIu32, live->pipeline);
    } else {
        fputs(", order of causes", out);
    }
    if (live->speed > 0) {
        fprintf(out, ", speed %gx", live->speed);
    }
    if (live->rate > 0) {
        fprintf(out, ", rate %" PRIu64, live->rate);
    }
    if (live->limit > 0) {
        fprintf(out, ", limit %" PRIu64, live->limit);
    }
    if (live->loops > 1) {
        fprintf(out, ", %" PRIu64 " loops, of which the first is compared", live->loops);
    }
    fputs("\n\n", out);
}

/* The columns of the latencies; hundred-thousandths, as histogram_at takes them. */
static const struct {
    const char *name;
    uint32_t at;
} columns[] = {{"p50", 50000}, {"p90", 90000}, {"p99", 99000}, {"p99.9", 99900}, {"p99.99", 99990}};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), NAME_WIDTH = 14, WIDTH = 11 };

static void write_latencies(FILE *out, int width, const char *name,
                            const struct histogram *histogram)
{
    char text[NUMBER_TEXT_SIZE];
    fprintf(out, "%-*s%*s", width, name, WIDTH, number_text(histogram->count, text));
    for (size_t i = 0; i < COLUMNS; i++) {
        fprintf(out, "%*.1f", WIDTH, (double)histogram_at(histogram, columns[i].at) / 1e3);
    }
    fprintf(out, "%*.1f\n", WIDTH, (double)histogram->largest / 1e3);
}

static void write_throughput(FILE *out, const struct live_outcome *outcome)
{
    char text[COUNT_TEXT_SIZE];
    double seconds = (double)outcome->nanoseconds / 1e9;
    fprintf(out, "%-*s%s", NAME_WIDTH, "sent", count_text(outcome->requests, "request", text));
    fprintf(out, " on %s", count_text(outcome->connections, "connection", text));
    if (outcome->nanoseconds > 0) {
        char rate[NUMBER_TEXT_SIZE];
        fprintf(out, ", %s in %.3f s, %s requests/s", count_text(outcome->answers, "answer", text),
                seconds, number_text((uint64_t)((double)outcome->requests / seconds), rate));
    }
    fputc('\n', out);
}

/* That of the longest name. */
static int name_width(const struct live_outcome *outcome)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    int width = NAME_WIDTH;
    for (unsigned i = 0; i < 256; i++) {
        int size = outcome->latencies[i] == NULL
                       ? 0
                       : (int)strlen(mcbp_opcode_text(MCBP_CLIENT_REQUEST, (uint8_t)i, text));
        width = size > width ? size : width;
    }
    return width;
}

static void write_table(FILE *out, const struct live_outcome *outcome, const struct histogram *all)
{
    int width = name_width(outcome);
    fprintf(out, "\n%-*s%*s", width, "latency, us", WIDTH, "count");
    for (size_t i = 0; i < COLUMNS; i++) {
        fprintf(out, "%*s", WIDTH, columns[i].name);
    }
    fprintf(out, "%*s\n", WIDTH, "max");
    for (unsigned i = 0; i < 256; i++) {
        char text[MCBP_OPCODE_TEXT_SIZE];
        if (outcome->latencies[i] != NULL) {
            write_latencies(out, width, mcbp_opcode_text(MCBP_CLIENT_REQUEST, (uint8_t)i, text),
                            outcome->latencies[i]);
        }
    }
    write_latencies(out, width, "all", all);
}

void text_live(FILE *out, const struct report *report)
{
    const struct live_outcome *outcome = report->outcome;
    struct histogram all = {0};
    write_throughput(out, outcome);
    for (unsigned i = 0; i < 256; i++) {
        if (outcome->latencies[i] != NULL) {
            histogram_add_all(&all, outcome->latencies[i]);
        }
    }
    if (all.count > 0) {
        write_table(out, outcome, &all);
    }
}
