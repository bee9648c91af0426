package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// write makes the whole folder of the sample months below dir. Running it again writes
// the same bytes over the same names.
func write(dir string) error {
	months, err := plannedMonths()
	if err != nil {
		return err
	}
	for _, m := range months {
		if _, err := m.delivery.Write(filepath.Join(dir, m.Name), m.Table); err != nil {
			return fmt.Errorf("samplemonths: %s: %w", m.Name, err)
		}
	}
	claims, err := claimsJSON()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"claims.json", claims},
		{"metrics.csv", []byte(metricsCSV())},
		{"README.md", []byte(readme(months))},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.text, 0o644); err != nil {
			return fmt.Errorf("samplemonths: write: %w", err)
		}
	}
	return nil
}

// readme explains the folder; what it lists comes from the plan, so it cannot go stale.
func readme(months []*sampleMonth) string {
	var b strings.Builder
	b.WriteString(`# Sample months

**Synthetic.** Nobody was ever billed what stands here. Organisation, people, accounts,
resource ids, sessions, credits and tax are invented. Product codes, usage types, units and
rates follow published ones; a few strings are composed by the same grammar, and a few rates
are those of the same meter in another region, so this is no price list and no proof of how
such rows look. The files say so themselves: the payer is named
"SYNTHETIC Example Payer", the export ` + "`spendclaim-synthetic-daily`" + `, and the Parquet files carry
` + "`synthetic = true`" + ` among their key-value metadata.

Made by ` + "`go run ./internal/curtest/samplemonths -out examples/quickstart/months`" + ` from the
root of the repository. Do not edit the files: a test compares them with what that
command writes.

| Folder or file | What it is | Rows |
|---|---|---:|
`)
	for i, what := range []string{
		"April 2026, CUR 2.0 as CSV.gz, invoiced",
		"May 2026, first delivery, CUR 2.0 as Snappy Parquet in two files, through 23 May",
		"May 2026, second delivery: the same, some rows restated, and 24 and 25 May",
	} {
		m := months[i]
		fmt.Fprintf(&b, "| `%s/` | %s; as of %s | %d |\n", m.Name, what, m.AsOf.Format("2006-01-02T15:04Z"), m.Rows)
	}
	b.WriteString(`| ` + "`claims.json`" + ` | who owns which role and resource, from 1 April on | |
| ` + "`metrics.csv`" + ` | sessions and minutes per workload, component and day, as the agents count them | |

Each delivery has its manifest under ` + "`metadata/`" + `. Its URIs name a bucket that does not exist;
the part of them from ` + "`data/`" + ` on is found beside it.

## Worth knowing

- The role ` + "`finops-shared-svc`" + ` calls models for two workloads: sessions ` + "`document-platform-…`" + ` and
  ` + "`returns-triage-…`" + `. It is claimed for Document Platform, so all its money stands there (in
  May 120.00 and 60.00 of the 400.00); the model figure of Returns Triage Agent is that of
  its own role.
- Nobody claims, in May: a runtime, a memory store, the code interpreter that AWS owns
  (idle: its memory bills, no vCPU) and the role ` + "`lab-agents-poc`" + `. April has nothing unclaimed.
- Document Platform's runtime and memory have ids of another shape than the documented
  ones, some of Data Insights Copilot's runtime is billed under its endpoint, and Fraud
  Review Agent's role is claimed with a path that its sessions do not show.
- Sessions of Customer Support Bot carry ` + "`iamPrincipal/tenant`" + ` in ` + "`tags`" + `: acme, globex or initech.
- One usage type, ` + "`USE1-AgentStudio:Consumption-based:Preview-Minutes`" + `, is invented and known
  to nobody. Its resource is claimed (Chargeback Assistant): 0.24 in April, 0.30 in May.
- An enterprise discount of 2 per cent covers what the platform account used of
  ` + "`AmazonBedrock`" + ` on 15 April and 20 May: in the net cost of those rows, and as one row.

## Rows the second delivery of May restates

| Day | Anchor | Usage type | Unit | Amount before | after | Cost before | after |
|---|---|---|---|---:|---:|---:|---:|
`)
	for _, r := range months[2].Restated {
		fmt.Fprintf(&b, "| %s | `%s` | `%s` | %s | %s | %s | %s | %s |\n", r.Day, r.Anchor, r.UsageType, r.Unit,
			r.AmountBefore, r.AmountAfter, r.CostBefore, r.CostAfter)
	}
	return b.String()
}
