/* What the code under test calls; in a file of its own, which no optimiser looks into. */
#include "accesses.h"

__thread struct item *elsewhere;
static struct item only;

void sink(const void *pointer) {
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

void sink_two(int number, const void *pointer) {
    __asm__ volatile("" : : "r"(pointer), "r"(number) : "memory");
}

void sink_double(double number) {
    __asm__ volatile("" : : "m"(number) : "memory");
}

struct item *make(void) {
    return &only;
}

void stop(void) {
    for (;;)
        __asm__ volatile("");
}

/* What C++ asks of its library. */
int __cxa_thread_atexit(void (*function)(void *), void *object, void *handle) {
    __asm__ volatile("" : : "r"(function), "r"(object), "r"(handle) : "memory");
    return 0;
}

void *__dso_handle;

/* The program's beginning. */
int begin(void) {
    return 0;
}
