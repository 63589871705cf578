#include "anonymise/json.h"

#include "anonymise/text.h"
#include "subdoc/tokens.h"

enum { QUOTED = 2 /* the quotation marks of a string */ };

static struct span unquoted(struct span text, const struct subdoc_token *token)
{
    return span_head(span_skip(text, token->begin + 1), token->end - token->begin - QUOTED);
}

static bool json_is_within(struct span text, enum subdoc_kind parent)
{
    struct subdoc_tokens tokens;
    struct subdoc_token token;
    subdoc_tokens_init_within(&tokens, text, parent);
    while (subdoc_tokens_next(&tokens, &token)) {
        bool string = token.event == SUBDOC_KEY ||
                      (token.event == SUBDOC_SCALAR && token.kind == SUBDOC_STRING);
        if (string && !text_is_utf8(unquoted(text, &token))) {
            return false;
        }
        if (token.event == SUBDOC_END && token.level == 1) {
            return token.end == text.size + 1; /* the bracket that is read behind the text */
        }
    }
    return false;
}

/* What the text may stand in: an array, or a member (which may have others behind it); NONE. */
static enum subdoc_kind parent_of(struct span text)
{
    return json_is_within(text, SUBDOC_ARRAY)    ? SUBDOC_ARRAY
           : json_is_within(text, SUBDOC_OBJECT) ? SUBDOC_OBJECT
                                                 : SUBDOC_NONE;
}

bool json_is(struct span text)
{
    return parent_of(text) != SUBDOC_NONE;
}

static bool is_number(struct span text, const struct subdoc_token *token)
{
    uint8_t first = text.data[token->begin];
    return token->kind == SUBDOC_LITERAL && (first == '-' || (first >= '0' && first <= '9'));
}

bool json_walk(struct span text, const struct json_visitor *visitor)
{
    struct subdoc_tokens tokens;
    struct subdoc_token token;
    struct span member = {0};
    enum subdoc_kind parent = parent_of(text);
    if (parent == SUBDOC_NONE) {
        return false;
    }
    subdoc_tokens_init_within(&tokens, text, parent);
    while (subdoc_tokens_next(&tokens, &token) && token.end <= text.size) {
        size_t size = token.end - token.begin;
        struct span in = token.parent == SUBDOC_OBJECT ? member : span_of(NULL, 0);
        if (token.event == SUBDOC_KEY) {
            visitor->visit(visitor->context, JSON_NAME, in, token.begin + 1, size - QUOTED);
            member = unquoted(text, &token);
        } else if (token.event == SUBDOC_SCALAR && token.kind == SUBDOC_STRING) {
            visitor->visit(visitor->context, JSON_STRING, in, token.begin + 1, size - QUOTED);
        } else if (token.event == SUBDOC_SCALAR && is_number(text, &token)) {
            visitor->visit(visitor->context, JSON_NUMBER, in, token.begin, size);
        }
    }
    return true;
}
