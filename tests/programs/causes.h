/* Ways to come to grief: what causes.c and causes.cc share with each other and with their libraries.
 *
 * `causes MODE` starts some healthy threads, and one that crashes in the way that MODE names.  Before, it prints one
 * line of JSON: which variable is guilty, the last part of its module's path, its address in the thread that had it
 * wrong, its offset in the block, and the LWP of the thread that crashes.  With `causes MODE all` the crashing thread
 * has every other variable right; without, all of them are null there. */
#ifndef CAUSES_H
#define CAUSES_H

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APART __attribute__((noinline, noclone))
#ifdef __clang__
#undef APART
#define APART __attribute__((noinline))
#endif

struct buffer {
    char *text;
    long length;
};

/* A way to crash.
 *
 * `guilty` is null where nothing thread-local is; `spoil` makes the guilty variable wrong in the calling thread and
 * gives its address. */
struct mode {
    const char *name, *guilty, *module;
    void *(*spoil)(void);
    void (*crash)(void);
};

/* What the common part needs of a program. */
extern const struct mode modes[];
void prepare(void); /* gives every thread-local variable a good value in the calling thread */
struct buffer *new_buffer(void);

/* The guilty key, where it is one; -1 before. */
extern int guilty_key;
/* Where the guilty variable's address is not that of the crashing thread. */
extern void *guilty_address;

int run_mode(int argc, char **argv);

/* libcauses.so */
extern __thread struct buffer *outside;
struct buffer *get_kept(void);
void *spoil_kept(void);
struct buffer **get_kept_address(void);
void keep(struct buffer *);
void use_copied_linked(void);
void use_of_all(void);
void set_copied_linked(struct buffer *);

/* libcauses_opened.so, by dlsym */
struct opened {
    void (*set)(struct buffer *);
    void (*crash)(void);
    void *(*spoil)(void);
    void (*set_copied)(struct buffer *);
    void (*crash_copied)(void);
    void *(*spoil_copied)(void);
};

#ifdef __cplusplus
}
#endif
#endif
