package journal

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
)

// columns of a journal as CSV, in order. The residual is for readers.
func columns() []string {
	return []string{"type", "entity", "cost_centre", "ledger_account", "period", "currency", "amount_minor", "minor_digits", "workload", "kind",
		"generation", "invoice", "reversal", "payer", "month", "exact", "residual"}
}

// neutral keeps a spreadsheet from taking text for a formula. What begins with an
// apostrophe gets another, so that one can always be taken off again.
func neutral(s string) string {
	if s != "" && strings.ContainsRune("=+-@'", rune(s[0])) {
		return "'" + s
	}
	return s
}

// WriteCSV writes lines with a header. Numbers are plain; text that a spreadsheet would
// take for a formula has an apostrophe before it.
func WriteCSV(w io.Writer, lines []Line) error {
	c := csv.NewWriter(w)
	err := c.Write(columns())
	for i := range lines {
		if err != nil {
			break
		}
		l := &lines[i]
		residual := l.Residual()
		rec := []string{
			string(l.Type), l.Entity, l.CostCentre, l.LedgerAccount, l.Period, l.Currency,
			strconv.FormatInt(l.Minor, 10), strconv.FormatInt(int64(l.Digits), 10), string(l.Workload), string(l.Kind),
			strconv.FormatUint(l.Generation, 10), l.Invoice, strconv.FormatBool(l.Reversal), l.Payer, l.Month,
			l.Exact.String(), residual.String(),
		}
		for j, s := range rec {
			if strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
				err = &Error{Op: "write", Line: i + 2, Column: columns()[j], Detail: "control characters or broken UTF-8", Err: ErrFormat}
			}
			if !numeric(j) {
				rec[j] = neutral(s)
			}
		}
		if err == nil {
			err = c.Write(rec)
		}
	}
	c.Flush()
	if err = errors.Join(err, c.Error()); err != nil {
		return fmt.Errorf("journal: write: %w", err)
	}
	return nil
}

// numeric reports whether a column holds numbers, which are left as they are.
func numeric(column int) bool {
	switch columns()[column] {
	case "amount_minor", "minor_digits", "generation", "exact", "residual":
		return true
	}
	return false
}

// maxDigits bounds the decimals of a minor unit: no currency has more than four.
const maxDigits = 8

// ReadCSV reads what WriteCSV wrote. What is not is an *Error around ErrFormat with
// line and column.
func ReadCSV(r io.Reader) ([]Line, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	fail := func(column string, err error) ([]Line, error) {
		line, _ := c.FieldPos(0)
		return nil, &Error{Op: "read", Line: line, Column: column, Detail: err.Error(), Err: ErrFormat}
	}
	head, err := c.Read()
	if err != nil {
		return nil, &Error{Op: "read", Line: 1, Detail: err.Error(), Err: ErrFormat}
	}
	if !slices.Equal(head, columns()) {
		return fail("", fmt.Errorf("header %q", head))
	}
	var lines []Line
	for {
		rec, err := c.Read()
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			var parse *csv.ParseError
			e := &Error{Op: "read", Detail: err.Error(), Err: ErrFormat}
			if errors.As(err, &parse) {
				e.Line = parse.Line
			}
			return nil, e
		}
		l, column, err := readLine(rec)
		if err != nil {
			return fail(column, err)
		}
		lines = append(lines, l)
	}
}

// readLine reads one record; the column is that of the error.
func readLine(rec []string) (l Line, column string, err error) {
	at := -1
	next := func() string { at++; return rec[at] }
	text := func() string { return strings.Clone(strings.TrimPrefix(next(), "'")) }
	var errs []error
	var where []string
	note := func(err error) {
		if err != nil {
			errs, where = append(errs, err), append(where, columns()[at])
		}
	}
	l.Type = Type(text())
	if l.Type != Actual && l.Type != Accrual {
		note(fmt.Errorf("type %q", l.Type))
	}
	l.Entity, l.CostCentre, l.LedgerAccount, l.Period, l.Currency = text(), text(), text(), text(), text()
	minor, err := strconv.ParseInt(next(), 10, 64)
	note(err)
	l.Minor = minor
	digits, err := strconv.ParseUint(next(), 10, 8)
	if err == nil && digits > maxDigits {
		err = fmt.Errorf("%d decimals", digits)
	}
	note(err)
	l.Digits = int32(digits)
	l.Workload, l.Kind = attribution.WorkloadID(text()), attribution.ChargeKind(text())
	l.Generation, err = strconv.ParseUint(next(), 10, 64)
	note(err)
	l.Invoice = text()
	switch s := next(); s {
	case "true":
		l.Reversal = true
	case "false":
	default:
		note(fmt.Errorf("%q is neither true nor false", s))
	}
	l.Payer, l.Month = text(), text()
	l.Exact, err = amount(next())
	note(err)
	residual, err := amount(next())
	if err == nil && len(errs) == 0 && !residual.Equal(l.Residual()) {
		err = fmt.Errorf("%s, the amounts differ by %s", residual, l.Residual())
	}
	note(err)
	if len(errs) > 0 {
		return l, where[0], errs[0]
	}
	return l, "", nil
}

// amount reads a plain decimal: no exponent, no more than a bill could have.
func amount(s string) (decimal.Decimal, error) {
	if len(s) > 100 || strings.ContainsAny(s, "eE") {
		return decimal.Decimal{}, fmt.Errorf("amount %.20q", s)
	}
	d, err := decimal.NewFromString(s)
	if err == nil && !plausible(d) {
		err = ErrAmount
	}
	return d, err
}
