// Names that the C library's own variables have, too, which are in the same file when it is linked statically.
#include "truth.h"

namespace own {
thread_local int current = 7;
}
static thread_local int catch_hook = 8;

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    truth_number({"own::current", "_ZN3own7currentE", "solo_own"}, &own::current, "%d", own::current);
    truth_number({"catch_hook", "_ZL10catch_hook", "solo_own"}, &catch_hook, "%d", catch_hook);
    truth_ready(0, pthread_self());
}
