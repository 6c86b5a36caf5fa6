// Pointers to what people know at a glance: texts, buffers with a length, containers; and to what only looks so.
#include "truth.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <sys/uio.h>
#include <vector>

namespace texts {

// Not terminated by a zero, as swoole::String and many others are.
struct Bytes {
    size_t capacity;
    size_t length;
    char *str;
};

struct Base {
    const uint8_t *m_data;
    uint16_t m_len;
};

struct Derived : Base {
    int other;
};

struct Wrong {  // the names promise a length
    char *data;
    uint64_t size;
};

}  // namespace texts

static char plain[8] = {'p', 'l', 'a', 'i', 'n', 'X', 'X', 'X'};
static char binary[] = "a\0b\n\"";
static std::string long_text(100, 'x');

thread_local texts::Bytes *texts_bytes = nullptr;
thread_local texts::Bytes *texts_empty = nullptr;
thread_local texts::Bytes *texts_long = nullptr;
thread_local texts::Bytes *texts_gone = nullptr;
thread_local texts::Derived *texts_derived = nullptr;
thread_local texts::Wrong *texts_wrong = nullptr;
thread_local iovec *texts_iovec = nullptr;
thread_local std::string *texts_string = nullptr;
thread_local std::vector<int> *texts_vector = nullptr;
thread_local const wchar_t *texts_wide = nullptr;
thread_local const char16_t *texts_utf16 = nullptr;
thread_local const char *texts_plain = nullptr;
thread_local std::string *texts_dangling = nullptr;

static void say(const char *name, const void *address, const char *flags, const char *linkage = nullptr) {
    truth_pointer(truth_name{name, linkage ? linkage : name, "texts"}, address, flags);
}

static void say_all(const char *dangling) {
    say("texts_bytes", &texts_bytes, "");
    say("texts_empty", &texts_empty, "");
    say("texts_long", &texts_long, "");
    say("texts_gone", &texts_gone, "");
    say("texts_derived", &texts_derived, "");
    say("texts_wrong", &texts_wrong, "");
    say("texts_iovec", &texts_iovec, "");
    say("texts_string", &texts_string, "", "_Z12texts_stringB5cxx11");
    say("texts_vector", &texts_vector, "");
    say("texts_wide", &texts_wide, "");
    say("texts_utf16", &texts_utf16, "");
    say("texts_plain", &texts_plain, "");
    say("texts_dangling", &texts_dangling, dangling, "_Z14texts_danglingB5cxx11");
}

static void *worker(void *) {
    say_all("");
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    texts_bytes = new texts::Bytes{8, 5, plain};
    texts_empty = new texts::Bytes{0, 0, nullptr};
    texts_long = new texts::Bytes{100, 100, &long_text[0]};
    texts_gone = new texts::Bytes{16, 9, reinterpret_cast<char *>(16)};
    texts_derived = new texts::Derived{{reinterpret_cast<uint8_t *>(binary), 5}, 1};
    texts_wrong = new texts::Wrong{plain, UINT64_MAX};
    texts_iovec = new iovec{plain, 3};
    texts_string = new std::string("a \"string\"");
    texts_vector = new std::vector<int>{1, 2, 3};
    texts_wide = L"wide";
    texts_utf16 = u"sixteen";
    texts_plain = "zero-terminated";
    texts_dangling = reinterpret_cast<std::string *>(0x10000);
    say_all("dangling");
    pthread_t thread = truth_spawn("worker", worker, nullptr);
    truth_ready(1, thread);
}
