/*
 * Files that hold a secret: a key, passwords.
 */
#ifndef KVREPLAY_BASE_PRIVATE_FILE_H
#define KVREPLAY_BASE_PRIVATE_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* Others than the user, and root, can read or write what is open here, or give it to others: it is
 * no secret. */
bool private_file_is_exposed(FILE *file);

#endif
