// Thread-local variables of a header: each file its own, one for the program, one for each library that is dead.
#ifndef MEANT_H
#define MEANT_H

static thread_local long meant_in_header;

namespace {
thread_local int *meant_anonymous;
}

inline thread_local long meant_depth = 1;

template <class T> struct Holder {
    static inline thread_local T *held = nullptr;
};

#endif
