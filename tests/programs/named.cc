// Many variables of one name, and names that are nearly alike: which is meant is in test_named.py.
#include <map>
#include <string>

#include "truth.h"

namespace one {
thread_local int x = 1;
inline namespace v1 {
thread_local int y = 2;
}
} // namespace one
namespace {
thread_local int x = 3;
}
struct Class {
    static thread_local int x;
    struct Inner {
        static thread_local int x;
    };
    int *operator()() {
        thread_local int x = 6;
        return &x;
    }
    int *operator[](int) {
        thread_local int x = 7;
        return &x;
    }
    operator int *() {
        thread_local int x = 8;
        return &x;
    }
};
thread_local int Class::x = 4;
thread_local int Class::Inner::x = 5;
template <class T> struct Templated {
    static thread_local int x;
};
template <class T> thread_local int Templated<T>::x = sizeof(T);
static int *function() {
    thread_local int x = 10;
    return &x;
}
static int *function(int) {
    thread_local int x = 11;
    return &x;
}
template <class T> static int *generic() {
    thread_local int x = 12 + sizeof(T);
    return &x;
}

struct Node {
    int value;
    Node *next;
};

extern "C" {
thread_local int named_count_ = 20;
}
thread_local Node named_second = {31, nullptr};
thread_local Node *named_head;
thread_local std::map<std::string, int> named_keys;
thread_local int named_größe = 40;
thread_local std::string named_名前 = "wide";

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    static Node first = {30, &named_second};
    first.next = &named_second;
    named_head = &first;
    named_keys = {{"plain", 1}, {"with \"quotes\"", 2}, {std::string(300, 'k'), 3}};
    Class object;
    auto lambda = [] {
        thread_local int x = 9;
        return &x;
    };
    int *all[] = {&one::x, &one::y, &x, &Class::x, &Class::Inner::x, object(), object[0], object, lambda(), function(),
                  function(1), generic<char>(), generic<long>(), &Templated<char>::x, &Templated<short *>::x};
    for (int *each : all)
        *each += 100;
    named_count_++;
    named_größe++;
    named_名前 += "!";
    truth_number(truth_name{"one::x", "one::x", "named"}, &one::x, "%d", one::x);
    truth_ready(0, pthread_self());
}
