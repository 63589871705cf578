#include "report/fields.h"
#include "report/frame.h"
#include "report/printable.h"

#include <inttypes.h>

static void fields_text_name(struct fields *fields, const char *name)
{
    fputs(fields->before, fields->out);
    fields->before = " ";
    for (; *name != '\0'; name++) {
        fputc(*name == '_' ? '-' : *name, fields->out);
    }
}

static void fields_text_number(struct fields *fields, const char *name, uint64_t number,
                               enum fields_form form)
{
    fields_text_name(fields, name);
    if (form == FIELDS_HEX) {
        fprintf(fields->out, "=0x%" PRIx64, number);
    } else if (form == FIELDS_LARGE_HEX) {
        fprintf(fields->out, "=0x%016" PRIx64, number);
    } else {
        fprintf(fields->out, "=%" PRIu64, number);
    }
}

static void fields_text_word(struct fields *fields, const char *name, const char *word)
{
    fields_text_name(fields, name);
    fprintf(fields->out, "=%s", word);
}

static void fields_text_bytes(struct fields *fields, const char *name, struct span bytes)
{
    fields_text_name(fields, name);
    fputs("=\"", fields->out);
    printable_write(fields->out, bytes);
    fputc('"', fields->out);
}

static void fields_text_begins(struct fields *fields, const char *name, struct span bytes)
{
    bool cut = bytes.size > FRAME_PREVIEW;
    fields_text_name(fields, name);
    fprintf(fields->out, "=%zu:\"", bytes.size);
    printable_write(fields->out, cut ? span_head(bytes, FRAME_PREVIEW) : bytes);
    fputs(cut ? "\"..." : "\"", fields->out);
}

static void fields_text_list(struct fields *fields, const char *name)
{
    fields_text_name(fields, name);
    fputc('=', fields->out);
    fields->before = "";
}

static void fields_text_entry(struct fields *fields, const char *word)
{
    fprintf(fields->out, "%s%s", fields->before, word);
    fields->before = ",";
}

static void fields_text_item(struct fields *fields)
{
    fputs(fields->in_item ? "},{" : "{", fields->out);
    fields->in_item = true;
    fields->before = "";
}

static void fields_text_end(struct fields *fields)
{
    fputs(fields->in_item ? "}" : "", fields->out);
    fields->in_item = false;
    fields->before = " ";
}

void fields_text_init(struct fields *fields, FILE *out)
{
    static const struct fields_writer writer = {
        .number = fields_text_number,
        .word = fields_text_word,
        .bytes = fields_text_bytes,
        .begins = fields_text_begins,
        .is = fields_text_name,
        .list = fields_text_list,
        .entry = fields_text_entry,
        .item = fields_text_item,
        .end = fields_text_end,
    };
    *fields = (struct fields){.writer = &writer, .out = out, .before = " "};
}
