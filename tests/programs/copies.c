/* Definitions of one name in many objects: says in FILE.copies which address the code of each uses.
 *
 *   first, second   linked: for `shared` they use the program's, for `grouped` the first one's
 *   symbolic        linked with -Bsymbolic: uses its own
 *   hidden          compiled with hidden visibility: uses its own
 *   versioned       its definitions have a version that nobody else's have
 *   inner           needed by `outer`, which is opened with RTLD_LOCAL: for `lonely` the loader looks into `outer` first
 *   apart           opened with dlmopen: another namespace, which has no program
 *   user            needed by `apart`: defines nothing, and uses `apart`'s
 */
#define _GNU_SOURCE
#include "truth.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread long shared = 0;
static FILE *said;

static void say(const char *who, const char *variable, void *function) {
    truth_require(function != NULL);
    long *address = ((long *(*)(void))function)();
    fprintf(said, "{\"who\": \"%s\", \"variable\": \"%s\", \"address\": \"%p\", \"lwp\": %ld}\n", who, variable,
            (void *)address, syscall(SYS_gettid));
}

static void say_both(void *library, const char *who, const char *second, int has_shared) {
    char name[64];
    if (has_shared) {
        snprintf(name, sizeof name, "%s_shared", who);
        say(who, "shared", dlsym(library, name));
    }
    snprintf(name, sizeof name, "%s_grouped", who);
    say(who, second, dlsym(library, name));
}

static long *own(void) {
    return &shared;
}

static void *worker(void *argument) {
    (void)argument;
    truth_number((struct truth_name){"copies::shared", "shared", "copies"}, &shared, "%ld", shared);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 2);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s.copies", argv[i + 1]);
            said = fopen(path, "w");
        }
    truth_require(said != NULL);
    say("program", "shared", (void *)own);
    const char *linked[] = {"first", "second", "symbolic", "hidden", "versioned"};
    for (unsigned i = 0; i < sizeof linked / sizeof *linked; i++)
        say_both(RTLD_DEFAULT, linked[i], "grouped", 1);
    void *outer = dlopen(truth_beside("libcopies_outer.so"), RTLD_NOW | RTLD_LOCAL);
    truth_require(outer != NULL);
    say_both(outer, "outer", "lonely", 1);
    say_both(outer, "inner", "lonely", 1);
    void *apart = dlmopen(LM_ID_NEWLM, truth_beside("libcopies_apart.so"), RTLD_NOW);
    truth_require(apart != NULL);
    say_both(apart, "apart", "lonely", 1);
    say_both(apart, "user", "lonely", 0);
    fclose(said);
    pthread_t aborting = truth_spawn("worker", worker, NULL);
    truth_number((struct truth_name){"copies::shared", "shared", "copies"}, &shared, "%ld", shared);
    truth_ready(1, aborting);
}
