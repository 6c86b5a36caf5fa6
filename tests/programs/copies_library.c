/* A library with definitions of variables that others define, too; or, with USER, one that has none of its own.
 * The second variable is called `grouped`, or as GROUPED says.
 *
 * NAME_shared() and NAME_grouped() give the addresses that its code uses in the calling thread.
 */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#ifndef GROUPED
#define GROUPED grouped
#endif

#ifdef USER
extern __thread long GROUPED;
#else
#ifdef HIDDEN
#define OWN __attribute__((visibility("hidden")))
#else
#define OWN
#endif
OWN __thread long shared = 1;
OWN __thread long GROUPED = 2;

long *JOIN(NAME, _shared)(void);
long *JOIN(NAME, _shared)(void) {
    shared++;
    return &shared;
}
#endif

long *JOIN(NAME, _grouped)(void);
long *JOIN(NAME, _grouped)(void) {
    GROUPED++;
    return &GROUPED;
}
