#include "engine/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

int asking_begin(void **state)
{
    struct asking *asking = calloc(1, sizeof(*asking));
    if (asking == NULL) {
        return -1;
    }
    asking->engine = engine_create(NULL);
    asking->now = 1000000;
    asking->cas = 0xca5;
    *state = asking;
    return asking->engine == NULL ? -1 : 0;
}

int asking_end(void **state)
{
    struct asking *asking = *state;
    engine_destroy(asking->engine);
    bytes_free(&asking->request);
    bytes_free(&asking->answered);
    bytes_free(&asking->expected);
    free(asking);
    return 0;
}

/* The request is moved to memory of just its size, so that a sanitizer sees a read beyond it. */
static void execute(struct asking *asking)
{
    uint8_t *exact = malloc(asking->request.size);
    assert_non_null(exact);
    memcpy(exact, asking->request.data, asking->request.size);
    struct mcbp_frame frame;
    enum mcbp_parse parsed = mcbp_frame_parse(span_of(exact, asking->request.size), &frame);
    assert_true(parsed == MCBP_FRAME || parsed == MCBP_BAD_LENGTHS);
    if (parsed == MCBP_BAD_LENGTHS) {
        frame = (struct mcbp_frame){.header = frame.header};
    } else {
        assert_int_equal(frame.bytes.size, asking->request.size);
    }
    struct engine_request request = {
        .frame = &frame,
        .bad_lengths = parsed == MCBP_BAD_LENGTHS,
        .referenced = asking->referenced,
        .now = asking->now,
        .cas = asking->cas,
    };
    engine_execute(asking->engine, &request, &asking->answer);
    asking->answered.size = 0;
    for (size_t i = 0; i < asking->answer.count; i++) {
        bytes_add_response(&asking->answered, &asking->answer.responses[i]);
    }
    free(exact);
}

void tell(struct asking *asking, const char *request)
{
    asking->request.size = 0;
    bytes_add_notation(&asking->request, request);
    execute(asking);
}

void ask(struct asking *asking, const char *request, const char *answer)
{
    tell(asking, request);
    asking->expected.size = 0;
    bytes_add_notation(&asking->expected, answer);
    assert_int_equal(asking->answered.size, asking->expected.size);
    if (asking->expected.size != 0) {
        assert_memory_equal(asking->answered.data, asking->expected.data, asking->expected.size);
    }
    assert_int_equal(asking->answer.verdict == ENGINE_SILENT, asking->answered.size == 0);
}

void ask_request(struct asking *asking, const struct request *request)
{
    asking->request.size = 0;
    bytes_add_request(&asking->request, request);
    execute(asking);
}

struct engine_item know(const struct asking *asking, const char *key)
{
    struct engine_item item;
    engine_look(asking->engine, span_of(key, strlen(key)), asking->now, &item);
    return item;
}
