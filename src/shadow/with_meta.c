/* Changes that bring their meta data with them. */
#include "couchbase/with_meta.h"

#include "mcbp/status.h"
#include "shadow/parts.h"

static const int64_t SECOND = 1000000000;

/* What a bucket resolves conflicts by shows in which options it takes; a client that has told its
 * bucket is held to that. */
static void take_mode(const struct judged *judged, const struct with_meta *meta)
{
    struct shadow_bucket *bucket = judged->exchange->asked->vbucket->bucket;
    bool refused = judged->status == MCBP_STATUS_INVALID_ARGUMENTS;
    if ((bucket->mode_is_told && judged->client->has_told_bucket) ||
        (meta->regenerates && !meta->forces)) { /* which any bucket takes */
        return;
    }
    bucket->node->last_write_wins = meta->forces != refused;
    bucket->mode_is_told |= !refused;
}

static enum meta_resolution resolve(const struct judged *judged, const struct with_meta *meta)
{
    const struct shadow_exchange *exchange = judged->exchange;
    const struct document *document = exchange->asked->document;
    bool has_xattrs = (exchange->request->header.datatype & MCBP_DATATYPE_XATTR) != 0;
    if ((document->unknown & DOCUMENT_PRESENCE) != 0 || known_may_be_tombstone(document) ||
        known_may_be_purged(document, exchange->answered_at)) {
        return META_OPEN;
    }
    bool is_there = !document->deleted || document->revision > 0;
    return is_there ? with_meta_resolve(meta, document,
                                        exchange->asked->vbucket->bucket->node->last_write_wins,
                                        has_xattrs)
                    : META_WINS;
}

enum meta_resolution with_meta_tell(struct judged *judged)
{
    struct with_meta meta;
    if (!with_meta_brings(judged->opcode) || !with_meta_read(judged->exchange->request, &meta)) {
        return META_OPEN;
    }
    take_mode(judged, &meta);
    enum meta_resolution resolution = resolve(judged, &meta);
    if (resolution == META_OPEN && !meta.skips_conflict) {
        judged->told = true;
        resolution = judged->status == MCBP_STATUS_KEY_EXISTS ? META_LOSES : META_WINS;
    }
    return resolution;
}

/* Servers may refuse or replace a CAS from the future (hlc_invalid_strategy), and may refuse a
 * deletion with a value (allow_sanitize_value_in_deletion; user's attributes in older ones). Of
 * what has expired, it is not known whether it has been deleted yet. */
bool with_meta_is_executed(const struct judged *judged)
{
    const struct shadow_exchange *exchange = judged->exchange;
    const struct mcbp_frame *request = exchange->request;
    const struct document *document = exchange->asked->document;
    struct with_meta meta;
    bool is_json = judged->opcode == MCBP_MUTATE_WITH_META;
    if (!with_meta_read(request, &meta)) { /* refused, whatever there is, if numbers aren't odd */
        return !is_json || judged->status == MCBP_STATUS_INVALID_ARGUMENTS;
    }
    bool far = meta.cas != UINT64_MAX &&
               meta.cas / (uint64_t)SECOND > (uint64_t)(exchange->asked_at / SECOND) + 60;
    bool refused = meta.deletes && !is_json && judged->status == MCBP_STATUS_INVALID_ARGUMENTS &&
                   request->value.size > meta.ignored;
    bool odd = meta.revision == 0 || (meta.deletes && request->header.cas != 0);
    bool expired =
        !document->deleted && document_is_expired(document, exchange->answered_at + 2 * SECOND);
    bool cut = !is_json && meta.ignored > request->value.size;
    return !far && !refused && !odd && !expired && !cut;
}
