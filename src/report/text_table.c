#include "report/printable.h"
#include "report/text.h"
#include "report/verdict.h"

#include <stddef.h>

/* A column of the table: a number of struct capture_result. */
struct column {
    enum difference_check check;
    const char *name;
    const char *short_name; /* where there is little room */
    size_t offset;
    bool optional; /* only shown if it is not 0 everywhere */
    bool bad;      /* a number other than 0 is a difference */
};

#define COUNT(check, name, short_name, member, optional, bad)                                      \
    {                                                                                              \
        (check), (name), (short_name), offsetof(struct capture_result, member), (optional), (bad)  \
    }
static const struct column columns[] = {
    COUNT(CHECK_REBUILT, "compared", "cmp", rebuilt.compared, false, false),
    COUNT(CHECK_REBUILT, "identical", "same", rebuilt.identical, false, false),
    COUNT(CHECK_REBUILT, "different", "diff", rebuilt.different, false, true),
    COUNT(CHECK_EXECUTED, "compared", "cmp", executed.check.compared, false, false),
    COUNT(CHECK_EXECUTED, "identical", "same", executed.check.identical, false, false),
    COUNT(CHECK_EXECUTED, "different", "diff", executed.check.different, false, true),
    COUNT(CHECK_EXECUTED, "missing", "miss", executed.missing, true, true),
    COUNT(CHECK_EXECUTED, "malformed", "malf", executed.malformed, true, true),
    COUNT(CHECK_EXECUTED, "adopted", "adopt", executed.adopted, true, false),
    COUNT(CHECK_EXECUTED, "ambiguous", "ambig", executed.ambiguous, true, false),
    COUNT(CHECK_EXECUTED, "not executed", "notex", executed.not_executed, true, false),
    COUNT(CHECK_EXECUTED, "undecided", "undec", executed.undecided, true, true),
    COUNT(CHECK_LIVE, "compared", "cmp", live.check.compared, false, false),
    COUNT(CHECK_LIVE, "identical", "same", live.check.identical, false, false),
    COUNT(CHECK_LIVE, "different", "diff", live.check.different, false, true),
    COUNT(CHECK_LIVE, "missing", "miss", live.missing, false, true),
    COUNT(CHECK_LIVE, "unexpected", "unexp", live.unexpected, false, true),
    COUNT(CHECK_LIVE, "malformed", "malf", live.malformed, true, true),
    COUNT(CHECK_LIVE, "not compared", "notcmp", live.not_compared, true, false),
};
#undef COUNT
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
enum { NAME_MIN = 24, GAP = 1, GROUP_GAP = 2, VERDICT_WIDTH = 11 };

struct table {
    FILE *out;
    const struct report_style *style;
    size_t name_width;
    bool short_names;
    bool live;              /* of replay: its check, and none of verify's */
    size_t widths[COLUMNS]; /* 0: not shown */
};

static uint64_t text_table_value_of(const struct capture_result *capture, size_t column)
{
    uint64_t value;
    memcpy(&value, (const char *)capture + columns[column].offset, sizeof(value));
    return value;
}

static bool begins_group(size_t column)
{
    return column == 0 || columns[column].check != columns[column - 1].check;
}

static size_t gap_before(size_t column)
{
    return begins_group(column) ? GROUP_GAP : GAP;
}

static const char *name_of(const struct table *table, size_t column)
{
    return table->short_names ? columns[column].short_name : columns[column].name;
}

/* Sets the widths of the columns of numbers; the totals are the widest. Returns the sum. */
static size_t lay_out_numbers(struct table *table, const struct capture_result *totals)
{
    char text[NUMBER_TEXT_SIZE];
    size_t sum = GROUP_GAP + VERDICT_WIDTH;
    for (size_t i = 0; i < COLUMNS; i++) {
        uint64_t total = text_table_value_of(totals, i);
        size_t number = strlen(number_text(total, text));
        size_t head = strlen(name_of(table, i));
        if ((columns[i].check == CHECK_LIVE) == table->live &&
            (!columns[i].optional || total > 0)) {
            table->widths[i] = number > head ? number : head;
            sum += table->widths[i] + gap_before(i);
        }
    }
    return sum;
}

/* Paths get what room is left, the numbers shorter heads if that is too little for them. */
static void lay_out(struct table *table, const struct verify_result *result)
{
    size_t longest = strlen("capture");
    for (size_t i = 0; i < result->captures_count; i++) {
        size_t width = printable_text_width(result->captures[i].path);
        longest = width > longest ? width : longest;
    }
    size_t enough = longest < NAME_MIN ? longest : NAME_MIN;
    size_t numbers = lay_out_numbers(table, &result->totals);
    if (numbers + enough > table->style->width) {
        table->short_names = true;
        numbers = lay_out_numbers(table, &result->totals);
    }
    size_t room = table->style->width > numbers ? table->style->width - numbers : 0;
    room = room < enough ? enough : room;
    table->name_width = longest < room ? longest : room;
}

/* Of the columns of one check, the first of which is `from`. */
static size_t group_width(const struct table *table, size_t from)
{
    size_t width = table->widths[from];
    for (size_t i = from + 1; i < COLUMNS && !begins_group(i); i++) {
        width += table->widths[i] > 0 ? table->widths[i] + GAP : 0;
    }
    return width;
}

/* "------ rebuilt ------" over the group's columns */
static void write_group(const struct table *table, const char *name, size_t width)
{
    size_t rest = width - strlen(name) - 2;
    fprintf(table->out, "%*s", GROUP_GAP, "");
    for (size_t i = 0; i < rest / 2; i++) {
        fputc('-', table->out);
    }
    fprintf(table->out, " %s ", name);
    for (size_t i = rest / 2; i < rest; i++) {
        fputc('-', table->out);
    }
}

static void write_head(const struct table *table)
{
    fprintf(table->out, "%*s", (int)table->name_width, "");
    for (size_t i = 0; i < COLUMNS; i++) {
        if (begins_group(i) && table->widths[i] > 0) {
            write_group(table, verdict_check_name(columns[i].check), group_width(table, i));
        }
    }
    fprintf(table->out, "\n%-*s", (int)table->name_width, "capture");
    for (size_t i = 0; i < COLUMNS; i++) {
        if (table->widths[i] > 0) {
            fprintf(table->out, "%*s%*s", (int)gap_before(i), "", (int)table->widths[i],
                    name_of(table, i));
        }
    }
    fprintf(table->out, "%*sverdict\n", GROUP_GAP, "");
}

static void write_name(const struct table *table, const char *name)
{
    size_t width = printable_text_width(name);
    printable_write_shortened(table->out, name, table->name_width);
    if (width < table->name_width) {
        fprintf(table->out, "%*s", (int)(table->name_width - width), "");
    }
}

static void write_number(const struct table *table, size_t column, uint64_t number)
{
    char text[NUMBER_TEXT_SIZE];
    bool marked = columns[column].bad && number > 0;
    fprintf(table->out, "%*s", (int)gap_before(column), "");
    if (marked) {
        text_color_begin(table->out, table->style, COLOR_BAD);
    }
    fprintf(table->out, "%*s", (int)table->widths[column], number_text(number, text));
    if (marked) {
        text_color_end(table->out, table->style);
    }
}

static void text_table_write_row(const struct table *table, const char *name,
                                 const struct capture_result *capture)
{
    write_name(table, name);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (table->widths[i] > 0) {
            write_number(table, i, text_table_value_of(capture, i));
        }
    }
    fprintf(table->out, "%*s", GROUP_GAP, "");
    text_color_begin(table->out, table->style,
                     capture->status == VERIFY_IDENTICAL ? COLOR_GOOD : COLOR_BAD);
    fputs(verdict_name(capture), table->out);
    text_color_end(table->out, table->style);
    fputc('\n', table->out);
}

void text_table(FILE *out, const struct report *report, const struct report_style *style)
{
    const struct verify_result *result = report->result;
    struct table table = {.out = out, .style = style, .live = report->live != NULL};
    lay_out(&table, result);
    write_head(&table);
    for (size_t i = 0; i < result->captures_count; i++) {
        text_table_write_row(&table, result->captures[i].path, &result->captures[i]);
    }
    if (result->captures_count != 1) {
        text_table_write_row(&table, "total", &result->totals);
    }
}
