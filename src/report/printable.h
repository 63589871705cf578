/*
 * Bytes, numbers and times as text that can be shown anywhere: whatever a capture or a file name
 * holds, nothing of it reaches a terminal as a control character.
 */
#ifndef KVREPLAY_REPORT_PRINTABLE_H
#define KVREPLAY_REPORT_PRINTABLE_H

#include "base/span.h"

#include <stdio.h>

/* Printable ASCII as it is, but for \" and \\; every other byte as \xNN. Invertible. */
void printable_write(FILE *out, struct span bytes);

/* Two hexadecimal digits a byte, as a string to be freed; NULL if there is no memory. */
char *printable_hex(struct span bytes);

/* A path or message: characters that can be shown as they are, other bytes as \xNN. */
void printable_write_text(FILE *out, const char *text);
void printable_write_some(FILE *out, struct span text);

/* True if nothing of the text has to be written as \xNN. */
bool printable_is_text(const char *text);

/* How many columns printable_write_text takes, at one for each character. */
size_t printable_text_width(const char *text);

/* The same in at most `width` columns (at least 8): the middle is left out, the tail is kept. */
void printable_write_shortened(FILE *out, const char *text, size_t width);

enum { NUMBER_TEXT_SIZE = 32, TIME_TEXT_SIZE = 40, COUNT_TEXT_SIZE = 80 };

/* "1,234,567". Returns `text`. */
const char *number_text(uint64_t number, char text[NUMBER_TEXT_SIZE]);

/* "1 frame", "1,200 frames". Returns `text`. */
const char *count_text(uint64_t number, const char *noun, char text[COUNT_TEXT_SIZE]);

/* Unix nanoseconds as "2026-11-23T06:00:00.123456Z", with 6 or 9 decimals. Returns `text`. */
const char *time_text(int64_t nanoseconds, int decimals, char text[TIME_TEXT_SIZE]);

#endif
