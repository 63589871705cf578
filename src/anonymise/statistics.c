#include "anonymise/statistics.h"

enum {
    NAME_MAX_SIZE = 40,
    VALUE_MAX = 24,          /* bytes of the longest number */
    CLASS_DIGITS_MAX = 3,    /* of the number of a slab class */
    SIZE_STEP = 32,          /* names in the group "sizes" are multiples of it ... */
    ITEM_SIZE_MAX = 1 << 30, /* ... up to memcached's largest item */
};

/* For the whole server, and its settings. */
static const char SERVER[] =
    " accepting_conns active_slabs auth_cmds auth_enabled_ascii auth_enabled_sasl auth_errors"
    " badcrc_from_extstore binding_protocol bytes bytes_read bytes_written cas_badval"
    " cas_enabled cas_hits cas_misses chunk_size cmd_flush cmd_get cmd_meta cmd_set cmd_touch"
    " conn_yields connection_structures crawler_items_checked crawler_reclaimed"
    " curr_connections curr_items decr_hits decr_misses delete_hits delete_misses"
    " detail_enabled direct_reclaims domain_socket drop_privileges dump_enabled evicted_active"
    " evicted_unfetched evictions expired_unfetched ext_age ext_compact_under ext_drop_under"
    " ext_drop_unread ext_item_age ext_item_size ext_low_ttl ext_max_frag ext_max_sleep"
    " ext_recache_rate ext_wbuf_size extstore_bytes_evicted extstore_bytes_fragmented"
    " extstore_bytes_read extstore_bytes_used extstore_bytes_written extstore_compact_lost"
    " extstore_compact_rescues extstore_compact_skipped extstore_io_queue"
    " extstore_limit_maxbytes extstore_objects_evicted extstore_objects_read"
    " extstore_objects_used extstore_objects_written extstore_page_allocs"
    " extstore_page_evictions extstore_page_reclaims extstore_pages_free extstore_pages_used"
    " flush_enabled get_aborted_extstore get_expired get_extstore get_flushed get_hits"
    " get_misses get_oom_extstore growth_factor hash_algorithm hash_bytes hash_is_expanding"
    " hash_power_level hashpower_init hot_lru_pct hot_max_factor idle_kicks idle_timeout"
    " incr_hits incr_misses inline_ascii_response inter item_size_max libevent limit_maxbytes"
    " listen_disabled_num log_watcher_sent log_watcher_skipped log_watchers log_worker_dropped"
    " log_worker_written lru_bumps_dropped lru_crawler lru_crawler_running lru_crawler_sleep"
    " lru_crawler_starts lru_crawler_tocrawl lru_maintainer_juggles lru_maintainer_thread"
    " lru_segmented lrutail_reflocked malloc_fails max_connections maxbytes maxconns"
    " maxconns_fast memory_file miss_from_extstore moves_to_cold moves_to_warm"
    " moves_within_lru num_napi_ids num_threads num_threads_per_udp oldest pid pointer_size"
    " read_buf_bytes read_buf_bytes_free read_buf_count read_buf_mem_limit read_buf_oom"
    " recache_from_extstore reclaimed rejected_connections reqs_per_event reserved_fds"
    " resp_obj_mem_limit response_obj_bytes response_obj_count response_obj_free"
    " response_obj_oom response_obj_total round_robin_fallback rusage_system rusage_user"
    " shutdown_command sizes_error sizes_status slab_automove slab_automove_freeratio"
    " slab_automove_ratio slab_automove_window slab_chunk_max slab_global_page_pool"
    " slab_reassign slab_reassign_busy_deletes slab_reassign_busy_items"
    " slab_reassign_chunk_rescues slab_reassign_evictions_nomem slab_reassign_inline_reclaim"
    " slab_reassign_rescues slab_reassign_running slabs_moved ssl_ca_cert ssl_chain_cert"
    " ssl_ciphers ssl_enabled ssl_handshake_errors ssl_kernel_tls ssl_key ssl_keyformat"
    " ssl_min_version ssl_new_sessions ssl_proto_errors ssl_session_cache ssl_verify_mode"
    " ssl_wbuf_size stat_key_prefix store_no_memory store_too_large tail_repair_time"
    " tcp_backlog tcpport temp_lru temporary_ttl threads time time_in_listen_disabled_us"
    " time_since_server_cert_refresh total_connections total_items total_malloced touch_hits"
    " touch_misses track_sizes udpport umask unexpected_napi_ids uptime verbosity version"
    " warm_lru_pct warm_max_factor watcher_logbuf_size worker_logbuf_size"
    " ";

/* For a slab class, whose number is before it. */
static const char SLAB_CLASS[] =
    " age age_hot age_warm cas_badval cas_hits chunk_size chunks_per_page cmd_set"
    " crawler_items_checked crawler_reclaimed decr_hits delete_hits direct_reclaims evicted"
    " evicted_active evicted_nonzero evicted_time evicted_unfetched expired_unfetched"
    " free_chunks free_chunks_end get_hits hits_to_cold hits_to_hot hits_to_temp hits_to_warm"
    " incr_hits lrutail_reflocked mem_requested moves_to_cold moves_to_warm moves_within_lru"
    " number number_cold number_hot number_temp number_warm outofmemory reclaimed tailrepairs"
    " total_chunks total_pages touch_hits used_chunks"
    " ";

static bool statistics_is_one_of(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(text, span_of(list[i], strlen(list[i])))) {
            return true;
        }
    }
    return false;
}

/* `words` has a space before and behind each word. */
static bool is_word_of(struct span text, const char *words)
{
    char word[NAME_MAX_SIZE + 3] = " ";
    if (text.size == 0 || text.size > NAME_MAX_SIZE || memchr(text.data, ' ', text.size) != NULL ||
        memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(word + 1, text.data, text.size);
    word[1 + text.size] = ' ';
    return strstr(words, word) != NULL;
}

#define IS_ONE_OF(text, list) statistics_is_one_of(text, list, sizeof(list) / sizeof((list)[0]))

bool statistics_is_group(struct span key)
{
    static const char *const groups[] = {
        "",          "settings",     "items",         "slabs",      "reset",       "sizes",
        "detail on", "sizes_enable", "sizes_disable", "detail off", "detail dump",
    };
    return IS_ONE_OF(key, groups);
}

bool statistics_is_group_of_sizes(struct span key)
{
    static const char *const groups[] = {"sizes"};
    return IS_ONE_OF(key, groups);
}

static size_t count_digits(struct span text)
{
    size_t count = 0;
    while (count < text.size && text.data[count] >= '0' && text.data[count] <= '9') {
        count++;
    }
    return count;
}

/* "items:3:number" or "3:chunk_size". */
static bool is_of_slab_class(struct span name)
{
    static const char items[] = "items:";
    size_t prefix = sizeof(items) - 1;
    if (name.size > prefix && memcmp(name.data, items, prefix) == 0) {
        name = span_skip(name, prefix);
    }
    size_t digits = count_digits(name);
    return digits > 0 && digits <= CLASS_DIGITS_MAX && name.size > digits &&
           name.data[digits] == ':' && is_word_of(span_skip(name, digits + 1), SLAB_CLASS);
}

static bool is_size(struct span name)
{
    enum { DIGITS_MAX = 10 };
    uint64_t size = 0;
    if (name.size == 0 || name.size > DIGITS_MAX || count_digits(name) != name.size) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        size = 10 * size + (uint64_t)(name.data[i] - '0');
    }
    return size % SIZE_STEP == 0 && size <= ITEM_SIZE_MAX;
}

bool statistics_is_name(struct span name, bool sizes)
{
    return name.size == 0 || is_word_of(name, SERVER) || is_of_slab_class(name) ||
           (sizes && is_size(name));
}

bool statistics_is_value(struct span value)
{
    static const char *const words[] = {"yes",     "no",      "on",   "off",   "disabled",
                                        "enabled", "END\r\n", "NULL", "(null)"};
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '\0' || strchr("0123456789.:", value.data[i]) == NULL) {
            return IS_ONE_OF(value, words);
        }
    }
    return value.size <= VALUE_MAX;
}
