package question

import "time"

// Sunday is the Options.WeekStart of weeks that start on Sunday. ISO 8601 counts it 7, so that the zero value of a
// weekday, time.Sunday, can mean "not set".
const Sunday time.Weekday = 7

// Options say who asks, and when.
type Options struct {
	// Now is the instant of the question.
	Now time.Time
	// Location is the asker's time zone; nil means UTC. Civil dates ("tomorrow") are days of this zone.
	Location *time.Location
	// WeekStart is the first day of a week. Zero means Monday; see Sunday.
	WeekStart time.Weekday
	// Names are what people call the service that is asked. They are left out of Text as Phrases are.
	Names []string
	// Phrases are the trigger phrases of the capabilities that may answer. They name what is asked for, so Read leaves
	// them out of Text unless they stand behind "about" and the like.
	Phrases []string
	// Past says that what is asked for has happened already, as orders have and meetings have not: "on friday" is then the
	// last one, unless a verb looks ahead.
	Past bool
}

// Reading is what a question says, and nothing that it does not say.
type Reading struct {
	// Window is the time asked about; nil when the question names none, or none that has one clear meaning.
	Window *Window
	// People are the persons named with a role, in the order of the question.
	People []Person
	// Quoted are the texts in quotation marks.
	Quoted []string
	// Numbers are those that are not part of a time or a limit. Their digits stay in Text too.
	Numbers []float64
	// States are words of a closed list: unread, read, starred, important, attachment, no_attachment, sent, draft,
	// spam, trash, archived, snoozed, cancelled, declined, accepted, tentative. Each occurs once.
	States []string
	// Text are the words that remain to be searched for, as typed, one space apart; "" when none remain.
	Text string
	// Limit is how many results the question asks for; 0 when it does not say.
	Limit int
	// Latest reports that the newest are asked for ("last 5 emails"). A provider that lists the oldest first must read
	// the whole window to honour it.
	Latest bool
	// Write is the word that makes the question a command to change something ("delete"); "" for a question.
	Write string
	// Spans are the pieces that were recognised, in the order of the question.
	Spans []Span
}

// Window is a half-open stretch of time: Start belongs to it, End does not. A nil end is open; both are never nil.
// With two ends Start is before End. Both are in the asker's zone.
type Window struct {
	Start, End *time.Time
}

// Person is somebody named in the question, as typed. "me" is the asker.
type Person struct {
	Name string
	// Role is from, to or with.
	Role string
}

// Span is a recognised piece of the question: the evidence for a field of the Reading.
type Span struct {
	// Kind is window, person, quoted, state, limit, number, write or unclear. Unclear pieces look like one of the others but
	// have several meanings ("3/4") or none; they changed nothing.
	Kind string
	// Start and End are byte offsets in the question; Words are the bytes between them.
	Start, End int
	Words      string
}
