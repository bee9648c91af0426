package journal_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/governance/journal"
)

func csvOf(t testing.TB, list []journal.Line) string {
	t.Helper()
	var b bytes.Buffer
	if err := journal.WriteCSV(&b, list); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextIsNoFormulaAndNumbersAreNumbers(t *testing.T) {
	x := item("=HYPERLINK(1)", "'quoted", "-1.5")
	x.Entity, x.CostCentre, x.LedgerAccount = "+1", "-cc", "@acc"
	got := strings.Split(csvOf(t, lines(t, x)), "\n")[1]
	want := "actual,'+1,'-cc,'@acc,2026-05,USD,-150,2,'=HYPERLINK(1),usage,3,''quoted,false,999999999999,2026-05,-1.5,0"
	if got != want {
		t.Errorf("line\n%s\nwant\n%s", got, want)
	}
}

func TestTextThatDoesNotReadBackIsRefused(t *testing.T) {
	for _, s := range []string{"a\r\nb", "a\nb", "\t", "\xff"} {
		x := item("a", "i", "1")
		x.Entity = s
		if err := journal.WriteCSV(&bytes.Buffer{}, lines(t, x)); !errors.Is(err, journal.ErrFormat) {
			t.Errorf("%q: %v, want ErrFormat", s, err)
		}
	}
}

func TestWhatIsNoJournalIsRefusedWithItsPlace(t *testing.T) {
	good := csvOf(t, lines(t, item("a", "i", "1.5"), item("b", "i", "2")))
	if _, err := journal.ReadCSV(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, from, to string
		line           int
		column         string
	}{
		{"another header", "cost_centre", "cost_center", 1, ""},
		{"a type there is none of", "actual", "guess", 2, "type"},
		{"half a cent", ",150,", ",150.5,", 2, "amount_minor"},
		{"no number", ",200,", ",two,", 3, "amount_minor"},
		{"too many decimals", ",2,a,", ",9,a,", 2, "minor_digits"},
		{"an exponent", ",1.5,", ",1.5e9,", 2, "exact"},
		{"a residual that is not", "1.5,0", "1.5,0.01", 2, "residual"},
		{"no boolean", ",false,", ",maybe,", 2, "reversal"},
		{"a field too few", ",i,false", ",false", 2, ""},
	} {
		_, err := journal.ReadCSV(strings.NewReader(strings.Replace(good, c.from, c.to, 1)))
		var e *journal.Error
		if !errors.As(err, &e) || !errors.Is(err, journal.ErrFormat) || e.Line != c.line || e.Column != c.column {
			t.Errorf("%s: %v, want line %d, column %q", c.name, err, c.line, c.column)
		}
	}
	for _, s := range []string{"", "{}", `{"schema":2,"lines":[]}`, `{"schema":1,"lines":[{"minor_digits":99}]}`, `{"schema":1,"other":1}`, `{"schema":1,"lines":[{"exact":"1e999999"}]}`} {
		if _, err := journal.ReadJSON(strings.NewReader(s)); !errors.Is(err, journal.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", s, err)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAFailureToWriteIsReported(t *testing.T) {
	list := lines(t, item("a", "i", "1"))
	if err := journal.WriteCSV(brokenPipe{}, list); !errors.Is(err, os.ErrClosed) {
		t.Errorf("csv: %v", err)
	}
	if err := journal.WriteJSON(brokenPipe{}, list); !errors.Is(err, os.ErrClosed) {
		t.Errorf("json: %v", err)
	}
}

// FuzzReadCSV: what is read can be written, and reads back the same.
func FuzzReadCSV(f *testing.F) {
	f.Add(csvOf(f, lines(f, item("a", "i", "1.5"), item("=b", "", "-2.005"))))
	f.Add("type,entity\nactual,x\n")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := journal.ReadCSV(strings.NewReader(s))
		if err != nil {
			if !errors.Is(err, journal.ErrFormat) {
				t.Fatalf("%v is no ErrFormat", err)
			}
			return
		}
		var b bytes.Buffer
		if err := journal.WriteCSV(&b, list); errors.Is(err, journal.ErrFormat) {
			return // text of another writer that this one refuses
		} else if err != nil {
			t.Fatal(err)
		}
		again, err := journal.ReadCSV(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again, list, emptyIsNil()); diff != "" {
			t.Fatalf("(-got +want)\n%s", diff)
		}
	})
}

// FuzzReadJSON: what is read is written and reads back the same.
func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	if err := journal.WriteJSON(&b, lines(f, item("a", "i", "1.5"), item("=b", "", "-2.005"))); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add(`{"schema":1,"lines":[{"type":"accrual","exact":"-0.10","minor_digits":8,"reversal":true}],"slices":null}`)
	f.Fuzz(func(t *testing.T, s string) {
		list, err := journal.ReadJSON(strings.NewReader(s))
		if err != nil {
			if !errors.Is(err, journal.ErrFormat) {
				t.Fatalf("%v is no ErrFormat", err)
			}
			return
		}
		var b bytes.Buffer
		if err := journal.WriteJSON(&b, list); err != nil {
			t.Fatal(err)
		}
		again, err := journal.ReadJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again, list, emptyIsNil()); diff != "" {
			t.Fatalf("(-got +want)\n%s", diff)
		}
	})
}
