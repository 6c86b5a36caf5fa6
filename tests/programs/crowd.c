/* As many threads as asked for, in no order: which touched the library, and in which the pointer is null, is drawn by
 * lot, and so is who crashes. The kernel numbers a core's threads as they come to their end, in no order either.
 *
 * Usage: crowd LIBRARY COUNT FILE wait|abort
 * FILE gets a line for each thread: its LWP, whether it touched the library, whether crowd_buffer is null, crowd_number.
 * Where that is odd the thread has a value of a pthread key with a destructor.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread char *crowd_buffer;
__thread int crowd_number;
/* Set in the main thread only. */
__thread char *crowd_main_only;

struct member {
    int touches, is_null, number, crashes;
    long lwp;
};

static struct member *members;
static pthread_key_t odd_key;
static struct slots (*touch)(void);
static pthread_barrier_t ready, go;
static pthread_mutex_t parked = PTHREAD_MUTEX_INITIALIZER;

static void end_odd(void *value) {
    (void)value;
}

static void become(struct member *own) {
    own->lwp = syscall(SYS_gettid);
    crowd_number = own->number;
    if (!own->is_null)
        crowd_buffer = strdup("own");
    if (own->touches)
        touch();
    if (own->number % 2)
        pthread_setspecific(odd_key, own);
}

static void *work(void *argument) {
    struct member *own = argument;
    char name[16];
    snprintf(name, sizeof name, "%s-%d", own->number % 2 ? "worker" : "io", (int)(own - members) % 100000);
    pthread_setname_np(pthread_self(), name);
    become(own);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&go);
    if (own->crashes)
        abort();
    pthread_mutex_lock(&parked);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    int count = atoi(argv[2]), aborts = !strcmp(argv[4], "abort");
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&touch = dlsym(library, "touch");
    if (!touch)
        return 1;
    members = calloc(count, sizeof *members);
    srandom(count);
    for (int i = 0; i < count; i++) {
        members[i] = (struct member){.touches = random() % 2, .is_null = random() % 3 == 0, .number = random() % 7};
        members[i].number *= members[i].number;
    }
    members[0].touches = 1;
    members[0].is_null = 0;
    members[1 + random() % (count - 1)].crashes = aborts;
    crowd_main_only = strdup("main");
    if (pthread_key_create(&odd_key, end_odd) != 0)
        return 1;
    pthread_mutex_lock(&parked);
    pthread_barrier_init(&ready, NULL, count);
    pthread_barrier_init(&go, NULL, count);
    become(&members[0]);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32 * 1024);
    for (int i = 1; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, work, &members[i]) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    pthread_barrier_wait(&ready);
    FILE *file = fopen(argv[3], "w");
    if (!file)
        return 1;
    for (int i = 0; i < count; i++) {
        struct member *one = &members[i];
        fprintf(file, "%ld %d %d %d %d\n", one->lwp, one->touches, one->is_null, one->number, one->crashes);
    }
    fclose(file);
    puts("ready");
    fflush(stdout);
    pthread_barrier_wait(&go);
    for (;;)
        pause();
}
