package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
)

// bookMonths books a copy of the sample months from files, as a user would.
func bookMonths(t *testing.T, more ...string) *output {
	t.Helper()
	copyMonths(t)
	return succeed(t, append([]string{"-cur", "months/2026-04", "-cur", "months/2026-05-first", "-claims", "months/claims.json", "-db", "books.db"}, more...)...)
}

// removeReports leaves nothing to read costs from.
func removeReports(t *testing.T) {
	t.Helper()
	for _, s := range sampleDeliveries {
		if err := os.RemoveAll(s.folder); err != nil {
			t.Fatal(err)
		}
	}
}

// moved is before with the code interpreter of one workload moved to another, the
// one thing that a changed claim is to do.
func moved(t *testing.T, before *output, from, to string) *output {
	t.Helper()
	b, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	want := new(output)
	if err := json.Unmarshal(b, want); err != nil {
		t.Fatal(err)
	}
	plus := func(a, b string) string { return text(new(big.Rat).Add(rat(t, a), rat(t, b))) }
	minus := func(a, b string) string { return text(new(big.Rat).Sub(rat(t, a), rat(t, b))) }
	for i := range want.Periods {
		p := &want.Periods[i]
		place := func(id string) *workload {
			return &p.Workloads[slices.IndexFunc(p.Workloads, func(w workload) bool { return w.Workload == id })]
		}
		src, dst := place(from), place(to)
		p.Generation = generation{Number: 2, Previous: ptr(uint64(1)), Cause: "ownership", Delta: []term{}}
		for _, c := range src.Components {
			if c.Group != "code_interpreter" {
				continue
			}
			n := slices.IndexFunc(dst.Components, func(d component) bool { return d.Component == c.Component })
			dst.Components[n].Usage = ptr(plus(*dst.Components[n].Usage, *c.Usage))
			dst.Components[n].Unblended = plus(dst.Components[n].Unblended, c.Unblended)
			dst.Unblended, src.Unblended = plus(dst.Unblended, c.Unblended), minus(src.Unblended, c.Unblended)
			p.Generation.Delta = append(p.Generation.Delta,
				term{"ownership", "claimed", ptr(from), c.Component, minus("0", c.Unblended)},
				term{"ownership", "claimed", ptr(to), c.Component, c.Unblended})
		}
		src.Components = slices.DeleteFunc(src.Components, func(c component) bool { return c.Group == "code_interpreter" })
		slices.SortFunc(p.Generation.Delta, func(a, b term) int {
			return strings.Compare(*a.Workload+a.Component, *b.Workload+b.Component)
		})
	}
	return want
}

func TestBookedFromFilesIsWhatTheSampleShows(t *testing.T) {
	workdir(t)
	sample, booked := succeed(t), bookMonths(t)
	if *booked.Books != "books.db" {
		t.Errorf("books in %q", *booked.Books)
	}
	booked.Books = sample.Books
	if d := cmp.Diff(sample, booked); d != "" {
		t.Errorf("embedded (-) and from files (+):\n%s", d)
	}
}

func TestAChangedClaimMovesThatMoneyAndNothingElse(t *testing.T) {
	workdir(t)
	before := bookMonths(t)
	removeReports(t)
	replace(t, "months/claims.json", `code-interpreter-custom/data_insights_sandbox-P0o9I8u7Yt"
      },
      "workload": "data-insights-copilot"`, `code-interpreter-custom/data_insights_sandbox-P0o9I8u7Yt"
      },
      "workload": "fraud-review-agent"`)
	after := succeed(t, "-db", "books.db", "-claims", "months/claims.json")
	if d := cmp.Diff(moved(t, before, "data-insights-copilot", "fraud-review-agent"), after); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for i := range after.Periods {
		terms := newAdder(t)
		for _, d := range after.Periods[i].Generation.Delta {
			terms.add(d.Unblended)
		}
		terms.want("terms of "+after.Periods[i].BillingPeriod, "0")
		checkDelta(t, &before.Periods[i], &after.Periods[i])
	}

	// Once more, and once more with the claims in the books: nothing to write.
	check := unchanged(t, "books.db")
	for _, args := range [][]string{{"-db", "books.db", "-claims", "months/claims.json"}, {"-db", "books.db"}} {
		again := succeed(t, args...)
		check()
		if d := cmp.Diff(after, again); d != "" {
			t.Errorf("%q shows something else:\n%s", args, d)
		}
	}
}

// Only what claims can take hold of differs between what the books hold and what
// a run over files with the new claims would make.
func TestNewClaimsGiveWhatABookingUnderThemWould(t *testing.T) {
	workdir(t)
	bookMonths(t)
	writeFile(t, "claims.json", `{"version": 1, "claims": [
		{"id": "r", "anchor": {"kind": "role", "value": "lab-agents-poc", "account": "820723250459"}, "workload": "lab", "from": "2026-05-15"},
		{"id": "d", "anchor": {"kind": "account", "value": "341755902216"}, "workload": "platform", "from": "2026-04-01", "to": "2026-05-16"}],
		"workloads": [{"id": "lab"}]}`)
	later := succeed(t, "-db", "books.db", "-claims", "claims.json")
	fresh := succeed(t, "-cur", "months/2026-04", "-cur", "months/2026-05-first", "-claims", "claims.json", "-db", "fresh.db")
	may := periodOfMonth(t, later, "2026-05")
	if len(may.Workloads) != 1 || len(may.Defaulted) != 1 || may.Defaulted[0].Workload != "platform" || may.Workloads[0].Owner != nil {
		t.Errorf("workloads %+v, defaulted %+v", may.Workloads, may.Defaulted)
	}
	for i := range later.Periods {
		later.Periods[i].Generation = fresh.Periods[i].Generation
	}
	later.Books = fresh.Books
	if d := cmp.Diff(fresh, later); d != "" {
		t.Errorf("booked under the claims (-) and re-attributed (+):\n%s", d)
	}
}

func TestUnchangedSourcesAreNotOpened(t *testing.T) {
	workdir(t)
	before := bookMonths(t)
	check := unchanged(t, "books.db")
	args := []string{"-cur", "months/2026-04", "-cur", "months/2026-05-first", "-db", "books.db"}
	// Files of the same size and time that nobody could read.
	times := map[string]time.Time{}
	for _, folder := range []string{"months/2026-04", "months/2026-05-first"} {
		for name, b := range dataOf(t, folder) {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			times[name] = info.ModTime()
			writeFile(t, name, make([]byte, len(b)))
			touch(t, name, info.ModTime())
		}
	}
	again := succeed(t, args...)
	check()
	if d := cmp.Diff(before, again); d != "" {
		t.Errorf("first run (-), second (+):\n%s", d)
	}
	// New claims over unchanged files open nothing either.
	writeFile(t, "none.json", `{"version": 1, "claims": []}`)
	if p := succeed(t, append(args, "-claims", "none.json")...).Periods[0]; len(p.Workloads) != 0 || p.Generation.Cause != "ownership" {
		t.Errorf("without claims: %d workloads, cause %s", len(p.Workloads), p.Generation.Cause)
	}
	// The proof has a counterproof: a file with another time is opened.
	for name, at := range times {
		touch(t, name, at.Add(time.Second))
	}
	check = unchanged(t, "books.db")
	refuse(t, args...)
	check()
}

func TestALaterDeliveryReplacesAndAnEarlierIsRefused(t *testing.T) {
	workdir(t)
	bookMonths(t)
	out := succeed(t, "-cur", "months/2026-05-second", "-db", "books.db")
	if len(out.Periods) != 1 {
		t.Fatalf("%d periods, want May alone", len(out.Periods))
	}
	embedded := periodOfMonth(t, succeed(t, "-restated"), "2026-05")
	if d := cmp.Diff(embedded, &out.Periods[0]); d != "" {
		t.Errorf("-restated (-) and from files (+):\n%s", d)
	}
	check := unchanged(t, "books.db")
	wantError(t, "older-delivery", refuse(t, "-cur", "months/2026-05-first", "-db", "books.db"))
	check()
	// The same delivery again, from another folder and at a later time, is the same.
	if err := os.CopyFS("copy", os.DirFS("months/2026-05-second")); err != nil {
		t.Fatal(err)
	}
	again := succeed(t, "-cur", "copy", "-db", "books.db", "-as-of", "2026-05-28T00:00:00Z")
	check()
	if d := cmp.Diff(out, again); d != "" {
		t.Errorf("the copy shows something else:\n%s", d)
	}
}

func TestDeliveriesOfOneMonthInOneRunAreBookedInOrder(t *testing.T) {
	workdir(t)
	copyMonths(t)
	out := succeed(t, "-cur", "months/2026-05-second", "-cur", "months/2026-05-first", "-claims", "months/claims.json")
	if len(out.Periods) != 1 {
		t.Fatalf("%d periods, want one", len(out.Periods))
	}
	p := &out.Periods[0]
	if p.AsOf != "2026-05-27T12:00:00Z" || p.Generation.Number != 2 || p.Generation.Cause != "mixed" {
		t.Errorf("as of %s, generation %d (%s)", p.AsOf, p.Generation.Number, p.Generation.Cause)
	}
}

func TestTagsHaveToBeStoredToBeClaimed(t *testing.T) {
	workdir(t)
	copyMonths(t)
	// The role that carries tenants is left to nobody, so that the tag decides.
	writeFile(t, "tags.json", `{"version": 1, "claims": [
		{"id": "acme", "anchor": {"kind": "tag", "value": "iamPrincipal/tenant=acme"}, "workload": "acme", "from": "2026-04-01"}]}`)
	succeed(t, "-cur", "months/2026-05-first", "-db", "without.db")
	plain := succeed(t, "-cur", "months/2026-05-first", "-db", "with.db", "-tag", "iamPrincipal/tenant")
	removeReports(t)

	check := unchanged(t, "without.db")
	wantError(t, "tag-not-stored", refuse(t, "-db", "without.db", "-claims", "tags.json"))
	check()

	p := &succeed(t, "-db", "with.db", "-claims", "tags.json").Periods[0]
	if len(p.Workloads) != 1 || p.Workloads[0].Workload != "acme" || p.Workloads[0].Unblended == "0" {
		t.Fatalf("workloads %+v, want one of the tag", p.Workloads)
	}
	if p.Generation.Cause != "ownership" {
		t.Errorf("cause %s", p.Generation.Cause)
	}
	checkDelta(t, &plain.Periods[0], p)
	if got := tenantCost(t, "acme"); got != p.Workloads[0].Unblended {
		t.Errorf("acme has %s, its rows say %s", p.Workloads[0].Unblended, got)
	}
}

// A claims file with a tag stores the tag by itself, and reads the files again
// where the books lack it.
func TestTagsOfClaimsAreStoredWhenTheReportIsRead(t *testing.T) {
	workdir(t)
	copyMonths(t)
	writeFile(t, "tags.json", `{"version": 1, "claims": [
		{"id": "acme", "anchor": {"kind": "tag", "value": "iamPrincipal/tenant=acme"}, "workload": "acme", "from": "2026-04-01"}]}`)
	succeed(t, "-cur", "months/2026-05-first")
	out := succeed(t, "-cur", "months/2026-05-first", "-claims", "tags.json")
	if p := out.Periods[0]; len(p.Workloads) != 1 || p.Workloads[0].Unblended != tenantCost(t, "acme") {
		t.Errorf("workloads %+v", p.Workloads)
	}
	// What is stored stays stored, though nothing asks for it any more.
	writeFile(t, "none.json", `{"version": 1, "claims": []}`)
	second := succeed(t, "-cur", "months/2026-05-second", "-claims", "none.json")
	if len(second.Periods[0].Workloads) != 0 {
		t.Errorf("workloads %+v", second.Periods[0].Workloads)
	}
	removeReports(t)
	if p := succeed(t, "-db", "spendclaim.db", "-claims", "tags.json").Periods[0]; len(p.Workloads) != 1 {
		t.Errorf("workloads %+v", p.Workloads)
	}
}

// tenantCost sums the rows of the first May delivery whose session has a tenant.
func tenantCost(t *testing.T, tenant string) string {
	t.Helper()
	total := new(big.Rat)
	err := fs.WalkDir(months, "months/2026-05-first/data", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := months.ReadFile(name)
		if err == nil {
			total.Add(total, taggedCost(t, bytes.NewReader(b), int64(len(b)), "iamPrincipal/tenant", tenant))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text(total)
}

// The books say when each claim was recorded; one that did not change keeps its
// time.
func TestBooksKeepWhenClaimsWereRecorded(t *testing.T) {
	workdir(t)
	const first = `{"id": "a", "anchor": {"kind": "account", "value": "444455556666"}, "workload": "w", "from": "2026-05-01"}`
	const second = `{"id": "b", "anchor": {"kind": "role", "value": "agent", "account": "444455556666"}, "workload": "w", "from": "2026-05-01"}`
	writeFile(t, "report.csv", smallReport(3))
	writeFile(t, "claims.json", `{"version": 1, "claims": [`+first+`]}`)
	succeed(t, "-cur", "report.csv", "-claims", "claims.json")
	before := recorded(t, "spendclaim.db")
	writeFile(t, "claims.json", `{"version": 1, "claims": [`+first+`,`+second+`]}`)
	succeed(t, "-db", "spendclaim.db", "-claims", "claims.json")
	after := recorded(t, "spendclaim.db")
	if a := before["a"]; len(before) != 1 || a.IsZero() || !after["a"].Equal(a) || !after["b"].After(a) {
		t.Errorf("recorded %v, then %v", before, after)
	}
}

// recorded returns when each claim of the one book in a file was recorded.
func recorded(t *testing.T, path string) map[attribution.ClaimID]time.Time {
	t.Helper()
	b, err := openBooks(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	out := map[attribution.ClaimID]time.Time{}
	for g, err := range b.Heads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		claims, err := b.Claims(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claims.Claims {
			out[c.ID] = c.RecordedAt
		}
	}
	return out
}

func TestBooksOfAnotherFolder(t *testing.T) {
	workdir(t)
	copyMonths(t)
	if err := os.Mkdir("books", 0o755); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join("books", "month.db")
	out := succeed(t, "-cur", "months/2026-04/metadata/BILLING_PERIOD=2026-04/spendclaim-synthetic-daily-Manifest.json", "-db", db)
	if *out.Books != db || len(out.Periods) != 1 || out.Periods[0].BillingPeriod != "2026-04" {
		t.Errorf("books in %q, periods %d", *out.Books, len(out.Periods))
	}
	if _, err := os.Stat("spendclaim.db"); err == nil {
		t.Error("spendclaim.db was made though -db names another file")
	}
}
