/*
 * Scenes in Couchbase's dialect: clients have tokens and attributes, and their documents are in
 * vbucket 0, unless that is said.
 */
#ifndef KVREPLAY_TESTS_REPLAY_COUCHBASE_SCENE_H
#define KVREPLAY_TESTS_REPLAY_COUCHBASE_SCENE_H

#include "mcbp/token.h"
#include "scene.h"

/* HELLO, and the bucket is selected. */
void come(struct scene *scene, enum person person);
/* HELLO with that feature. */
void greets(struct scene *scene, enum person person, uint16_t feature);
void selects(struct scene *scene, enum person person, const char *bucket);

void asks_for(struct scene *scene, enum person person, uint8_t opcode, uint16_t vbucket,
              const char *key, const char *value);
void asks_with(struct scene *scene, enum person person, uint8_t opcode, struct span extras,
               const char *key, struct span value);
/* SUBDOC_MULTI_MUTATION */
void mutates(struct scene *scene, enum person person, const char *key, struct span specs);

void is_told(struct scene *scene, enum person person, uint8_t opcode, uint16_t status,
             struct span extras, const char *value, uint64_t cas);
/* The same of any value. */
void is_told_value(struct scene *scene, enum person person, uint8_t opcode, uint16_t status,
                   struct span extras, struct span value, uint64_t cas);
/* Success of a change, with a token, and a CAS that rises with the number. */
void is_told_number(struct scene *scene, enum person person, uint8_t opcode, uint64_t uuid,
                    uint64_t number);

#endif
