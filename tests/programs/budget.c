/* Uses up most of static TLS, and tries in child processes which libraries would still be loaded.
 *
 * FILE.budget has a line of JSON for each library that was tried, and one with the size and alignment of the block as
 * the loader's own function gives them (0 where it has none).  Then one worker, which aborts if one does, has tried a
 * library that does not fit, and has not asked why; the other has, and main has looked for a symbol that is not there.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 2 };

static FILE *said;
static const char *const opened[] = {"libroom_200.so", "libroom_700.so"};
static const char *const tried[] = {"libroom_16.so",   "libroom_300.so", "libroom_500.so",     "libroom_600.so",
                                    "libroom_700b.so", "libroom_900.so", "libroom_1400.so",    "libroom_big.so",
                                    "libroom_wide.so", "libearly.so",    "liblate_big_gd.so", "libexits_gone.so",
                                    /* These need others. */
                                    "libroom_over.so", "libroom_only.so", "libroom_whole.so", "libroom_borrows.so"};

static void try_each(void) {
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        int status = -1;
        fflush(said);
        pid_t child = fork();
        if (child == 0)
            _exit(dlopen(truth_beside(tried[i]), RTLD_NOW) ? 0 : 1);
        truth_require(waitpid(child, &status, 0) == child && WIFEXITED(status));
        fprintf(said, "{\"library\": \"%s\", \"loads\": %s}\n", tried[i], WEXITSTATUS(status) ? "false" : "true");
    }
}

static void say_size(void) {
    size_t size = 0, alignment = 0;
    void (*ask)(size_t *, size_t *) = (void (*)(size_t *, size_t *))dlsym(RTLD_DEFAULT, "_dl_get_tls_static_info");
    if (ask)
        ask(&size, &alignment);
    fprintf(said, "{\"size\": %zu, \"alignment\": %zu}\n", size, alignment);
}

static void *worker(void *argument) {
    int asks = argument != NULL;
    truth_require(dlopen(truth_beside("libroom_big.so"), RTLD_NOW) == NULL);
    const char *text = asks ? dlerror() : "";
    truth_step();
    fprintf(said, "{\"lwp\": %ld, \"asked\": %s, \"error\": \"%s\"}\n", syscall(SYS_gettid), asks ? "true" : "false", text);
    fflush(said);
    truth_step();
    truth_park();
}

int main(int argc, char **argv) {
    pthread_t workers[WORKERS];
    truth_begin(argc, argv, WORKERS + 1);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s.budget", argv[i + 1]);
            said = fopen(path, "w");
        }
    truth_require(said != NULL);
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++)
        truth_require(dlopen(truth_beside(opened[i]), RTLD_NOW) != NULL);
    try_each();
    say_size();
    for (long i = 0; i < WORKERS; i++)
        workers[i] = truth_spawn((const char *[]){"worker-1", "worker-2"}[i], worker, (void *)i);
    truth_require(dlsym(RTLD_DEFAULT, "no_such_symbol") == NULL);
    truth_step();
    truth_step();
    truth_ready(WORKERS, workers[0]);
}
