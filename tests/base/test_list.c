#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
// cmocka needs the three before it
#include <cmocka.h>

struct letter {
    char is;
    struct list_link link;
};

struct letters {
    struct list_link list;
    struct letter letters[4]; /* a to d */
};

static void begin(struct letters *all)
{
    list_init(&all->list);
    for (int i = 0; i < 4; i++) {
        all->letters[i].is = (char)('a' + i);
    }
}

/* Forwards and back. */
static void assert_reads(const struct letters *all, const char *expected)
{
    const struct list_link *at = &all->list;
    for (const char *c = expected; *c != '\0'; c++) {
        at = at->next;
        assert_ptr_not_equal(at, &all->list);
        assert_int_equal(LIST_MEMBER(at, struct letter, link)->is, *c);
        assert_ptr_equal(at->previous->next, at);
    }
    assert_ptr_equal(at->next, &all->list);
    assert_ptr_equal(all->list.previous, at);
    assert_int_equal(list_is_empty(&all->list), *expected == '\0');
}

static void members_stand_where_they_were_put(void **state)
{
    (void)state;
    struct letters all;
    begin(&all);
    assert_reads(&all, "");
    list_append(&all.list, &all.letters[0].link);
    list_append(&all.list, &all.letters[1].link);
    assert_reads(&all, "ab");
    list_insert_behind(&all.list, &all.letters[2].link);
    assert_reads(&all, "cab");
    list_insert_behind(&all.letters[0].link, &all.letters[3].link);
    assert_reads(&all, "cadb");
}

static void who_is_removed_leaves_no_trace(void **state)
{
    (void)state;
    struct letters all;
    begin(&all);
    for (int i = 0; i < 3; i++) {
        list_append(&all.list, &all.letters[i].link);
    }
    list_remove(&all.letters[1].link);
    assert_reads(&all, "ac");
    list_remove(&all.letters[0].link);
    list_remove(&all.letters[2].link);
    assert_reads(&all, "");
}

static void who_is_moved_to_the_end_is_the_last(void **state)
{
    (void)state;
    struct letters all;
    begin(&all);
    for (int i = 0; i < 3; i++) {
        list_append(&all.list, &all.letters[i].link);
    }
    list_move_to_end(&all.list, &all.letters[0].link);
    assert_reads(&all, "bca");
    list_move_to_end(&all.list, &all.letters[0].link);
    assert_reads(&all, "bca");
}

static void each_is_visited_once_in_order(void **state)
{
    (void)state;
    struct letters all;
    char seen[4] = "";
    size_t count = 0;
    begin(&all);
    LIST_EACH (struct letter, letter, &all.list, link) {
        seen[count++] = letter->is;
    }
    assert_int_equal(count, 0);
    for (int i = 0; i < 3; i++) {
        list_append(&all.list, &all.letters[i].link);
    }
    LIST_EACH (struct letter, letter, &all.list, link) {
        seen[count++] = letter->is;
    }
    assert_string_equal(seen, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_stand_where_they_were_put),
        cmocka_unit_test(who_is_removed_leaves_no_trace),
        cmocka_unit_test(who_is_moved_to_the_end_is_the_last),
        cmocka_unit_test(each_is_visited_once_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
