// Package page is pagination, once, for every connection of the schema.
//
//	first, after, last, before ── Parse ──> Request ── a statement ──> rows ── New ──> Connection
//
// A list is ordered by id, which is time-ordered, so a cursor is an id with the name of its order. A page is read with
// one row more than it shows, which answers whether the list goes on; whether it goes on at the other end is asked of
// the database only when a cursor was given and the field is selected. totalCount is counted only when asked for.
package page
