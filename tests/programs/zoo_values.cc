// Variables of every kind of type, all in the executable.
#include "zoo.h"

#include <climits>
#include <fcntl.h>
#include <initializer_list>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

enum class Colour { none, red, green = 5 };

struct Options {
    int depth;
    const char *label;
    buffer *stack[3];
    Options *next;
};

// .tdata, then .tbss
thread_local int zoo_counter = 42;
thread_local double zoo_ratio = 0.5;
thread_local int zoo_zero;
thread_local bool zoo_flag;
thread_local Colour zoo_colour;
thread_local char zoo_letter = 'x';
thread_local unsigned long long zoo_wide = ULLONG_MAX;
thread_local signed char zoo_small = -1;

thread_local buffer *zoo_buffer;        // set by main only
thread_local buffer *zoo_some;          // set by some threads, each its own
thread_local buffer *zoo_common;        // two threads share one object
thread_local buffer *zoo_dangling;      // worker-2's points to unmapped memory
thread_local const char *zoo_label;     // to read-only data, which a core leaves out
thread_local const void *zoo_mapped;    // to a mapped file, which a core leaves out too
thread_local int (*zoo_callback)(int);  // to a function
thread_local buffer **zoo_indirect;     // to this thread's zoo_some
thread_local Options zoo_options;
thread_local buffer *zoo_slots[4];
thread_local int zoo_table[2][3];
thread_local char zoo_text[16] = "zoo";

thread_local std::unique_ptr<buffer> zoo_unique;
thread_local std::shared_ptr<buffer> zoo_shared;
thread_local std::string zoo_string("a string too long to be stored within the object itself");
thread_local std::vector<int> zoo_vector;
// libstdc++ stores the deleter, which is not null, before the pointer.
thread_local std::unique_ptr<buffer, void (*)(buffer *)> zoo_closed(nullptr, [](buffer *) {});

namespace {

truth_name here(const char *name, const char *path_end = nullptr) {
    return {path_end ? path_end : name, name, PROGRAM};
}

// The symbol of a std::string has the ABI's name in it.
constexpr truth_name STRING{"zoo_string", "_Z10zoo_stringB5cxx11", PROGRAM};

buffer common{"common", 6};
std::shared_ptr<buffer> common_owner = std::make_shared<buffer>();

int twice(int number) {
    return 2 * number;
}

const void *mapped_file() {
    static const void *const mapped = [] {
        int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        void *address = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file, 0);
        close(file);
        return address;
    }();
    return mapped;
}

// Distances from the thread pointer, which main measures first (it starts the others later).
std::ptrdiff_t unique_at, shared_at, string_at, vector_at, closed_at;

}  // namespace

void describe_scalars(const Plan &plan) {
    zoo_counter += plan.number;
    zoo_ratio += plan.number;
    zoo_flag = plan.number % 2;
    zoo_colour = plan.number ? Colour::green : Colour::red;
    zoo_letter = static_cast<char>('a' + plan.number);
    zoo_wide -= static_cast<unsigned>(plan.number);
    zoo_small = static_cast<signed char>(-plan.number);
    zoo_table[1][2] = 12 + plan.number;

    truth_number(here("zoo_counter"), &zoo_counter, "%d", zoo_counter);
    truth_number(here("zoo_ratio"), &zoo_ratio, "%g", zoo_ratio);
    truth_number(here("zoo_zero"), &zoo_zero, "%d", zoo_zero);
    truth_number(here("zoo_flag"), &zoo_flag, "%d", zoo_flag);
    truth_number(here("zoo_colour"), &zoo_colour, "%d", static_cast<int>(zoo_colour));
    truth_number(here("zoo_letter"), &zoo_letter, "%d", zoo_letter);
    truth_number(here("zoo_wide"), &zoo_wide, "%llu", zoo_wide);
    truth_number(here("zoo_small"), &zoo_small, "%d", zoo_small);
    truth_object(here("zoo_table"), &zoo_table);
    truth_number(here("zoo_table", "zoo_table[1][2]"), &zoo_table[1][2], "%d", zoo_table[1][2]);
    truth_object(here("zoo_text"), &zoo_text);
}

void describe_pointers(const Plan &plan) {
    static const char *const labels[] = {"main", "one", "two", nullptr, "four"};
    const bool shares = plan.number == 1 || plan.number == 4;
    const bool dangles = plan.number == 2;
    if (plan.number == 0)
        zoo_buffer = new_buffer();
    if (plan.sets_buffers)
        zoo_some = new_buffer();
    if (shares)
        zoo_common = &common;
    else if (plan.number == 0)
        zoo_common = new_buffer();
    if (dangles)
        zoo_dangling = reinterpret_cast<buffer *>(0x123000);  // below every mapping of a 64-bit PIE
    else if (plan.number != 3)
        zoo_dangling = new_buffer();
    zoo_label = labels[plan.number];
    zoo_mapped = plan.number == 1 ? mapped_file() : nullptr;
    zoo_callback = plan.number == 1 ? twice : nullptr;
    zoo_indirect = plan.sets_buffers ? &zoo_some : nullptr;
    zoo_options.depth = plan.number;
    zoo_options.label = labels[plan.number];
    zoo_options.stack[2] = zoo_some;
    zoo_options.next = plan.sets_buffers ? new Options{100 + plan.number, nullptr, {}, nullptr} : nullptr;
    zoo_slots[1] = zoo_some;

    truth_pointer(here("zoo_buffer"), &zoo_buffer, "");
    truth_pointer(here("zoo_some"), &zoo_some, "");
    truth_pointer(here("zoo_common"), &zoo_common, shares ? "shared" : "");
    truth_pointer(here("zoo_dangling"), &zoo_dangling, dangles ? "dangling" : "");
    truth_pointer(here("zoo_label"), &zoo_label, "");
    truth_pointer(here("zoo_mapped"), &zoo_mapped, "");
    truth_pointer(here("zoo_callback"), &zoo_callback, "");
    truth_pointer(here("zoo_indirect"), &zoo_indirect, "");
    truth_object(here("zoo_options"), &zoo_options);
    truth_object(here("zoo_slots"), &zoo_slots);

    // Paths into values; those through a pointer end at a null one where the thread has none.
    truth_number(here("zoo_options", "zoo_options.depth"), &zoo_options.depth, "%d", zoo_options.depth);
    truth_pointer(here("zoo_options", "zoo_options.label"), &zoo_options.label, "");
    truth_pointer(here("zoo_options", "zoo_options.stack[2]"), &zoo_options.stack[2], "");
    truth_pointer(here("zoo_slots", "zoo_slots[1]"), &zoo_slots[1], "");
    if (plan.sets_buffers) {
        truth_pointer(here("zoo_some", "zoo_some->str"), &zoo_some->str, "");
        truth_number(here("zoo_some", "zoo_some->length"), &zoo_some->length, "%ld", zoo_some->length);
        truth_number(here("zoo_options", "zoo_options.stack[2]->length"), &zoo_options.stack[2]->length, "%ld",
                     zoo_options.stack[2]->length);
        truth_number(here("zoo_options", "zoo_options.next->depth"), &zoo_options.next->depth, "%d",
                     zoo_options.next->depth);
        truth_pointer(here("zoo_options", "zoo_options.next->next"), &zoo_options.next->next, "");
    } else {
        for (const char *path : {"zoo_some->str", "zoo_some->length"})
            truth_null_path(here("zoo_some", path));
        for (const char *path :
             {"zoo_options.stack[2]->length", "zoo_options.next->depth", "zoo_options.next->next"})
            truth_null_path(here("zoo_options", path));
    }
}

void describe_owners(const Plan &plan) {
    if (plan.number == 0) {
        unique_at = from_thread_pointer(&zoo_unique);
        shared_at = from_thread_pointer(&zoo_shared);
        string_at = from_thread_pointer(&zoo_string);
        vector_at = from_thread_pointer(&zoo_vector);
        closed_at = from_thread_pointer(&zoo_closed);
    }
    truth_step();  // main has measured
    const char *sharing = "";
    if (plan.constructs) {
        // worker-2 constructs all of them and leaves them as they are: empty, but for the string.
        if (plan.number != 2) {
            zoo_unique.reset(new_buffer());
            zoo_closed.reset(new_buffer());
            zoo_shared = common_owner;
            sharing = "shared";
            zoo_vector.assign(3, plan.number);
        } else {
            zoo_unique.reset();
        }
        truth_owner(here("zoo_unique"), &zoo_unique, zoo_unique.get(), "");
        truth_owner(here("zoo_shared"), &zoo_shared, zoo_shared.get(), sharing);
        truth_object(STRING, &zoo_string);
        truth_object(here("zoo_vector"), &zoo_vector);
        truth_owner(here("zoo_closed"), &zoo_closed, zoo_closed.get(), "");
    } else {
        // No constructor has run in this thread; the first two are constants, and there from the beginning.
        truth_owner(here("zoo_unique"), in_this_thread(unique_at), nullptr, "");
        truth_owner(here("zoo_shared"), in_this_thread(shared_at), nullptr, "");
        truth_unmade(STRING, in_this_thread(string_at));
        truth_unmade(here("zoo_vector"), in_this_thread(vector_at));
        truth_unmade(here("zoo_closed"), in_this_thread(closed_at));
    }
}
