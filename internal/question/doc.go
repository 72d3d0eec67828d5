// Package question reads a plain question ("emails from Sarah about the budget last week, unread"): which capability it asks
// for, and the time, people, states, limits and words it names. It is pure and deterministic: the same text, options and
// candidates give the same answer, nothing is learned and nothing is looked up.
//
// The flow of one question:
//
//	text ── tokenise ──▶ words and quotations
//	          │
//	          ├─ Choose: commands, general knowledge, other services ──▶ a problem that says so
//	          │          trigger phrases ─▶ numbers ─▶ what each uses ──▶ the capability, or a problem (none, several)
//	          │
//	          └─ Read:   tense ─▶ times ─▶ limits ─▶ states ─▶ phrases ─▶ people ─▶ numbers ─▶ the words that remain
//	                               └─ stretches ─▶ one Window
//
// The rule of the house: what has one clear meaning is taken, what has none or several is left out and reported as an unclear
// Span. Every recognised piece says which words it came from.
//
// # The grammar of time
//
// Windows are half-open and in the asker's zone. Days are civil days: one of 23 or 25 hours is a day. A midnight that a zone
// skips is the first instant after it. Weeks start on Monday unless Options say otherwise; weekends are Saturday and Sunday.
//
//	today, tomorrow, yesterday, day after tomorrow      the whole day
//	this morning, tomorrow afternoon, friday evening    06–12, 12–18, 18–24; tonight 18–24; last night 18–06
//	friday; this, next, last friday                     see below; of next week; before today
//	this, next, last week | month | quarter | year      the calendar's unit
//	in the last week, past 7 days, next 3 days          from now; the far end is a whole day
//	within 24 hours, last 2 hours                       from now, exact
//	3 days ago, in two weeks                            that day, that calendar week
//	January 22, 22 jan 2027, 2026-01-22, 1/22, the 5th  that day; 3/4 has two meanings and is none
//	March, Q1, first half of 2025, in 2025              the month, quarter, half or year
//	week of January 22; week starting February 2        the week that holds it; seven days from it
//	first half of March                                 to the 15th; the second from the 16th
//	first week of March, last day of the month          seven days from its first day, counted from its last
//	this weekend, over the weekend                      Saturday and Sunday; the last one with a verb in the past
//	between A and B, A to B, Mon-Wed, jan 22-24          both included
//	2-4pm, 9am to noon                                  times of the one day that is named, else of today
//	at 3pm                                              an hour; "at 3" has two meanings and is none
//	since A, from A on; after A                         from its start; from its end
//	before A; until, by, through A                      to its start; to its end; from now on where the question looks ahead
//	before noon, after 5pm                              within the day
//	now, so far, earlier today, rest of the week, ytd   cut at now
//
// A weekday, a month or a date without a year occurs again and again. A verb in the past takes the latest that has begun,
// today's included; a verb in the present or "will" the next that has not ended; mail looks back of itself. Without any of
// these it is the next one, unless a date or a month ended in the last 31 days and that is nearer.
package question
