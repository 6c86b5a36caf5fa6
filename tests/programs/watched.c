/* Does what it is told on standard input, a line a command, and says what is true then: threads that start, set and clear
 * what is their own, and end; a library that is loaded and unloaded; a copy of a variable that is set where nobody reads it.
 *
 *   start          a new thread                       "started LWP"
 *   set LWP        it sets watched_buffer             "set LWP"
 *   clear LWP      it sets watched_buffer to NULL     "clear LWP"
 *   count LWP      it adds one to watched_count       "count LWP"
 *   end LWP        it ends, and is joined             "ended LWP"
 *   load FILE      dlopen                             "loaded"
 *   unload         dlclose                            "unloaded"
 *   copy, uncopy   main sets or clears its own copy of watched_copy
 *   exec FILE      becomes another program
 *   quit           the process ends
 */
#define _GNU_SOURCE
#include "watched.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST 64

__thread char *watched_buffer;
__thread long watched_count;
static __thread char *volatile watched_copy;

struct worker {
    pthread_t thread;
    long lwp;
    char order;
};

static struct worker workers[MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;

static void *work(void *argument) {
    struct worker *own = argument;
    pthread_setname_np(pthread_self(), "worker");
    pthread_mutex_lock(&lock);
    own->lwp = syscall(SYS_gettid);
    own->order = 0;
    pthread_cond_broadcast(&done);
    for (;;) {
        while (!own->order)
            pthread_cond_wait(&told, &lock);
        char order = own->order;
        if (order == 's')
            watched_buffer = strdup("own");
        if (order == 'c')
            watched_buffer = NULL;
        if (order == '+')
            watched_count++;
        own->order = 0;
        pthread_cond_broadcast(&done);
        if (order == 'e')
            break;
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void tell(struct worker *one, char order) {
    pthread_mutex_lock(&lock);
    one->order = order;
    pthread_cond_broadcast(&told);
    while (one->order)
        pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
}

static struct worker *find(long lwp) {
    for (int i = 0; i < MOST; i++)
        if (workers[i].lwp == lwp)
            return &workers[i];
    fprintf(stderr, "no thread %ld\n", lwp);
    exit(2);
}

int main(void) {
    char line[4096], word[16], rest[4000];
    void *library = NULL;
    watched_buffer = strdup("main");
    printf("%d", watched_read());
    puts(" ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        *rest = 0;
        sscanf(line, "%15s %3999s", word, rest);
        long lwp = atol(rest);
        if (!strcmp(word, "start")) {
            struct worker *one = find(0);
            one->order = 'b';
            if (pthread_create(&one->thread, NULL, work, one))
                return 1;
            pthread_mutex_lock(&lock);
            while (one->order)
                pthread_cond_wait(&done, &lock);
            pthread_mutex_unlock(&lock);
            printf("started %ld\n", one->lwp);
        } else if (!strcmp(word, "set") || !strcmp(word, "clear") || !strcmp(word, "count")) {
            tell(find(lwp), !strcmp(word, "count") ? '+' : *word);
            printf("%s %ld\n", word, lwp);
        } else if (!strcmp(word, "end")) {
            struct worker *one = find(lwp);
            tell(one, 'e');
            pthread_join(one->thread, NULL);
            one->lwp = 0;
            printf("ended %ld\n", lwp);
        } else if (!strcmp(word, "load")) {
            library = dlopen(rest, RTLD_NOW);
            puts(library ? "loaded" : dlerror());
        } else if (!strcmp(word, "unload")) {
            puts(dlclose(library) ? dlerror() : "unloaded");
        } else if (!strcmp(word, "copy") || !strcmp(word, "uncopy")) {
            watched_copy = *word == 'c' ? strdup("copy") : NULL;
            puts(word);
        } else if (!strcmp(word, "exec")) {
            execl(rest, rest, (char *)NULL);
            return 1;
        } else if (!strcmp(word, "quit")) {
            return 0;
        }
        fflush(stdout);
    }
    return 0;
}
