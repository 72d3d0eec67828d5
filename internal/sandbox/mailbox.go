package sandbox

import (
	"slices"
	"strings"
	"time"
)

// mailDays is how far back the mailbox goes.
const mailDays = 60

// mail is a message before Gmail words it.
type mail struct {
	*letter
	id, thread string
	from, to   string // addresses as in headers
	date       time.Time
	labels     []string
}

// mailbox returns an account's mails, newest first. They follow from the account and the day; that they were read
// follows from their age.
func mailbox(a account, now time.Time) []mail {
	var out []mail
	local := now.In(a.location())
	y, m, d := local.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	for back := range mailDays {
		out = append(out, mailsOn(a, today.AddDate(0, 0, -back), now)...)
	}
	slices.SortStableFunc(out, func(x, y mail) int { return y.date.Compare(x.date) })
	return out
}

func mailsOn(a account, d time.Time, now time.Time) (out []mail) {
	add := func(l *letter, thread string, hour, minute int) {
		date := time.Date(d.Year(), d.Month(), d.Day(), hour, minute, chance(l.subject, d, 60), 0, a.location())
		if date.After(now) {
			return
		}
		id := digest(a.Email + l.subject + d.Format(time.DateOnly))[:16]
		self := address(a.Email)
		m := mail{letter: l, id: id, thread: firstOf(thread, id), from: self, to: self, date: date}
		if l.from != "" {
			m.from = address(l.from)
		}
		if l.to != "" {
			m.to = address(l.to)
		}
		m.labels = labelsOf(l, a, d, now.Sub(date))
		out = append(out, m)
	}
	if d.Weekday() == time.Wednesday {
		_, week := d.ISOWeek()
		add(&budgetLetters[week%len(budgetLetters)], digest(a.Email + "budget" + d.Format("2006-01"))[:16], 10, 12)
	}
	working := d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
	if working || chance(a.Email+"weekend", d, 2) == 0 {
		pool := make([]*letter, 0, len(letterPool))
		for i := range letterPool {
			l := &letterPool[i]
			if l.from != a.Email && (l.to == "" || l.from == "" || l.to == a.Email) {
				pool = append(pool, l)
			}
		}
		add(pool[chance(a.Email+"mail", d, len(pool))], "", 7+chance("hour", d, 11), chance("minute", d, 60))
	}
	return out
}

func labelsOf(l *letter, a account, d time.Time, age time.Duration) []string {
	if l.from == "" {
		return []string{"SENT"}
	}
	out := slices.Clone(l.labels)
	if !slices.Contains(out, "SPAM") {
		out = append(out, "INBOX")
	}
	if len(l.labels) == 0 {
		out = append(out, "CATEGORY_PERSONAL")
	}
	fromSarah := l.from == sarah
	if fromSarah {
		out = append(out, "IMPORTANT")
	}
	const day = 24 * time.Hour
	if age < 2*day || fromSarah && age < 14*day || chance(a.Email+"unread", d, 5) == 0 {
		out = append(out, "UNREAD")
	}
	if chance(a.Email+"star", d, 7) == 0 {
		out = append(out, "STARRED")
	}
	return out
}

// address writes a person as in a header.
func address(email string) string {
	if name, ok := names[email]; ok {
		return name + " <" + email + ">"
	}
	return email
}

func (m mail) has(label string) bool { return slices.Contains(m.labels, label) }

// snippet is the beginning of the text in one line.
func (m mail) snippet() string {
	s := strings.Join(strings.Fields(m.text), " ")
	if r := []rune(s); len(r) > 100 {
		s = string(r[:100])
	}
	return s
}

// attachment is the content of the mail's file.
func (m mail) attachment() []byte {
	if strings.HasSuffix(m.file, ".csv") {
		return []byte("row;item;plan;actual\n12;hosting;18000;22200\n13;licences;6400;4900\n14;travel;3000;2850\n")
	}
	return []byte("%PDF-1.4\n% " + m.subject + "\n%%EOF\n")
}
