/* One thread, no libraries of its own; and names for the tests of wrong ones. */
#include "truth.h"

__thread struct buffer *solo_buffer;
static __thread int solo_count = 3;
int solo_ordinary = 4;

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    truth_pointer((struct truth_name){"solo_buffer", "solo_buffer", "solo"}, &solo_buffer, "");
    truth_number((struct truth_name){"solo_count", "solo_count", "solo"}, &solo_count, "%d", solo_count);
    truth_ready(0, pthread_self());
}
