#include "subdoc/fragment.h"

/* False: the token can't be there. */
static bool fragment_allows(const struct subdoc_fragment *fragment,
                            const struct subdoc_token *token)
{
    if (!fragment->is_scalar || token->level != 2) {
        return true;
    }
    return token->event == SUBDOC_SCALAR && token->siblings == 1;
}

enum mcbp_status subdoc_fragment_check(struct span value, const struct subdoc_fragment *fragment)
{
    struct subdoc_tokens tokens;
    struct subdoc_token token;
    if (value.size == 0) {
        return MCBP_STATUS_INTERNAL_ERROR;
    }
    subdoc_tokens_init_within(&tokens, value, fragment->parent);
    for (;;) {
        bool goes_on = subdoc_tokens_next(&tokens, &token);
        bool is_value = token.kind != SUBDOC_NONE;
        if (token.event == SUBDOC_TOO_DEEP || (is_value && token.level > fragment->levels)) {
            return MCBP_STATUS_SUBDOC_VALUE_TOO_DEEP;
        }
        if (!goes_on || !fragment_allows(fragment, &token)) {
            return MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT;
        }
        if (token.level == 1) { /* closed by a bracket of its own, if that is not the last byte */
            return token.event == SUBDOC_END && token.end == value.size + 1
                       ? MCBP_STATUS_SUCCESS
                       : MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT;
        }
    }
}
