package sandbox

import "time"

// People whom the accounts know.
const (
	ada   = "ada@example.com"
	grace = "grace@example.com"
	sarah = "sarah.chen@example.com"
	priya = "priya.nair@example.com"
	marco = "marco.rossi@example.com"
	lena  = "lena.vogt@example.com"
	ken   = "ken.tanaka@tokyo.example.com"
	nina  = "nina.okafor@northwind.example"
)

// names are how people write themselves.
var names = map[string]string{
	ada: "Ada Lovelace", grace: "Grace Hopper", sarah: "Sarah Chen", priya: "Priya Nair", marco: "Marco Rossi",
	lena: "Lena Vogt", ken: "Ken Tanaka", nina: "Nina Okafor",
}

const (
	berlin  = "Europe/Berlin"
	newYork = "America/New_York"
	tokyo   = "Asia/Tokyo"
)

var (
	workdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	weekend  = []time.Weekday{time.Saturday, time.Sunday}
)

func on(d ...time.Weekday) []time.Weekday { return d }

// meetings recur. Every day of the week has at least one with others, so that tomorrow is never empty.
var meetings = []*plan{
	{key: "standup", summary: "Team stand-up", description: "What did you finish, what is next, what is in the way?",
		days: workdays, at: "15:30", minutes: 15, zone: berlin, organizer: sarah,
		guests: []string{ada, grace, priya, marco}, video: true},
	{key: "1on1sarahada", summary: "1:1 Sarah / Ada", description: "Notes are in the shared document.",
		days: on(time.Tuesday), at: "14:00", minutes: 30, zone: berlin, organizer: sarah, guests: []string{ada}, video: true},
	{key: "1on1sarahgrace", summary: "1:1 Sarah / Grace", days: on(time.Wednesday), at: "10:00", minutes: 30,
		zone: newYork, organizer: sarah, guests: []string{grace}, video: true},
	{key: "1on1adagrace", summary: "Ada and Grace catch up", days: on(time.Thursday), at: "16:00", minutes: 30,
		zone: berlin, organizer: ada, guests: []string{grace}, video: true},
	{key: "budget", summary: "Budget review", location: "Room Curie",
		description: "Plan and actuals of the quarter. Sarah brings the numbers.", days: on(time.Monday), at: "11:00",
		minutes: 60, zone: berlin, organizer: sarah, guests: []string{ada, lena}},
	{key: "design", summary: "Design review", description: "One proposal, one hour, one decision.",
		days: on(time.Wednesday), at: "11:00", minutes: 60, zone: berlin, organizer: ada,
		guests: []string{priya, marco, grace}, location: "Room Noether", video: true},
	{key: "sprint", summary: "Sprint review", description: "Demonstrations first, numbers after.",
		days: on(time.Friday), even: true, at: "16:00", minutes: 60, zone: berlin, organizer: sarah,
		guests: []string{ada, grace, priya, marco, lena}, video: true},
	{key: "retro", summary: "Retrospective", days: on(time.Friday), even: true, at: "17:00", minutes: 45, zone: berlin,
		organizer: marco, guests: []string{ada, grace, priya}, video: true, pending: true},
	{key: "tokio", summary: "Tokyo office call", days: on(time.Thursday), at: "17:00", minutes: 45, zone: tokyo,
		organizer: ken, guests: []string{ada, sarah}, video: true},
	{key: "rollout", summary: "Release window", location: "On line",
		description: "The release goes out over midnight, when traffic is lowest.", days: on(time.Tuesday), at: "23:00",
		minutes: 150, zone: berlin, organizer: ada, guests: []string{marco, grace}},
	{key: "customers", summary: "Customer call: Northwind", days: on(time.Monday), at: "10:30", minutes: 45,
		zone: newYork, organizer: grace, guests: []string{nina, ada}, video: true},
	{key: "home", summary: "Working from home", days: on(time.Friday), wholes: 1, organizer: ada, free: true},
	{key: "invoices", summary: "Invoices are due", month: 1, wholes: 1, organizer: ada, free: true},
	{key: "offsite", summary: "Team off-site", location: "Hamburg", month: 18, wholes: 2, organizer: sarah,
		guests: []string{ada, grace, priya, marco, lena}},
	{key: "focus", summary: "Focus time", days: on(time.Thursday), at: "09:00", minutes: 120, zone: berlin,
		organizer: ada, kind: "focusTime"},
	{key: "focusg", summary: "Focus time", days: on(time.Tuesday), at: "13:00", minutes: 120, zone: newYork,
		organizer: grace, kind: "focusTime"},
	{key: "outlook", summary: "Week ahead: planning call", description: "Fifteen minutes, so that Monday starts well.",
		days: weekend, at: "17:00", minutes: 15, zone: berlin, organizer: grace, guests: []string{ada, sarah}, video: true},
}

// occasions happen once, on working days.
var occasions = []*plan{
	{key: "c0", summary: "Interview: platform engineer", location: "Room Curie", at: "10:00", minutes: 45, zone: berlin,
		organizer: lena, guests: []string{ada, marco}},
	{key: "c1", summary: "Lunch with Priya", location: "Café Einstein", at: "12:30", minutes: 60, zone: berlin,
		organizer: priya, guests: []string{ada}},
	{key: "c2", summary: "Dentist", location: "Dr. Weber, Torstraße 12", at: "08:00", minutes: 45, zone: berlin,
		organizer: ada},
	{key: "c3", summary: "Incident review: slow search", description: "Time line, causes, three things to change.",
		at: "13:00", minutes: 45, zone: berlin, organizer: marco, guests: []string{ada, priya}, video: true},
	{key: "c4", summary: "Roadmap with Sarah", at: "13:15", minutes: 30, zone: berlin, organizer: ada,
		guests: []string{sarah}, pending: true, video: true},
	{key: "c5", summary: "Security training", at: "09:00", minutes: 60, zone: berlin, organizer: lena,
		guests: []string{ada, marco, priya}, video: true},
	{key: "c6", summary: "Vendor demonstration", at: "11:30", minutes: 45, zone: newYork, organizer: grace,
		guests: []string{nina}, video: true},
	{key: "c7", summary: "Compiler reading group", at: "14:00", minutes: 60, zone: newYork, organizer: grace,
		guests: []string{priya}, location: "Library"},
	{key: "c8", summary: "Candidate debrief", at: "12:30", minutes: 30, zone: newYork, organizer: grace,
		guests: []string{lena}, pending: true, video: true},
}

// leisure happens on days off.
var leisure = []*plan{
	{key: "d0", summary: "Brunch with Lena", location: "Café Einstein", at: "11:00", minutes: 120, zone: berlin,
		organizer: lena, guests: []string{ada}},
	{key: "d1", summary: "Climbing", location: "Boulder hall", at: "14:00", minutes: 120, zone: berlin, organizer: ada},
	{key: "d2", summary: "Concert", location: "Philharmonie", at: "20:00", minutes: 150, zone: berlin, organizer: ada},
	{key: "d3", summary: "Sailing", location: "Pier 25", at: "10:00", minutes: 240, zone: newYork, organizer: grace},
	{key: "d4", summary: "Dinner with Nina", location: "Carmine's", at: "19:00", minutes: 120, zone: newYork,
		organizer: grace, guests: []string{nina}},
}

// rota is the calendar that everybody sees: who is on call, week by week.
var rota = []*plan{
	{key: "rota", summary: "On call: Marco", days: on(time.Monday), wholes: 7, organizer: marco, free: true},
	{key: "rotaeven", summary: "On-call handover", days: on(time.Monday), even: true, at: "09:15", minutes: 15,
		zone: berlin, organizer: marco, guests: []string{ada, priya}},
}
