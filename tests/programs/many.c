/* More libraries than the DTV had room for when the threads started (14 above those at the start), and more
 * than the first part of glibc's list of them (62 above). */
#include "truth.h"

#include <stdio.h>

enum { LIBRARIES = 70 };

static void *libraries[LIBRARIES];
static void *initial_exec;
static struct buffer buffers[4];

/* worker-1 touches an early one and its DTV stays short, worker-2 the last, worker-3 none. */
static int touches(int number, int library) {
    return number == 0 || (number == 1 && library == 2) || (number == 2 && library == LIBRARIES - 1);
}

/* Those that are worth a row: within the first DTV, beyond it, and in the second part of the list. */
static const int DESCRIBED[] = {0, 2, 20, 64, LIBRARIES - 1};

static void describe(int number) {
    for (unsigned i = 0; i < sizeof DESCRIBED / sizeof *DESCRIBED; i++) {
        char prefix[32], file[32];
        int library = DESCRIBED[i];
        sprintf(prefix, "many_%02d", library);
        sprintf(file, "libmany_%02d.so", library);
        if (touches(number, library)) {
            struct slots slots = truth_touch(libraries[library])();
            *slots.buffer = number == 2 ? NULL : &buffers[number];
            truth_slots(prefix, file, &slots);
        } else {
            truth_require(truth_block(libraries[library]) == NULL);
            truth_slots(prefix, file, NULL);
        }
    }
    /* Static TLS with an id no thread's DTV had room for; to take its address changes no DTV. */
    struct slots slots = truth_touch(initial_exec)();
    *slots.buffer = &buffers[number];
    truth_slots("late_ie", "liblate_ie.so", &slots);
}

static void *worker(void *argument) {
    truth_step();
    describe(*(int *)argument);
    truth_park();
}

int main(int argc, char **argv) {
    static const char *const names[] = {"", "worker-1", "worker-2", "worker-3"};
    static const int numbers[] = {0, 1, 2, 3};
    pthread_t aborting = pthread_self();
    truth_begin(argc, argv, 4);
    for (int i = 1; i < 4; i++)
        aborting = truth_spawn(names[i], worker, (void *)&numbers[i]);
    for (int i = 0; i < LIBRARIES; i++) {
        char file[32];
        sprintf(file, "libmany_%02d.so", i);
        libraries[i] = truth_open(file);
        /* main's own DTV grows library by library. */
        truth_touch(libraries[i])();
    }
    initial_exec = truth_open("liblate_ie.so");
    truth_require(truth_module_id(initial_exec) > LIBRARIES);
    truth_step();
    describe(0);
    truth_ready(3, aborting);
}
