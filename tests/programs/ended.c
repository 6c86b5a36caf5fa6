/* Threads that are no more: one has ended and nobody joined it, one was joined, one was detached.
 * Only the first still has its thread-local storage. */
#define _GNU_SOURCE
#include "truth.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static __thread struct buffer *ended_buffer;
static __thread int ended_count = 1;

static struct buffer buffers[3];
static atomic_long ended_lwp, detached_lwp;
static void *library;

static void describe(int number, int touches_library) {
    ended_buffer = &buffers[number];
    ended_count += number;
    truth_pointer((struct truth_name){"ended_buffer", "ended_buffer", "ended"}, &ended_buffer, "");
    truth_number((struct truth_name){"ended_count", "ended_count", "ended"}, &ended_count, "%d", ended_count);
    if (touches_library) {
        struct slots slots = truth_touch(library)();
        *slots.buffer = &buffers[number];
        truth_slots("early", "libearly.so", &slots);
    } else {
        truth_slots("early", "libearly.so", 0);
    }
}

static void *ends(void *unused) {
    (void)unused;
    truth_will_end();
    describe(1, 1);
    ended_lwp = syscall(SYS_gettid);
    return 0;
}

static void *is_joined(void *unused) {
    struct slots slots = truth_touch(library)();
    *slots.buffer = &buffers[0];
    return unused;
}

static void *is_detached(void *unused) {
    struct slots slots = truth_touch(library)();
    *slots.buffer = &buffers[0];
    pthread_detach(pthread_self());
    detached_lwp = syscall(SYS_gettid);
    return unused;
}

static void *lives(void *unused) {
    (void)unused;
    describe(2, 0);
    truth_park();
}

static void wait_for_end(atomic_long *lwp) {
    char path[64];
    while (*lwp == 0)
        usleep(1000);
    snprintf(path, sizeof path, "/proc/self/task/%ld", *lwp);
    while (access(path, F_OK) == 0)
        usleep(1000);
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    library = truth_open("libearly.so");
    pthread_t joined = truth_spawn("joined", is_joined, 0);
    truth_spawn("ends", ends, 0);
    pthread_t alive = truth_spawn("lives", lives, 0);
    truth_spawn("detached", is_detached, 0);
    pthread_join(joined, 0);
    wait_for_end(&ended_lwp);
    wait_for_end(&detached_lwp);
    describe(0, 1);
    truth_ready(1, alive);
}
