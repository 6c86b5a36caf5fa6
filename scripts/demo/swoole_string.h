// A growable byte buffer: the small part of a string class that the demo needs.
#pragma once

#include <cstddef>
#include <cstring>

namespace swoole {

class String {
  public:
    char *str;      // the bytes
    size_t length;  // how many of them are in use
    size_t size;    // how many are allocated

    explicit String(size_t capacity) : str(new char[capacity]), length(0), size(capacity) {}

    ~String() {
        delete[] str;
    }

    String(const String &) = delete;
    String &operator=(const String &) = delete;

    // Forgets the content and keeps the memory.
    void clear() {
        length = 0;  // with a null `this`, a write to address 8: SIGSEGV
    }

    void append(const void *bytes, size_t count) {
        if (count > size - length) {
            grow(length + count);
        }
        memcpy(str + length, bytes, count);
        length += count;
    }

  private:
    void grow(size_t capacity) {
        char *larger = new char[capacity];
        memcpy(larger, str, length);
        delete[] str;
        str = larger;
        size = capacity;
    }
};

}  // namespace swoole
