#include "subdoc/tokens.h"

#include "subdoc/escape.h"

enum { TOKENS_END = -1 };

void subdoc_tokens_init(struct subdoc_tokens *tokens, struct span text)
{
    *tokens = (struct subdoc_tokens){.text = text, .is_insertable = true};
}

void subdoc_tokens_init_within(struct subdoc_tokens *tokens, struct span text,
                               enum subdoc_kind parent)
{
    subdoc_tokens_init(tokens, text);
    tokens->level = 1;
    tokens->levels[1].kind = parent;
    tokens->closing = ']';
    if (parent == SUBDOC_OBJECT) {
        tokens->closing = '}';
        tokens->levels[1].count = 1; /* its key */
        tokens->last = ':';
        tokens->expected = '"';
    }
}

static int byte_at(const struct subdoc_tokens *tokens, size_t at)
{
    if (at < tokens->text.size) {
        return tokens->text.data[at];
    }
    return at == tokens->text.size && tokens->closing != 0 ? tokens->closing : TOKENS_END;
}

static bool tokens_fail(struct subdoc_token *token, enum subdoc_event event)
{
    token->event = event;
    return false;
}

/* Fills in what is known when something begins at the place that was reached. */
static void token_begin(const struct subdoc_tokens *tokens, struct subdoc_token *token)
{
    const struct subdoc_level *parent = &tokens->levels[tokens->level];
    *token = (struct subdoc_token){.begin = tokens->at,
                                   .level = tokens->level + 1,
                                   .siblings = parent->count,
                                   .parent = parent->kind};
}

/* A value that is no string may stand here, as far as its object is concerned. */
static bool may_be_value(const struct subdoc_tokens *tokens)
{
    const struct subdoc_level *parent = &tokens->levels[tokens->level];
    return tokens->is_insertable && (parent->kind != SUBDOC_OBJECT || parent->count % 2 == 1);
}

/* Finds the end of a string that begins at `at`: behind its quotation mark, or 0 if it has none, or
 * a byte that it can't have. */
static size_t string_end(const struct subdoc_tokens *tokens, size_t at)
{
    for (at++;; at++) {
        int byte = byte_at(tokens, at);
        if (byte == '"') {
            return at + 1;
        }
        if (byte < 0x14) { /* and the end of the text */
            return 0;
        }
        if (byte == '\\') {
            at++;
            byte = byte_at(tokens, at);
            if (byte == TOKENS_END || !subdoc_is_escape((uint8_t)byte)) {
                return 0;
            }
        }
    }
}

static bool ends_literal(int byte)
{
    return byte == TOKENS_END || subdoc_is_blank((uint8_t)byte) ||
           (byte != 0 && strchr("\",:[\\]{}", byte) != NULL);
}

static bool is_decimal(int byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t digits_end(const struct subdoc_tokens *tokens, size_t at)
{
    while (is_decimal(byte_at(tokens, at))) {
        at++;
    }
    return at;
}

/* Reads a number's fraction and exponent, in any order, each at most once. 0 if they are malformed.
 */
static size_t fraction_end(const struct subdoc_tokens *tokens, size_t at)
{
    bool has_fraction = false;
    bool has_exponent = false;
    uint8_t last = '1';
    for (;; at++) {
        int byte = byte_at(tokens, at);
        if (is_decimal(byte)) {
            last = '1';
        } else if (byte == '.' && !has_fraction) {
            has_fraction = true;
            last = '.';
        } else if ((byte == 'e' || byte == 'E') && !has_exponent) {
            has_exponent = true;
            last = 'e';
        } else if ((byte == '-' || byte == '+') && last == 'e') {
            last = '-';
        } else {
            return ends_literal(byte) && last == '1' ? at : 0;
        }
    }
}

static size_t number_end(const struct subdoc_tokens *tokens, size_t at, bool *is_integer)
{
    bool is_negative = byte_at(tokens, at) == '-';
    at += is_negative ? 1 : 0;
    if (!is_decimal(byte_at(tokens, at))) {
        return 0;
    }
    bool is_zero = byte_at(tokens, at) == '0';
    size_t end = digits_end(tokens, at);
    if (is_zero && !is_negative && end > at + 1) {
        return 0;
    }
    *is_integer = ends_literal(byte_at(tokens, end));
    return *is_integer ? end : fraction_end(tokens, end);
}

static size_t word_end(const struct subdoc_tokens *tokens, size_t at)
{
    int first = byte_at(tokens, at);
    const char *word = first == 't' ? "true" : first == 'f' ? "false" : "null";
    for (; *word != '\0'; word++, at++) {
        if (byte_at(tokens, at) != *word) {
            return 0;
        }
    }
    return ends_literal(byte_at(tokens, at)) ? at : 0;
}

/* Behind a value: another may come after a comma. */
static void after_value(struct subdoc_tokens *tokens)
{
    tokens->expected = ',';
    tokens->last = 0;
}

static bool next_literal(struct subdoc_tokens *tokens, struct subdoc_token *token)
{
    if (!may_be_value(tokens)) {
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
    tokens->levels[tokens->level].count++;
    token_begin(tokens, token);
    token->kind = SUBDOC_LITERAL;
    if (token->level > SUBDOC_DEPTH) {
        return tokens_fail(token, SUBDOC_TOO_DEEP);
    }
    int first = byte_at(tokens, tokens->at);
    bool is_number = first == '-' || is_decimal(first);
    token->end = is_number ? number_end(tokens, tokens->at, &token->is_integer)
                           : word_end(tokens, tokens->at);
    if (token->end == 0) {
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
    int next = byte_at(tokens, token->end);
    if (next == '"' || next == '\\' || (next == TOKENS_END && tokens->level > 0)) {
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
    token->event = SUBDOC_SCALAR;
    token->is_open = next == TOKENS_END;
    tokens->at = token->end;
    after_value(tokens);
    return true;
}

/* A string or a key, whichever may stand here. */
static bool next_string(struct subdoc_tokens *tokens, struct subdoc_token *token)
{
    struct subdoc_level *parent = &tokens->levels[tokens->level];
    bool is_key = parent->kind == SUBDOC_OBJECT && parent->count % 2 == 0;
    bool is_expected =
        parent->kind == SUBDOC_ARRAY ||
        (parent->kind == SUBDOC_OBJECT && (is_key ? tokens->expected == '"' : tokens->last == ':'));
    if (!is_expected) {
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
    parent->count++;
    token_begin(tokens, token);
    token->kind = is_key ? SUBDOC_NONE : SUBDOC_STRING;
    if (token->level > SUBDOC_DEPTH) {
        return tokens_fail(token, SUBDOC_TOO_DEEP);
    }
    token->end = string_end(tokens, tokens->at);
    if (token->end == 0) {
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
    token->event = is_key ? SUBDOC_KEY : SUBDOC_SCALAR;
    tokens->at = token->end;
    after_value(tokens);
    tokens->expected = is_key ? ':' : ',';
    tokens->is_insertable = false;
    return true;
}

static bool next_begin(struct subdoc_tokens *tokens, struct subdoc_token *token, uint8_t bracket)
{
    if (!may_be_value(tokens)) {
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
    tokens->levels[tokens->level].count++;
    token_begin(tokens, token);
    if (token->level > SUBDOC_DEPTH) {
        return tokens_fail(token, SUBDOC_TOO_DEEP);
    }
    token->event = SUBDOC_BEGIN;
    token->kind = bracket == '{' ? SUBDOC_OBJECT : SUBDOC_ARRAY;
    token->end = ++tokens->at;
    tokens->levels[++tokens->level] =
        (struct subdoc_level){.kind = token->kind, .begin = token->begin};
    if (token->kind == SUBDOC_OBJECT) {
        tokens->expected = '"';
    }
    tokens->last = 0;
    tokens->is_insertable = true;
    return true;
}

static bool next_end(struct subdoc_tokens *tokens, struct subdoc_token *token, uint8_t bracket)
{
    const struct subdoc_level *level = &tokens->levels[tokens->level];
    enum subdoc_kind kind = bracket == '}' ? SUBDOC_OBJECT : SUBDOC_ARRAY;
    bool is_complete = kind == SUBDOC_ARRAY || level->count % 2 == 0;
    if (tokens->last == ',' || level->kind != kind || !is_complete) {
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
    tokens->level--;
    token_begin(tokens, token);
    token->event = SUBDOC_END;
    token->kind = kind;
    token->begin = level->begin;
    token->end = ++tokens->at;
    token->count = level->count;
    after_value(tokens);
    tokens->is_insertable = false;
    return true;
}

/* Takes a comma or a colon, if it is what may come. */
static bool take_separator(struct subdoc_tokens *tokens, uint8_t byte)
{
    if (tokens->expected != byte) {
        return false;
    }
    tokens->last = byte;
    tokens->expected = '"';
    if (byte == ':' || tokens->levels[tokens->level].kind != SUBDOC_OBJECT) {
        tokens->is_insertable = true;
    }
    tokens->at++;
    return true;
}

static bool next_at_end(const struct subdoc_tokens *tokens, struct subdoc_token *token)
{
    return tokens_fail(token, tokens->level == 0 ? SUBDOC_TEXT_END : SUBDOC_NOT_JSON);
}

static bool is_separator(int byte)
{
    return byte == ',' || byte == ':';
}

bool subdoc_tokens_next(struct subdoc_tokens *tokens, struct subdoc_token *token)
{
    *token = (struct subdoc_token){0};
    int byte = byte_at(tokens, tokens->at);
    while (byte != TOKENS_END && (subdoc_is_blank((uint8_t)byte) || is_separator(byte))) {
        if (!is_separator(byte)) {
            tokens->at++;
        } else if (!take_separator(tokens, (uint8_t)byte)) {
            return tokens_fail(token, SUBDOC_NOT_JSON);
        }
        byte = byte_at(tokens, tokens->at);
    }
    switch (byte) {
    case TOKENS_END:
        return next_at_end(tokens, token);
    case '"':
        return next_string(tokens, token);
    case '{':
    case '[':
        return next_begin(tokens, token, (uint8_t)byte);
    case '}':
    case ']':
        return next_end(tokens, token, (uint8_t)byte);
    default:
        if (byte == '-' || is_decimal(byte) || byte == 't' || byte == 'f' || byte == 'n') {
            return next_literal(tokens, token);
        }
        return tokens_fail(token, SUBDOC_NOT_JSON);
    }
}
