#include "report/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MB = 1000000 };

/* A terminal, and the other end where what it shows can be read. */
struct terminal {
    int other_end;
    FILE *stream;
};

static struct terminal open_terminal(void)
{
    struct terminal terminal = {.other_end = posix_openpt(O_RDWR | O_NOCTTY)};
    assert_true(terminal.other_end >= 0);
    assert_int_equal(grantpt(terminal.other_end), 0);
    assert_int_equal(unlockpt(terminal.other_end), 0);
    terminal.stream = fopen(ptsname(terminal.other_end), "r+e");
    assert_non_null(terminal.stream);
    return terminal;
}

static const char *shown(const struct terminal *terminal, char text[512])
{
    ssize_t size = read(terminal->other_end, text, 511);
    assert_true(size >= 0);
    text[size] = '\0';
    return text;
}

static void close_terminal(struct terminal *terminal)
{
    fclose(terminal->stream);
    close(terminal->other_end);
}

static void is_one_line_that_is_erased_at_the_end(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal();
    struct progress progress;
    char text[512];
    progress_init(&progress, terminal.stream);
    progress.started -= 10; /* seconds ago */
    progress_show(&progress, "captures/monday.pcap", 100 * MB, 400 * MB, 5 * MB);
    assert_string_equal(shown(&terminal, text),
                        "\r\033[Kcaptures/monday.pcap: 100 of 400 MB, 25 %, "
                        "10 MB/s, 0.50 M server frames/s");
    progress_end(&progress);
    assert_string_equal(shown(&terminal, text), "\r\033[K");
    close_terminal(&terminal);
}

static void counts_on_over_captures_and_does_without_a_size(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal();
    struct progress progress;
    char text[512];
    progress_init(&progress, terminal.stream);
    progress_show(&progress, "a.pcap", 300 * MB, 300 * MB, 1 * MB); /* too early to show */
    progress_next(&progress);
    progress.started -= 10;
    progress_show(&progress, "-", 100 * MB, 0, 1 * MB);
    assert_string_equal(shown(&terminal, text),
                        "\r\033[K-: 100 MB, 40 MB/s, 0.20 M server frames/s");
    close_terminal(&terminal);
}

static void says_nothing_where_there_is_no_terminal(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = tmpfile();
    struct progress progress;
    assert_non_null(out);
    progress_init(&progress, out);
    progress.started -= 10;
    progress_show(&progress, "a.pcap", 1, 2, 3);
    progress_end(&progress);
    rewind(out);
    assert_int_equal(getdelim(&text, &size, '\0', out), -1);
    free(text);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_one_line_that_is_erased_at_the_end),
        cmocka_unit_test(counts_on_over_captures_and_does_without_a_size),
        cmocka_unit_test(says_nothing_where_there_is_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
