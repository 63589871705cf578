/*
 * The least that reading a capture costs: libpcap's loop over the packets, and nothing else.
 *
 *   bench_loop FILE
 */
#include <inttypes.h>
#include <pcap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char message[PCAP_ERRBUF_SIZE];
    if (argc != 2) {
        fputs("usage: bench_loop FILE\n", stderr);
        return 2;
    }
    pcap_t *pcap = pcap_open_offline(argv[1], message);
    if (pcap == NULL) {
        fprintf(stderr, "bench_loop: %s\n", message);
        return 3;
    }
    struct pcap_pkthdr *header;
    const unsigned char *bytes;
    uint64_t packets = 0;
    int result;
    while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1) {
        packets++;
    }
    pcap_close(pcap);
    printf("packets %" PRIu64 "\n", packets);
    return result == PCAP_ERROR_BREAK ? 0 : 3;
}
