/* What pcapng.h writes, as libpcap reads it. */
#include "capture/capture.h"
#include "capture/pcapng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PACKETS = 9 };

static const char text[] = "0123456789abcdef";
static char path[] = "/tmp/kvreplay-test-XXXXXX";

static const struct pcapng_interface ethernet = {
    .link_type = PCAPNG_ETHERNET,
    .application = "a test",
    .name = "name",
    .description = "described",
    .filter = "tcp",
};

/* Packet i: its first i bytes in two parts, 10 * i bytes long on the wire. */
static void write_packets(struct pcapng *pcapng)
{
    for (uint32_t i = 0; i < PACKETS; i++) {
        struct span parts[] = {span_of(text, i / 2), span_of(text + i / 2, i - i / 2)};
        assert_true(pcapng_write(pcapng, INT64_C(1700000000123456789) + i, 10 * i, parts, 2));
    }
}

static void expect_packets(struct capture *capture)
{
    struct net_packet packet;
    for (uint32_t i = 0; i < PACKETS; i++) {
        assert_int_equal(capture_next(capture, &packet), CAPTURE_PACKET);
        assert_int_equal(packet.link, NET_LINK_ETHERNET);
        assert_true(packet.time == INT64_C(1700000000123456789) + i);
        assert_int_equal(packet.length, 10 * i);
        assert_int_equal(packet.bytes.size, i);
        assert_memory_equal(packet.bytes.data, text, i);
    }
}

static struct capture *open_capture(void)
{
    const struct capture_options no_filter = {0};
    char message[CAPTURE_MESSAGE_SIZE];
    struct capture *capture;
    if (capture_open(path, &no_filter, &capture, message) != CAPTURE_OPEN) {
        fail_msg("%s", message);
    }
    return capture;
}

static void packets_come_back_with_times_and_lengths(void **state)
{
    (void)state;
    struct pcapng pcapng;
    struct net_packet packet;
    FILE *file = fopen(path, "w");
    assert_true(pcapng_begin(&pcapng, file, &ethernet));
    write_packets(&pcapng);
    assert_true(pcapng_write_statistics(&pcapng, 1, 9, 1));
    assert_true(pcapng_flush(&pcapng));
    assert_true((uint64_t)ftell(file) == pcapng.written);
    fclose(file);
    struct capture *capture = open_capture();
    expect_packets(capture);
    assert_int_equal(capture_next(capture, &packet), CAPTURE_END);
    capture_close(capture);
}

static void files_put_together_are_one(void **state)
{
    (void)state;
    struct pcapng pcapng;
    struct net_packet packet;
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 2; i++) {
        assert_true(pcapng_begin(&pcapng, file, &ethernet));
        write_packets(&pcapng);
        assert_true(pcapng_flush(&pcapng));
    }
    fclose(file);
    struct capture *capture = open_capture();
    expect_packets(capture);
    expect_packets(capture);
    assert_int_equal(capture_next(capture, &packet), CAPTURE_END);
    capture_close(capture);
}

static void long_texts_are_cut_and_none_is_needed(void **state)
{
    (void)state;
    char *filter = malloc(10000);
    struct pcapng pcapng;
    memset(filter, 'x', 9999);
    filter[9999] = '\0';
    const struct pcapng_interface interfaces[] = {
        {.link_type = PCAPNG_ETHERNET, filter != NULL ? 1024 : 0, filter, filter, filter, filter},
        {.link_type = PCAPNG_ETHERNET}};
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(path, "w");
        assert_true(pcapng_begin(&pcapng, file, &interfaces[i]));
        write_packets(&pcapng);
        assert_true(pcapng_flush(&pcapng));
        fclose(file);
        struct capture *capture = open_capture();
        expect_packets(capture);
        capture_close(capture);
    }
    free(filter);
}

static void what_can_not_be_written_is_an_error_and_stays_one(void **state)
{
    (void)state;
    struct pcapng pcapng;
    struct span part = span_of(text, 4);
    FILE *file = fopen("/dev/full", "w");
    pcapng_begin(&pcapng, file, &ethernet);
    assert_false(pcapng_flush(&pcapng));
    assert_int_equal(pcapng.error, ENOSPC);
    assert_false(pcapng_write(&pcapng, 0, 4, &part, 1));
    assert_false(pcapng_flush(&pcapng));
    fclose(file);
}

static void more_captured_than_there_was_is_refused(void **state)
{
    (void)state;
    struct pcapng pcapng;
    struct span part = span_of(text, 4);
    FILE *file = fopen("/dev/null", "w");
    assert_true(pcapng_begin(&pcapng, file, &ethernet));
    assert_false(pcapng_write(&pcapng, 0, 3, &part, 1));
    assert_int_equal(pcapng.error, EMSGSIZE);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_back_with_times_and_lengths),
        cmocka_unit_test(files_put_together_are_one),
        cmocka_unit_test(long_texts_are_cut_and_none_is_needed),
        cmocka_unit_test(what_can_not_be_written_is_an_error_and_stays_one),
        cmocka_unit_test(more_captured_than_there_was_is_refused),
    };
    close(mkstemp(path));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
