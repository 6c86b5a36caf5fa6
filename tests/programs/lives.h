// Thread-local objects that say when they are constructed and destroyed, each thread of its own.
#ifndef LIVES_H
#define LIVES_H

#include <string>

// What a thread's objects did; none of these is initialised dynamically, so that they are there at any time.
void lives_made(const char *name);
void lives_gone(const char *name);

struct Noted {
    const char *name;
    long used = 0;
    explicit Noted(const char *name) : name(name) { lives_made(name); }
    ~Noted() { lives_gone(name); }
};

// Constructed, but without a destructor.
struct Plain {
    long one, two;
    explicit Plain(const char *name) : one(1), two(2) { lives_made(name); }
};

inline long lives_number(const char *name, long value) {
    lives_made(name);
    return value;
}

inline std::string lives_text(const char *name) {
    lives_made(name);
    return name;
}

inline thread_local Noted everywhere("everywhere");
template <class T> struct Holder { static thread_local T held; };
template <class T> thread_local T Holder<T>::held("held");

extern thread_local Noted other_outer;
void use_other();
extern "C" void wait_in_constructor(void);
void use_waiting();

#endif
