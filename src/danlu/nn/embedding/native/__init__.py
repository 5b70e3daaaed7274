"""The kernel for rows of long tables on a CPU: a page of C, compiled once on the machine that uses it."""
