#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A golden text, as it was read and found good; to be freed. */
static char *golden(const char *name)
{
    char path[512];
    char *text = NULL;
    size_t room = 0;
    snprintf(path, sizeof(path), "%s/%s.txt", KVREPLAY_GOLDEN, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    ssize_t size = getdelim(&text, &room, '\0', file);
    assert_true(size > 0);
    fclose(file);
    return text;
}

static void assert_reports(const char *name, void (*init)(struct sample *),
                           struct report_style style)
{
    struct sample sample;
    init(&sample);
    char *text = sample_text(&sample, &style);
    char *expected = golden(name);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
    sample_deinit(&sample);
}

static void an_identical_run(void **state)
{
    (void)state;
    assert_reports("identical", sample_init_identical, (struct report_style){.width = 100});
}

static void every_kind_of_difference(void **state)
{
    (void)state;
    assert_reports("different", sample_init, (struct report_style){.width = 140});
}

static void heads_are_shorter_where_there_is_less_room(void **state)
{
    (void)state;
    assert_reports("narrow", sample_init_identical,
                   (struct report_style){.width = 70, .verbose = true});
}

static void quiet_is_what_is_wrong_and_the_verdict(void **state)
{
    (void)state;
    assert_reports("quiet", sample_init, (struct report_style){.width = 140, .quiet = true});
}

/* Taking the colours away leaves the text without colours. */
static void colours_are_all_that_colour_adds(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    char *colored = sample_text(&sample, &(struct report_style){.width = 140, .color = true});
    char *plain = sample_text(&sample, &(struct report_style){.width = 140});
    char *to = colored;
    assert_non_null(strstr(colored, "\033[1;31m"));
    for (const char *from = colored; *from != '\0';) {
        if (*from == '\033') {
            from += strcspn(from, "m") + 1;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    assert_string_equal(colored, plain);
    free(colored);
    free(plain);
    sample_deinit(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identical_run),
        cmocka_unit_test(every_kind_of_difference),
        cmocka_unit_test(heads_are_shorter_where_there_is_less_room),
        cmocka_unit_test(quiet_is_what_is_wrong_and_the_verdict),
        cmocka_unit_test(colours_are_all_that_colour_adds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
