// The ways a C++ variable can be named, and one of two static variables of one name.
#include "zoo.h"
#include "zoo_names.h"

static thread_local buffer *same_name;
static thread_local buffer *hidden_buffer;

namespace space {
thread_local buffer *spaced_buffer;
namespace inner {
struct Class {
    static thread_local buffer *member;
};
thread_local buffer *Class::member;
}  // namespace inner
}  // namespace space

namespace {
thread_local buffer *secret_buffer;
}

// Not inlined, so that GDB finds them within their functions.
[[gnu::noinline]] static int *call_count() {
    static thread_local int calls = 3;
    return &calls;
}

[[gnu::noinline]] static buffer **last_of(int first, const char *second) {
    static thread_local buffer *last;
    (void)first, (void)second;
    return &last;
}

// Inlined everywhere: there is a symbol, but no function that GDB knows.
static inline buffer **inlined() {
    static thread_local buffer *cached;
    return &cached;
}

void describe_names_a(const Plan &plan) {
    if (plan.sets_buffers) {
        same_name = new_buffer();
        hidden_buffer = new_buffer();
        space::spaced_buffer = new_buffer();
        space::inner::Class::member = new_buffer();
        secret_buffer = new_buffer();
        Pool<int>::head = new int(plan.number);
        *last_of(0, "") = new_buffer();
        *inlined() = new_buffer();
    }
    *call_count() += plan.number;

    truth_pointer({"'zoo_names_a.cc'::same_name", "_ZL9same_name", PROGRAM}, &same_name, "");
    truth_pointer({"hidden_buffer", "_ZL13hidden_buffer", PROGRAM}, &hidden_buffer, "");
    truth_pointer({"space::spaced_buffer", "_ZN5space13spaced_bufferE", PROGRAM}, &space::spaced_buffer, "");
    truth_pointer({"space::inner::Class::member", "_ZN5space5inner5Class6memberE", PROGRAM},
                  &space::inner::Class::member, "");
    truth_pointer({"(anonymous namespace)::secret_buffer", "_ZN12_GLOBAL__N_113secret_bufferE", PROGRAM},
                  &secret_buffer, "");
    truth_pointer({"Pool<int>::head", "_ZN4PoolIiE4headE", PROGRAM}, &Pool<int>::head, "");
    truth_number({"call_count()::calls", "_ZZL10call_countvE5calls", PROGRAM}, call_count(), "%d", *call_count());
    truth_pointer({"last_of(int, char const*)::last", "_ZZL7last_ofiPKcE4last", PROGRAM}, last_of(0, ""), "");
    truth_pointer({"inlined()::cached", "_ZZL7inlinedvE6cached", PROGRAM}, inlined(), "");
}
