#include "live/alike.h"

/* Takes a string off that begins with a quotation mark. False: it does not end. */
static bool take_string(struct span *text, struct span *string)
{
    size_t size = 1;
    while (size < text->size && text->data[size] != '"') {
        size += text->data[size] == '\\' ? 2 : 1;
    }
    if (size >= text->size) {
        return false;
    }
    *string = span_of(text->data + 1, size - 1);
    *text = span_skip(*text, size + 1);
    return true;
}

static bool is_among(struct span string, const char *const *names)
{
    while (*names != NULL && !span_equal(string, span_of(*names, strlen(*names)))) {
        names++;
    }
    return *names != NULL;
}

static bool begins_with(struct span text, uint8_t byte)
{
    return text.size > 0 && text.data[0] == byte;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Takes a string that is not empty, or a number without sign or point. */
static bool take_scalar(struct span *text)
{
    struct span string;
    size_t size = 0;
    if (begins_with(*text, '"')) {
        return take_string(text, &string) && string.size > 0;
    }
    while (size < text->size && is_digit(text->data[size])) {
        size++;
    }
    *text = span_skip(*text, size);
    return size > 0;
}

/* Behind a member's name: the colon and its value, of the same kind in both. */
static bool skip_values(struct span *a, struct span *b)
{
    if (!begins_with(*a, ':') || !begins_with(*b, ':')) {
        return true; /* it is no member */
    }
    *a = span_skip(*a, 1);
    *b = span_skip(*b, 1);
    return begins_with(*a, '"') == begins_with(*b, '"') && take_scalar(a) && take_scalar(b);
}

bool json_alike(struct span a, struct span b, const char *const *names)
{
    while (a.size > 0 && b.size > 0 && a.data[0] == b.data[0]) {
        struct span string_a;
        struct span string_b;
        if (!begins_with(a, '"')) {
            a = span_skip(a, 1);
            b = span_skip(b, 1);
        } else if (!take_string(&a, &string_a) || !take_string(&b, &string_b) ||
                   !span_equal(string_a, string_b) ||
                   (is_among(string_a, names) && !skip_values(&a, &b))) {
            return false;
        }
    }
    return a.size == 0 && b.size == 0;
}
