package exact_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/spendclaim/spendclaim/internal/exact"
	"pgregory.net/rapid"
)

// TestBinaryForm pins the bytes: stored books hold them.
func TestBinaryForm(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"0", "00"},
		{"1", "020001"},
		{"-1", "030001"},
		{"10", "02000a"},
		{"0.1", "020101"},
		{"-9.6322E-6", "070a017842"},
		{"48.5", "040101e5"},
		{"1e-19", "021301"},
		{"170141183460469231731.687303715884105727", "20127fffffffffffffffffffffffffffffff"},
		{"-170141183460469231731.687303715884105728", "211280000000000000000000000000000000"},
		{"170141183460469231731.687303715884105728", "201280000000000000000000000000000000"},
		{"1e39", "220002f050fe938943acc45f65568000000000"},
	} {
		n := mustParse(t, tt.in)
		if got := hex.EncodeToString(n.AppendBinary(nil)); got != tt.want {
			t.Errorf("AppendBinary(%s) = %s, want %s", tt.in, got, tt.want)
		}
		b, _ := hex.DecodeString(tt.want)
		if back, rest, err := exact.DecodeBinary(append(b, 7, 8)); err != nil || !back.Equal(n) || len(rest) != 2 {
			t.Errorf("DecodeBinary(%s) = %s, %x, %v; want %s", tt.want, back, rest, err, tt.in)
		}
	}
}

func TestDecodeBinaryRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in string }{
		{"nothing", ""},
		{"negative zero", "01"},
		{"padded length", "82000001"},
		{"length cut short", "82"},
		{"length overflowing", "ffffffffffffffffffff01"},
		{"no scale", "02"},
		{"no coefficient", "0200"},
		{"coefficient cut short", "040001"},
		{"coefficient of zero", "020000"},
		{"leading zero byte", "04000001"},
		{"spare decimal zero", "02010a"},
		{"spare decimal zero, wide", "02130a"},
		{"wide in form but narrow", "021464"},
		{"scale beyond the bound", "026501"},
		{"length beyond the bytes", "fe0f0001"},
	} {
		b, err := hex.DecodeString(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if n, _, err := exact.DecodeBinary(b); !errors.Is(err, exact.ErrEncoding) {
			t.Errorf("%s: DecodeBinary(%s) = %s, %v; want %v", tt.name, tt.in, n, err, exact.ErrEncoding)
		}
	}
	long := append([]byte{0x82, 0x10, 0, 1}, make([]byte, 1024)...) // 1,025 bytes
	if _, _, err := exact.DecodeBinary(long); !errors.Is(err, exact.ErrEncoding) {
		t.Errorf("coefficient of 1,025 bytes: error = %v, want %v", err, exact.ErrEncoding)
	}
}

func TestBinaryRoundTripInSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nums []exact.Num
		var b []byte
		for range rapid.IntRange(1, 5).Draw(t, "count") {
			n, _ := drawNum(t, "n")
			m, _ := drawNum(t, "m")
			nums = append(nums, n.Add(m))
			b = nums[len(nums)-1].AppendBinary(b)
		}
		for i, want := range nums {
			got, rest, err := exact.DecodeBinary(b)
			if err != nil || !got.Equal(want) {
				t.Fatalf("number %d = %s, %v; want %s", i, got, err, want)
			}
			b = rest
		}
		if len(b) != 0 {
			t.Fatalf("%d bytes left over", len(b))
		}
	})
}

// FuzzDecodeBinary checks that what decodes is exactly what encodes.
func FuzzDecodeBinary(f *testing.F) {
	for _, s := range []string{"00", "020101", "070a017842", "02130a", "021464", "211280000000000000000000000000000000", "82000001"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, rest, err := exact.DecodeBinary(b)
		if err != nil {
			return
		}
		used := b[:len(b)-len(rest)]
		if got := n.AppendBinary(nil); !bytes.Equal(got, used) {
			t.Fatalf("%x decodes to %s, which encodes to %x", used, n, got)
		}
		if d, err := exact.FromDecimal(n.Decimal()); err != nil || !d.Equal(n) {
			t.Fatalf("FromDecimal(Decimal(%s)) = %s, %v", n, d, err)
		}
	})
}
