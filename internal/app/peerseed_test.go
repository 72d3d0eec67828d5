package app_test

import "time"

// zone is where the person lives, far enough from UTC for a wrong day to show.
var zone = time.FixedZone("Etc/GMT-11", 11*60*60)

// world is what the peer holds: two people, the OAuth client, and for the first of them the same meetings every day and
// a letter every week, so that neither midnight nor Sunday falls between asking and answering.
func world(now time.Time, owner, other string, redirects ...string) map[string]any {
	now = now.In(zone)
	day := func(days, hour int) string {
		return time.Date(now.Year(), now.Month(), now.Day()+days, hour, 0, 0, 0, zone).Format(time.RFC3339)
	}
	people := []any{map[string]any{"email": owner, "display_name": "Ada"},
		map[string]any{"email": "sarah@example.com", "display_name": "Sarah Lee"}}
	events := []any{map[string]any{"summary": "Sailing", "start_date": day(12, 0)[:10], "end_date": day(13, 0)[:10]}}
	for d := -2; d <= 3; d++ {
		events = append(events,
			map[string]any{"summary": "Stand-up", "start_date_time": day(d, 9), "end_date_time": day(d, 10),
				"attendees": people},
			map[string]any{"summary": "Review", "start_date_time": day(d, 15), "end_date_time": day(d, 16)})
	}
	letters := []any{
		letter("Sarah Lee <sarah@example.com>", "Lunch", "Pizza?", day(-7, 12), "INBOX"),
		letter("Bob <bob@example.com>", "Money", "Which budget?", day(-7, 12), "INBOX"),
	}
	for week := range 3 {
		labels := []string{"INBOX"}
		if week == 0 {
			labels = append(labels, "UNREAD")
		}
		letters = append(letters, letter("Sarah Lee <sarah@example.com>", "Budget", "The budget: 3 < 4 – ok?",
			day(-7*week, 1), labels...))
	}
	return map[string]any{
		"users": []any{
			map[string]any{"email": owner, "name": "Ada Lovelace"}, map[string]any{"email": other, "name": "Eve"},
		},
		"oauth_clients": []any{map[string]any{
			"client_id": "patchbay", "client_secret": "not-so-secret", "name": "Patchbay", "redirect_uris": redirects,
		}},
		"calendars": []any{
			map[string]any{"id": owner, "user_email": owner, "summary": owner, "primary": true, "time_zone": "UTC"},
			map[string]any{"id": other, "user_email": other, "summary": other, "primary": true, "time_zone": "UTC"},
		},
		"calendar_events": events,
		"messages":        letters,
	}
}

func letter(from, subject, body, date string, labels ...string) map[string]any {
	return map[string]any{"from": from, "to": "ada@example.com", "subject": subject, "body_text": body, "date": date,
		"label_ids": labels}
}
