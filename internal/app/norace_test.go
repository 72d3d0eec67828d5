//go:build !race

package app_test

// callers ask each replica at once.
const callers = 200
