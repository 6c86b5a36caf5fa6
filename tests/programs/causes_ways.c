/* Crashes on what came by way of other functions' memory, on what a lookup did not find, and on purpose. */
#define _GNU_SOURCE
#include "causes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile long sink;

struct entry {
    const char *name;
    struct buffer *buffer;
    struct entry *next;
};
struct request {
    long id;
    struct buffer *buffer;
};

#define VARIABLES(X) X(filled) X(requested) X(twice) X(checked) X(trapped)
#define DEFINE(name) static __thread struct buffer *name;
VARIABLES(DEFINE)
static __thread struct entry *listed, *latest;
static __thread struct request *own;
static __thread unsigned buckets;
static __thread struct buffer **shelves;
static __thread long shelf;
static pthread_key_t session_key;

static struct entry *entries[4];
static volatile unsigned shards = 4;
struct buffer *volatile shared;

void prepare(void) {
#define SET(name) name = new_buffer();
    VARIABLES(SET)
    listed = calloc(1, sizeof *listed);
    listed->name = "wanted";
    listed->buffer = new_buffer();
    latest = listed;
    entries[listed->name[0] % 4] = listed;
    own = calloc(1, sizeof *own);
    own->buffer = new_buffer();
    buckets = 4;
    shelves = calloc(4, sizeof *shelves);
    shelf = 2;
    struct request *session = calloc(1, sizeof *session);
    session->buffer = new_buffer();
    pthread_setspecific(session_key, session);
}

#define SPOIL(name, variable, bad)                                                                                     \
    static APART void *spoil_##name(void) {                                                                            \
        variable = bad;                                                                                                \
        return (void *)&variable;                                                                                      \
    }
#define CRASH(name) static APART void crash_##name(void)

static APART void use(struct buffer *buffer) {
    buffer->length = 1;
    sink++;
}

/* ------------------------------------------------------------------ through memory */

/* A function writes where it is told to. */
SPOIL(filled, filled, NULL)
static APART int fill(struct buffer **to, long *length) {
    if (!to)
        return -1;
    *to = filled;
    *length = sink;
    return 0;
}
CRASH(filled) {
    struct buffer *buffer = NULL;
    long length = 0;
    if (fill(&buffer, &length) == 0)
        buffer->length = length;
}

/* A request takes it along. */
SPOIL(requested, requested, NULL)
static APART void serve(struct request *request) {
    request->buffer->length = request->id;
    sink++;
}
CRASH(requested) {
    struct request *request = calloc(1, sizeof *request);
    request->id = sink;
    request->buffer = requested;
    serve(request);
    free(request);
}

/* Its memory is given back by two functions. */
static APART void *spoil_twice(void) {
    twice = calloc(1, 200);
    return &twice;
}
static APART void close_it(void) {
    free(twice);
}
CRASH(twice) {
    close_it();
    free(twice);
    twice = NULL;
}

/* ------------------------------------------------------------------ what is not there */

/* A list is empty, and so the lookup gives null. */
SPOIL(listed, listed, NULL)
static APART struct buffer *find_listed(long wanted) {
    for (struct entry *entry = listed; entry; entry = entry->next)
        if (entry->buffer->length == wanted)
            return entry->buffer;
    return NULL;
}
CRASH(listed) {
    find_listed(sink)->length = 2;
}

/* The same in the function itself: the compiler may know that it is null there.  Of clang's loop too little is known. */
#if !defined(__clang__) || !defined(__OPTIMIZE__)
CRASH(listed_here) {
    struct entry *entry = listed;
    while (entry && entry->buffer->length != sink)
        entry = entry->next;
    entry->buffer = NULL;
    sink++;
}
#endif

/* The same of what a key has: it decides by itself that there is nothing. */
static APART void *spoil_session(void) {
    pthread_setspecific(session_key, NULL);
    guilty_key = (int)session_key;
    return NULL;
}
static APART struct buffer *find_session(long wanted) {
    struct request *session = pthread_getspecific(session_key);
    return session && session->id == wanted ? session->buffer : NULL;
}
CRASH(session) {
    find_session(sink)->length = 2;
}

/* A table and an index, which are both null: of these the table is a pointer. */
static APART void *spoil_shelf(void) {
    shelves = NULL;
    shelf = 0;
    return &shelves;
}
CRASH(shelf) {
    sink = (long)shelves[shelf];
}

/* One of two, which are both null: which one, the registers do not say any more. */
static APART void *spoil_either(void) {
    filled = requested = NULL;
    return &requested;
}
static APART struct buffer *either(void) {
    return sink ? filled : requested;
}
CRASH(either) {
    either()->length = 2;
}

/* ------------------------------------------------------------------ giving up */

#ifdef __x86_64__
SPOIL(divisor, buckets, 0)
CRASH(divisor) {
    sink = 12345 % buckets;
}
#endif

SPOIL(trap, trapped, NULL)
CRASH(trap) {
    if (!trapped)
        __builtin_trap();
    trapped->length = 1;
}

SPOIL(on_purpose, checked, NULL)
static APART _Noreturn void crash(const char *why) {
    if (write(2, why, strlen(why)) < 0)
        sink++;
    *(volatile int *)NULL = 0;
    abort();
}
CRASH(on_purpose) {
    if (!checked)
        crash("nothing to work with\n");
    checked->length = 1;
}

/* ------------------------------------------------------------------ innocents: null, or zero, but not the reason */

/* What was found latest is looked at first; what is wanted is in no table. */
static APART int look_up(const char *name, struct entry **to) {
    if (latest && strcmp(latest->name, name) == 0) {
        *to = latest;
        return 0;
    }
    for (struct entry *entry = entries[name[0] % 4]; entry; entry = entry->next)
        if (strcmp(entry->name, name) == 0) {
            *to = latest = entry;
            return 0;
        }
    *to = NULL;
    return -1;
}
CRASH(innocent_lookup) {
    struct entry *entry;
    look_up("unknown", &entry);
    entry->buffer = NULL;
    sink++;
}

static APART struct entry *found(const char *name) {
    if (latest && strcmp(latest->name, name) == 0)
        return latest;
    for (struct entry *entry = entries[name[0] % 4]; entry; entry = entry->next)
        if (strcmp(entry->name, name) == 0)
            return latest = entry;
    return NULL;
}
CRASH(innocent_found) {
    found("unknown")->buffer = NULL;
    sink++;
}

/* What all threads share decides that there is nothing, before it is known that the key has nothing either. */
static APART void *spoil_closed(void) {
    pthread_setspecific(session_key, calloc(1, sizeof(struct request)));
    return NULL;
}
static APART struct buffer *unless_closed(void) {
    struct request *session = pthread_getspecific(session_key);
    return session && shards == 3 ? session->buffer : NULL;
}
CRASH(innocent_closed) {
    unless_closed()->length = 2;
}

/* A thread without its own takes the one that all share. */
static APART struct buffer *take_shared(void) {
    return shared;
}
CRASH(innocent_shared) {
    struct buffer *buffer = own ? own->buffer : take_shared();
    buffer->length = 1;
    sink++;
}
static APART void *spoil_shared(void) {
    own = NULL;
    return NULL;
}

/* malloc gives null. */
static APART struct buffer *get(size_t size) {
    if (own)
        own->id++;
    return malloc(size);
}
CRASH(innocent_malloc) {
    use(get((size_t)1 << (60 + (sink > 5))));
    sink++;
}

static APART void finish(struct request *request) {
    free(request->buffer);
}
CRASH(innocent_twice) {
    struct request *request = calloc(1, sizeof *request);
    request->buffer = new_buffer();
    if (checked)
        checked->length++;
    finish(request);
    free(request->buffer);
}

/* A thread-local variable and a global, which both hold what is bad. */
static struct buffer *volatile of_process;
static APART void *spoil_both(void) {
    requested = (struct buffer *)0x1230;
    of_process = requested;
    return NULL;
}
static APART struct buffer *either_of_both(void) {
    return sink ? of_process : requested;
}
CRASH(innocent_both) {
    either_of_both()->length = 2;
}

#ifdef __x86_64__
CRASH(innocent_divisor) {
    buckets = 3;
    shards = 0;
    sink = 12345 % (shards * buckets);
}
#endif

#define OWN(name, guilty) {#name, guilty, PROGRAM, spoil_##name, crash_##name}
#define INNOCENT(name, spoil) {"innocent_" #name, NULL, "", spoil, crash_innocent_##name}

const struct mode modes[] = {
    OWN(filled, "filled"),
    OWN(requested, "requested"),
    OWN(twice, "twice"),
    OWN(listed, "listed"),
#if !defined(__clang__) || !defined(__OPTIMIZE__)
    {"listed_here", "listed", PROGRAM, spoil_listed, crash_listed_here},
#endif
    OWN(session, "key"),
    OWN(shelf, "shelves"),
    OWN(either, "requested"),
    OWN(trap, "trapped"),
    OWN(on_purpose, "checked"),
#ifdef __x86_64__
    OWN(divisor, "buckets"),
    INNOCENT(divisor, NULL),
#endif
    INNOCENT(lookup, NULL),
    INNOCENT(found, NULL),
    INNOCENT(closed, spoil_closed),
    INNOCENT(shared, spoil_shared),
    INNOCENT(both, spoil_both),
    INNOCENT(malloc, NULL),
    INNOCENT(twice, NULL),
    {NULL, NULL, NULL, NULL, NULL},
};

int main(int argc, char **argv) {
    pthread_key_create(&session_key, NULL);
    return run_mode(argc, argv);
}
