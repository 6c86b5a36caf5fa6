/* Threads that come and go all the time, and some that stay: each knows what is its own by its id.
 *
 * Usage: restless STAYING; writes "ready" and goes on for ever. restless_own is the thread's id, or 0 before it has begun;
 * the threads that stay change their restless_pair all the time.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct pair {
    unsigned long one, other, more[30];
};

__thread long restless_own;
__thread struct pair restless_pair;

static pthread_barrier_t begun;

static void *stay(void *unused) {
    restless_own = syscall(SYS_gettid);
    pthread_barrier_wait(&begun);
    for (unsigned long count = 0;; count++) {
        restless_pair.one = count;
        restless_pair.other = ~count;
        if (count % (1 << 20) == 0)
            usleep(100);
    }
    return unused;
}

static void *pass(void *unused) {
    restless_own = syscall(SYS_gettid);
    usleep(500);
    return unused;
}

int main(int count, char **words) {
    int staying = count > 1 ? atoi(words[1]) : 1;
    pthread_t made;
    restless_own = getpid();
    pthread_barrier_init(&begun, NULL, staying + 1);
    for (int i = 0; i < staying; i++)
        pthread_create(&made, NULL, stay, NULL);
    pthread_barrier_wait(&begun);
    puts("ready");
    fflush(stdout);
    for (;;) {
        pthread_t some[4];
        for (int i = 0; i < 4; i++)
            pthread_create(&some[i], NULL, pass, NULL);
        for (int i = 0; i < 4; i++)
            pthread_join(some[i], NULL);
        if (getenv("RESTLESS_PAUSE"))
            usleep(200000);
    }
}
