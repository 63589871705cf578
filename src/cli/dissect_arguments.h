/*
 * The options of every command that reads captures: which traffic, and how much memory.
 */
#ifndef KVREPLAY_CLI_DISSECT_ARGUMENTS_H
#define KVREPLAY_CLI_DISSECT_ARGUMENTS_H

#include "dissect/dissect.h"

#include <argp.h>

/* A child parser; its input is a struct dissect_options, initialised. */
extern const struct argp dissect_argp;

#endif
