/* Two libraries that define one variable of emulated TLS; with MAIN, the program that uses both. */
#include <stdio.h>
#include <unistd.h>

#ifdef MAIN
void use_a(int number);
void use_b(int number);

int main(void) {
    use_a(1);
    use_b(2);
    puts("ready");
    fflush(stdout);
    pause();
}
#else
__thread int emulated_copy = 3;

void NAME(int number);
void NAME(int number) {
    emulated_copy = number;
}
#endif
