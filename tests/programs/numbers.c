/* Built without debug information: numbers as large as a pointer, and what the standards say the type of. */
#include "truth.h"

#include <errno.h>

__thread long numbers_small;
__thread long numbers_large;
__thread long numbers_equal;
__thread char *numbers_address;
__thread char *numbers_shared;
static char object[] = "object";

static struct truth_name here(const char *name) {
    return (struct truth_name){name, name, "numbers"};
}

static void say(long number) {
    static __thread char own[8];
    numbers_small = 5 + number;
    numbers_large = 0x123456789L + number;
    numbers_equal = 0x1234567L;
    numbers_address = own;
    numbers_shared = object;
    errno = 2 + (int)number;
    truth_pointer(here("numbers_small"), &numbers_small, "assumed-pointer");
    truth_pointer(here("numbers_large"), &numbers_large, "assumed-pointer");
    truth_pointer(here("numbers_equal"), &numbers_equal, "assumed-pointer");
    truth_pointer(here("numbers_address"), &numbers_address, "assumed-pointer");
    truth_pointer(here("numbers_shared"), &numbers_shared, "shared assumed-pointer");
    truth_number((struct truth_name){"errno", "errno", "libc.so.6"}, &errno, "%d", errno);
}

static void *worker(void *unused) {
    (void)unused;
    say(1);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    pthread_t thread = truth_spawn("worker", worker, NULL);
    say(0); /* what has been called meanwhile may have set errno */
    truth_ready(1, thread);
}
