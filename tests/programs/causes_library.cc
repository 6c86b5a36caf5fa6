// libcauses_cc.so, which causes.cc is linked with.
#include "causes.hh"

thread_local buffer *wrapped = make();

buffer *make() {
    return new buffer();
}

void use_inlined() {
    inlined->length = 1;
}
