package exact_test

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/internal/exact"
)

func TestParse(t *testing.T) {
	z := strings.Repeat
	for _, tt := range []struct {
		name, in, want string
		err            error
	}{
		{"integer", "42", "42", nil},
		{"fixed decimals", "0.0000018403", "0.0000018403", nil},
		{"java negative exponent", "-9.6322E-6", "-0.0000096322", nil},
		{"java positive exponent", "1.2345678E7", "12345678", nil},
		{"python exponent", "1e-05", "0.00001", nil},
		{"plus signs", "+1.5e+2", "150", nil},
		{"no digit before the point", ".5", "0.5", nil},
		{"no digit after the point", "5.", "5", nil},
		{"nineteen digits", "9999999999999999999", "9999999999999999999", nil},
		{"twenty digits", "99999999999999999999", "99999999999999999999", nil},
		{"zeros without value", z("0", 90) + "1." + z("0", 90), "1", nil},
		{"zero with an absurd exponent", "0e-999999999999999999999", "0", nil},
		{"sixty-four digits", z("1", 32) + "." + z("1", 32), z("1", 32) + "." + z("1", 32), nil},
		{"zeros inside the digits", "1" + z("0", 20) + "1e-21", "1." + z("0", 20) + "1", nil},
		{"exponent undoing many zeros", "0." + z("0", 5000) + "7e5001", "7", nil},
		{"a hundred decimals", "1e-100", "0." + z("0", 99) + "1", nil},

		{"sixty-five digits", z("1", 32) + "." + z("1", 33), "", exact.ErrRange},
		{"zeros inside too many digits", "1" + z("0", 63) + "1e-50", "", exact.ErrRange},
		{"magnitude", "1e40", "", exact.ErrRange},
		{"magnitude written out", z("9", 41), "", exact.ErrRange},
		{"a hundred and one decimals", "1e-101", "", exact.ErrRange},
		{"absurd exponent", "1e999999999999999999999", "", exact.ErrRange},
		{"absurd negative exponent", "1e-999999999999999999999", "", exact.ErrRange},

		{"empty", "", "", exact.ErrSyntax},
		{"sign alone", "-", "", exact.ErrSyntax},
		{"point alone", ".", "", exact.ErrSyntax},
		{"exponent alone", "E7", "", exact.ErrSyntax},
		{"exponent without digits", "1e", "", exact.ErrSyntax},
		{"exponent with a sign alone", "1e-", "", exact.ErrSyntax},
		{"exponent with a point", "1e1.5", "", exact.ErrSyntax},
		{"two signs", "--1", "", exact.ErrSyntax},
		{"two points", "1.2.3", "", exact.ErrSyntax},
		{"leading space", " 1", "", exact.ErrSyntax},
		{"trailing space", "1 ", "", exact.ErrSyntax},
		{"line end", "1\n", "", exact.ErrSyntax},
		{"thousands separator", "1,000.5", "", exact.ErrSyntax},
		{"digit separator", "1_000", "", exact.ErrSyntax},
		{"not a number", "NaN", "", exact.ErrSyntax},
		{"infinity", "-Inf", "", exact.ErrSyntax},
		{"infinity written out", "Infinity", "", exact.ErrSyntax},
		{"hexadecimal", "0x10", "", exact.ErrSyntax},
		{"fraction", "1/2", "", exact.ErrSyntax},
		{"zero byte", "1\x00", "", exact.ErrSyntax},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := exact.ParseString(tt.in)
			if !errors.Is(err, tt.err) {
				t.Fatalf("ParseString(%.80q) error = %v, want %v", tt.in, err, tt.err)
			}
			if err == nil && got.String() != tt.want {
				t.Errorf("ParseString(%.80q) = %s, want %s", tt.in, got, tt.want)
			}
			if fromBytes, err2 := exact.Parse([]byte(tt.in)); err2 != err || !fromBytes.Equal(got) {
				t.Errorf("Parse(%.80q) = %s, %v; ParseString gives %s, %v", tt.in, fromBytes, err2, got, err)
			}
		})
	}
}

// FuzzParse checks the grammar against a regular expression and the value
// against big.Rat.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-9.6322E-6", "1e40", ".5", "5.", "E7", "NaN", "1__0", "0x1p-2",
		"170141183460469231731.687303715884105728", "123456789012345678901234567890e-29", "1e-100"} {
		f.Add(s)
	}
	grammar := regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	f.Fuzz(func(t *testing.T, s string) {
		n, err := exact.ParseString(s)
		if valid := grammar.MatchString(s) && !strings.HasSuffix(s, "\n"); valid == errors.Is(err, exact.ErrSyntax) {
			t.Fatalf("ParseString(%q) error = %v, matches the grammar: %v", s, err, valid)
		}
		if err != nil {
			if !n.IsZero() {
				t.Fatalf("ParseString(%q) = %s beside %v", s, n, err)
			}
			return
		}
		if n.IsZero() && strings.Trim(strings.ToLower(s), "+-0.") == "" {
			return
		}
		// The oracle would expand a zero's exponent for ever.
		if mantissa, _, _ := strings.Cut(strings.ToLower(s), "e"); strings.Trim(mantissa, "+-0.") == "" {
			if !n.IsZero() {
				t.Fatalf("ParseString(%q) = %s, want 0", s, n)
			}
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("big.Rat refuses %q", s)
		}
		checkIs(t, s, n, want)
		// A parsed number's own text and encoding lead back to it.
		if back, err := exact.ParseString(n.String()); err != nil || !back.Equal(n) {
			t.Fatalf("%q: reading back %s = %s, %v", s, n, back, err)
		}
		if back, rest, err := exact.DecodeBinary(n.AppendBinary(nil)); err != nil || len(rest) != 0 || !back.Equal(n) {
			t.Fatalf("%q: decoding the encoding of %s = %s, %d bytes left, %v", s, n, back, len(rest), err)
		}
	})
}
