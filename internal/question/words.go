package question

import "strings"

// set makes a look-up table of space-separated words.
func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// spellings maps short forms and frequent misspellings to the word of the grammar.
var spellings = map[string]string{
	"tmrw": "tomorrow", "tmr": "tomorrow", "tmw": "tomorrow", "tom'w": "tomorrow", "2moro": "tomorrow",
	"tommorow": "tomorrow", "tommorows": "tomorrow", "tomorrows": "tomorrow", "tomorows": "tomorrow",
	"todays": "today", "2day": "today", "tody": "today", "yesterdays": "yesterday", "tonite": "tonight",
	"tonights": "tonight", "2nite": "tonight", "wensday": "wednesday", "wendsday": "wednesday",
	"wk": "week", "wks": "weeks", "weekends": "weekend", "mins": "minutes", "min": "minute", "hr": "hour", "hrs": "hours",
	"mths": "months", "yr": "year", "yrs": "years", "thru": "through", "till": "until", "'til": "until", "til": "until",
	"untill": "until", "btw": "between", "btwn": "between", "midday": "noon", "qtr": "quarter", "mornings": "morning",
	"prev": "previous", "w": "with", "frm": "from", "wats": "what's", "pls": "please", "plz": "please", "attachement": "attachment",
	"attachements": "attachments", "havent": "haven't", "ive": "i've", "tues": "tuesday", "weds": "wednesday",
	"thurs": "thursday", "thur": "thursday", "fortnights": "fortnight",
}

// shortForms maps what people type for a noun to the noun; trigger phrases match it.
var shortForms = map[string]string{
	"mtg": "meeting", "mtgs": "meetings", "tix": "tickets", "tkt": "ticket", "convo": "conversation", "convos": "conversations",
	"conv": "conversation", "convs": "conversations", "msg": "message", "msgs": "messages", "appt": "appointment", "appts": "appointments",
	"appmt": "appointment", "nr": "number", "num": "number", "any1": "anyone", "some1": "someone", "wich": "which", "evrything": "everything",
	"acct": "account", "prod": "product", "inv": "invoice", "proj": "project", "custs": "customers",
	"sched": "schedule", "cal": "calendar", "rn": "now", "mins": "minutes", "min": "minute", "abt": "about", "yest": "yesterday", "u": "you", "ppl": "people", "info": "information",
}

// respelled are the words of the grammar that may be misspelt by one edit. Those shorter than six letters never are.
var respelled = strings.Fields(`tomorrow yesterday tonight monday tuesday wednesday thursday friday saturday sunday
	january february august september october november december morning afternoon evening weekend quarter unread starred
	attachment attachments important`)

// spelledWell are words one edit away from a word of the grammar, or of common phrases, that mean something else.
var spelledWell = set(`mourning mornings evenings quarters quarterly weekends weekend's augusta mondays tuesdays
	wednesdays thursdays fridays saturdays sundays massage massages melting meting matting evens eventing
	matings mating meetings emailed mailed calendars colander unready stared starve starves friend`)

var weekdays = map[string]int{
	"monday": 1, "mon": 1, "tuesday": 2, "tue": 2, "wednesday": 3, "wed": 3, "thursday": 4, "thu": 4, "friday": 5, "fri": 5,
	"saturday": 6, "sat": 6, "sunday": 0, "sun": 0,
}

// weekdayPlurals mean every such day ("on mondays"), or a forgotten apostrophe ("fridays agenda").
var weekdayPlurals = map[string]int{
	"mondays": 1, "tuesdays": 2, "wednesdays": 3, "thursdays": 4, "fridays": 5, "saturdays": 6, "sundays": 0,
}

var months = map[string]int{
	"january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5, "june": 6,
	"jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9, "october": 10, "oct": 10,
	"november": 11, "nov": 11, "december": 12, "dec": 12,
}

// doubtful are names of days and months that are ordinary words as well: they need company ("in may", "on sat").
var doubtful = set("may march mar sun sat wed mon jan")

// givenNames are the months that people are called.
var givenNames = set("april may june jan august")

// parts are the parts of the day in minutes after midnight.
var parts = map[string][2]int{
	"morning": {6 * 60, 12 * 60}, "afternoon": {12 * 60, 18 * 60}, "evening": {18 * 60, 24 * 60},
	"night": {18 * 60, 24 * 60},
}

var numerals = map[string]int{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "couple": 2,
}

var ordinals = map[string]int{
	"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1,
}

var units = map[string]string{
	"minute": "minute", "minutes": "minute", "hour": "hour", "hours": "hour", "day": "day", "days": "day",
	"week": "week", "weeks": "week", "fortnight": "fortnight", "month": "month", "months": "month",
	"quarter": "quarter", "quarters": "quarter", "year": "year", "years": "year",
}

var (
	mailNouns = set(`email emails e-mail e-mails mail mails message messages inbox thread threads conversation
		conversations newsletter newsletters draft drafts attachment attachments`)
	eventNouns = set(`meeting meetings event events appointment appointments calendar schedule agenda call calls standup
		sync interview interviews lunch flight review demo retro class shift session 1:1 1-1`)

	pastVerbs   = set(`did was were had happened received arrived came missed attended met sent wrote replied said emailed been`)
	futureVerbs = set("will upcoming due closing")
	presents    = set("do am is are what's whats where's when's")

	topicMarkers = set("about regarding concerning re mentioning containing mention mentions contain contains called titled named")
	articles     = set("the a an my our your his her their this that these those")
	joiners      = set("and or &")
	excluders    = set("not except excluding")
	meals        = set("lunch lunchtime breakfast dinner work school")

	// subjects are common words that follow a sender without a preposition ("from sarah budget"): never names.
	subjects = set(`budget invoice invoices contract contracts report reports project proposal offer hiring payment receipt
		receipts order orders subject title topic link links pdf file files document documents photo photos slides agenda
		notes plan review feedback update updates history confirmation zoom video phone details status results password
		security delivery shipping refund salary interview work meeting meetings email emails mail message messages calendar
		event events call calls inbox today urgent folder label regards respect`)

	// stops are the words that ask, point or join; they are never searched for.
	stops = set(`a about ago ahead all also am an and any anybody anyone anything are as at be because been before being
		between but by came can check clear come comes coming concerning contain containing contains could currently did display
		do does doing done during each early either else ever every everything fetch find for from gave get gets getting give
		given go going gonna got had happen happened happening happens has have haven't having he hello her hers hey hi him his
		how how's i i'd i'll i'm i've if in into is isn't it it's its just know late lately later left let let's lets like list
		look looking lot lots make many me mention mentioning mentions mid might mine more most much must my named need needs new
		no not now of off ok okay on only onto or other our ours out over own planned please pull pulled quick quickly re read
		recent recently received regarding remaining replied reply review's said say see send sent set she should show shows
		since so some somebody someone something soon still stuff subject such tell than thank thanks that that's the their theirs
		them then there there's these they they're thing things this those through titled to too toward towards under until up
		upcoming us use via view want wanna wants was we we're well went were what what's whats when when's where where's which
		while who who's whom whose why will with within without would wrote written yet you your yours u called came arrived
		arrive mine booked scheduled happens occurring occur taking place today's due during upon per both past previous next last
		dated around ones one's another onwards onward subject line folder item items exactly really actually maybe kindly
		search searching remind miss missed attend attending attended anytime summarise summarize summary emailed mailed forwarded shared wrote
		back got starting ending opened latest newest oldest anyway just possible possibly able wondering wonder hear heard says respond responded responding respond`)
)
