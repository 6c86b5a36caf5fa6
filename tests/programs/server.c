/* An idle server: nothing has crashed yet.  Its workers wait for requests, and what they do with one needs variables
 * that are set in main only, or are theirs in a way that is right. */
#include "truth.h"

#include <stdlib.h>

enum { WORKERS = 4, BUSY = 2 };
#define APART __attribute__((noinline))

/* Wrong: nothing that a worker runs sets it. */
static __thread struct buffer *forgotten;
/* Right, though it is set in main only: the workers look first, or make it when they first need it. */
static __thread struct buffer *optional;
static __thread struct buffer *made_late;
/* Right: each worker sets its own when it starts, and main has none. */
static __thread struct buffer *own;
/* Right: set for the time of a request; one worker is in the middle of one. */
static __thread struct buffer *current;
/* Right: no code that a worker runs needs it. */
static __thread struct buffer *of_main;

static __thread long number;

static volatile long served;
static void (*volatile wait_for_request)(void) = truth_park;

static struct buffer *new_buffer(void) {
    return calloc(1, sizeof(struct buffer));
}

static APART void set_up(void) {
    forgotten = new_buffer();
    optional = new_buffer();
    made_late = new_buffer();
    of_main = new_buffer();
}

static APART void use_forgotten(void) {
    forgotten->length++;
}

static APART void use_optional(void) {
    if (optional)
        optional->length++;
}

static APART void use_made_late(void) {
    if (!made_late)
        made_late = new_buffer();
    made_late->length++;
}

static APART void use_own(void) {
    own->length++;
}

static APART void use_current(void) {
    current->length++;
}

static APART void use_of_main(void) {
    of_main->length++;
}

static APART void handle(void) {
    use_forgotten();
    use_optional();
    use_made_late();
    use_own();
    use_current();
    served = served + 1;
}

/* Who is here; the address of none of the others is taken, for then anybody could set it. */
static void describe(void) {
    truth_step();
    truth_number((struct truth_name){"number", "number", "server"}, &number, "%ld", number);
    truth_step();
}

static APART void with_request(int is_first) {
    struct buffer request = {"request", 0};
    current = &request;
    if (is_first) {
        describe();
        wait_for_request();
    }
    handle();
    current = NULL;
}

static void *serve(void *argument) {
    number = *(int *)argument;
    own = new_buffer();
    if (number == BUSY)
        with_request(1);
    describe();
    while (served >= 0) {
        wait_for_request();
        with_request(0);
    }
    return argument;
}

int main(int argc, char **argv) {
    static int numbers[WORKERS + 1];
    pthread_t last = pthread_self();
    truth_begin(argc, argv, WORKERS + 1);
    set_up();
    use_of_main();
    for (int i = 1; i <= WORKERS; i++) {
        char name[] = {'w', 'o', 'r', 'k', 'e', 'r', '-', (char)('0' + i), '\0'};
        numbers[i] = i;
        last = truth_spawn(name, serve, &numbers[i]);
    }
    describe();
    truth_ready(WORKERS, last);
}
