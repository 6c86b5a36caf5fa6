/* A library the executable is linked with: its variables are in static TLS. */
#include "truth.h"

__thread int linked_count = 20;
__thread struct buffer *linked_buffer;
static __thread int linked_hidden = 30;

static struct buffer buffers[8];

void describe_linked(int number);

void describe_linked(int number) {
    linked_count += number;
    linked_hidden += number;
    linked_buffer = number == 3 ? 0 : &buffers[number];
    truth_number((struct truth_name){"linked_count", "linked_count", "libzoo_linked.so"}, &linked_count, "%d",
                 linked_count);
    truth_number((struct truth_name){"linked_hidden", "linked_hidden", "libzoo_linked.so"}, &linked_hidden,
                 "%d", linked_hidden);
    truth_pointer((struct truth_name){"linked_buffer", "linked_buffer", "libzoo_linked.so"}, &linked_buffer, "");
}
