// Containers in every state that they can be in, and bytes that are no state of theirs.
#include <stdlib.h>
#include <string.h>

#include <deque>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "truth.h"

struct Large {
    long words[100];
};

thread_local std::vector<int> box_vector;
thread_local std::vector<Large> box_large_vector;
thread_local std::vector<bool> box_bits;
thread_local std::deque<int> box_deque;
thread_local std::deque<Large> box_large_deque;
thread_local std::string box_string;
thread_local std::wstring box_wide;
thread_local std::map<int, int> box_map;
thread_local std::multiset<std::string> box_set;
thread_local std::list<int> box_list;
thread_local std::unordered_map<int, int> box_table;
thread_local std::unordered_set<std::string> box_hashed;

template <class Each>
static void all(Each each) {
    each(box_vector, "box_vector");
    each(box_large_vector, "box_large_vector");
    each(box_bits, "box_bits");
    each(box_deque, "box_deque");
    each(box_large_deque, "box_large_deque");
    each(box_string, "box_string");
    each(box_wide, "box_wide");
    each(box_map, "box_map");
    each(box_set, "box_set");
    each(box_list, "box_list");
    each(box_table, "box_table");
    each(box_hashed, "box_hashed");
}

static void fill(int count) {
    for (int i = 0; i < count; i++) {
        box_vector.push_back(i);
        box_large_vector.push_back({});
        box_bits.push_back(i % 2);
        box_deque.push_back(i);
        box_large_deque.push_back({});
        box_string += 'x';
        box_wide += L'x';
        box_map[i] = i;
        box_set.insert(std::to_string(i));
        box_list.push_back(i);
        box_table[i] = i;
        box_hashed.insert(std::to_string(i));
    }
}

static void *filled(void *argument) {
    fill(static_cast<int>(reinterpret_cast<long>(argument)));
    truth_park();
}

static void *emptied(void *) {
    fill(30);
    all([](auto &one, const char *) {
        one.clear();
    });
    box_deque.push_front(1);
    truth_park();
}

static void *moved(void *) {
    fill(30);
    all([](auto &one, const char *) {
        auto *other = new auto(std::move(one));
        (void)other;
    });
    truth_park();
}

// What lies where an object is that was never constructed or was overwritten.
static void *garbage(void *argument) {
    fill(2);
    int byte = static_cast<int>(reinterpret_cast<long>(argument));
    all([byte](auto &one, const char *) {
        memset(static_cast<void *>(&one), byte, sizeof one);
    });
    truth_park();
}

// Bytes that each make sense, but not together.
static void *torn(void *) {
    fill(40);
    all([](auto &one, const char *) {
        auto *words = reinterpret_cast<unsigned long *>(&one);
        for (size_t at = 0; at < sizeof one / sizeof *words / 2; at++) {
            std::swap(words[at], words[sizeof one / sizeof *words - 1 - at]);
        }
    });
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    fill(0);
    pthread_t first = truth_spawn("one", filled, reinterpret_cast<void *>(1));
    truth_spawn("many", filled, reinterpret_cast<void *>(1000));
    truth_spawn("emptied", emptied, nullptr);
    truth_spawn("moved", moved, nullptr);
    truth_spawn("garbage-a5", garbage, reinterpret_cast<void *>(0xa5));
    truth_spawn("garbage-ff", garbage, reinterpret_cast<void *>(0xff));
    truth_spawn("garbage-01", garbage, reinterpret_cast<void *>(0x01));
    truth_spawn("torn", torn, nullptr);
    truth_ready(8, first);
}
