/* A library is closed and another opened, which gets the same module id: the threads that had touched the
 * first one still have a DTV entry there, older than the second. A third library is closed for good. */
#include "truth.h"

#include <dlfcn.h>

static void *gone, *closed, *reopened, *last;
static struct buffer buffers[4];

/* worker-1 touched the closed one only, worker-2 both, worker-3 the new one only, worker-4 nothing. */
static const int TOUCHED_CLOSED[] = {1, 1, 1, 0, 0};
static const int TOUCHES_REOPENED[] = {1, 0, 1, 1, 0};

static void touch(int number) {
    if (TOUCHED_CLOSED[number]) {
        *truth_touch(gone)().buffer = &buffers[3];
        *truth_touch(closed)().buffer = &buffers[3];
    }
}

static void describe_one(int touches, int sets, const char *prefix, const char *file, void *library) {
    if (touches) {
        struct slots slots = truth_touch(library)();
        truth_require(*slots.buffer == NULL);
        *slots.buffer = sets ? &buffers[sets - 1] : NULL;
        truth_slots(prefix, file, &slots);
    } else {
        truth_require(truth_block(library) == NULL);
        truth_slots(prefix, file, NULL);
    }
}

static void describe(int number) {
    describe_one(TOUCHES_REOPENED[number], number == 3 ? 0 : number + 1, "reopened", "libreopened.so", reopened);
    /* Only main touches the last one, whose id comes after the gap. */
    describe_one(number == 0, 1, "last", "liblast.so", last);
}

static void *worker(void *argument) {
    int number = *(int *)argument;
    truth_step(); /* the libraries are open */
    touch(number);
    truth_step(); /* touched */
    truth_step(); /* closed, and others opened */
    describe(number);
    truth_park();
}

int main(int argc, char **argv) {
    static const char *const names[] = {"", "worker-1", "worker-2", "worker-3", "worker-4"};
    static const int numbers[] = {0, 1, 2, 3, 4};
    pthread_t aborting = pthread_self();
    truth_begin(argc, argv, 5);
    for (int i = 1; i < 5; i++)
        aborting = truth_spawn(names[i], worker, (void *)&numbers[i]);
    closed = truth_open("libclosed.so");
    gone = truth_open("libgone.so");
    last = truth_open("liblast.so");
    truth_step();
    touch(0);
    truth_step();

    size_t id = truth_module_id(closed);
    truth_require(dlclose(closed) == 0 && dlclose(gone) == 0);
    truth_require(dlopen(truth_beside("libclosed.so"), RTLD_NOW | RTLD_NOLOAD) == NULL);
    /* Before glibc 2.34 a module id is free only after a dlopen that failed half way (elf/dl-open.c, BZ #27135). */
    truth_require(dlopen(truth_beside("libbroken.so"), RTLD_NOW) == NULL);
    reopened = truth_open("libreopened.so");
    truth_require(truth_module_id(reopened) == id);
    truth_step();
    describe(0);
    truth_ready(4, aborting);
}
