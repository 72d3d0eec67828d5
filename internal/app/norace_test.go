//go:build !race

package app_test

// callers ask each replica at once.
const callers = 200

// wild is how often one caller begins to connect.
const wild = 10_000

// subscribers follow one replica at once.
const subscribers = 1_000
