// The same for what C++ adds; see accesses.c for the marks.
#include "accesses.h"

#define OWN_FUNCTION __attribute__((noinline))

struct Box {
    struct item *inner;
    long length;
    OWN_FUNCTION Box();
    OWN_FUNCTION ~Box();
    Box(const Box &) = delete;
    Box &operator=(const Box &) = delete;
    bool empty() const { return inner == nullptr; }
    long first() const { return inner->number; }
};

Box::Box() : inner(make()), length(1) {
    sink(this);
}

Box::~Box() {
    sink(inner);
}

class Registry {
public:
    static inline thread_local struct item *current = nullptr;
    static thread_local int depth;
    long use() const {
        return current->number; /* tls: current read-dereferenced */
    }
    long check() const {
        if (current != nullptr) /* tls: current read-checked */
            return current->number; /* tls: current read-checked? */
        return 0;
    }
    void set(struct item *to) {
        current = to; /* tls: current write */
        ++depth; /* tls: depth write */
    }
};

thread_local int Registry::depth = 0;

namespace {
thread_local Box box; /* tls: box address-taken|write?, box address-taken? */
thread_local struct item *hidden;
}

void set_hidden(struct item *to) {
    hidden = to; /* tls: hidden write */
}

long use_hidden() {
    return hidden->number; /* tls: hidden read-dereferenced */
}

long use_in_lambda() {
    auto with = [](int by) { return hidden->number + by; }; /* tls: hidden read-dereferenced */
    return with(3);
}

void pass_reference() {
    struct item *&reference = hidden;
    sink(&reference); /* tls: hidden address-taken */
}

long use_box() {
    return box.inner->number; /* tls: box read-dereferenced */
}

bool check_box() {
    return box.inner != nullptr; /* tls: box read-checked */
}

void pass_box() {
    sink(&box); /* tls: box address-taken */
}

long use_local() {
    static thread_local Box local; /* tls: local address-taken?|write? */
    return local.inner->number; /* tls: local read-dereferenced */
}

long through_registry(const Registry &registry) {
    return registry.use();
}

long check_registry(const Registry &registry) {
    return registry.check();
}

void set_registry(Registry &registry, struct item *to) {
    registry.set(to);
}
