// Containers, each with other elements in each thread, and what has no element, or was never constructed.
#include "truth.h"

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

struct Bits {
    unsigned low : 3, middle : 12;
    signed high : 7;
    int plain;
};

struct Point {
    int x, y;
};

thread_local std::vector<int> shapes_vector;
thread_local std::vector<int> shapes_empty;
thread_local std::string shapes_string;
thread_local std::string shapes_blank;
thread_local std::string shapes_long;
thread_local std::array<int, 3> shapes_array;
thread_local std::deque<int> shapes_deque;
thread_local std::list<Point> shapes_list;
thread_local std::map<std::string, int> shapes_map;
thread_local std::unordered_map<int, long> shapes_hashed;
thread_local std::optional<Point> shapes_optional;
thread_local std::unique_ptr<Point[]> shapes_owned;
thread_local Bits shapes_bits;
thread_local Bits shapes_several[2];
thread_local Bits *shapes_pointed;
thread_local const char *shapes_label;

static truth_name here(const char *variable, const char *linkage) {
    return {variable, linkage, "shapes"};
}

static truth_name plain(const char *variable) {
    return {variable, variable, "shapes"};
}

static void number(const char *path, const char *linkage, const void *address, long value) {
    truth_number(here(path, linkage), address, "%ld", value);
}

// Which elements there are: `count` says how many the thread's containers have.
static void say(int count) {
    for (int i = 0; i < count; i++) {
        shapes_vector.push_back(100 * count + i);
        shapes_deque.push_back(200 * count + i);
        shapes_list.push_back({300 * count + i, i});
        shapes_map[std::string(1, static_cast<char>('a' + i))] = 400 * count + i;
        shapes_hashed[10 + i] = 500 * count + i;
    }
    shapes_string = std::string(static_cast<size_t>(count), static_cast<char>('p' + count));
    shapes_long = std::string(150, static_cast<char>('p' + count));
    shapes_label = (new std::string(300, static_cast<char>('p' + count)))->c_str();
    shapes_array[2] = count;
    if (count > 1)
        shapes_optional = Point{count, 7};
    shapes_owned.reset(new Point[3]{{1, 1}, {2, 2}, {count, 3}});
    shapes_bits = Bits{5, 1000u + static_cast<unsigned>(count), -3 - count, 4};
    shapes_several[1] = Bits{static_cast<unsigned>(count), 7, -count, count};
    shapes_pointed = &shapes_several[1];
    (void)shapes_empty.size();
    (void)shapes_blank.size();

    truth_object(plain("shapes_vector"), &shapes_vector);
    truth_object(plain("shapes_empty"), &shapes_empty);
    truth_object(here("shapes_string", "_Z13shapes_stringB5cxx11"), &shapes_string);
    truth_object(here("shapes_blank", "_Z12shapes_blankB5cxx11"), &shapes_blank);
    truth_object(here("shapes_long", "_Z11shapes_longB5cxx11"), &shapes_long);
    number("shapes_array[2]", "shapes_array", &shapes_array[2], shapes_array[2]);
    number("shapes_owned[2].x", "shapes_owned", &shapes_owned[2].x, shapes_owned[2].x);
    number("shapes_bits.low", "shapes_bits", &shapes_bits, shapes_bits.low);
    number("shapes_bits.middle", "shapes_bits", &shapes_bits, shapes_bits.middle);
    number("shapes_bits.high", "shapes_bits", reinterpret_cast<const char *>(&shapes_bits) + 1, shapes_bits.high);
    number("shapes_bits.plain", "shapes_bits", &shapes_bits.plain, shapes_bits.plain);
    number("shapes_several[1].low", "shapes_several", &shapes_several[1], shapes_several[1].low);
    number("shapes_pointed->middle", "shapes_pointed", shapes_pointed, shapes_pointed->middle);
    for (int i = 0; i < count; i++) {
        const std::string at = "[" + std::to_string(i) + "]";
        const std::string key(1, static_cast<char>('a' + i));
        number(("shapes_vector" + at).c_str(), "shapes_vector", &shapes_vector[static_cast<size_t>(i)],
               shapes_vector[static_cast<size_t>(i)]);
        number(("shapes_deque" + at).c_str(), "shapes_deque", &shapes_deque[static_cast<size_t>(i)],
               shapes_deque[static_cast<size_t>(i)]);
        const Point &point = *std::next(shapes_list.begin(), i);
        number(("shapes_list" + at + ".x").c_str(), "_Z11shapes_listB5cxx11", &point.x, point.x);
        number(("shapes_string" + at).c_str(), "_Z13shapes_stringB5cxx11", &shapes_string[static_cast<size_t>(i)],
               shapes_string[static_cast<size_t>(i)]);
        number(("'shapes_map[\"" + key + "\"]'").c_str(), "_Z10shapes_mapB5cxx11", &shapes_map[key], shapes_map[key]);
        number(("shapes_hashed[" + std::to_string(10 + i) + "]").c_str(), "shapes_hashed", &shapes_hashed[10 + i],
               shapes_hashed[10 + i]);
    }
    if (shapes_optional)
        number("shapes_optional->x", "shapes_optional", &shapes_optional->x, shapes_optional->x);
}

static void *worker(void *) {
    say(3);
    truth_park();
}

// No constructor runs here: nothing takes the address of what has one.
static void *idle(void *) {
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    say(1);
    pthread_t thread = truth_spawn("worker", worker, nullptr);
    truth_spawn("idle", idle, nullptr);
    truth_ready(2, thread);
}
