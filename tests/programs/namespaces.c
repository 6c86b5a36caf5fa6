/* dlmopen: a library that is loaded in two namespaces, and one that is only in the new one. */
#define _GNU_SOURCE
#include "truth.h"

#include <dlfcn.h>
#include <stdio.h>

enum { BASE, TWIN, LONE, LIBRARIES };

static const char *const PREFIXES[LIBRARIES] = {"space", "space", "lone"};
static const char *const FILES[LIBRARIES] = {"libspace.so", "libspace.so", "liblone.so"};
/* Who touches what: main all, the first worker the one in the base namespace, the second the others. */
static const int TOUCHES[3][LIBRARIES] = {{1, 1, 1}, {1, 0, 0}, {0, 1, 1}};

static void *libraries[LIBRARIES];
static struct buffer buffers[LIBRARIES][3];

static void describe(int number) {
    for (int i = 0; i < LIBRARIES; i++) {
        size_t id = truth_module_id(libraries[i]);
        if (TOUCHES[number][i]) {
            struct slots slots = truth_touch(libraries[i])();
            *slots.buffer = &buffers[i][number];
            *slots.count = 10 * i + number;
            truth_slots_in(id, PREFIXES[i], FILES[i], &slots);
        } else {
            truth_require(truth_block(libraries[i]) == NULL);
            truth_slots_in(id, PREFIXES[i], FILES[i], NULL);
        }
    }
}

static void *worker(void *argument) {
    truth_step();
    describe(*(int *)argument);
    truth_park();
}

static void *open_apart(Lmid_t *space, const char *file) {
    void *library = dlmopen(*space, truth_beside(file), RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    truth_require(library != NULL);
    truth_require(dlinfo(library, RTLD_DI_LMID, space) == 0 && *space != LM_ID_BASE);
    return library;
}

int main(int argc, char **argv) {
    int numbers[3] = {0, 1, 2};
    Lmid_t space = LM_ID_NEWLM;
    truth_begin(argc, argv, 3);
    pthread_t aborting = truth_spawn("worker-1", worker, &numbers[1]);
    truth_spawn("worker-2", worker, &numbers[2]);
    libraries[BASE] = truth_open("libspace.so");
    libraries[TWIN] = open_apart(&space, "libspace.so");
    libraries[LONE] = open_apart(&space, "liblone.so");
    truth_require(truth_module_id(libraries[BASE]) != truth_module_id(libraries[TWIN]));
    truth_step();
    describe(0);
    truth_ready(2, aborting);
}
