package sandbox

// letter is a mail that may arrive on a day.
type letter struct {
	from    string // "" is the account itself
	to      string // "" is the account itself
	cc      string
	subject string
	text    string
	file    string // name of an attachment
	labels  []string
	plain   bool // one part of plain text; otherwise text and HTML
}

// budgetLetters come from Sarah, one each Wednesday in turn.
var budgetLetters = []letter{
	{from: sarah, cc: lena, subject: "Budget for next quarter", file: "budget.csv",
		text: "Hi,\n\nhere is the draft of the budget for next quarter. We are 4,200 over in hosting; everything else\n" +
			"is in line. Could you look at rows 12 to 18 before Monday's review?\n\nThanks\nSarah"},
	{from: sarah, cc: lena, subject: "Re: Budget for next quarter",
		text: "Hi,\n\nLena found 1,500 in unused licences. With that the budget is 2,700 over. Can we move the load\n" +
			"test to the quarter after?\n\nSarah"},
	{from: sarah, subject: "Budget: open questions",
		text: "Three questions before I send the budget up:\n\n1. Do we keep the second staging cluster?\n2. Who pays for\n" +
			"the Hamburg off-site?\n3. Is the Northwind discount already in?\n\nSarah"},
	{from: sarah, cc: grace, subject: "Budget approved", file: "budget-final.csv",
		text: "Good news: the budget is approved as sent. The final numbers are attached.\n\nSarah"},
}

// letterPool holds what else arrives, by chance that follows from the date.
var letterPool = []letter{
	{from: priya, subject: "Design review: proposal for the search index",
		text: "Hello,\n\nthe proposal is in the shared folder. In short: one index a customer, built at night.\n\nPriya"},
	{from: marco, subject: "Incident 481: slow search, what we know", cc: priya,
		text: "The time line so far:\n09:12 first alert\n09:20 index rebuild stopped\n09:41 back to normal\n\n" +
			"Review on Thursday.\n\nMarco"},
	{from: ken, subject: "Tokyo office: agenda for Thursday",
		text: "Hello,\n\ntwo points from our side: the release window and the new hires.\n\nBest regards\nKen Tanaka"},
	{from: nina, subject: "Northwind: contract renewal", file: "contract.pdf",
		text: "Hi,\n\nattached is the contract with our comments. Legal would like an answer by the end of next\n" +
			"week.\n\nNina Okafor"},
	{from: nina, subject: "Northwind: question about the export",
		text: "Hi,\n\nthe export of yesterday stopped at 10,000 rows. Is that a limit or an accident?\n\nNina"},
	{from: lena, subject: "Interview feedback needed",
		text: "Please send your feedback on Tuesday's candidate until tomorrow noon.\n\nLena"},
	{from: lena, subject: "Your travel to Hamburg", file: "ticket.pdf",
		text: "The ticket is attached. Check-in is from 15:00.\n\nLena"},
	{from: sarah, subject: "Roadmap: first draft",
		text: "Hi,\n\nplease read the roadmap before our 1:1. I am unsure about the order of points two and three.\n\nSarah"},
	{from: grace, to: ada, subject: "Compiler reading group: next paper", file: "paper.pdf",
		text: "Attached. Sections 3 and 4 are the ones that matter.\n\nGrace"},
	{from: ada, to: grace, subject: "Notes on the engine",
		text: "My notes, as promised. Note G has the table.\n\nAda"},
	{from: "invoices@hosting.example", subject: "Your invoice is ready", file: "invoice.pdf",
		text:   "Your invoice for this month is attached. Nothing is to be done: the amount is collected in five days.",
		labels: []string{"CATEGORY_UPDATES"}},
	{from: "noreply@tracker.example", subject: "[PB-1207] Retry-After is ignored on 429",
		text: "Marco Rossi assigned this to you.\n\nPriority: high", labels: []string{"CATEGORY_UPDATES"}},
	{from: "newsletter@gophers.example", subject: "This week in Go",
		text: "Iterators, a faster map, and why nobody needs a framework.", labels: []string{"CATEGORY_PROMOTIONS"}},
	{from: "", to: sarah, subject: "Re: Roadmap: first draft", plain: true,
		text: "Hi Sarah,\n\nI would swap them: without the export nobody can try the rest.\n"},
	{from: "", to: nina, subject: "Re: Northwind: question about the export", plain: true,
		text: "Hi Nina,\n\nan accident; mended this morning. Please try again.\n"},
	{from: "prizes@lucky.example", subject: "You have won!!!", text: "Click now to claim your prize.", plain: true,
		labels: []string{"SPAM"}},
}
