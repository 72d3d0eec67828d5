package question

import "slices"

var (
	// seeing are verbs with which "how do I" asks for what there is: "how do i look on friday".
	seeing = set("look stand compare fare do")
	// doers are whom "how do" asks about.
	doers = set("i we you one people they somebody someone to")
	// workings are words behind "how do" with which a question is how something works.
	workings = set("work works function functions")
	// makings are such words behind "how is": "how is work on the launch going" asks for what there is.
	makings = set("calculated computed supposed meant")
	// naming is the word behind "why is" with which a question is where a name comes from.
	naming = set("called")
	// qualities are what is asked of a product, not of what it holds.
	qualities = set(`better worse owned free safe down cheaper cheap good worth compliant available expensive secure reliable
		a an the any or part based made really`)
	// abilities are what is asked of a product.
	abilities = set("have support offer allow integrate work cost charge include let come run need sync bill keep store use")
	// commerce are words behind the name of a product that is bought or compared.
	commerce = set("pricing price prices subscription licence license invoice bill vs versus alternative alternatives or")
	// showing are verbs with which "is it possible to" asks politely for what there is.
	showing = set("see get show find list know check look tell give read view")
	// buying are verbs of advice about a product.
	buying = set("use buy upgrade switch choose pick try migrate")
	// makers are verbs for those who stand behind a product.
	makers = set("founded invented owns owned made makes built builds runs develops")
	// creations are what somebody is asked to make up.
	creations = set("joke poem haiku story song tip tips advice fact slogan limerick recipe idea ideas")
	// explaining are words that begin an explanation when one of asking follows.
	explaining = set("explain define describe")
	// days are words that say when: "what is a good time tomorrow" asks for what there is.
	days = set(`today tonight tomorrow monday tuesday wednesday thursday friday saturday sunday week weekend morning afternoon
		evening`)
	// recipes are pairs of words that ask for general advice.
	recipes = set(`tips+for tips+on tips+to advice+on advice+for difference+between meaning+of definition+of practices+for
		practice+for best+way best+practice best+practices pros+and keyboard+shortcut keyboard+shortcuts short+for`)
	// opinions are verbs of what somebody is asked for a view on.
	opinions = set("like prefer recommend think suggest love hate")
)

// general returns where a question stops asking for what a service holds: it asks how something works, what a thing is, for
// advice, an opinion or something made up. The service's own names are marked in named.
func (p *parser) general(named []bool) (at int, ok bool) {
	i := 0
	for i < len(p.tokens) && polite[p.tokens[i].word] && !p.is(i, "to") {
		i++
	}
	for k := range p.tokens {
		switch {
		case recipes[p.at(k)+"+"+p.at(k+1)] && !p.sought(i, k, named),
			explaining[p.at(k)] && p.asksWhat(k+1), p.opinion(k):
			return k, true
		}
	}
	return i, p.howTo(i) || p.whatIs(i, named) || p.product(i, named) || p.creation(i)
}

// sought reports whether what stands at k is the subject of something that is looked for: "pages with tips for", "our best
// practices", "search for the difference between". What is asked begins at i.
func (p *parser) sought(i, k int, named []bool) bool {
	if w := p.at(i); w == "find" || w == "search" || w == "look" || w == "open" {
		return true
	}
	if w := p.at(k - 1); w == "my" || w == "our" {
		return true
	}
	for x := k - 1; x >= i && !p.tokens[x+1].comma && !asking[p.at(x)]; x-- { // of the same clause
		if p.nouns[p.norms[x]] && !named[x] && !seeking[p.tokens[x].low] {
			return true
		}
	}
	return false
}

// howTo tells "how do i use", "how to", "how does billing work", "why is it called", "should i".
func (p *parser) howTo(i int) bool {
	next := p.at(i + 1)
	switch p.at(i) {
	case "how":
		switch {
		case next == "to":
			return true
		case doers[p.at(i+2)] && (next == "do" || next == "can" || next == "could" || next == "should" || next == "would"):
			return !seeing[p.at(i+3)]
		case next == "do" || next == "does":
			return p.says(i+2, workings)
		case next == "is" || next == "are":
			return p.says(i+2, makings)
		}
	case "why":
		return (next == "is" || next == "are") && p.says(i+2, naming)
	case "is":
		return next == "it" && (p.is(i+2, "normal") || p.is(i+2, "ok") || p.is(i+2, "possible", "to") && !showing[p.at(i+4)])
	case "should":
		return (next == "i" || next == "we") && buying[p.at(i+2)]
	}
	return false
}

// says reports whether one of the words stands at i or behind it.
func (p *parser) says(i int, words map[string]bool) bool {
	for k := i; k < len(p.tokens); k++ {
		if words[p.at(k)] {
			return true
		}
	}
	return false
}

// whatIs tells "what is a lead", "what does backlog mean", "what year did".
func (p *parser) whatIs(i int, named []bool) bool {
	last := len(p.tokens) - 1
	switch {
	case p.is(last-1, "the", "definition"), p.is(last-1, "stand", "for"), p.is(last-2, "stand", "for"):
		return true
	case p.is(i, "what", "year"), p.is(i, "what", "century"), p.is(i, "what", "does", "the", "word"):
		return true
	case (p.is(i, "what", "does") || p.is(i, "what", "do")) && (p.is(last, "mean") || p.is(last-1, "stand", "for")):
		return true
	}
	k, ok := p.behindWhat(i)
	if !ok {
		return false
	}
	if k < len(named) && named[k] {
		for k < len(named) && named[k] {
			k++
		}
		return k > last || p.is(k, "for") || p.is(k, "actually") || p.is(k, "exactly") || p.is(k, "used") ||
			k == last && !p.nouns[p.norms[k]] // "what is acme regression"
	}
	if (p.is(k, "my") || p.is(k, "your")) && (p.is(k+1, "favourite") || p.is(k+1, "favorite")) {
		return true
	}
	usual := p.is(k+1, "good") || p.is(k+1, "normal") || p.is(k+1, "typical")
	return (p.is(k, "a") || p.is(k, "an")) && (usual || last-k <= 3) && !p.says(k, days)
}

// behindWhat returns the place behind "what is", "what are", "what's" at i.
func (p *parser) behindWhat(i int) (int, bool) {
	switch {
	case p.is(i, "what", "is") || p.is(i, "what", "are"):
		return i + 2, true
	case p.is(i, "what's") || p.is(i, "whats") || p.is(i, "what") && p.tokens[i].low != "what":
		return i + 1, true
	}
	return i, false
}

// product tells what is asked of the service itself: "who founded X", "is X better", "how much does X cost".
func (p *parser) product(i int, named []bool) bool {
	isName := func(k int) bool { return k >= 0 && k < len(named) && named[k] }
	beyond := func(k int) int {
		for isName(k) {
			k++
		}
		return k
	}
	switch {
	case p.is(i, "who") && makers[p.at(i+1)]:
		return isName(i + 2)
	case (p.is(i, "is") || p.is(i, "are")) && isName(i+1):
		return qualities[p.at(beyond(i+1))]
	case (p.is(i, "does") || p.is(i, "did")) && isName(i+1):
		k := beyond(i + 1)
		return abilities[p.at(k)] && !(p.is(k, "have") && p.holds(k+1, k+4)) // "does acme have any tickets from ada"
	case p.is(i, "how", "much") && (p.is(i+2, "does") || p.is(i+2, "is") || p.is(i+2, "did")):
		return isName(i+3) && (!p.is(i+2, "did") || abilities[p.at(beyond(i+3))])
	case p.is(i, "how", "does") || p.is(i, "how", "can"):
		return isName(i + 2)
	}
	first := 0                // word of the name
	for k := range p.tokens { // "what do we pay for acme", "acme pricing", "acme vs other"
		if !isName(k - 1) {
			first = k
		}
		switch {
		case !isName(k):
		case p.is(k+1, "or") && beforePlace[p.at(first-1)]: // "in acme or in the mail"
		case !isName(k+1) && commerce[p.at(k+1)] && !p.holds(k+1, k+3), p.is(k-1, "vs"),
			p.is(k-1, "for") && (p.at(k-2) == "pay" || p.at(k-2) == "bill"),
			p.is(k-1, "of") && (p.at(k-2) == "price" || p.at(k-2) == "cost"):
			return true
		}
	}
	return false
}

// holds reports whether a noun of the service stands from i to j.
func (p *parser) holds(i, j int) bool {
	return slices.ContainsFunc(p.norms[min(i, len(p.norms)):min(j, len(p.norms))], func(w string) bool { return p.nouns[w] })
}

// opinion tells "do you like", "which would you recommend".
func (p *parser) opinion(k int) bool {
	return p.is(k, "you") && (p.is(k-1, "do") || p.is(k-1, "would")) && opinions[p.at(k+1)]
}

// creation tells "write me a haiku", "give me tips".
func (p *parser) creation(i int) bool {
	if w := p.at(i); w != "write" && w != "tell" && w != "give" && w != "make" {
		return false
	}
	for k := i + 1; k < min(i+6, len(p.tokens)); k++ {
		if creations[p.at(k)] { // "tell me the story of ENG-12" asks for one that there is
			return !articles[p.at(k-1)] || p.is(k-1, "a") || p.is(k-1, "an")
		}
	}
	return false
}

func (p *parser) asksWhat(k int) bool {
	if p.is(k, "to") || p.is(k, "me") {
		k++
	}
	if p.is(k, "me") {
		k++
	}
	return asking[p.at(k)] || p.is(k, "why")
}
