#include "capture/capture.h"
#include "capture/files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static const struct capture_options no_filter;

static char folder[] = "/tmp/kvreplay-test-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const void *bytes, size_t size)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* A pcap file header (little-endian, microseconds, Ethernet) and two packets of 4 and 3 bytes. */
static const uint8_t two_packets[] = {
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,   0,   4,   0,
    1,    0,    0,    0,                                                            /* file */
    1,    0,    0,    0,    2, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 'a', 'b', 'c', 'd', /* 24 */
    3,    0,    0,    0,    4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'x', 'y', 'z',      /* 44 */
};

struct seen {
    uint64_t packets;
    enum capture_next ended;
    uint64_t lost;
    char message[CAPTURE_MESSAGE_SIZE];
};

static struct seen read_all(const char *path)
{
    struct seen seen = {0};
    struct capture *capture;
    struct net_packet packet;
    assert_int_equal(capture_open(path, &no_filter, &capture, seen.message), CAPTURE_OPEN);
    while ((seen.ended = capture_next(capture, &packet)) == CAPTURE_PACKET) {
        seen.packets++;
        assert_int_equal(packet.number, seen.packets);
    }
    if (seen.ended != CAPTURE_END) {
        snprintf(seen.message, sizeof(seen.message), "%s", capture_message(capture));
    }
    seen.lost = seen.ended == CAPTURE_TRUNCATED ? capture_lost(capture) : 0;
    capture_close(capture);
    return seen;
}

static void assert_unreadable(const char *path, const char *reason)
{
    char message[CAPTURE_MESSAGE_SIZE] = "";
    struct capture *capture;
    assert_int_equal(capture_open(path, &no_filter, &capture, message), CAPTURE_UNREADABLE);
    assert_null(capture);
    assert_non_null(strstr(message, path));
    if (strstr(message, reason) == NULL) {
        fail_msg("'%s' does not say '%s'", message, reason);
    }
}

static void packets_come_with_number_time_and_lengths(void **state)
{
    (void)state;
    char message[CAPTURE_MESSAGE_SIZE];
    struct capture *capture;
    struct net_packet packet;
    const char *path = write_file("two.pcap", two_packets, sizeof(two_packets));
    assert_int_equal(capture_open(path, &no_filter, &capture, message), CAPTURE_OPEN);
    assert_int_equal(capture_bytes_total(capture), sizeof(two_packets));
    assert_int_equal(capture_next(capture, &packet), CAPTURE_PACKET);
    assert_int_equal(packet.number, 1);
    assert_int_equal(packet.time, 1000002000);
    assert_int_equal(packet.link, NET_LINK_ETHERNET);
    assert_int_equal(packet.length, 9);
    assert_true(span_equal(packet.bytes, span_of("abcd", 4)));
    assert_int_equal(capture_next(capture, &packet), CAPTURE_PACKET);
    assert_int_equal(packet.number, 2);
    assert_int_equal(capture_next(capture, &packet), CAPTURE_END);
    capture_close(capture);
}

/* pcapng, little-endian: a section, an Ethernet interface, a packet of 4 bytes. */
static const unsigned char beyond_all_times[] =
    "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
    "\1\0\0\0\x14\0\0\0\1\0\0\0\0\0\4\0\x14\0\0\0"
    "\6\0\0\0\x24\0\0\0\0\0\0\0\xff\xff\xff\x7f\xff\xff\xff\xff\4\0\0\0\4\0\0\0abcd\x24\0\0\0";

static void a_time_beyond_all_times_is_the_last_one(void **state)
{
    (void)state;
    char message[CAPTURE_MESSAGE_SIZE];
    struct capture *capture;
    struct net_packet packet;
    const char *path = write_file("late.pcapng", beyond_all_times, sizeof(beyond_all_times) - 1);
    assert_int_equal(capture_open(path, &no_filter, &capture, message), CAPTURE_OPEN);
    assert_int_equal(capture_next(capture, &packet), CAPTURE_PACKET);
    assert_int_equal(packet.time / 1000000000, INT64_MAX / 1000000000 - 1);
    capture_close(capture);
}

static void a_file_that_ends_in_a_record_has_lost_the_rest_of_it(void **state)
{
    (void)state;
    struct seen seen = read_all(write_file("cut", two_packets, sizeof(two_packets) - 2));
    assert_int_equal(seen.packets, 1);
    assert_int_equal(seen.ended, CAPTURE_TRUNCATED);
    assert_int_equal(seen.lost, 2);
    assert_non_null(strstr(seen.message, "byte 61, after packet 1"));

    seen = read_all(write_file("cut", two_packets, 24 + 5));
    assert_int_equal(seen.ended, CAPTURE_TRUNCATED);
    assert_int_equal(seen.lost, 11); /* of the 16 bytes of a record's header */
}

static void a_file_that_ends_between_records_is_whole(void **state)
{
    (void)state;
    assert_int_equal(read_all(write_file("one", two_packets, 44)).ended, CAPTURE_END);
    assert_int_equal(read_all(write_file("none", two_packets, 24)).packets, 0);
}

static void what_is_no_capture_is_named_with_its_path(void **state)
{
    (void)state;
    assert_unreadable(path_of("not-there"), "No such file");
    assert_unreadable(folder, "Is a directory");
    assert_unreadable(write_file("empty", "", 0), "truncated");
    assert_unreadable(write_file("header", two_packets, 23), "truncated");
    assert_unreadable(write_file("text", "just some text, no capture at all", 33), "byte ");

    uint8_t unknown_link[sizeof(two_packets)];
    memcpy(unknown_link, two_packets, sizeof(two_packets));
    unknown_link[20] = 105; /* IEEE 802.11 */
    assert_unreadable(write_file("wifi", unknown_link, sizeof(unknown_link)), "IEEE802_11");
}

static void a_record_that_cannot_be_is_damage(void **state)
{
    (void)state;
    uint8_t bytes[sizeof(two_packets)];
    memcpy(bytes, two_packets, sizeof(bytes));
    memset(bytes + 44 + 8, 0x7f, 4); /* the second record's captured length: 2 GiB */
    struct seen seen = read_all(write_file("lie", bytes, sizeof(bytes)));
    assert_int_equal(seen.packets, 1);
    assert_int_equal(seen.ended, CAPTURE_DAMAGED);
    assert_non_null(strstr(seen.message, "byte 60, after packet 1"));
}

static size_t gzip(uint8_t *out, size_t room)
{
    z_stream stream = {.next_in = (uint8_t *)two_packets,
                       .avail_in = sizeof(two_packets),
                       .next_out = out,
                       .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void packed_files_are_unpacked_whatever_their_name(void **state)
{
    (void)state;
    uint8_t packed[512];
    size_t size = gzip(packed, sizeof(packed));
    assert_int_equal(read_all(write_file("packed", packed, size)).packets, 2);
    size = ZSTD_compress(packed, sizeof(packed), two_packets, sizeof(two_packets), 1);
    assert_int_equal(read_all(write_file("packed", packed, size)).packets, 2);
}

static void a_packed_file_that_is_cut_short_has_lost_something(void **state)
{
    (void)state;
    uint8_t packed[512];
    size_t size = gzip(packed, sizeof(packed));
    struct seen seen = read_all(write_file("packed", packed, size - 4));
    assert_int_equal(seen.ended, CAPTURE_TRUNCATED);
    assert_true(seen.lost > 0);
    size = ZSTD_compress(packed, sizeof(packed), two_packets, sizeof(two_packets), 1);
    assert_unreadable(write_file("packed", packed, size - 4), "truncated");
}

static void damage_in_a_packed_file_is_named(void **state)
{
    (void)state;
    uint8_t packed[512];
    size_t size = gzip(packed, sizeof(packed));
    packed[size - 6] ^= 0xff; /* the checksum behind the data */
    struct seen seen = read_all(write_file("packed", packed, size));
    assert_int_equal(seen.ended, CAPTURE_DAMAGED);
    assert_non_null(strstr(seen.message, "gzip: incorrect data check"));
}

static void a_filter_leaves_out_packets_and_a_bad_one_is_refused(void **state)
{
    (void)state;
    char message[CAPTURE_MESSAGE_SIZE];
    struct capture *capture;
    struct net_packet packet;
    struct capture_options options = {.filter = "tcp port 1"};
    const char *path = write_file("two.pcap", two_packets, sizeof(two_packets));
    assert_int_equal(capture_open(path, &options, &capture, message), CAPTURE_OPEN);
    assert_int_equal(capture_next(capture, &packet), CAPTURE_END);
    capture_close(capture);

    options.filter = "tcp prot 1";
    assert_int_equal(capture_open(path, &options, &capture, message), CAPTURE_BAD_FILTER);
    assert_non_null(strstr(message, "tcp prot 1"));
}

static void standard_input_may_be_a_pipe(void **state)
{
    (void)state;
    int ends[2];
    int saved = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], two_packets, sizeof(two_packets)), sizeof(two_packets));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    struct seen seen = read_all("-");
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_int_equal(seen.packets, 2);
    assert_int_equal(seen.ended, CAPTURE_END);
}

static void a_folder_means_its_captures_in_order_of_name(void **state)
{
    (void)state;
    char inner[256];
    snprintf(inner, sizeof(inner), "%s", path_of("captures"));
    assert_int_equal(mkdir(inner, 0700), 0);
    struct capture_files files = {0};
    assert_int_equal(capture_files_add(&files, inner), CAPTURE_FILES_EMPTY);
    write_file("captures/b.pcap.zst", "", 0);
    write_file("captures/a.pcapng", "", 0);
    write_file("captures/README.md", "", 0);
    write_file("captures/.pcap", "", 0);
    write_file("captures/c.cap.gz", "", 0);
    assert_int_equal(symlink("/nowhere", path_of("captures/d.pcap")), 0);
    assert_int_equal(mkdir(path_of("captures/folder.pcap"), 0700), 0);

    assert_int_equal(capture_files_add(&files, inner), CAPTURE_FILES_OK);
    assert_int_equal(files.count, 4);
    static const char *const names[] = {"a.pcapng", "b.pcap.zst", "c.cap.gz", "d.pcap"};
    for (size_t i = 0; i < files.count; i++) {
        assert_string_equal(strrchr(files.files[i].path, '/') + 1, names[i]);
    }
    capture_files_deinit(&files);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_with_number_time_and_lengths),
        cmocka_unit_test(a_time_beyond_all_times_is_the_last_one),
        cmocka_unit_test(a_file_that_ends_in_a_record_has_lost_the_rest_of_it),
        cmocka_unit_test(a_file_that_ends_between_records_is_whole),
        cmocka_unit_test(what_is_no_capture_is_named_with_its_path),
        cmocka_unit_test(a_record_that_cannot_be_is_damage),
        cmocka_unit_test(packed_files_are_unpacked_whatever_their_name),
        cmocka_unit_test(a_packed_file_that_is_cut_short_has_lost_something),
        cmocka_unit_test(damage_in_a_packed_file_is_named),
        cmocka_unit_test(a_filter_leaves_out_packets_and_a_bad_one_is_refused),
        cmocka_unit_test(standard_input_may_be_a_pipe),
        cmocka_unit_test(a_folder_means_its_captures_in_order_of_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
