/* Addresses in a cluster's configuration: which are found, and what is written in their place. */
#include "record/cluster_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct cluster_config config;

static bool read_text(const char *text)
{
    return cluster_config_read(span_of(text, strlen(text)), &config);
}

static void expect_node(size_t index, const char *host, uint16_t plain, uint16_t tls,
                        bool is_sender)
{
    const struct cluster_node *node = &config.nodes[index];
    assert_true(index < config.nodes_count);
    assert_true(span_equal(node->host, span_of(host, strlen(host))));
    assert_int_equal(node->ports[CLUSTER_PLAIN], plain);
    assert_int_equal(node->ports[CLUSTER_TLS], tls);
    assert_int_equal(node->is_sender, is_sender);
}

/* The first address is told 1, the second one 2, and so on, up to `told`. */
static void expect_text(size_t told, enum cluster_port port, const char *text)
{
    struct buffer out = {0};
    for (size_t i = 0; i < config.nodes_count; i++) {
        config.nodes[i].told = i < told ? (uint16_t)(i + 1) : 0;
    }
    assert_true(cluster_config_write(&config, port, &out));
    assert_true(span_equal(buffer_span(&out), span_of(text, strlen(text))));
    buffer_deinit(&out);
}

static void a_node_has_a_host_and_two_ports(void **state)
{
    (void)state;
    assert_true(
        read_text("{\"nodesExt\": [ {\"hostname\" : \"a\", \"services\":{\"kv\": 11210 ,"
                  "\"n1ql\":8093, \"kvSSL\":11207}}, {\"thisNode\":true,"
                  " \"services\":{\"kvSSL\":9},\"hostname\":\"$HOST\"}, {\"hostname\":\"c\"}]}"));
    assert_int_equal(config.nodes_count, 3);
    expect_node(0, "a", 11210, 11207, false);
    expect_node(1, "", 0, 9, true);
    expect_node(2, "c", 0, 0, false);
    expect_text(2, CLUSTER_PLAIN,
                "{\"nodesExt\": [ {\"hostname\" : \"$HOST\", \"services\":{\"kv\": 1 ,"
                "\"n1ql\":8093, \"kvSSL\":11207}}, {\"thisNode\":true,"
                " \"services\":{\"kv\":2},\"hostname\":\"$HOST\"}, {\"hostname\":\"c\"}]}");
    expect_text(1, CLUSTER_TLS,
                "{\"nodesExt\": [ {\"hostname\" : \"$HOST\", \"services\":{\"kv\": 11210 ,"
                "\"n1ql\":8093, \"kvSSL\":1}}, {\"thisNode\":true,"
                " \"services\":{\"kvSSL\":9},\"hostname\":\"$HOST\"}, {\"hostname\":\"c\"}]}");
}

static void a_port_has_the_name_that_clients_look_for(void **state)
{
    (void)state;
    assert_true(read_text("{\"nodesExt\":[{\"services\":{\"kv\":11210}}]}"));
    expect_text(1, CLUSTER_TLS, "{\"nodesExt\":[{\"services\":{\"kvSSL\":1}}]}");
    expect_text(1, CLUSTER_PLAIN, "{\"nodesExt\":[{\"services\":{\"kv\":1}}]}");
}

static void alternate_addresses_are_addresses_of_the_node(void **state)
{
    (void)state;
    assert_true(read_text(
        "{\"nodesExt\":[{\"alternateAddresses\":{\"external\":{\"hostname\":\"e\",\"ports\":"
        "{\"kv\":31210}},\"other\":{\"hostname\":\"o\"}},\"hostname\":\"a\",\"services\":"
        "{\"kv\":11210},\"thisNode\":true},{\"hostname\":\"b\",\"services\":{\"kv\":2}}]}"));
    assert_int_equal(config.nodes_count, 4);
    expect_node(0, "a", 11210, 0, true);
    expect_node(1, "e", 31210, 0, true);
    expect_node(2, "o", 0, 0, true);
    expect_node(3, "b", 2, 0, false);
    expect_text(2, CLUSTER_PLAIN,
                "{\"nodesExt\":[{\"alternateAddresses\":{\"external\":{\"hostname\":\"$HOST\","
                "\"ports\":{\"kv\":2}},\"other\":{\"hostname\":\"o\"}},\"hostname\":\"$HOST\","
                "\"services\":{\"kv\":1},\"thisNode\":true},{\"hostname\":\"b\",\"services\":"
                "{\"kv\":2}}]}");
}

static void servers_of_the_map_are_addresses(void **state)
{
    (void)state;
    assert_true(read_text("{\"vBucketServerMap\":{\"serverList\":[\"$HOST:11210\",\"[::1]:12000\","
                          "\"none\",\"a:99999\"],\"vBucketMap\":[[0,1]]}}"));
    assert_int_equal(config.nodes_count, 3);
    expect_node(0, "", 11210, 0, false);
    expect_node(1, "::1", 12000, 0, false);
    expect_node(2, "a", 0, 0, false);
    expect_text(2, CLUSTER_PLAIN,
                "{\"vBucketServerMap\":{\"serverList\":[\"$HOST:1\",\"$HOST:2\","
                "\"none\",\"a:99999\"],\"vBucketMap\":[[0,1]]}}");
}

static void what_only_looks_like_an_address_is_none(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"nodes\":[{\"hostname\":\"a\",\"services\":{\"kv\":1}}]}",
        "{\"nodesExt\":{\"hostname\":\"a\",\"services\":{\"kv\":1}}}",
        "{\"nodesExt\":[\"hostname\",[{\"services\":{\"kv\":1}}]],\"services\":{\"kv\":1}}",
        "{\"map\":{\"nodesExt\":[{\"services\":{\"kv\":1}}]}}",
        "{\"serverList\":[\"a:1\"],\"vBucketServerMap\":{\"list\":[],\"serverList\":\"a:1\"}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(read_text(texts[i]));
        assert_int_equal(config.nodes_count, 0);
    }
    assert_true(read_text("{\"nodesExt\":[{\"services\":{\"kv\":\"1\"},\"ports\":{\"kv\":1},"
                          "\"hostname\":7,\"x\":{\"hostname\":\"a\"}},{\"services\":{\"kv\":0,"
                          "\"kvSSL\":65536}},{\"services\":[{\"kv\":1}]}]}"));
    assert_int_equal(config.nodes_count, 3);
    for (size_t i = 0; i < config.nodes_count; i++) {
        expect_node(i, "", 0, 0, false);
    }
    assert_true(read_text("{\"nodesExt\":[{\"services\":{\"kv\":0,\"kvSSL\":1}},"
                          "{\"services\":{\"kv\":{},\"kvSSL\":1}}]}"));
    expect_node(0, "", 0, 0, false);
    expect_node(1, "", 0, 0, false);
}

static void what_is_no_json_has_no_addresses(void **state)
{
    static const char *const texts[] = {"{", "{\"nodesExt\":[{\"services\":{\"kv\":1}}]", "[1]x"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(read_text(texts[i]));
    }
}

static void there_may_be_so_many_addresses(void **state)
{
    enum { SERVER = 6 };
    char text[64 + SERVER * (CLUSTER_NODES_MAX + 1)];
    (void)state;
    for (int more = 0; more < 2; more++) {
        int at = sprintf(text, "{\"vBucketServerMap\":{\"serverList\":[\"a:1\"");
        for (int i = 1; i < CLUSTER_NODES_MAX + more; i++) {
            at += sprintf(text + at, ",\"a:1\"");
        }
        sprintf(text + at, "]}}");
        assert_int_equal(read_text(text), more == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_has_a_host_and_two_ports),
        cmocka_unit_test(a_port_has_the_name_that_clients_look_for),
        cmocka_unit_test(alternate_addresses_are_addresses_of_the_node),
        cmocka_unit_test(servers_of_the_map_are_addresses),
        cmocka_unit_test(what_only_looks_like_an_address_is_none),
        cmocka_unit_test(what_is_no_json_has_no_addresses),
        cmocka_unit_test(there_may_be_so_many_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
