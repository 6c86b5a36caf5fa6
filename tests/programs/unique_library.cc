// A library with inline variables that other libraries have, too; NAME_counter and NAME_object tell which its code uses.
//
// GCC makes them STB_GNU_UNIQUE: the loader takes the first of a namespace for all, whatever is private (RTLD_LOCAL) there.
// With -fno-gnu-unique, and from Clang, they are weak: a library that is private uses its own.
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

namespace {
volatile long first = 7;
}

struct Made {
    long value;
    Made() : value(first) {}
};

inline thread_local long counter = 1;
inline thread_local Made object;

extern "C" long *JOIN(NAME, _counter)() {
    counter++;
    return &counter;
}

extern "C" long *JOIN(NAME, _object)() {
    object.value++;
    return &object.value;
}
