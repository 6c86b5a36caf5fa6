/* Emulated thread-local storage (clang -femulated-tls): instances in memory of their own, behind a pthread key. */
#include <pthread.h>
#include <string.h>

#include "truth.h"

struct wide {
    long first;
    char rest[120];
};

__thread struct buffer *emulated_buffer;
static __thread int emulated_count = 7;
static __thread struct wide emulated_wide __attribute__((aligned(64))) = {3, "x"};
__thread int emulated_late = 11; /* not every thread uses it */
__thread int emulated_never = 13;

/* Keys of the program's own, to be told from the runtime's: one holds what begins like an array of it. */
static pthread_key_t own_keys[3];
static unsigned long numbers[64] = {40, 1, 2};
static void forget(void *value) { (void)value; }

#define NAME(variable) ((struct truth_name){#variable, #variable, PROGRAM})

static void describe(struct buffer *buffer, int count, int is_late) {
    emulated_buffer = buffer;
    emulated_count += count;
    emulated_wide.first = count;
    pthread_setspecific(own_keys[0], numbers);
    pthread_setspecific(own_keys[1], &own_keys);
    truth_pointer(NAME(emulated_buffer), &emulated_buffer, "");
    truth_number(NAME(emulated_count), &emulated_count, "%d", emulated_count);
    truth_object(NAME(emulated_wide), &emulated_wide);
    if (is_late) {
        emulated_late += count;
        truth_number(NAME(emulated_late), &emulated_late, "%d", emulated_late);
    } else {
        truth_untouched(NAME(emulated_late));
    }
    truth_untouched(NAME(emulated_never));
}

static void *worker(void *argument) {
    long number = (long)argument;
    struct buffer own = {"a worker's", number};
    describe(number == 2 ? NULL : &own, (int)number, number == 3);
    truth_park();
}

static void *untouched(void *argument) {
    truth_untouched(NAME(emulated_buffer));
    truth_untouched(NAME(emulated_count));
    truth_untouched(NAME(emulated_wide));
    truth_untouched(NAME(emulated_late));
    truth_untouched(NAME(emulated_never));
    (void)argument;
    truth_park();
}

int main(int argc, char **argv) {
    struct buffer own = {"main's", 0};
    pthread_t first;
    truth_begin(argc, argv, 5);
    for (int i = 0; i < 3; i++) {
        truth_require(!pthread_key_create(&own_keys[i], i == 1 ? NULL : forget));
    }
    describe(&own, 0, 0);
    first = truth_spawn("one", worker, (void *)1);
    truth_spawn("two", worker, (void *)2);
    truth_spawn("three", worker, (void *)3);
    truth_spawn("none", untouched, NULL);
    if (emulated_count < 0) { /* so that it has a control variable */
        emulated_never++;
    }
    truth_ready(4, first);
}
