#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/printable.h"
#include "report/text.h"
#include "report/verdict.h"

#include <inttypes.h>

enum { ROW_BYTES = 16, SIDE_WIDTH = 10 };

/* What both sides are called beside their bytes. */
static const char *reference_name(const struct report *report)
{
    if (report->live != NULL && report->live->against != NULL) {
        return "against";
    }
    return report->options->construct.reference == REFERENCE_CAPTURE ? "recorded"
                                                                     : verdict_reference(report);
}

static const char *built_name(const struct report *report)
{
    return report->live != NULL ? "server" : report->options->construct.writer->name;
}

/* ----------------------------------------------------------------------------------- the bytes */

/* One byte of an excerpt, by its place in the frame; false where the frame has none. */
static bool text_difference_byte_at(const struct excerpt *excerpt, size_t place, uint8_t *byte)
{
    if (place < excerpt->offset || place - excerpt->offset >= excerpt->size) {
        return false;
    }
    *byte = excerpt->bytes[place - excerpt->offset];
    return true;
}

static bool differs_at(const struct difference *difference, size_t place)
{
    uint8_t a = 0;
    uint8_t b = 0;
    bool has_a = text_difference_byte_at(&difference->reference, place, &a);
    bool has_b = text_difference_byte_at(&difference->built, place, &b);
    return has_a != has_b || a != b;
}

/* A side that a difference does not have is not drawn, and nothing is marked then. */
static bool has_both_sides(const struct difference *difference)
{
    return difference->reference.frame_size > 0 && difference->built.frame_size > 0;
}

struct hex {
    FILE *out;
    const struct difference *difference;
    const struct report_style *style;
    size_t place; /* of the row's first byte in the frame */
};

static void write_cell(const struct hex *hex, size_t place, const char *text)
{
    bool marked = has_both_sides(hex->difference) && differs_at(hex->difference, place);
    if (marked) {
        text_color_begin(hex->out, hex->style, COLOR_BAD);
    }
    fputs(text, hex->out);
    if (marked) {
        text_color_end(hex->out, hex->style);
    }
}

/* "   recorded  +16  00 00 ...  |........|" */
static void write_side(const struct hex *hex, const char *name, const struct excerpt *excerpt)
{
    fprintf(hex->out, "   %-*s +%-6zu", SIDE_WIDTH, name, hex->place);
    for (size_t i = 0; i < ROW_BYTES; i++) {
        uint8_t byte;
        char text[8] = "  ";
        if (text_difference_byte_at(excerpt, hex->place + i, &byte)) {
            snprintf(text, sizeof(text), "%02x", byte);
        }
        fputs(i == ROW_BYTES / 2 ? "  " : " ", hex->out);
        write_cell(hex, hex->place + i, text);
    }
    fputs("  |", hex->out);
    for (size_t i = 0; i < ROW_BYTES; i++) {
        uint8_t byte;
        char text[2] = " ";
        if (text_difference_byte_at(excerpt, hex->place + i, &byte)) {
            text[0] = byte >= 0x20 && byte < 0x7f ? (char)byte : '.';
        }
        write_cell(hex, hex->place + i, text);
    }
    fputs("|\n", hex->out);
}

/* The line under both sides that points at what differs. */
static void write_carets(const struct hex *hex)
{
    size_t owed = 0; /* columns to be left blank before the next caret */
    fprintf(hex->out, "   %-*s  %-6s", SIDE_WIDTH, "", "");
    for (size_t i = 0; i < ROW_BYTES; i++) {
        owed += i == ROW_BYTES / 2 ? 2 : 1;
        if (differs_at(hex->difference, hex->place + i)) {
            fprintf(hex->out, "%*s^^", (int)owed, "");
            owed = 0;
        } else {
            owed += 2;
        }
    }
    fputc('\n', hex->out);
}

static bool row_differs(const struct hex *hex)
{
    bool any = false;
    for (size_t i = 0; i < ROW_BYTES; i++) {
        any |= differs_at(hex->difference, hex->place + i);
    }
    return any;
}

static void text_difference_write_row(const struct hex *hex, const char *reference,
                                      const char *built)
{
    uint8_t byte;
    bool has_reference = text_difference_byte_at(&hex->difference->reference, hex->place, &byte);
    bool has_built = text_difference_byte_at(&hex->difference->built, hex->place, &byte);
    if (has_both_sides(hex->difference) && !row_differs(hex)) {
        return;
    }
    if (has_reference || (has_both_sides(hex->difference) && has_built)) {
        write_side(hex, reference, &hex->difference->reference);
    }
    if (has_built || (has_both_sides(hex->difference) && has_reference)) {
        write_side(hex, built, &hex->difference->built);
    }
    if (has_both_sides(hex->difference)) {
        write_carets(hex);
    }
}

static void write_bytes(FILE *out, const struct report *report, const struct difference *difference,
                        const struct report_style *style)
{
    struct hex hex = {.out = out, .difference = difference, .style = style};
    size_t first =
        difference->reference.size > 0 ? difference->reference.offset : difference->built.offset;
    for (size_t row = 0; row < DIFFERENCE_EXCERPT; row += ROW_BYTES) {
        hex.place = first + row;
        text_difference_write_row(&hex, reference_name(report), built_name(report));
    }
}

/* ----------------------------------------------------------------------------------- the words */

/* "the answer to GET", whatever opcode it has itself, or what the server says of its own accord */
static void write_frame_name(FILE *out, const struct difference *difference)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    bool answer =
        mcbp_magic_is_response(difference->magic) || difference->kind == DIFFERENCE_MISSING;
    bool asked = answer && difference->request_packet != 0;
    fprintf(out, "the %s %s", answer ? "answer to" : "server's request",
            mcbp_opcode_text(asked ? difference->request_magic : difference->magic,
                             asked ? difference->request_opcode : difference->opcode, text));
}

static void write_what(FILE *out, const struct difference *difference)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    fprintf(out, "%s: ", verdict_check_name(difference->check));
    switch (difference->kind) {
    case DIFFERENCE_FIELD:
        fprintf(out, "%s differs in ", difference->field);
        write_frame_name(out, difference);
        break;
    case DIFFERENCE_MISSING:
        write_frame_name(out, difference);
        fputs(" is missing", out);
        break;
    case DIFFERENCE_UNEXPECTED:
        write_frame_name(out, difference);
        fputs(" should not be there", out);
        break;
    case DIFFERENCE_MALFORMED:
        fprintf(out, "the server's bytes are no frame: %s", difference->field);
        break;
    case DIFFERENCE_REFUSED:
        write_frame_name(out, difference);
        fputs(" could not be built", out);
        break;
    case DIFFERENCE_ORDER:
        write_frame_name(out, difference);
        fputs(" is out of order", out);
        break;
    case DIFFERENCE_END:
        fprintf(out, "the end of the connection differs after %s",
                mcbp_opcode_text(difference->request_magic, difference->request_opcode, text));
        break;
    }
}

static void write_where(FILE *out, const struct difference *difference)
{
    char time[TIME_TEXT_SIZE];
    char client[NET_ENDPOINT_TEXT_SIZE];
    char server[NET_ENDPOINT_TEXT_SIZE];
    fputs("   where      ", out);
    printable_write_text(out, difference->capture);
    if (difference->packet != 0) {
        fprintf(out, ", packet %" PRIu64 ", %s", difference->packet,
                time_text(difference->time, 6, time));
    }
    fputc('\n', out);
    fprintf(out, "   connection %" PRIu64 ", client %s, server %s\n", difference->connection,
            net_endpoint_text(&difference->client, client),
            net_endpoint_text(&difference->server, server));
}

static void write_request(FILE *out, const struct difference *difference)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    if (difference->request_packet == 0) {
        return;
    }
    fprintf(out, "   request    %s, opaque 0x%08" PRIx32,
            mcbp_opcode_text(difference->request_magic, difference->request_opcode, text),
            difference->request_opaque);
    if (difference->key_size > 0) {
        fputs(", key \"", out);
        printable_write(out, span_of(difference->key, difference->key_size));
        fputc('"', out);
    }
    fprintf(out, ", packet %" PRIu64 "\n", difference->request_packet);
}

static void write_response(FILE *out, const struct difference *difference)
{
    char text[MCBP_STATUS_TEXT_SIZE];
    char count[COUNT_TEXT_SIZE];
    uint16_t status = difference->status;
    bool other_status = difference_statuses_differ(difference);
    if (difference->kind == DIFFERENCE_MISSING || difference->kind == DIFFERENCE_MALFORMED ||
        difference->kind == DIFFERENCE_END) {
        return;
    }
    if (mcbp_magic_is_response(difference->magic)) {
        fprintf(out, "   response   %s, ", mcbp_status_text(difference->status, text));
    } else {
        fprintf(out, "   frame      vbucket %u, ", difference->status);
    }
    fprintf(out, "opaque 0x%08" PRIx32, difference->opaque);
    if (difference->reference.frame_size > 0) {
        fprintf(out, ", %s", count_text(difference->reference.frame_size, "byte", count));
    }
    bool other_size = has_both_sides(difference) &&
                      difference->built.frame_size != difference->reference.frame_size;
    if (other_status || other_size) {
        difference_built_status(difference, &status);
        fprintf(out, " (%s: %s%s%s)", difference->check == CHECK_LIVE ? "server" : "built",
                other_status ? mcbp_status_text(status, text) : "",
                other_status && other_size ? ", " : "",
                other_size ? count_text(difference->built.frame_size, "byte", count) : "");
    }
    fputc('\n', out);
}

void text_difference(FILE *out, const struct report *report, const struct difference *difference,
                     size_t number, const struct report_style *style)
{
    text_color_begin(out, style, COLOR_STRONG);
    fprintf(out, "%zu. ", number);
    write_what(out, difference);
    text_color_end(out, style);
    fputc('\n', out);
    write_where(out, difference);
    write_request(out, difference);
    write_response(out, difference);
    if (difference->detail[0] != '\0') {
        fputs("   because    ", out);
        printable_write_text(out, difference->detail);
        fputc('\n', out);
    }
    write_bytes(out, report, difference, style);
}
