package question_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/patchbay/patchbay/internal/question"
)

var zones = []string{
	"UTC", "Asia/Kuwait", "America/New_York", "Europe/Zurich", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana",
	"Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns", "Asia/Beirut",
}

// words make questions that look like time, so that the grammar's rules meet in every order.
var words = strings.Fields(`what meetings do i have did was emails from with by to about since until before after between and
	- or the a in on at of this next last past coming today tomorrow yesterday tonight morning afternoon night monday
	tuesday friday sunday sundays mon sun may march january q1 q4 week weekend month quarter year days hours weeks minutes
	first second end start rest ago now noon midnight 2 3pm 15:00 9am 22 22nd 2026 2026-01-22 1/22 3/4 31 feb 29 30 every
	within couple few sarah bob unread read sent attachment top recent upcoming later earlier so far date eod starting
	delete schedule email "quoted words"`)

func anOption(t *rapid.T) question.Options {
	zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	at := rapid.Int64Range(time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
		time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC).Unix()).Draw(t, "now")
	return question.Options{
		Now: time.Unix(at, 0), Location: zone, WeekStart: time.Weekday(rapid.IntRange(1, 7).Draw(t, "weekStart")),
		Phrases: []string{"meeting", "email", "do i have"},
	}
}

func aQuestion(t *rapid.T) string {
	return rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(words), 0, 12), func(w []string) string { return strings.Join(w, " ") }),
		rapid.String(),
	).Draw(t, "question")
}

func TestWindowsAreNeverEmptyAndSpansAreWordsOfTheQuestion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := aQuestion(t)
		checkReading(t, text, question.Read(text, anOption(t)))
	})
}

// failer is what checkReading needs of *rapid.T and *testing.T.
type failer interface {
	Fatalf(format string, args ...any)
}

func checkReading(t failer, text string, r question.Reading) {
	if w := r.Window; w != nil {
		switch {
		case w.Start == nil && w.End == nil:
			t.Fatalf("%q: a window without ends", text)
		case w.Start != nil && w.End != nil && !w.Start.Before(*w.End):
			t.Fatalf("%q: the window %v..%v is empty", text, w.Start, w.End)
		}
		explained := false
		for _, s := range r.Spans {
			explained = explained || s.Kind == "window" || s.Kind == "limit"
		}
		if !explained {
			t.Fatalf("%q: no span explains the window %v..%v", text, w.Start, w.End)
		}
	}
	end := 0
	for _, s := range r.Spans {
		if s.Start < end || s.End <= s.Start || s.End > len(text) || text[s.Start:s.End] != s.Words {
			t.Fatalf("%q: span %+v is not of the question, or out of order", text, s)
		}
		end = s.End
	}
	for _, word := range strings.Fields(r.Text) {
		if !strings.Contains(text, word) {
			t.Fatalf("%q: the text has %q, which is not in the question", text, word)
		}
	}
	for _, p := range r.People {
		if p.Name == "" || p.Role != "from" && p.Role != "to" && p.Role != "with" {
			t.Fatalf("%q: person %+v", text, p)
		}
	}
	if r.Limit < 0 || utf8.ValidString(text) && !utf8.ValidString(r.Text) {
		t.Fatalf("%q: limit %d, text %q", text, r.Limit, r.Text)
	}
}

// civil moves a window's ends to UTC with the same clock reading.
func civil(w *question.Window, days int) string {
	if w == nil {
		return "-"
	}
	end := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.AddDate(0, 0, days).Format("2006-01-02T15:04:05")
	}
	return end(w.Start) + ".." + end(w.End)
}

func TestAWeekLaterWeekdaysLieAWeekLater(t *testing.T) {
	t.Parallel()
	asks := []string{
		"meetings on %s", "what did i have on %s", "meetings next %s", "meetings last %s", "meetings this %s",
		"meetings since %s", "meetings before %s", "do i have meetings until %s", "%s afternoon meetings",
		"%s next week", "meetings between tuesday and %s", "meetings %s from 2 to 4pm", "meetings this week", "over the weekend",
	}
	days := []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	rapid.Check(t, func(t *rapid.T) {
		o := anOption(t)
		o.Location = time.UTC
		ask := rapid.SampledFrom(asks).Draw(t, "ask")
		if strings.Contains(ask, "%s") {
			ask = fmt.Sprintf(ask, rapid.SampledFrom(days).Draw(t, "day"))
		}
		weeks := rapid.IntRange(-60, 60).Draw(t, "weeks")
		here := question.Read(ask, o).Window
		if here == nil {
			t.Fatalf("%q has no window", ask)
		}
		o.Now = o.Now.AddDate(0, 0, 7*weeks)
		if got, want := civil(question.Read(ask, o).Window, 0), civil(here, 7*weeks); got != want {
			t.Fatalf("%q %d weeks later: %s, want %s", ask, weeks, got, want)
		}
	})
}

func TestTheSameClockReadingGivesTheSameCivilDaysInEveryZone(t *testing.T) {
	t.Parallel()
	asks := []string{
		"meetings tomorrow", "meetings this week", "emails last month", "meetings on friday", "meetings in march",
		"emails in q4", "meetings next weekend", "first week of march events", "emails since monday", "meetings jan 22-24",
	}
	rapid.Check(t, func(t *rapid.T) {
		o := anOption(t)
		ask := rapid.SampledFrom(asks).Draw(t, "ask")
		n := o.Now.In(o.Location)
		there := question.Read(ask, o).Window
		o.Location = time.UTC
		o.Now = time.Date(n.Year(), n.Month(), n.Day(), n.Hour(), n.Minute(), n.Second(), 0, time.UTC)
		here := question.Read(ask, o).Window
		for k, ends := range [][2]*time.Time{{there.Start, here.Start}, {there.End, here.End}} {
			if (ends[0] == nil) != (ends[1] == nil) {
				t.Fatalf("%q: %v and %v", ask, there, here)
			}
			if ends[0] != nil && ends[0].Format(time.DateOnly) != ends[1].Format(time.DateOnly) {
				t.Fatalf("%q: end %d is %v there and %v in UTC", ask, k, ends[0], ends[1])
			}
		}
	})
}

func TestDaysTileTheWeekWhateverTheClocksDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := anOption(t)
		today, tomorrow := question.Read("meetings today", o).Window, question.Read("meetings tomorrow", o).Window
		if !today.End.Equal(*tomorrow.Start) {
			t.Fatalf("today ends %v, tomorrow starts %v", today.End, tomorrow.Start)
		}
		if now := o.Now; now.Before(*today.Start) || !now.Before(*today.End) {
			t.Fatalf("%v is not in today, %v..%v", now, today.Start, today.End)
		}
		if d := today.End.Sub(*today.Start); d < 22*time.Hour || d > 26*time.Hour {
			t.Fatalf("today has %v", d)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, g := range readGolden(f, "reading.txt") {
		f.Add(g.ask)
	}
	f.Add("İstanbul’S emails from “a \xff - 2-\u0301 ʼ's")
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	o := question.Options{Now: time.Date(2026, 3, 7, 10, 0, 0, 0, zone), Location: zone, Phrases: []string{"meeting", "email"}}
	f.Fuzz(func(t *testing.T, text string) {
		checkReading(t, text, question.Read(text, o))
		_, _ = question.Choose(text, question.Service{Candidates: []question.Candidate{{Name: "list", Phrases: o.Phrases}}})
	})
}
