/* Its main thread waits for the child of its vfork, where nothing interrupts it; that one for the end of its input. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

__thread int counter = 7;

static void *work(void *unused) {
    counter = 8;
    printf("truth %d 8\n", gettid());
    fflush(stdout);
    for (;;) pause();
    return unused;
}

int main(void) {
    pthread_t thread;
    counter = 9;
    printf("truth %d 9\n", getpid());
    pthread_create(&thread, NULL, work, NULL);
    if (!vfork()) {
        char byte;
        while (read(0, &byte, 1) > 0) continue;
        _exit(0);
    }
    return 0;
}
