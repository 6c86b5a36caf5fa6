/* What can be left of a library's symbols: built without -g, stripped down to those it exports, stripped
 * with its debug information in a file of its own, or with only a compressed symbol table inside it
 * (.gnu_debugdata); one that was opened by a relative path, one with an odd name, and two that have a variable
 * of the same name. */
#include "truth.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct file {
    const char *prefix, *name;
    int has_types;
    void *library;
};

static struct file FILES[] = {
    {"plain", "libplain.so", 0, NULL},
    {"stripped", "libstripped.so", 0, NULL},
    {"split", "libsplit.so", 1, NULL},
    {"mini", "libmini.so", 0, NULL},
    {"relative", "librelative.so", 1, NULL},
    {"odd", "lib odd [b].so", 1, NULL},
};
enum { COUNT = sizeof FILES / sizeof *FILES };

/* Two libraries, one name: the file's name says which is meant. */
static const char *const TWINS[] = {"libtwin_a.so", "libtwin_b.so"};
static void *twins[2];

static struct buffer buffers[2];

static void describe_twins(int number) {
    for (int i = 0; i < 2; i++) {
        char variable[64];
        struct slots slots = truth_touch(twins[i])();
        *slots.buffer = number == i ? &buffers[number] : NULL;
        *slots.count = 10 * i + number;
        snprintf(variable, sizeof variable, "%s::twin_buffer", TWINS[i]);
        truth_pointer((struct truth_name){variable, "twin_buffer", TWINS[i]}, slots.buffer, "");
        snprintf(variable, sizeof variable, "%s::twin_count", TWINS[i]);
        truth_number((struct truth_name){variable, "twin_count", TWINS[i]}, slots.count, "%d", *slots.count);
    }
}

static void describe(int number) {
    for (int i = 0; i < COUNT; i++) {
        const struct file *file = &FILES[i];
        struct slots slots = truth_touch(file->library)();
        *slots.buffer = number == 2 ? NULL : &buffers[number];
        *slots.count += number;
        if (file->has_types) {
            truth_slots(file->prefix, file->name, &slots);
            continue;
        }
        /* Without a type, what has the size of a pointer is taken for one. */
        char buffer[32], hidden[32];
        sprintf(buffer, "%s_buffer", file->prefix);
        sprintf(hidden, "%s_count", file->prefix);
        truth_pointer((struct truth_name){buffer, buffer, file->name}, slots.buffer, "assumed-pointer");
        if (strcmp(file->prefix, "stripped") != 0)
            truth_number((struct truth_name){hidden, hidden, file->name}, slots.count, "%d", *slots.count);
    }
}

static void *worker(void *argument) {
    truth_step();
    describe(*(int *)argument);
    describe_twins(*(int *)argument);
    truth_park();
}

static void *open_relative(const char *name) {
    char here[4096], there[4096], relative[256];
    truth_require(getcwd(here, sizeof here) != NULL);
    strcpy(there, truth_beside(name));
    *strrchr(there, '/') = '\0';
    truth_require(chdir(there) == 0);
    snprintf(relative, sizeof relative, "./%s", name);
    void *library = dlopen(relative, RTLD_NOW);
    truth_require(library != NULL && chdir(here) == 0);
    return library;
}

int main(int argc, char **argv) {
    int numbers[] = {1, 2};
    truth_begin(argc, argv, 3);
    for (int i = 0; i < COUNT; i++) {
        struct file *file = &FILES[i];
        file->library = strcmp(file->prefix, "relative") == 0 ? open_relative(file->name) : truth_open(file->name);
    }
    for (int i = 0; i < 2; i++)
        twins[i] = truth_open(TWINS[i]);
    pthread_t aborting = truth_spawn("worker-1", worker, &numbers[0]);
    truth_spawn("worker-2", worker, &numbers[1]);
    truth_step();
    describe(0);
    describe_twins(0);
    truth_ready(2, aborting);
}
