/*
 * JSON text, token by token, with offsets.
 *
 * It accepts what couchbase/subjson's parser (contrib/jsonsl) accepts. That is all of JSON up to a
 * depth, if the outermost value is no string, and a little more: values of an array without a comma
 * between them (`[1 2]`), numbers such as 1.e5, 1e5.5 and -01, bytes in strings that are not UTF-8
 * or from 0x14 to 0x1f, \u without digits. A server takes such text as the value of an operation,
 * and so has it in its documents. jsmn, the tokenizer with offsets that Debian has, is both too
 * lenient and too strict for that, and wants room for all tokens of a document at once; therefore
 * this one. A number is a token only when something stands behind it.
 *
 * Nothing is allocated; the depth is bounded, and there is no recursion.
 */
#ifndef KVREPLAY_SUBDOC_TOKENS_H
#define KVREPLAY_SUBDOC_TOKENS_H

#include "subdoc/path.h"

enum subdoc_kind {
    SUBDOC_NONE, /* of the level around the outermost value */
    SUBDOC_OBJECT,
    SUBDOC_ARRAY,
    SUBDOC_STRING,
    SUBDOC_LITERAL, /* a number, true, false, null */
};

enum subdoc_event {
    SUBDOC_BEGIN, /* of an object or array */
    SUBDOC_END,   /* of one */
    SUBDOC_KEY,
    SUBDOC_SCALAR,
    SUBDOC_TEXT_END,
    SUBDOC_NOT_JSON, /* nothing comes after this one and the next */
    SUBDOC_TOO_DEEP,
};

struct subdoc_token {
    enum subdoc_event event;
    enum subdoc_kind kind; /* of a value, also of one that can't be read */
    size_t
        begin;  /* of the object or array, with its bracket; of the key, with its quotation mark */
    size_t end; /* behind it; of BEGIN, behind its bracket */
    size_t level;    /* 1 for the outermost value; that of a key is its value's */
    size_t count;    /* of END: keys and values, or elements */
    size_t siblings; /* keys and values, or elements, of what it is in, up to and including it */
    enum subdoc_kind parent;
    bool is_integer; /* a literal that is a whole number without an exponent */
    bool is_open;    /* an outermost literal with nothing behind it, not even white space */
};

struct subdoc_level {
    enum subdoc_kind kind;
    size_t begin;
    size_t count;
};

struct subdoc_tokens {
    struct span text;
    uint8_t closing; /* a byte to be read behind the text; 0 for none */
    size_t at;
    size_t level;
    struct subdoc_level levels[SUBDOC_DEPTH + 1];
    uint8_t last;     /* the comma or colon before, if nothing has come since */
    uint8_t expected; /* the byte of structure that may come */
    bool is_insertable;
};

/* Before the first token of a document. */
void subdoc_tokens_init(struct subdoc_tokens *tokens, struct span text);

/* Before the first token of what may stand between the brackets of an array, or be the value of a
 * member and what follows it in its object; a closing bracket is read behind it, as END of level 1.
 */
void subdoc_tokens_init_within(struct subdoc_tokens *tokens, struct span text,
                               enum subdoc_kind parent);

/* Writes the next token. False: it is TEXT_END, NOT_JSON or TOO_DEEP, and the last one. */
bool subdoc_tokens_next(struct subdoc_tokens *tokens, struct subdoc_token *token);

/* White space of JSON. */
static inline bool subdoc_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

#endif
