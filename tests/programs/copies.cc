// One inline variable that every object defines: the loader gives all of them the executable's (emulated TLS, too).
inline thread_local int copied_depth = 1;

#ifdef COPY
extern "C" int *COPY(int add) {
    copied_depth += add;
    return &copied_depth;
}
#else
#include "truth.h"

extern "C" {
int *copy_a(int add);
int *copy_b(int add);
}

static void describe(int number) {
    copied_depth += number;
    copy_a(100);
    truth_number({"copied_depth", "copied_depth", PROGRAM}, copy_b(1000), "%d", copied_depth);
}

static void *worker(void *) {
    describe(2);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 2);
    pthread_t thread = truth_spawn("worker", worker, nullptr);
    describe(1);
    truth_ready(1, thread);
}
#endif
