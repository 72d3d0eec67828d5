//go:build race

package app_test

// callers ask each replica at once. The race detector makes everything ten times slower; a caller's patience stays.
const callers = 40

// wild is how often one caller begins to connect.
const wild = 1_000

// subscribers follow one replica at once.
const subscribers = 300
