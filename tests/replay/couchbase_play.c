#include "couchbase_play.h"

#include "base/endian.h"

#include <string.h>

static size_t put(uint8_t *frame, size_t at, const void *bytes, size_t size)
{
    assert_true(size <= FRAME_ROOM - at);
    if (size > 0) {
        memcpy(frame + at, bytes, size);
    }
    return at + size;
}

static size_t write_request(struct play *play, uint8_t opcode, const struct asked *asked,
                            uint8_t frame[FRAME_ROOM])
{
    size_t key_size = asked->key == NULL ? 0 : strlen(asked->key);
    size_t value_size =
        asked->value == NULL || asked->value_size > 0 ? asked->value_size : strlen(asked->value);
    memset(frame, 0, MCBP_HEADER_SIZE);
    frame[0] = MCBP_CLIENT_REQUEST;
    frame[1] = opcode;
    write_be16(frame + 2, (uint16_t)key_size);
    frame[4] = (uint8_t)asked->extras_size;
    frame[5] = asked->datatype;
    write_be32(frame + 8, (uint32_t)(asked->extras_size + key_size + value_size));
    write_be32(frame + 12, ++play->opaque);
    write_be64(frame + 16, asked->cas);
    size_t at = put(frame, MCBP_HEADER_SIZE, asked->extras, asked->extras_size);
    at = put(frame, at, asked->key, key_size);
    return put(frame, at, asked->value, value_size);
}

static void execute(struct play *play, struct span bytes)
{
    struct couchbase_answer answer;
    struct mcbp_frame frame;
    assert_int_equal(mcbp_frame_parse(bytes, &frame), MCBP_FRAME);
    const struct couchbase_request request = {.frame = &frame, .now = play->scene->time};
    couchbase_execute(play->node, play->session, &request, &answer);
    play->answer_size = 0;
    if (answer.count > 0) {
        assert_int_equal(
            kvr_encode_flat(&answer.responses[0], play->answer, FRAME_ROOM, &play->answer_size),
            KVR_OK);
    }
}

void tell(struct play *play)
{
    if (!play->is_hidden && play->answer_size > 0) {
        scene_say_bytes(play->scene, ANN, false, span_of(play->answer, play->answer_size));
    }
}

void run(struct play *play, uint8_t opcode, const struct asked *asked)
{
    uint8_t request[FRAME_ROOM];
    size_t size = write_request(play, opcode, asked, request);
    if (!play->is_hidden) {
        scene_say_bytes(play->scene, ANN, true, span_of(request, size));
    }
    execute(play, span_of(request, size));
}

void say(struct play *play, uint8_t opcode, const struct asked *asked)
{
    run(play, opcode, asked);
    tell(play);
}

static void log_in(struct play *play, void **state, struct span features, bool hidden)
{
    static const struct couchbase_options options = {.bucket = "default", .vbuckets = 4};
    *play = (struct play){.scene = *state, .is_hidden = hidden};
    play->node = couchbase_node_create(&options);
    play->session = couchbase_session_create(play->node);
    say(play, MCBP_HELLO,
        &(struct asked){.value = (const char *)features.data, .value_size = features.size});
    say(play, MCBP_SASL_AUTH, &(struct asked){.key = "PLAIN", .value = "u"});
    say(play, MCBP_SELECT_BUCKET, &(struct asked){.key = "default"});
    play->is_hidden = false;
}

void begin_with(struct play *play, void **state, struct span features)
{
    log_in(play, state, features, false);
}

void join_with(struct play *play, void **state, struct span features)
{
    scene_join(*state, ANN);
    log_in(play, state, features, true);
}

void begin(struct play *play, void **state)
{
    static const uint8_t features[] = {0, MCBP_FEATURE_MUTATION_SEQNO, 0, MCBP_FEATURE_XERROR,
                                       0, MCBP_FEATURE_XATTR,          0, MCBP_FEATURE_JSON};
    begin_with(play, state, span_of(features, sizeof(features)));
}

static void end(struct play *play)
{
    couchbase_session_destroy(play->session);
    couchbase_node_destroy(play->node);
}

const struct capture_result *verified(struct play *play)
{
    end(play);
    return scene_verify(play->scene);
}

void expect_executed(struct play *play, uint64_t different)
{
    const struct capture_result *found = verified(play);
    assert_int_equal(found->executed.check.different, different);
    assert_int_equal(found->executed.not_executed, 0);
}
