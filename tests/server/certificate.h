/* A certificate for a test, signed by itself. */
#ifndef KVREPLAY_TESTS_SERVER_CERTIFICATE_H
#define KVREPLAY_TESTS_SERVER_CERTIFICATE_H

/* Writes certificate and key as PEM into one file. */
void certificate_write(const char *path);

#endif
