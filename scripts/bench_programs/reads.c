/* The reads that the compute step makes, in C, with pread on the core: the yardstick.

   Usage: reads CORE FILE TIMES
   For each of the addresses in FILE (one word each) it finds the segment of CORE and reads a word there three times
   over, since an instance takes three reads: DTV pointer, DTV entry, value. Prints the best time in seconds. */

#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = ((const Elf64_Phdr *) left)->p_vaddr, b = ((const Elf64_Phdr *) right)->p_vaddr;
    return (a > b) - (a < b);
}

int main(int count_of_arguments, char **arguments)
{
    if (count_of_arguments != 4)
        return 2;
    int core = open(arguments[1], O_RDONLY);
    int list = open(arguments[2], O_RDONLY);
    Elf64_Ehdr header;
    if (core < 0 || list < 0 || pread(core, &header, sizeof header, 0) != sizeof header)
        return 1;
    size_t segments = header.e_phnum;
    if (segments == PN_XNUM) {
        Elf64_Shdr first;
        if (pread(core, &first, sizeof first, header.e_shoff) != sizeof first)
            return 1;
        segments = first.sh_info;
    }
    Elf64_Phdr *table = malloc(segments * sizeof *table);
    if (pread(core, table, segments * sizeof *table, header.e_phoff) != (ssize_t) (segments * sizeof *table))
        return 1;
    qsort(table, segments, sizeof *table, compare);
    off_t size = lseek(list, 0, SEEK_END);
    size_t count = size / 8;
    uint64_t *addresses = malloc(size), sum = 0;
    if (pread(list, addresses, size, 0) != size)
        return 1;
    double best = 1e9;
    for (int time = atoi(arguments[3]); time > 0; time--) {
        double start = now();
        for (int read = 0; read < 3; read++)
            for (size_t index = 0; index < count; index++) {
                size_t low = 0, high = segments;
                while (high - low > 1) {
                    size_t middle = (low + high) / 2;
                    if (table[middle].p_vaddr <= addresses[index])
                        low = middle;
                    else
                        high = middle;
                }
                uint64_t word;
                if (pread(core, &word, sizeof word, table[low].p_offset + addresses[index] - table[low].p_vaddr) != sizeof word)
                    return 1;
                sum += word;
            }
        double took = now() - start;
        best = took < best ? took : best;
    }
    printf("%.6f %lu\n", best, (unsigned long) (sum & 1));
    return 0;
}
