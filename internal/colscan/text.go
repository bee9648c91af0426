package colscan

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// float returns the number in a leaf of kind Double. A FLOAT means its
// shortest decimal, as a DOUBLE does, so it becomes the double with that same
// decimal and not the one with its binary digits.
func float(s *leafSpec, v *value) float64 {
	if s.phys != physFloat {
		return math.Float64frombits(v.bits)
	}
	narrow := float64(math.Float32frombits(uint32(v.bits)))
	if narrow == 0 || math.IsNaN(narrow) || math.IsInf(narrow, 0) {
		return narrow
	}
	var buf [32]byte
	wide, err := strconv.ParseFloat(string(strconv.AppendFloat(buf[:0], narrow, 'g', -1, 32)), 64)
	if err != nil {
		return narrow // cannot be: every finite float32 is in range
	}
	return wide
}

const (
	secondsPerDay = 24 * 60 * 60
	// julianEpoch is the Julian day number of 1970-01-01.
	julianEpoch = 2440588
)

// instant returns the time in a leaf of kind Timestamp, in UTC.
func instant(s *leafSpec, v *value) (time.Time, error) {
	var t time.Time
	n := int64(v.bits)
	switch {
	case s.phys == physInt96:
		// Nanoseconds of the day, then the Julian day.
		nanos := binary.LittleEndian.Uint64(v.bytes)
		day := int64(int32(binary.LittleEndian.Uint32(v.bytes[8:])))
		if nanos > secondsPerDay*1e9 {
			return t, badValue("timestamp of %d nanoseconds in a day", nanos)
		}
		t = time.Unix((day-julianEpoch)*secondsPerDay, int64(nanos))
	case s.unit == 0:
		t = time.Unix(n*secondsPerDay, 0)
	case s.unit == 1:
		t = time.UnixMilli(n)
	case s.unit == 2:
		t = time.UnixMicro(n)
	default:
		t = time.Unix(0, n)
	}
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return t, badValue("timestamp %d is beyond the year 9999", n)
	}
	return t, nil
}

// appendText appends the canonical text of a value that is not null: numbers
// without exponent and spare zeros, times in RFC 3339.
func appendText(b []byte, s *leafSpec, v *value) ([]byte, error) {
	switch s.kind {
	case String:
		return append(b, v.bytes...), nil
	case Double:
		if s.phys == physFloat {
			return strconv.AppendFloat(b, float64(math.Float32frombits(uint32(v.bits))), 'f', -1, 32), nil
		}
		return strconv.AppendFloat(b, math.Float64frombits(v.bits), 'f', -1, 64), nil
	case Int64:
		if s.unsigned {
			return strconv.AppendUint(b, v.bits, 10), nil
		}
		return strconv.AppendInt(b, int64(v.bits), 10), nil
	case Bool:
		return strconv.AppendBool(b, v.bits != 0), nil
	case Timestamp:
		t, err := instant(s, v)
		if err != nil {
			return b, err
		}
		return t.AppendFormat(b, time.RFC3339Nano), nil
	case Decimal:
		return appendDecimal(b, s, v)
	}
	return b, ErrKind
}

// appendDecimal appends a fixed-point number: an integer in two's complement
// and the scale of its column.
func appendDecimal(b []byte, s *leafSpec, v *value) ([]byte, error) {
	var digits []byte
	neg := false
	if s.phys == physInt32 || s.phys == physInt64 {
		n := int64(v.bits)
		neg = n < 0
		m := uint64(n)
		if neg {
			m = -m
		}
		digits = strconv.AppendUint(nil, m, 10)
	} else {
		if len(v.bytes) > maxDecimalBytes {
			return b, badValue("decimal of %d bytes", len(v.bytes))
		}
		n := new(big.Int).SetBytes(v.bytes)
		if len(v.bytes) > 0 && v.bytes[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(v.bytes))*8))
		}
		neg = n.Sign() < 0
		digits = n.Abs(n).Append(nil, 10)
	}
	scale := int(s.scale)
	for len(digits) <= scale {
		digits = slices.Insert(digits, 0, '0')
	}
	if neg {
		b = append(b, '-')
	}
	point := len(digits) - scale
	b = append(b, digits[:point]...)
	if scale == 0 {
		return b, nil
	}
	b = append(append(b, '.'), digits[point:]...)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b, nil
}

// appendObject appends pairs as one JSON object with sorted keys. Of equal
// keys the last in the file counts. It reorders pairs.
func appendObject(b []byte, pairs []Pair, numbers bool) []byte {
	slices.SortStableFunc(pairs, func(x, y Pair) int {
		switch {
		case x.Key < y.Key:
			return -1
		case x.Key > y.Key:
			return 1
		}
		return 0
	})
	b = append(b, '{')
	first := true
	for i, p := range pairs {
		if i+1 < len(pairs) && pairs[i+1].Key == p.Key {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendQuoted(b, p.Key), ':')
		// NaN and infinities have no JSON form; quoted they reach the caller,
		// who refuses them with the coordinates that matter.
		if last := len(p.Value) - 1; numbers && last >= 0 && p.Value[last] <= '9' {
			b = append(b, p.Value...)
		} else {
			b = appendQuoted(b, p.Value)
		}
	}
	return append(b, '}')
}

// appendQuoted appends s as a JSON string. Bytes that are not UTF-8 become
// the replacement character.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i++
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += size
		}
	}
	return append(b, '"')
}
