/* Three threads for every C library and architecture: built in many ways, it says its truth everywhere.
 *
 * NAME     the file name of the executable, as a string
 * LINKED   libnear is linked, and libfar is opened after the threads have started
 * EAGER    the C library allocates blocks for all threads at once (musl), so nobody leaves libfar untouched
 */
#define _GNU_SOURCE
#include "truth.h"

#include <stdatomic.h>

__thread struct buffer *any_buffer;
static __thread int any_count = 5;
/* Its alignment decides where the executable's block begins. */
__thread long any_wide __attribute__((aligned(64))) = 1;

static struct buffer buffers[3];

#ifdef LINKED
struct slots touch(void);
static _Atomic(touch_function *) touch_far;
#endif

static void describe(int number) {
    if (number != 1)
        any_buffer = &buffers[number];
    any_count += number;
    any_wide -= number;
    truth_step();
    truth_pointer((struct truth_name){"any_buffer", "any_buffer", NAME}, &any_buffer, "");
    truth_number((struct truth_name){"any_count", "any_count", NAME}, &any_count, "%d", any_count);
    truth_number((struct truth_name){"any_wide", "any_wide", NAME}, &any_wide, "%ld", any_wide);
#ifdef LINKED
    struct slots near = touch();
    *near.buffer = number ? &buffers[number] : 0;
    *near.count += number;
    truth_slots("near", "libnear.so", &near);
#ifdef EAGER
    int touches = 1;
#else
    int touches = number == 2;
#endif
    if (touches) {
        touch_function *function = touch_far;
        struct slots far = function();
        *far.buffer = &buffers[number];
        truth_slots("far", "libfar.so", &far);
    } else {
        truth_slots("far", "libfar.so", 0);
    }
#endif
}

static void *work(void *argument) {
    describe((int)(long)argument);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 3);
    truth_spawn("one", work, (void *)1);
    pthread_t two = truth_spawn("two", work, (void *)2);
#ifdef LINKED
    touch_far = truth_touch(truth_open("libfar.so"));
#endif
    describe(0);
    truth_ready(2, two);
}
