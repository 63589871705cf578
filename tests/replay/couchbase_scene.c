#include "couchbase_scene.h"

#include "base/endian.h"
#include "mcbp/feature.h"

static void say(struct scene *scene, enum person person, bool client,
                const struct mcbp_header *says, struct span extras, const char *key,
                struct span value)
{
    uint8_t bytes[SAID_ROOM] = {client ? MCBP_CLIENT_REQUEST : MCBP_CLIENT_RESPONSE, says->opcode};
    size_t sizes[] = {extras.size, strlen(key), value.size};
    uint8_t *at = bytes + MCBP_HEADER_SIZE;
    write_be16(bytes + 2, (uint16_t)sizes[1]);
    bytes[4] = (uint8_t)sizes[0];
    write_be16(bytes + 6, says->vbucket_or_status);
    write_be32(bytes + 8, (uint32_t)(sizes[0] + sizes[1] + sizes[2]));
    write_be32(bytes + 12, says->opaque);
    write_be64(bytes + 16, says->cas);
    const void *parts[] = {extras.data, key, value.data};
    for (size_t i = 0; i < 3; at += sizes[i++]) {
        memcpy(at, parts[i] != NULL ? parts[i] : "", sizes[i]);
    }
    scene_say_bytes(scene, person, client, span_of(bytes, (size_t)(at - bytes)));
}

void asks_for(struct scene *scene, enum person person, uint8_t opcode, uint16_t vbucket,
              const char *key, const char *value)
{
    static const uint8_t zeros[8];
    bool stores = opcode == MCBP_SET || opcode == MCBP_ADD;
    const struct mcbp_header header = {.opcode = opcode, .vbucket_or_status = vbucket};
    say(scene, person, true, &header, span_of(zeros, stores ? 8 : 0), key,
        span_of(value, strlen(value)));
}

void is_told(struct scene *scene, enum person person, uint8_t opcode, uint16_t status,
             struct span extras, const char *value, uint64_t cas)
{
    const struct mcbp_header header = {.opcode = opcode, .vbucket_or_status = status, .cas = cas};
    say(scene, person, false, &header, extras, "", span_of(value, strlen(value)));
}

void is_told_value(struct scene *scene, enum person person, uint8_t opcode, uint16_t status,
                   struct span extras, struct span value, uint64_t cas)
{
    const struct mcbp_header header = {.opcode = opcode, .vbucket_or_status = status, .cas = cas};
    say(scene, person, false, &header, extras, "", value);
}

static void greets_with(struct scene *scene, enum person person, struct span features)
{
    const struct mcbp_header header = {.opcode = MCBP_HELLO};
    say(scene, person, true, &header, span_of("", 0), "", features);
    say(scene, person, false, &header, span_of("", 0), "", features);
}

void greets(struct scene *scene, enum person person, uint16_t feature)
{
    uint8_t features[2];
    write_be16(features, feature);
    greets_with(scene, person, span_of(features, sizeof(features)));
}

void selects(struct scene *scene, enum person person, const char *bucket)
{
    asks_for(scene, person, MCBP_SELECT_BUCKET, 0, bucket, "");
    is_told(scene, person, MCBP_SELECT_BUCKET, 0, span_of("", 0), "", 0);
}

void come(struct scene *scene, enum person person)
{
    uint8_t features[4];
    write_be16(features, MCBP_FEATURE_MUTATION_SEQNO);
    write_be16(features + 2, MCBP_FEATURE_XATTR);
    greets_with(scene, person, span_of(features, sizeof(features)));
    selects(scene, person, "default");
}

void is_told_number(struct scene *scene, enum person person, uint8_t opcode, uint64_t uuid,
                    uint64_t number)
{
    uint8_t token[MCBP_TOKEN_SIZE];
    mcbp_token_write(&(struct mcbp_token){uuid, number}, token);
    is_told(scene, person, opcode, 0, span_of(token, sizeof(token)), "", 1000 + number);
}

void asks_with(struct scene *scene, enum person person, uint8_t opcode, struct span extras,
               const char *key, struct span value)
{
    const struct mcbp_header header = {.opcode = opcode};
    say(scene, person, true, &header, extras, key, value);
}

void mutates(struct scene *scene, enum person person, const char *key, struct span specs)
{
    asks_with(scene, person, MCBP_SUBDOC_MULTI_MUTATION, span_of("", 0), key, specs);
}
