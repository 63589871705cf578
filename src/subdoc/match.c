#include "subdoc/match.h"

#include "subdoc/name.h"

/* A walk through the text of a document along parts of a path. */
struct walk {
    struct span text;
    const struct subdoc_part *parts;
    size_t part_count;
    bool wants_last; /* the last element of what is found, instead of it */
    struct subdoc_search search;
    struct subdoc_match *match;
    size_t depth;             /* how many objects and arrays on the path the walk is in */
    struct subdoc_token key;  /* the last one */
    struct subdoc_token last; /* of the elements of what was found */
    bool is_open;             /* it was found and has not ended */
};

/* The outermost value is named by no part: parts[level - 2] names one of that level. */
static bool walk_names(const struct walk *walk, const struct subdoc_token *token)
{
    if (token->level == 1) {
        return true;
    }
    const struct subdoc_part *part = &walk->parts[token->level - 2];
    if (token->parent == SUBDOC_ARRAY) {
        return part->index == token->siblings - 1;
    }
    const uint8_t *key = walk->text.data + walk->key.begin + 1;
    return subdoc_name_matches(part, span_of(key, walk->key.end - walk->key.begin - 2));
}

/* Part number token->level can be in it. */
static bool walk_can_enter(const struct walk *walk, const struct subdoc_token *token)
{
    bool is_index = walk->parts[token->level - 1].is_index;
    return token->event == SUBDOC_BEGIN && (token->kind == SUBDOC_ARRAY) == is_index;
}

static bool walk_mismatch(struct walk *walk)
{
    walk->match->outcome = SUBDOC_MISMATCH;
    return false;
}

/* What the path names has begun. */
static bool walk_found(struct walk *walk, const struct subdoc_token *token)
{
    struct subdoc_match *match = walk->match;
    match->outcome = SUBDOC_FOUND;
    match->kind = token->kind;
    match->begin = match->end = token->begin;
    match->level = token->level;
    match->has_key = token->parent == SUBDOC_OBJECT;
    match->key_begin = walk->key.begin;
    if (token->level > 1) {
        match->position = (match->has_key ? token->siblings / 2 : token->siblings) - 1;
    }
    walk->is_open = true;
    if (walk->search.unique.data != NULL && token->kind != SUBDOC_ARRAY) {
        return walk_mismatch(walk);
    }
    return true;
}

/* The last element of the array that was found becomes what was found. */
static bool walk_take_last(struct walk *walk, const struct subdoc_token *token)
{
    struct subdoc_match *match = walk->match;
    if (token->kind != SUBDOC_ARRAY) {
        return walk_mismatch(walk);
    }
    if (token->count == 0) {
        match->outcome = SUBDOC_ABSENT;
        return false;
    }
    match->kind = walk->last.kind;
    match->begin = walk->last.begin;
    match->end = walk->last.end;
    match->level = walk->last.level;
    match->count = walk->last.count;
    match->is_integer = walk->last.is_integer;
    match->siblings = match->position = token->count - 1;
    match->has_key = false;
    return false;
}

/* What was found has ended. */
static bool walk_close(struct walk *walk, const struct subdoc_token *token)
{
    struct subdoc_match *match = walk->match;
    walk->is_open = false;
    match->end = token->end;
    match->count = token->count;
    match->is_integer = token->is_integer;
    match->is_in_place = true;
    return walk->wants_last ? walk_take_last(walk, token) : walk->search.wants_siblings;
}

/* An object or array, or a scalar, of the deepest object or array on the path. */
static bool walk_value(struct walk *walk, const struct subdoc_token *token)
{
    if (!walk_names(walk, token)) {
        return true;
    }
    if (token->level == walk->part_count + 1) {
        bool goes_on = walk_found(walk, token);
        if (token->event == SUBDOC_SCALAR && goes_on && !token->is_open) {
            return walk_close(walk, token);
        }
        return goes_on;
    }
    if (!walk_can_enter(walk, token)) {
        walk->match->outcome = SUBDOC_MISMATCH; /* unless the same key comes again */
        return true;
    }
    walk->depth = walk->match->level = token->level;
    walk->match->begin = token->begin;
    return true;
}

/* couchbase/subjson compares strings without looking at the quotation marks of what is looked for.
 */
static bool is_same_scalar(struct span text, struct span unique)
{
    if (text.size != unique.size) {
        return false;
    }
    size_t quotes = text.data[0] == '"' && text.size >= 2 ? 1 : 0;
    return memcmp(text.data + quotes, unique.data + quotes, text.size - 2 * quotes) == 0;
}

static bool walk_compare(struct walk *walk, const struct subdoc_token *token)
{
    if (walk->search.unique.data == NULL || token->event == SUBDOC_BEGIN) {
        return true;
    }
    if (token->event == SUBDOC_END) {
        return walk_mismatch(walk);
    }
    struct span text = span_of(walk->text.data + token->begin, token->end - token->begin);
    walk->match->is_duplicate = is_same_scalar(text, walk->search.unique);
    return !walk->match->is_duplicate;
}

/* Something within what was found, or its end. */
static bool walk_within(struct walk *walk, const struct subdoc_token *token)
{
    if (token->event == SUBDOC_KEY || token->level > walk->match->level + 1) {
        return true;
    }
    if (token->level == walk->match->level) {
        return walk_close(walk, token);
    }
    walk->last = *token;
    return walk_compare(walk, token);
}

/* The deepest object or array on the path ends without what the path names. */
static bool walk_leave(struct walk *walk, const struct subdoc_token *token)
{
    struct subdoc_match *match = walk->match;
    match->end = token->end;
    match->kind = token->kind;
    match->siblings = token->kind == SUBDOC_OBJECT ? token->count / 2 : token->count;
    match->is_in_place = token->level == walk->part_count;
    return false;
}

/* What comes behind what was found: another one, or the end of what it is in. */
static bool walk_follow(struct walk *walk, const struct subdoc_token *token)
{
    size_t siblings = token->event == SUBDOC_END ? token->count : token->siblings;
    enum subdoc_kind parent = token->event == SUBDOC_END ? token->kind : token->parent;
    if (parent == SUBDOC_OBJECT) {
        siblings = (siblings + 1) / 2;
    }
    walk->match->siblings = siblings - 1;
    return false;
}

/* False: nothing more needs to be read. */
static bool walk_step(struct walk *walk, const struct subdoc_token *token)
{
    if (walk->is_open) {
        return walk_within(walk, token);
    }
    if (walk->match->outcome == SUBDOC_FOUND) {
        return walk_follow(walk, token);
    }
    if (token->event == SUBDOC_KEY) {
        walk->key = *token;
        return true;
    }
    if (token->event == SUBDOC_END) {
        return token->level == walk->depth && token->level > 0 ? walk_leave(walk, token) : true;
    }
    return token->level == walk->depth + 1 ? walk_value(walk, token) : true;
}

/* The text that can't be read: as far as the walk is concerned, a value may have begun there. */
static bool walk_fail(struct walk *walk, struct subdoc_token *token)
{
    if (token->event == SUBDOC_NOT_JSON && token->kind != SUBDOC_NONE && !walk->is_open) {
        token->event = SUBDOC_SCALAR;
        token->is_open = true;
        if (!walk_step(walk, token)) {
            return false;
        }
        token->event = SUBDOC_NOT_JSON;
    }
    return true;
}

static void walk_run(struct walk *walk)
{
    struct subdoc_tokens tokens;
    struct subdoc_token token;
    *walk->match = (struct subdoc_match){.status = MCBP_STATUS_SUCCESS};
    subdoc_tokens_init(&tokens, walk->text);
    while (subdoc_tokens_next(&tokens, &token)) {
        if (!walk_step(walk, &token)) {
            return;
        }
    }
    if (!walk_fail(walk, &token)) {
        return;
    }
    if (token.event == SUBDOC_NOT_JSON) {
        walk->match->status = MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON;
    } else if (token.event == SUBDOC_TOO_DEEP) {
        walk->match->status = MCBP_STATUS_SUBDOC_DOCUMENT_TOO_DEEP;
    }
}

/* The number of parts before the next [-1], or to the end. */
static size_t parts_before_last(const struct subdoc_path *path, size_t from)
{
    size_t count = 0;
    while (from + count < path->count && !path->parts[from + count].is_last) {
        count++;
    }
    return count;
}

/* Looks for the array before each [-1], takes its last element, and goes on in that one's text. */
static void match_with_last(struct span document, const struct subdoc_path *path,
                            struct subdoc_match *match)
{
    size_t offset = 0;
    size_t end = document.size;
    size_t levels = 0;
    for (size_t from = 0; from < path->count;) {
        size_t count = parts_before_last(path, from);
        struct walk walk = {.text = span_of(document.data + offset, end - offset),
                            .parts = &path->parts[from],
                            .part_count = count,
                            .wants_last = from + count < path->count,
                            .match = match};
        walk_run(&walk);
        match->begin += offset;
        match->end += offset;
        match->key_begin += offset;
        match->level += levels > 0 ? levels - 1 : 0;
        if (match->status != MCBP_STATUS_SUCCESS || match->outcome != SUBDOC_FOUND) {
            break;
        }
        offset = match->begin;
        end = match->end;
        levels = match->level;
        from += count + 1;
    }
    match->is_in_place = match->level >= path->count;
}

void subdoc_match(struct span document, const struct subdoc_path *path,
                  const struct subdoc_search *search, struct subdoc_match *match)
{
    if (path->has_last) {
        match_with_last(document, path, match);
        return;
    }
    struct walk walk = {.text = document,
                        .parts = path->parts,
                        .part_count = path->count,
                        .search = *search,
                        .match = match};
    walk_run(&walk);
}

enum mcbp_status subdoc_match_status(struct span document, const struct subdoc_path *path,
                                     const struct subdoc_search *search, struct subdoc_match *match)
{
    subdoc_match(document, path, search, match);
    return match->outcome == SUBDOC_MISMATCH ? MCBP_STATUS_SUBDOC_PATH_MISMATCH : match->status;
}
