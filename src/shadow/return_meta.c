/* RETURN_META, whose answer shows flags, expiry and revision of what it has made. */
#include "couchbase/return_meta.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "shadow/parts.h"

enum { FLAGS_AT = 0, EXPIRY_AT = 4, REVISION_AT = 8 };

/* A new document's revision follows from those of all that were deleted in its vbucket; and whether
 * one that has expired was deleted before is not known. */
void return_meta_prepare(const struct judged *judged, int64_t now)
{
    struct document *document = judged->exchange->asked->document;
    if (judged->opcode == MCBP_RETURN_META && !document_is_alive(document, now)) {
        document->unknown |= DOCUMENT_REVISION;
    }
}

/* Of a time counted from now, the server's second may be another one than ours. */
static bool may_show(struct judged *judged, uint32_t ours, uint32_t shown)
{
    enum { GIVEN_AT = 8, RELATIVE_MAX = 60 * 60 * 24 * 30 };
    struct document *document = judged->exchange->asked->document;
    uint32_t given = read_be32(judged->exchange->request->extras.data + GIVEN_AT);
    bool relative = (given != 0 && given <= RELATIVE_MAX) || limits_max_ttl(judged) != 0;
    document->expiry = ours;
    limits_note_set(judged, document);
    return limits_explain(judged, document, shown) ||
           (relative && judged_is_about(judged, shown, ours));
}

/* Which flags and time a tombstone has depends on the release. */
void return_meta_take_over(struct judged *judged, const struct kvr_response *response)
{
    const struct mcbp_frame *request = judged->exchange->request;
    struct span shown = judged->exchange->answer->extras;
    struct document *document = judged->exchange->asked->document;
    uint8_t *ours = judged->exchange->asked->vbucket->bucket->node->extras[0];
    if (response->extras_size != RETURN_META_SHOWN || shown.size != RETURN_META_SHOWN) {
        return;
    }
    uint32_t expiry = read_be32(shown.data + EXPIRY_AT);
    if (return_meta_mutation_of(request) == RETURN_META_DELETE) {
        memcpy(ours, shown.data, REVISION_AT);
    } else if (may_show(judged, read_be32(ours + EXPIRY_AT), expiry)) {
        write_be32(ours + EXPIRY_AT, expiry);
    }
    if ((document->unknown & DOCUMENT_REVISION) != 0) {
        memcpy(ours + REVISION_AT, shown.data + REVISION_AT, sizeof(uint64_t));
        judged->told = true;
    }
    document->flags = read_be32(ours + FLAGS_AT);
    document->expiry = read_be32(ours + EXPIRY_AT);
    document->expiry_set = 0;
    document->revision = read_be64(ours + REVISION_AT);
}
