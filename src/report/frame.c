#include "report/frame.h"

#include "mcbp/credentials.h"

#include <stdlib.h>

static bool print_frame(const struct frame_printer *printer, FILE *out,
                        const struct frame_line *line, uint8_t *copy)
{
    struct dissect_frame frame = *line->frame;
    frame.frame = mcbp_frame_in_copy(&frame.frame, copy);
    struct frame_line shown = *line;
    shown.frame = &frame;
    return printer->line(out, &shown);
}

static bool print_malformed(const struct frame_printer *printer, FILE *out,
                            const struct frame_line *line, const uint8_t *copy)
{
    struct frame_line shown = *line;
    shown.bytes.data = copy;
    return printer->line(out, &shown);
}

bool frame_print(const struct frame_printer *printer, FILE *out, const struct frame_line *line)
{
    bool is_frame = line->event == EVENT_FRAME;
    struct span bytes = is_frame                         ? line->frame->frame.bytes
                        : line->event == EVENT_MALFORMED ? line->bytes
                                                         : span_of(NULL, 0);
    if (mcbp_credentials_begin(bytes) == bytes.size) {
        return printer->line(out, line);
    }
    uint8_t *copy = malloc(bytes.size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, bytes.data, bytes.size);
    mcbp_credentials_hide(copy, bytes.size);
    bool printed = is_frame ? print_frame(printer, out, line, copy)
                            : print_malformed(printer, out, line, copy);
    free(copy);
    return printed;
}
