//go:build race

package app_test

// callers ask each replica at once. The race detector makes everything ten times slower; a caller's patience stays.
const callers = 40
