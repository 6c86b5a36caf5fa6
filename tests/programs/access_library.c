/* libaccess.so: the variables of access.c, and code that uses them.  Marks as in access.c. */
#include "access.h"

static __thread struct buffer *access_hidden;
__thread struct buffer *access_shared;
static __thread struct { struct buffer *first; long number; } access_state;
static __thread struct buffer *access_never;
static __thread struct buffer *access_table[4];

static struct buffer buffers[2];
void *access_kept; // who reads it nobody here knows

struct buffer *access_make(void) {
    return &buffers[0];
}

void access_keep(void *given) {
    access_kept = given;
}

void access_start(void) {
    access_hidden = access_make(); /* access: access_hidden write */
}

void access_stop(void) {
    access_hidden = NULL; /* access: access_hidden write-null */
}

long access_use(void) {
    return access_hidden->length; /* access: access_hidden unchecked */
}

long access_check(void) {
    if (access_hidden == NULL) /* access: access_hidden checked */
        return 0;
    return access_hidden->length; /* access: access_hidden checked? */
}

void access_give(void) {
    access_keep(&access_state); /* access: access_state address-taken */
}

void access_share(struct buffer *buffer) {
    access_shared = buffer; /* access: access_shared write */
}

void access_fill(long number) {
    access_state.number = number; /* access: access_state write */
}

void access_set(int at, struct buffer *buffer) {
    access_table[at] = buffer; /* access: access_table write */
}

void access_clear(void) {
    access_table[1] = NULL; /* access: access_table write-null */
}

void access_wait(void) {
    access_keep(access_hidden); /* access: access_hidden passed */
    truth_park();
}

void access_describe(void) {
    truth_pointer((struct truth_name){"access_never", "access_never", "libaccess.so"}, &access_never, ""); /* access: access_never address-taken */
}

struct buffer *access_get(int at) {
    return access_table[at]; /* access: access_table read */
}
