/*
 * Checksums of documents (CRC32C) that answers show, of what is replaced: $document.value_crc32c,
 * and what a server has made of ${Mutation.value_crc32c}. In a pass of its own, each value that a
 * frame shows is summed up as it was and as it becomes. What subdocument commands and APPEND make
 * of a document is known from executing them on both texts: only which values there were matters,
 * so that no order has to be right.
 */
#ifndef KVREPLAY_ANONYMISE_SUMS_H
#define KVREPLAY_ANONYMISE_SUMS_H

#include "anonymise/asked.h"

enum { SUMS_BYTES_MAX = 64 * 1024 * 1024 /* of texts that are remembered */ };

struct sums_document;

struct sums { /* all zero but for the secret to begin with */
    struct secret *secret;
    bool wanted;          /* the capture shows some */
    bool learning;        /* the pass is on */
    struct names becomes; /* checksums, and those that they become */
    struct names names;   /* of documents; their numbers index `documents` */
    struct sums_document *documents;
    size_t room;
    size_t bytes;
    uint64_t forgotten; /* texts, for want of room */
    bool no_memory;
};

void sums_deinit(struct sums *sums);

/* A frame about that document (zeros: it is not known which), and what its value becomes. */
void sums_note(struct sums *sums, const struct asked_subject *subject,
               const struct dissect_frame *frame, struct span becomes);

/* In a JSON text. Checksums that are not known are kept. */
void sums_renew(const struct sums *sums, uint8_t *bytes, size_t size);

#endif
