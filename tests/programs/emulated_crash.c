/* A crash on a variable of emulated TLS that one thread has not set: built with clang -femulated-tls. */
#include <pthread.h>
#include <unistd.h>

#define APART __attribute__((noinline))

__thread int *emulated_pointer;
static __thread int emulated_number = 5;
static int value = 7;
static pthread_barrier_t step;

static APART void set(int number) {
    emulated_pointer = &value;
    emulated_number = number;
}

static APART void use(void) {
    *emulated_pointer += emulated_number;
}

static void *worker(void *argument) {
    long number = (long)argument;
    if (number != 2)
        set((int)number);
    pthread_barrier_wait(&step);
    if (number == 2)
        use();
    pause();
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_barrier_init(&step, NULL, 4);
    set(6);
    for (long number = 1; number < 4; number++)
        pthread_create(&thread, NULL, worker, (void *)number);
    pthread_barrier_wait(&step);
    pause();
}
