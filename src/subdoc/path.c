#include "subdoc/path.h"

#include "subdoc/escape.h"

/* A part being read: from where, and how many backticks it has. */
struct path_reader {
    struct span text;
    size_t at;
    struct subdoc_path *path;
};

static enum mcbp_status path_add(struct subdoc_path *path, const struct subdoc_part *part)
{
    if (path->count == SUBDOC_PATH_PARTS) {
        return MCBP_STATUS_SUBDOC_PATH_TOO_BIG;
    }
    path->parts[path->count++] = *part;
    path->has_last |= part->is_last;
    return MCBP_STATUS_SUCCESS;
}

/* The number wraps as the server's does: it only notices when it becomes smaller. */
static bool path_read_number(struct span digits, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
        uint64_t next = *number * 10 + (digits.data[i] - '0');
        if (next < *number) {
            return false;
        }
        *number = next;
    }
    return true;
}

static enum mcbp_status path_add_index(struct subdoc_path *path, struct span digits)
{
    struct subdoc_part part = {.is_index = true};
    if (span_equal(digits, span_of("-1", 2))) {
        part.index = UINT64_MAX;
    } else if (!path_read_number(digits, &part.index)) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    part.is_last = part.index == UINT64_MAX;
    return path_add(path, &part);
}

static enum mcbp_status path_read_index(struct path_reader *reader)
{
    struct span rest = span_skip(reader->text, reader->at + 1);
    const uint8_t *end = rest.size == 0 ? NULL : memchr(rest.data, ']', rest.size);
    if (end == NULL) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    struct span digits = span_head(rest, (size_t)(end - rest.data));
    reader->at += digits.size + 2;
    enum mcbp_status status = path_add_index(reader->path, digits);
    if (status != MCBP_STATUS_SUCCESS || reader->at == reader->text.size) {
        return status;
    }
    uint8_t next = reader->text.data[reader->at];
    if (next == '.') {
        reader->at++;
    }
    return next == '.' || next == '[' ? MCBP_STATUS_SUCCESS : MCBP_STATUS_SUBDOC_PATH_INVALID;
}

static enum mcbp_status path_add_name(struct subdoc_path *path, struct span name, size_t backticks)
{
    if (name.size > 1 && name.data[0] == '`' && name.data[name.size - 1] == '`') {
        name = span_of(name.data + 1, name.size - 2);
        backticks -= 2;
    }
    if (path->count == SUBDOC_PATH_PARTS) {
        return MCBP_STATUS_SUBDOC_PATH_TOO_BIG;
    }
    if (name.size == 0) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    return path_add(path, &(struct subdoc_part){.name = name, .is_quoted = backticks > 0});
}

/* Where a name stands, byte by byte. */
struct name_reader {
    bool is_escaped; /* behind a backslash */
    bool is_quoted;  /* within backticks */
    size_t backticks;
};

static bool name_take(struct name_reader *name, uint8_t byte)
{
    if (name->is_escaped) {
        if (!subdoc_is_escape(byte) || byte == 'u') {
            return false;
        }
        name->is_escaped = false;
    } else if (byte == '\\') {
        name->is_escaped = true;
    } else if (byte == '"' || byte < 0x1f) { /* 0x1f passes there, too */
        return false;
    }
    if (byte == '`') {
        name->backticks++;
        name->is_quoted = !name->is_quoted;
    }
    return name->is_quoted || byte != ']';
}

static enum mcbp_status path_read_name(struct path_reader *reader)
{
    struct span rest = span_skip(reader->text, reader->at);
    struct name_reader name = {0};
    size_t size = 0;
    while (size < rest.size) {
        if (!name_take(&name, rest.data[size])) {
            return MCBP_STATUS_SUBDOC_PATH_INVALID;
        }
        if (!name.is_quoted && (rest.data[size] == '.' || rest.data[size] == '[')) {
            break;
        }
        size++;
    }
    if (size == rest.size && (name.is_quoted || name.is_escaped)) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    reader->at += size + (size < rest.size && rest.data[size] == '.' ? 1 : 0);
    return path_add_name(reader->path, span_head(rest, size), name.backticks);
}

enum mcbp_status subdoc_path_parse(struct span text, struct subdoc_path *path)
{
    struct path_reader reader = {.text = text, .path = path};
    path->count = 0;
    path->has_last = false;
    while (reader.at < text.size) {
        enum mcbp_status status =
            text.data[reader.at] == '[' ? path_read_index(&reader) : path_read_name(&reader);
        if (status != MCBP_STATUS_SUCCESS) {
            return status;
        }
    }
    return MCBP_STATUS_SUCCESS;
}
