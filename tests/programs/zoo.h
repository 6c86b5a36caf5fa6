// The parts of the zoo program.
#pragma once

#include "truth.h"

#include <cstddef>

constexpr const char *PROGRAM = "zoo";
constexpr const char *LINKED = "libzoo_linked.so";

// What a thread does, so that its instances differ from the next one's.
struct Plan {
    int number;             // 0 for main
    bool sets_buffers;      // otherwise its pointers stay null
    bool constructs;        // touches the variables that have constructors
    bool touches_early;     // the library opened before the threads
    bool touches_late_gd;   // those opened after the threads
    bool touches_late_big;
};

buffer *new_buffer();

// Where a variable of static TLS is in this thread, without running its constructor.
inline const void *in_this_thread(std::ptrdiff_t from_thread_pointer) {
    return reinterpret_cast<const char *>(truth_thread_pointer()) + from_thread_pointer;
}
inline std::ptrdiff_t from_thread_pointer(const void *address) {
    return static_cast<const char *>(address) - reinterpret_cast<const char *>(truth_thread_pointer());
}

void describe_scalars(const Plan &plan);
void describe_pointers(const Plan &plan);
void describe_owners(const Plan &plan);
void describe_names_a(const Plan &plan);
void describe_names_b(const Plan &plan);
extern "C" void describe_names_c(int number);
extern "C" void describe_linked(int number);
