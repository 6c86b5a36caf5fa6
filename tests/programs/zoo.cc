// Most cases in one process: the executable's variables, a linked library's, and libraries opened
// before and after the threads started.
#include "zoo.h"

#include <initializer_list>
#include <thread>

buffer *new_buffer() {
    return new buffer{"a buffer", 8};
}

namespace {

const Plan PLANS[] = {
    // number, sets, constructs, early, late gd, late big
    {0, true, true, true, true, true},
    {1, true, true, true, true, false},
    {2, true, true, true, false, true},
    {3, false, false, false, false, false},
    {4, false, false, false, false, false},
};
constexpr unsigned THREADS = sizeof PLANS / sizeof *PLANS;

struct Library {
    const char *prefix, *file;
    void *handle;
    touch_function *touch;

    void open(void *(*how)(const char *) = truth_open) {
        handle = how(file);
        touch = truth_touch(handle);
    }

    void describe(bool touched, const Plan &plan) const {
        if (!touched) {
            truth_require(truth_block(handle) == nullptr);
            truth_slots(prefix, file, nullptr);
            return;
        }
        slots found = touch();
        if (plan.sets_buffers)
            *found.buffer = new_buffer();
        *found.count += plan.number;
        truth_slots(prefix, file, &found);
    }
};

Library early{"early", "libearly.so", nullptr, nullptr};
Library late_gd{"late_gd", "liblate_gd.so", nullptr, nullptr};
Library late_ie{"late_ie", "liblate_ie.so", nullptr, nullptr};
Library late_desc{"late_desc", "liblate_desc.so", nullptr, nullptr};
Library late_big{"late_big", "liblate_big.so", nullptr, nullptr};

// A library that took room in static TLS is at the same distance from every thread pointer,
// and taking the address of its variables changes nothing.
bool is_static(const Library &library) {
    std::ptrdiff_t here = from_thread_pointer(library.touch().buffer), there = 0;
    std::thread([&] { there = from_thread_pointer(library.touch().buffer); }).join();
    return here == there;
}

void describe(const Plan &plan) {
    describe_scalars(plan);
    describe_pointers(plan);
    describe_owners(plan);
    describe_names_a(plan);
    describe_names_b(plan);
    describe_names_c(plan.number);
    describe_linked(plan.number);
    early.describe(plan.touches_early, plan);
    late_gd.describe(plan.touches_late_gd, plan);
    late_ie.describe(true, plan);
    late_desc.describe(true, plan);
    late_big.describe(plan.touches_late_big, plan);
}

void *worker(void *argument) {
    const Plan &plan = *static_cast<const Plan *>(argument);
    truth_step();  // main opens the late libraries
    truth_step();
    describe(plan);
    truth_park();
}

}  // namespace

int main(int argc, char **argv) {
    truth_begin(argc, argv, THREADS);
    early.open(truth_open_global);

    pthread_t workers[THREADS] = {pthread_self()};
    for (unsigned i = 1; i < THREADS; i++) {
        const char name[] = {'w', 'o', 'r', 'k', 'e', 'r', '-', static_cast<char>('0' + i), '\0'};
        workers[i] = truth_spawn(name, worker, const_cast<Plan *>(&PLANS[i]));
    }
    truth_step();
    for (Library *library : {&late_gd, &late_ie, &late_desc, &late_big})
        library->open();
    truth_require(is_static(late_ie) && is_static(late_desc));
    truth_require(!is_static(late_gd) && !is_static(late_big));
    truth_step();
    describe(PLANS[0]);
    truth_ready(THREADS - 1, workers[3]);
}
