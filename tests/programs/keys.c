/* Keys of pthread_key_create, and what each thread says of its own values: one line of JSON each in FILE.keys.
 *
 *   plain    has a destructor, and a value of its own in every thread but the last
 *   shared   has none, and one value for all
 *   reused   was deleted and created again under the same number: worker-1 holds a value of the first one
 *   deleted  was deleted: worker-2 still holds a value
 *   late     has a number in the second block of keys; only worker-1 has set it, and then set it to null
 *
 * With KEEP (for musl, which clears the values of a deleted key and does not tell null from unset) none is deleted.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef KEEP
#define LATE "unset"
#else
#define LATE "null"
#endif

enum { WORKERS = 3, FILLERS = 40 };

static pthread_key_t plain, shared, reused, deleted, late;
static FILE *said;
static __thread struct buffer *keys_buffer;
static char common[] = "common";

void free_plain(void *value);
static void free_hidden(void *value);

void free_plain(void *value) {
    free(value);
}

static void free_hidden(void *value) {
    (void)value;
}

/* `state` is what tls-keys has to say; `destructor` null for a key which has none. */
static void say(const char *name, pthread_key_t key, const char *state, const void *value,
                const char *destructor, int in_use) {
    fprintf(said,
            "{\"name\": \"%s\", \"key\": %u, \"lwp\": %ld, \"state\": \"%s\", \"value\": \"0x%lx\", "
            "\"destructor\": \"%s\", \"in_use\": %s}\n",
            name, key, syscall(SYS_gettid), state, (unsigned long)value, destructor, in_use ? "true" : "false");
}

static const char *found(pthread_key_t key) {
    return pthread_getspecific(key) ? "set" : "unset";
}

static void say_all(const void *stale_reused, const void *left_deleted) {
    say("plain", plain, found(plain), pthread_getspecific(plain), "free_plain", 1);
    say("shared", shared, found(shared), pthread_getspecific(shared), "", 1);
#ifdef KEEP
    (void)stale_reused;
    (void)left_deleted;
    say("reused", reused, found(reused), pthread_getspecific(reused), "free_hidden", 1);
    say("deleted", deleted, found(deleted), pthread_getspecific(deleted), "free_hidden", 1);
#else
    /* pthread_getspecific clears a stale value. */
    say("reused", reused, stale_reused ? "stale" : found(reused),
        stale_reused ? stale_reused : pthread_getspecific(reused), "free_plain", 1);
    say("deleted", deleted, left_deleted ? "stale" : "unset", left_deleted, "free_hidden", 0);
#endif
}

static void *worker(void *argument) {
    long number = (long)argument;
    void *first = NULL, *left = NULL;
    if (number < WORKERS)
        pthread_setspecific(plain, calloc(1, 16));
    pthread_setspecific(shared, common);
    if (number == 1)
        pthread_setspecific(reused, first = calloc(1, 16));
    if (number == 2)
        pthread_setspecific(deleted, left = calloc(1, 16));
    truth_step(); /* main deletes the two, and creates one of them again */
    truth_step();
    if (number == 1) {
        pthread_setspecific(late, common);
        pthread_setspecific(late, NULL);
    }
    truth_step();
    say_all(first, left);
    say("late", late, number == 1 ? LATE : "unset", NULL, "free_hidden", 1);
    truth_pointer((struct truth_name){"keys_buffer", "keys_buffer", "keys"}, &keys_buffer, "");
    fflush(said);
    truth_park();
}

int main(int argc, char **argv) {
    pthread_t workers[WORKERS], aborting;
    pthread_key_t filler;
    truth_begin(argc, argv, WORKERS + 1);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s.keys", argv[i + 1]);
            said = fopen(path, "w");
        }
    truth_require(said != NULL);
    truth_require(pthread_key_create(&plain, free_plain) == 0);
    truth_require(pthread_key_create(&shared, NULL) == 0);
    truth_require(pthread_key_create(&reused, free_hidden) == 0);
    for (int i = 0; i < FILLERS; i++)
        truth_require(pthread_key_create(&filler, NULL) == 0);
    truth_require(pthread_key_create(&late, free_hidden) == 0);
    truth_require(pthread_key_create(&deleted, free_hidden) == 0);
    for (long i = 0; i < WORKERS; i++)
        workers[i] = truth_spawn((const char *[]){"worker-1", "worker-2", "worker-3"}[i], worker, (void *)(i + 1));
    aborting = workers[0];
    truth_step();
#ifndef KEEP
    pthread_key_t again;
    truth_require(pthread_key_delete(deleted) == 0 && pthread_key_delete(reused) == 0);
    truth_require(pthread_key_create(&again, free_plain) == 0 && again == reused);
#endif
    pthread_setspecific(reused, common);
    truth_step();
    truth_step();
    say_all(NULL, NULL);
    say("late", late, "unset", NULL, "free_hidden", 1);
    truth_pointer((struct truth_name){"keys_buffer", "keys_buffer", "keys"}, &keys_buffer, "");
    fflush(said);
    truth_ready(WORKERS, aborting);
}
