// Package feed reads an ordered table once for everybody in this process who follows it.
//
//	a commit wakes ──▶ one reader a company ──▶ each change once ──▶ a bounded buffer for each follower
//	                                                │                        │
//	                                                └ the last ones are kept └ full: the buffer is closed, and its
//	                                                  for who joins            follower reads on by itself, or afresh
//
// A follower brings itself near the end with statements of its own, then joins: from there it gets what the one reader
// reads. The reader begins with the first follower of a company and ends with the last, or with the store. An outage of
// the database delays it and loses nothing: it goes on from the place it had reached.
package feed
