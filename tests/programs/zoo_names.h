// Seen in both files of names.
#pragma once

// A static member of a class template: its symbol is weak, and its name has template arguments.
template <class T> struct Pool {
    static thread_local T *head;
};
template <class T> thread_local T *Pool<T>::head;
