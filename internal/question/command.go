package question

var (
	// polite words stand before a command: "could you please delete".
	polite = set(`please can could would will you i we want need like i'd id to let's lets go ahead and hey hi hello ok okay
		help me kindly just now then also`)
	// changes are verbs that change something whatever follows.
	changes = set(`delete remove cancel create add reschedule postpone send forward compose invite accept decline rsvp
		unsubscribe rename notify remind arrange organize organise move put block snooze unstar trash erase
		close reopen resolve solve assign unassign reassign escalate merge publish unpublish`)
	// changesOf are verbs that are nouns or questions as well: they change something when an object follows.
	changesOf = set(`schedule draft mark star book update archive plan label set make change edit clear empty mute restore
		invite push shift post tag refund log confirm drop register approve validate fulfill fulfil ship
		lower raise increase decrease reduce file submit bump transfer`)
	// answers change something when "to" or an object follows.
	answers = set("reply respond write answer")
	// contacts are verbs that address a person: "email bob about the delay".
	contacts = set("email mail message text call ping dm")
	objects  = set(`a an the my me him her them us it all every our that meeting call appointment event lunch email message
		time interview reminder everything dinner ticket conversation contact channel issue task comment note deal page order sales purchase quotation invoice lead opportunity`)
	// asking are words that make "remind me" a question.
	asking   = set("what what's whats when when's whens where where's who who's which how")
	pronouns = set("me him her them us everyone everybody")
	// behindName are words that follow the person addressed.
	behindName = set("about that to a an the and saying regarding re my")
)

// command returns where a verb stands that makes the question ask for a change; ok is false for questions that only read.
func (p *parser) command() (at int, ok bool) {
	i := 0
	for i < len(p.tokens) && polite[p.tokens[i].word] {
		i++
	}
	if p.changing(i) {
		return i, true
	}
	for k := i + 1; k < len(p.tokens); k++ {
		if (p.is(k-1, "and") || p.is(k-1, "then")) && objects[p.at(k+1)] && !contacts[p.at(k)] && p.changing(k) {
			return k, true
		}
	}
	return 0, false
}

// opened are things of which a new one is made by opening it; an email is read.
var opened = set("issue ticket task bug case deal order")

// gives reports whether what follows is given to somebody: "all of Ada's tickets to Bob".
func (p *parser) gives(i int) bool {
	for k := i; k < len(p.tokens) && !p.tokens[k].comma; k++ {
		if p.is(k, "to") && p.at(k+1) != "" && p.at(k+1) != "me" && p.at(k+1) != "us" {
			return true
		}
	}
	return false
}

func (p *parser) changing(i int) bool {
	w, next := p.at(i), p.at(i+1)
	switch {
	case w == "" || p.tokens[i].low != w:
		return false
	case w == "remind" && next == "me" && asking[p.at(i+2)]:
		return false
	case w == "tell":
		return next != "" && next != "me" && next != "us" &&
			(p.tokens[i+1].hash || objects[next] || pronouns[next]) && p.at(i+2) != ""
	case next == "me" && (w == "send" || w == "write" || w == "forward"):
		return false // asks to be shown something
	case next == "date": // "close date of the deal"
		return false
	case changes[w]:
		return next != "" || i+1 == len(p.tokens) || p.tokens[i+1].kind == "quoted"
	case w == "open" && (next == "a" || next == "an"):
		return p.is(i+2, "new") || opened[p.at(i+2)]
	case w == "tick" && next == "off", w == "hand" && p.is(i+2, "to"):
		return true
	case w == "give":
		return (next == "all" || next == "every") && p.gives(i+2)
	case w == "schedule" && (units[p.at(i+2)] == "minute" || units[p.at(i+2)] == "hour"):
		return true
	case w == "draft" && next == "something", w == "mark" && p.is(i+2, "as"):
		return true
	case w == "post" && (next == "in" || next == "to" || p.is(i+2, "to") || p.is(i+2, "in")), w == "comment" && next == "on":
		return true
	case changesOf[w]:
		return objects[next] || keyForm.MatchString(next) || next == "up" || next == "with" || next == "off"
	case answers[w]:
		return objects[next] || next == "to" || next == "back" || next == "in" || next == "on" || p.is(i+2, "email") || p.is(i+2, "mail")
	case contacts[w]:
		if pronouns[next] {
			return true
		}
		if next == "" || stops[next] || subjects[next] || mailNouns[next] || !p.nameWord(i+1) || stateWords[next] != "" {
			return false
		}
		_, weekday := weekdays[next]
		_, month := months[next]
		relative := next == "today" || next == "tomorrow" || next == "yesterday" || next == "tonight"
		k := i + 2
		if p.is(k, "on") || p.is(k, "via") || p.is(k, "in") { // "message dana on acme that"
			k += 2
			return !weekday && !month && !relative && behindName[p.at(k)]
		}
		return !weekday && !month && !relative && (k == len(p.tokens) || behindName[p.at(k)])
	}
	return false
}
