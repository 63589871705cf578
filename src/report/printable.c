#include "report/printable.h"

#include "report/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { NANOSECONDS = 1000000000 };

void printable_write(FILE *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        if (byte == '"' || byte == '\\') {
            fprintf(out, "\\%c", byte);
        } else if (byte >= 0x20 && byte < 0x7f) {
            fputc(byte, out);
        } else {
            fprintf(out, "\\x%02x", byte);
        }
    }
}

char *printable_hex(struct span bytes)
{
    char *hex = malloc(2 * bytes.size + 1);
    for (size_t i = 0; hex != NULL && i < bytes.size; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes.data[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes.data[i] & 15];
    }
    if (hex != NULL) {
        hex[2 * bytes.size] = '\0';
    }
    return hex;
}

/* Control characters, and what turns the direction of a line around. */
static bool can_be_shown(uint32_t character)
{
    return character >= 0x20 && (character < 0x7f || character > 0x9f) &&
           (character < 0x200e || character > 0x200f) &&
           (character < 0x2028 || character > 0x202e) && (character < 0x2066 || character > 0x2069);
}

/* The length of the character that `bytes` begins with, if it can be shown; 0 otherwise. */
static size_t shown_length(struct span bytes)
{
    uint32_t character;
    size_t length = utf8_decode(bytes, &character);
    return length > 0 && can_be_shown(character) ? length : 0;
}

/* The character or byte that `rest` begins with: bytes taken, and the columns it is shown in. */
static size_t next_shown(struct span rest, size_t *columns)
{
    size_t length = shown_length(rest);
    *columns = length > 0 ? 1 : sizeof("\\xNN") - 1;
    return length > 0 ? length : 1;
}

static void write_shown(FILE *out, struct span rest, size_t size)
{
    if (shown_length(rest) > 0) {
        fwrite(rest.data, 1, size, out);
    } else {
        fprintf(out, "\\x%02x", rest.data[0]);
    }
}

size_t printable_text_width(const char *text)
{
    struct span rest = span_of(text, strlen(text));
    size_t width = 0;
    size_t columns;
    for (; rest.size > 0; rest = span_skip(rest, next_shown(rest, &columns)), width += columns) {
    }
    return width;
}

void printable_write_some(FILE *out, struct span text)
{
    while (text.size > 0) {
        size_t columns;
        size_t size = next_shown(text, &columns);
        write_shown(out, text, size);
        text = span_skip(text, size);
    }
}

void printable_write_text(FILE *out, const char *text)
{
    printable_write_some(out, span_of(text, strlen(text)));
}

bool printable_is_text(const char *text)
{
    struct span rest = span_of(text, strlen(text));
    while (rest.size > 0 && shown_length(rest) > 0) {
        rest = span_skip(rest, shown_length(rest));
    }
    return rest.size == 0;
}

/* Writes what lies in columns `from` up to `to` of the text. */
static void write_columns(FILE *out, const char *text, size_t from, size_t to)
{
    struct span rest = span_of(text, strlen(text));
    size_t column = 0;
    while (rest.size > 0) {
        size_t columns;
        size_t size = next_shown(rest, &columns);
        if (column >= from && column + columns <= to) {
            write_shown(out, rest, size);
        }
        column += columns;
        rest = span_skip(rest, size);
    }
}

void printable_write_shortened(FILE *out, const char *text, size_t width)
{
    size_t full = printable_text_width(text);
    if (full <= width) {
        printable_write_text(out, text);
        return;
    }
    size_t head = (width - 3) / 5;
    size_t tail = width - 3 - head;
    write_columns(out, text, 0, head);
    fputs("...", out);
    write_columns(out, text, full - tail, SIZE_MAX);
}

const char *number_text(uint64_t number, char text[NUMBER_TEXT_SIZE])
{
    char digits[NUMBER_TEXT_SIZE];
    size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number);
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

const char *count_text(uint64_t number, const char *noun, char text[COUNT_TEXT_SIZE])
{
    char digits[NUMBER_TEXT_SIZE];
    snprintf(text, COUNT_TEXT_SIZE, "%s %s%s", number_text(number, digits), noun,
             number == 1 ? "" : "s");
    return text;
}

const char *time_text(int64_t nanoseconds, int decimals, char text[TIME_TEXT_SIZE])
{
    int64_t fraction = nanoseconds % NANOSECONDS;
    time_t seconds = (time_t)(nanoseconds / NANOSECONDS);
    if (fraction < 0) {
        fraction += NANOSECONDS;
        seconds--;
    }
    struct tm date;
    gmtime_r(&seconds, &date);
    size_t size = strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
    if (decimals == 6) {
        snprintf(text + size, TIME_TEXT_SIZE - size, ".%06dZ", (int)(fraction / 1000));
    } else {
        snprintf(text + size, TIME_TEXT_SIZE - size, ".%09dZ", (int)fraction);
    }
    return text;
}
