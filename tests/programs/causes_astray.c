/* Crashes on what all threads decide for one, on what ended threads have left, and on indices that lead astray. */
#define _GNU_SOURCE
#include "causes.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

static volatile long sink;

static __thread char *line;
static __thread unsigned level;
static __thread struct buffer **resources;
static __thread struct buffer record;
static __thread char text[64];
static __thread struct handler {
    long id;
    void (*run)(long);
} * handler;

static __thread struct catcher {
    long code;
    jmp_buf where;
} * catcher;

static struct buffer *rows[4];
static int is_made, row;
static struct buffer *latest_record, *answer;
int resource; /* no resource of that number was ever made */

void prepare(void) {
    line = malloc(64);
    is_made = 1;
    level = 1;
    rows[row] = calloc(8, sizeof *rows[row]);
    resources = calloc(4, sizeof *resources);
    handler = calloc(1, sizeof *handler);
    catcher = calloc(1, sizeof *catcher);
}

#define SPOIL(name, variable, bad)                                                                                     \
    static APART void *spoil_##name(void) {                                                                            \
        variable = bad;                                                                                                \
        return (void *)&variable;                                                                                      \
    }
#define CRASH(name) static APART void crash_##name(void)

/* Only the first thread makes its own: the flag is all threads'. */
SPOIL(made, line, NULL)
static APART void write_line(int letter) {
    if (!is_made) {
        is_made = 1;
        line = malloc(64);
        line[0] = 0;
    }
    for (int i = 0; i < 5; i++)
        line[i] = (char)(letter + i);
    sink++;
}
CRASH(made) {
    write_line((int)sink);
}

/* Left once more than entered: an index that is too large, into a table of which only the pointer is known. */
SPOIL(below, level, (unsigned)-1)
static APART long innermost(struct buffer *scopes) {
    struct buffer *scope = &scopes[level];
    return scope->length;
}
CRASH(below) {
    sink = innermost(rows[row]);
}

/* The thread whose variable it was has ended, and its memory is no longer mapped. */
static APART void *publish(void *argument) {
    record.length = 1;
    latest_record = &record;
    return argument;
}
static APART void end_one(void *(*body)(void *)) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 20); /* more than the C library keeps for the next thread */
    if (pthread_create(&thread, &attributes, body, NULL) == 0)
        pthread_join(thread, NULL);
}
static APART void *spoil_ended(void) {
    end_one(publish);
    return &record;
}
CRASH(ended) {
    sink = latest_record->length;
}

/* The same where the answer to a request still has the address. */
static APART char *describe(int number) {
    memset(text, 'a' + number % 26, sizeof text - 1);
    return text;
}
static APART void *reply(void *argument) {
    answer->text = describe((int)sink);
    return argument;
}
static APART void *spoil_lent(void) {
    answer = calloc(1, sizeof *answer);
    end_one(reply);
    return text;
}
CRASH(lent) {
    sink = answer->text[0];
}

#ifdef __x86_64__
/* What should be a function's address is none at all: the processor does not even go there. */
static APART void *spoil_wild(void) {
    handler = calloc(1, sizeof *handler);
    memset(&handler->run, 'A', sizeof handler->run);
    return &handler;
}
CRASH(wild) {
    handler->run(sink);
    sink++;
}
CRASH(wild_last) {
    sink++;
    handler->run(2);
}

/* Somebody has written over where an error was to go back to. */
static APART void *spoil_jump(void) {
    catcher = calloc(1, sizeof *catcher);
    memset(&catcher->where, 0xa5, sizeof catcher->where);
    return &catcher;
}
static APART _Noreturn void fail(long code) {
    catcher->code = code;
    longjmp(catcher->where, 1);
}
CRASH(jump) {
    if (sink < 7)
        fail(sink);
    sink++;
}
#endif

/* The number of the entry is wrong, not the table: in no thread there is one. */
static APART void *spoil_resource(void) {
    resources = calloc(4, sizeof *resources);
    return NULL;
}
CRASH(innocent_resource) {
    resources[resource]->length = 2;
    sink++;
}

#define OWN(name, guilty) {#name, guilty, PROGRAM, spoil_##name, crash_##name}

const struct mode modes[] = {
    OWN(made, "line"),
    OWN(below, "level"),
    OWN(ended, "record"),
    OWN(lent, "text"),
#ifdef __x86_64__
    OWN(wild, "handler"),
    OWN(jump, "catcher"),
    {"wild_last", "handler", PROGRAM, spoil_wild, crash_wild_last},
#endif
    {"innocent_resource", NULL, "", spoil_resource, crash_innocent_resource},
    {NULL, NULL, NULL, NULL, NULL},
};

int main(int argc, char **argv) {
    return run_mode(argc, argv);
}
