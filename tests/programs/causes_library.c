/* libcauses.so, which causes.c is linked with, and with -DOPENED libcauses_opened.so, which it opens. */
#include "causes.h"

#include <stddef.h>

/* Each library has a copy of its own. */
__attribute__((visibility("hidden"))) __thread struct buffer *copied;

#ifndef OPENED

__thread struct buffer *outside;
static __thread struct buffer *kept;

struct buffer *get_kept(void) {
    return kept;
}

struct buffer **get_kept_address(void) {
    return &kept;
}

void keep(struct buffer *buffer) {
    kept = buffer;
}

void *spoil_kept(void) {
    kept = NULL;
    return &kept;
}

/* Others may define it instead: the code asks the dynamic linker where it is. */
struct buffer *of_all;

void use_of_all(void) {
    of_all->length = 1;
}

void set_copied_linked(struct buffer *buffer) {
    copied = buffer;
}

void use_copied_linked(void) {
    copied->length = 1;
}

#else

static __thread struct buffer *opened;

static void set(struct buffer *buffer) {
    opened = buffer;
}

static APART void use_opened(struct buffer *buffer) {
    buffer->length = 1;
}

static void crash(void) {
    use_opened(opened);
}

static void *spoil(void) {
    opened = NULL;
    return &opened;
}

static void set_copied(struct buffer *buffer) {
    copied = buffer;
}

static void crash_copied(void) {
    copied->length = 1;
}

static void *spoil_copied(void) {
    copied = NULL;
    return &copied;
}

const struct opened causes_opened = {set, crash, spoil, set_copied, crash_copied, spoil_copied};

#endif
