// Values that one wants to read at a glance: what one line says of each is in test_plain.py.
#include <any>
#include <bitset>
#include <chrono>
#include <complex>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "truth.h"

#if __has_include(<span>) && __cplusplus > 201703L
#include <span>
#define HAS_SPAN
#endif
#if __has_include(<expected>) && __cplusplus > 202002L
#include <expected>
#define HAS_EXPECTED
#endif

struct Point {
    int x, y;
};
struct Base {
    int base = 7;
};
struct Left : virtual Base {
    int left = 1;
};
struct Right : virtual Base {
    int right = 2;
};
struct Diamond : Left, Right {
    int own = 0;
};
struct Acts {
    int number = 1;
    int act() const { return number; }
    virtual int over() { return number; }
};
enum class Flags : unsigned { none = 0, first = 1, second = 2, third = 4 };
struct Inner {
    int narrow : 5;
    unsigned wide : 9;
    char text[4];
};
struct Outer : Point {
    Inner inner;
    Inner several[2];
};

thread_local std::any plain_any_number, plain_any_text, plain_any_large;
thread_local std::function<int(int)> plain_calls, plain_lambda, plain_captures;
thread_local std::bitset<12> plain_bits;
thread_local std::bitset<100> plain_many_bits;
thread_local std::pair<int, std::string> plain_pair;
thread_local std::filesystem::path plain_path;
thread_local std::chrono::milliseconds plain_wait;
thread_local std::chrono::duration<double> plain_seconds;
thread_local std::chrono::duration<long, std::ratio<1, 30>> plain_frames;
thread_local std::chrono::system_clock::time_point plain_date;
thread_local std::mutex plain_mutex;
thread_local std::once_flag plain_once;
thread_local std::condition_variable plain_condition;
thread_local Flags plain_flags;
thread_local char16_t plain_short = u'é';
thread_local char32_t plain_long = U'€';
thread_local wchar_t plain_wide = L'w';
thread_local char16_t plain_shorts[4] = u"abc";
thread_local wchar_t plain_wides[4] = L"abc";
thread_local const char16_t *plain_pointed = u"wide";
thread_local const char plain_unended[4] = {'a', 'b', 'c', 'd'};
thread_local signed char plain_byte = -3;
thread_local float plain_float = 0.1f;
thread_local long double plain_extended = 1.25L;
thread_local std::complex<double> plain_complex;
thread_local __complex__ int plain_whole_complex;
thread_local char plain_nothing[0];
thread_local Point plain_point;
thread_local Point &plain_reference = plain_point;
thread_local char plain_letter = 'a';
thread_local char &plain_letters = plain_letter;
thread_local int Point::*plain_member;
thread_local int (Acts::*plain_method)() const;
thread_local int (Acts::*plain_virtual)();
thread_local Diamond plain_diamond;
thread_local Outer plain_outer;
#ifdef HAS_SPAN
thread_local std::span<int> plain_span;
#endif
#ifdef HAS_EXPECTED
thread_local std::expected<int, std::string> plain_expected, plain_unexpected;
#endif

static int storage[3] = {7, 8, 9};

static int plus(int number) {
    return number + 1;
}

static void fill(int number) {
    std::array<int, 8> large{number};
    plain_any_number = number;
    plain_any_text = std::string("text");
    plain_any_large = large;
    plain_calls = plus;
    plain_lambda = [](int given) { return given; };
    plain_captures = [large](int given) { return given + large[0]; };
    plain_bits = 10 + number;
    plain_many_bits.set(98 + number);
    plain_pair = {number, "second"};
    plain_path = "/usr/lib";
    plain_wait = std::chrono::milliseconds(1500 + number);
    plain_seconds = std::chrono::duration<double>(number + 0.5);
    plain_frames = std::chrono::duration<long, std::ratio<1, 30>>(-number);
    plain_date = std::chrono::system_clock::time_point(std::chrono::milliseconds(1700000000250 + number));
    if (number)
        plain_mutex.lock();
    else
        plain_mutex.try_lock(), plain_mutex.unlock();
    if (number)
        std::call_once(plain_once, [] {});
    plain_condition.notify_all();
    plain_flags = static_cast<Flags>(number ? 5 : 0);
    plain_shorts[0] = static_cast<char16_t>('A' + number);
    plain_wides[0] = static_cast<wchar_t>('A' + number);
    plain_complex = {number + 1.0, 2.5};
    __real__ plain_whole_complex = -4 - number;
    __imag__ plain_whole_complex = 5;
    plain_reference.x = number;
    plain_letters = static_cast<char>('a' + number);
    plain_member = number ? &Point::y : nullptr;
    plain_method = number ? &Acts::act : nullptr;
    plain_virtual = number ? &Acts::over : nullptr;
    plain_diamond.own = number;
    plain_outer.x = number;
    plain_outer.inner = {-3 - number, 300, "abc"};
    plain_outer.several[1] = {7, 8, {'w', 'x', 'y', 'z'}};
#ifdef HAS_SPAN
    plain_span = {storage, static_cast<std::size_t>(number)};
#else
    (void)storage;
#endif
#ifdef HAS_EXPECTED
    plain_expected = number;
    plain_unexpected = std::unexpected(std::string("bad"));
#endif
    (void)*const_cast<volatile char *>(plain_unended);
    (void)plain_byte, (void)plain_float, (void)plain_extended, (void)plain_pointed, (void)plain_nothing;
    (void)plain_short, (void)plain_long, (void)plain_wide;
    truth_number(truth_name{"plain_outer.x", "plain_outer", "plain"}, &plain_outer.x, "%d", number);
}

static void *worker(void *) {
    fill(1);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    fill(0);
    truth_ready(1, truth_spawn("worker", worker, nullptr));
}
