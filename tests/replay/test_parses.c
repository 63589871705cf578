/*
 * How often a frame is parsed on its way from the file to the verdict: once where it is framed, and
 * once more, if it is a response, where it has become bytes again.
 */
#include "mcbp/frame.h"
#include "replay/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t parses;

/* In place of the parser, which the linker calls __real_...: see CMakeLists.txt. */
enum mcbp_parse __real_mcbp_frame_parse(struct span input, struct mcbp_frame *frame);
enum mcbp_parse __wrap_mcbp_frame_parse(struct span input, struct mcbp_frame *frame);

enum mcbp_parse __wrap_mcbp_frame_parse(struct span input, struct mcbp_frame *frame)
{
    parses++;
    return __real_mcbp_frame_parse(input, frame);
}

static void a_frame_is_parsed_twice_at_most(void **state)
{
    static const char *const captures[] = {"cas.pcap", "quiet.pcap", "concurrent.pcap",
                                           "memcaslap.pcap"};
    enum { OPENINGS = 4 }; /* looks at either side's first bytes, to tell what a connection is */
    (void)state;
    for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
        struct verify_options options;
        struct verify_result *result = calloc(1, sizeof(*result));
        char path[256];
        assert_non_null(result);
        snprintf(path, sizeof(path), "%s/captures/%s", CORPUS, captures[i]);
        verify_options_init(&options);
        assert_true(verify_result_init(result, 1, 0, 0));
        parses = 0;
        verify_capture(path, &options, result);
        const struct capture_result *capture = &result->captures[0];
        assert_int_equal(capture->status, VERIFY_IDENTICAL);
        print_message("%s: %.2f times\n", captures[i],
                      (double)parses / (double)(capture->client_frames + capture->server_frames));
        assert_in_range(parses, 1,
                        2 * (capture->client_frames + capture->server_frames) +
                            OPENINGS * capture->connections);
        verify_result_deinit(result);
        free(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_frame_is_parsed_twice_at_most)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
