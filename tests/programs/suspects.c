/* Thread-local variables that look wrong, one for each rule of tls-audit, among some that look wrong only to a
 * careless rule.  With `--crash yes` worker-3 uses the pointer that it alone has null. */
#include "truth.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORKERS = 8, SUFFERING = 3 };

static const struct buffer table[1];

/* Wrong. */
static __thread struct buffer *main_only;       /* set in main, null in the workers */
static __thread struct buffer *minority;        /* null in worker-3 */
static __thread struct buffer *pair;            /* worker-1 and worker-2 have the same */
static __thread struct buffer *gone;            /* worker-2's is not mapped any more */
static __thread struct buffer *neighbour_stack; /* worker-4's is on the stack of worker-5 */
static __thread long *neighbour_block;          /* worker-6's is the `number` of worker-7 */

/* Right. */
static __thread struct buffer *own;
static __thread struct buffer *everybodys;
static __thread const struct buffer *constant;
static __thread struct buffer *mark;
static __thread struct buffer *unused;
static __thread long number;

static struct buffer *shared, *half_shared, *unmapped, *on_stack;
static long *in_block;
static touch_function *touch;
static int crashes;
static sem_t crash;

static struct buffer *new_buffer(void) {
    return calloc(1, sizeof(struct buffer));
}

#define SAY(name, flags) truth_pointer((struct truth_name){#name, #name, "suspects"}, &name, flags)

static void describe(int worker) {
    main_only = worker == 0 ? new_buffer() : NULL;
    minority = worker == SUFFERING ? NULL : new_buffer();
    pair = worker == 1 || worker == 2 ? half_shared : new_buffer();
    gone = worker == 2 ? unmapped : NULL;
    neighbour_stack = worker == 4 ? on_stack : NULL;
    neighbour_block = worker == 6 ? in_block : NULL;
    own = new_buffer();
    everybodys = shared;
    constant = table;
    mark = worker % 2 ? (struct buffer *)1 : (struct buffer *)-1;
    number = worker;
    struct slots library = touch();
    *library.buffer = worker == 0 ? new_buffer() : NULL;

    SAY(main_only, "");
    SAY(minority, "");
    SAY(pair, worker == 1 || worker == 2 ? "shared" : "");
    SAY(gone, worker == 2 ? "dangling" : "");
    SAY(neighbour_stack, "");
    SAY(neighbour_block, "");
    SAY(own, "");
    SAY(everybodys, "shared");
    SAY(constant, "shared");
    SAY(mark, "dangling");
    SAY(unused, "");
    truth_slots("early", "libearly.so", &library);
}

static void *worker(void *argument) {
    int self = *(int *)argument;
    struct buffer local = {"on a stack", 0};
    if (self == 5)
        on_stack = &local;
    if (self == 7)
        in_block = &number;
    truth_step();
    describe(self);
    truth_step();
    if (crashes && self == SUFFERING) {
        sem_wait(&crash);
        minority->length = 1;
    }
    truth_park();
}

int main(int argc, char **argv) {
    static int numbers[WORKERS + 1];
    pthread_t last = pthread_self();
    truth_begin(argc, argv, WORKERS + 1);
    for (int i = 1; i + 1 < argc; i += 2)
        crashes |= strcmp(argv[i], "--crash") == 0;
    shared = new_buffer();
    half_shared = new_buffer();
    unmapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    truth_require(unmapped != MAP_FAILED);
    touch = truth_touch(truth_open("libearly.so"));
    sem_init(&crash, 0, 0);
    for (int i = 1; i <= WORKERS; i++) {
        char name[] = {'w', 'o', 'r', 'k', 'e', 'r', '-', (char)('0' + i), '\0'};
        numbers[i] = i;
        last = truth_spawn(name, worker, &numbers[i]);
    }
    truth_step();
    describe(0);
    truth_step();
    /* Late, so that nothing else is mapped there again. */
    truth_require(munmap(unmapped, 4096) == 0);
    if (crashes) {
        truth_sync();
        truth_say_ready();
        sem_post(&crash);
        for (;;)
            pause();
    }
    truth_ready(WORKERS, last);
}
