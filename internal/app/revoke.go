package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/seal"
)

// revokeCommand is the kill switch for an incident; docs/incident.md tells when to use which filter. It needs the same
// settings as serve.
type revokeCommand struct {
	serverSettings `embed:""`

	// What ends, and whether it does, comes from this command line alone: neither a forgotten variable nor a settings
	// file may widen or narrow it.
	Provider string `env:"-" help:"End what is connected to this provider."`
	Company  string `env:"-" help:"End what belongs to this company: its name or id."`
	Since    string `env:"-" help:"End what was connected, connected again or created since: 36h, 2026-11-20, or 2026-11-20T09:00:00Z." placeholder:"TIME"`
	Key      string `env:"-" help:"End what was connected or created through this API key (its id, key_…), or what this key of the key ring has sealed (its number, from keys list)."`

	Yes      bool   `env:"-" help:"Do it. Without this, what would be done is printed and nothing is changed."`
	Parallel int    `env:"-" help:"How many calls each provider gets at a time." default:"4"`
	Report   string `env:"-" help:"File to which the report is added as well." type:"path" placeholder:"FILE"`
}

// Help stands below the flags.
func (revokeCommand) Help() string {
	return "What matches every filter that is given is disconnected: its use stops at once, its provider is told, its " +
		"secrets are destroyed. The report has a line for each credential. Run it again after an interruption: what is left " +
		"is what is still there."
}

// Run ends what matches, or prints what would end. It fails when a provider has still to be told.
func (c revokeCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(ctx context.Context, f *foundation) (err error) {
		incident, err := c.incident(ctx, f)
		if err != nil {
			return err
		}
		log := c.logger(s.Err)
		ring, err := c.present(log)
		if err != nil {
			return err
		}
		a, err := build(ctx, c.serverSettings, f, ring, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Close(ctx)) }()
		if err := c.known(a, ring, incident); err != nil {
			return err
		}
		if !c.Yes {
			return c.rehearse(ctx, a, incident, s.Out)
		}
		out, done, err := c.reportTo(s.Out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
		return kill(ctx, a, incident, c.Parallel, out)
	})
}

// incident reads the filters. At least one is needed: an empty command line must not end everything.
func (c revokeCommand) incident(ctx context.Context, f *foundation) (integration.Incident, error) {
	in := integration.Incident{Provider: c.Provider}
	if c.Company != "" {
		company, err := f.access.Company(ctx, c.Company)
		if err != nil {
			return in, err
		}
		in.Company = company.ID
	}
	if c.Since != "" {
		since, err := parseSince(c.Since, f.now())
		if err != nil {
			return in, err
		}
		in.Since = since
	}
	if number, err := strconv.ParseUint(c.Key, 10, 32); err == nil {
		in.SealedBy = uint32(number)
	} else if c.Key != "" {
		if err := id.Check(id.APIKey, c.Key); err != nil {
			return in, errors.New("key: this is neither an API key's id (key_…) nor the number of a key of the key ring")
		}
		in.APIKey = c.Key
	}
	if in.IsZero() {
		return in, errors.New("say what has to end: --provider, --company, --since or --key")
	}
	return in, nil
}

// parseSince reads a point in time, or how long ago it was.
func parseSince(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("since: %q is neither a time such as 2026-11-20 or 2026-11-20T09:00:00Z nor how long ago "+
		"it was, such as 36h", text)
}

// known refuses a provider or a key that does not exist: a slip must not look like nothing to do.
func (c revokeCommand) known(a *App, ring *seal.Ring, in integration.Incident) error {
	if _, ok := a.integrations.Catalog.Get(in.Provider); !ok && in.Provider != "" {
		return fmt.Errorf("there is no provider named %q: see patchbay providers list", in.Provider)
	}
	if in.SealedBy != 0 && !ring.Holds(in.SealedBy) {
		return fmt.Errorf("the key ring holds no key %d, so what it sealed could not be given back: see patchbay keys list", in.SealedBy)
	}
	return nil
}

const reportHead = "COMPANY\tINTEGRATION\tPROVIDER\tOUTCOME\tMESSAGE\n"

// rehearse prints what would be done.
func (c revokeCommand) rehearse(ctx context.Context, a *App, in integration.Incident, out io.Writer) error {
	found, err := a.integrations.Affected(ctx, in)
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(reportHead)
	for _, row := range found.Integrations {
		fmt.Fprintf(&text, "%s\t%s\t%s\twould end\t%s\n", row.CompanyID, row.ID, row.Provider, oneLine(row.Name))
	}
	for _, row := range found.Ending {
		fmt.Fprintf(&text, "%s\t%s\t%s\twould be revoked\tdisconnected before\n", row.CompanyID, named(row.IntegrationID), row.Provider)
	}
	fmt.Fprintf(&text, "would end: %d integrations, %d revocations that wait, %d attempts to connect. "+
		"Nothing was changed: add --yes to do it.\n", len(found.Integrations), len(found.Ending), len(found.Attempts))
	_, err = io.WriteString(out, text.String())
	return err
}

func named(id *string) string {
	if id == nil || *id == "" {
		return "-"
	}
	return *id
}

// reportTo returns where the report goes: to out, and to the file if one is wanted. Lines are added to a file that
// exists, so that a command that is run again goes on with its report.
func (c revokeCommand) reportTo(out io.Writer) (io.Writer, func() error, error) {
	if c.Report == "" {
		return out, func() error { return nil }, nil
	}
	file, err := os.OpenFile(c.Report, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("write the report: %w", err)
	}
	return io.MultiWriter(file, out), file.Close, nil
}

// kill ends what the incident matches and writes a line for each credential as it goes.
func kill(ctx context.Context, a *App, in integration.Incident, parallel int, out io.Writer) error {
	_, broken := fmt.Fprintf(out, "%s %s\n%s", a.now().Format(time.RFC3339), in, reportHead)
	if broken != nil {
		return fmt.Errorf("write the report: %w", broken) // nothing has ended yet
	}
	totals := map[credential.Outcome]int{}
	failed := a.integrations.Kill(ctx, in, parallel, func(k integration.Killed) {
		totals[k.Outcome]++
		at := k.IntegrationID
		_, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", k.Company, named(&at), k.Provider, k.Outcome, oneLine(k.Message))
		broken = errors.Join(broken, err)
	})
	all, line := 0, ""
	for _, outcome := range slices.Sorted(maps.Keys(totals)) {
		all += totals[outcome]
		line += fmt.Sprintf(", %d %s", totals[outcome], outcome)
	}
	_, err := fmt.Fprintf(out, "total: %d%s\n", all, line)
	if err := errors.Join(failed, broken, err); err != nil {
		return fmt.Errorf("not everything is done or told, run this again: %w", err)
	}
	if n := totals[credential.Retrying]; n > 0 {
		return fmt.Errorf("%d credentials are out of use, and their providers have still to be told: the servers go on trying "+
			"for %d days; run this again to try now", n, int(credential.RevocationLimit.Hours()/24))
	}
	return nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
