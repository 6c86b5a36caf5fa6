/* Who uses a thread-local variable: the library that has it, another library, the executable, and a stripped copy of
 * the library that was opened later, whose code the loader has bound to the first one's variable.
 *
 * The marks are the truth: `access: NAME USE` in a line of code of the function that it stands in; with a ? it may be
 * missing, because an optimiser needs no second load.  worker-1 waits in access_wait; worker-2 uses nothing.
 */
#include "access.h"

#include <dlfcn.h>

static struct buffer own;

__attribute__((noinline)) static void program_share(void) {
    access_shared = &own; /* access: access_shared write */
}

__attribute__((noinline)) static long program_check(void) {
    return access_shared ? 1 : 0; /* access: access_shared checked */
}

static void *worker(void *argument) {
    truth_step();
    access_describe();
    if (argument)
        access_wait();
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 3);
    pthread_t waiting = truth_spawn("worker-1", worker, &own);
    truth_spawn("worker-2", worker, NULL);
    truth_open("libaccess_stripped.so");
    program_share();
    truth_require(program_check() == 1 && access_user_use() == 0);
    access_start();
    truth_step();
    access_describe();
    truth_ready(2, waiting);
}
